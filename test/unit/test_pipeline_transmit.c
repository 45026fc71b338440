/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a receiver does not take is finished on the way out: compared with a segmenter and a checksum
 * that work on flat frames, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define ALL_CAPS (PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_ECN)
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

enum { SENDER = 1, PLAIN, SUMS, SEGMENTS, TAKES_ALL };

static const struct topology receivers = {
	.name = "receivers",
	.network = {{true, 10, 0}},
	.port =
		{
			[0] = {.present = true, .uplink = true},
			[SENDER] = {.present = true, .host = SENDER},
			[PLAIN] = {.present = true, .host = PLAIN},
			[SUMS] = {.present = true, .host = SUMS, .caps = PORT_CAP_CSUM},
			[SEGMENTS] = {.present = true,
				.host = SEGMENTS,
				.caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6},
			[TAKES_ALL] = {.present = true, .host = TAKES_ALL, .caps = ALL_CAPS},
		},
};

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The transport checksum of a flat frame, from nothing. */
static void finish(uint8_t *bytes, size_t len, const struct packet_layout *at, uint8_t proto)
{
	uint8_t *l4 = bytes + at->l4_off;
	uint32_t l4_len = (uint32_t)(len - at->l4_off);
	uint16_t sum;

	put16(l4 + at->csum_offset, 0);
	sum = slow_checksum(l4, l4_len, slow_pseudo_sum(bytes + at->l3_off, proto, l4_len));
	put16(l4 + at->csum_offset, sum == 0 ? 0xffff : sum);
}

/* Segment i of a flat TCP frame, summed, without a tag. */
static size_t segment(const struct packet *p, unsigned i, uint8_t *ret, struct packet_layout *at)
{
	static uint8_t whole[PACKET_BYTES_MAX];
	size_t len = packet_build(p, whole, at);
	size_t headers = at->l4_off + 20U;
	size_t from = headers + (size_t)i * p->gso_size;
	size_t part = len - from < p->gso_size ? len - from : p->gso_size;
	uint8_t *ip = ret + at->l3_off;
	uint8_t *tcp = ret + at->l4_off;
	uint32_t seq;

	memcpy(ret, whole, headers);
	memcpy(ret + headers, whole + from, part);
	if (p->kind == PACKET_IPV4) {
		put16(ip + 2, (unsigned)(headers + part - at->l3_off));
		put16(ip + 4, (get16(ip + 4) + i) & 0xffff);
		put16(ip + 10, 0);
		put16(ip + 10, slow_checksum(ip, (ip[0] & 15U) * 4, 0));
	} else {
		put16(ip + 4, (unsigned)(headers + part - at->l3_off - 40));
	}
	seq = ((uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6)) + i * p->gso_size;
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq & 0xffff);
	if (from + part != len)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i != 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	finish(ret, headers + part, at, 6);
	return headers + part;
}

static unsigned segments_of(const struct packet *p)
{
	return p->gso_size == 0 ? 1 : (p->payload + p->gso_size - 1U) / p->gso_size;
}

/* Every segment of p, in order, at this port. */
static void check_segments(const struct test_port *tp, const struct packet *p, uint16_t vlan)
{
	static uint8_t want[PACKET_BYTES_MAX];
	static uint8_t tagged[PACKET_BYTES_MAX];
	unsigned n = segments_of(p);

	assert_int_equal(tp->n_out, n);
	for (unsigned i = 0; i < n; i++) {
		const struct test_frame *out = &tp->out[i];
		struct packet_layout at;
		size_t len = segment(p, i, want, &at);

		len = frame_retag(want, len, false, vlan, tagged);
		assert_int_equal(out->gso_type, FRAME_GSO_NONE);
		assert_int_equal(out->len, len);
		if (out->offload & FRAME_NEEDS_CSUM) {
			assert_true(tp->port.caps & PORT_CAP_CSUM);
			assert_int_equal(out->csum_start, at.l4_off + (vlan != 0 ? 4 : 0));
			at.l4_off = out->csum_start;
			at.l3_off = (uint16_t)(at.l3_off + (vlan != 0 ? 4 : 0));
			/* The pseudo header's sum is in place, as the receiver needs it. */
			put16(tagged + at.l4_off + 16,
				(uint16_t)~slow_checksum(NULL, 0,
					slow_pseudo_sum(tagged + at.l3_off, 6,
						(uint32_t)(len - at.l4_off))));
		}
		assert_memory_equal(out->bytes, tagged, len);
	}
}

static struct packet large(enum packet_kind kind, unsigned to, uint16_t payload, uint16_t gso)
{
	struct packet v4 = {BETWEEN4(SENDER, 1), TCP(1000, 80, 0x18 | TCP_FIN | TCP_CWR)};
	struct packet v6 = {BETWEEN6(SENDER, 1), TCP(1000, 80, 0x18 | TCP_FIN | TCP_CWR)};
	struct packet p = kind == PACKET_IPV4 ? v4 : v6;

	p.dst = host_mac(to);
	p.dst_ip = kind == PACKET_IPV4 ? host_ip4(to) : host_ip6(to);
	p.payload = payload;
	p.gso_size = gso;
	p.needs_csum = true;
	p.frag_id = 0xfffe; /* wraps */
	return p;
}

static void send_packet(struct rig *rig, const struct packet *p)
{
	rig->bench->port[SENDER]->piece = 1000;
	test_port_inject_packet(rig->bench->port[SENDER], p);
	assert_int_equal(rig_poll(rig, SENDER), 1);
	rig_check_books(rig);
}

static void check_one(enum packet_kind kind, unsigned to, uint16_t payload, uint16_t gso)
{
	struct rig *rig = rig_create(&receivers);
	struct packet p = large(kind, to, payload, gso);
	unsigned port = to > TAKES_ALL ? 0 : to;

	send_packet(rig, &p);
	check_segments(rig->bench->port[port], &p, port == 0 ? 10 : 0);
	assert_int_equal(rig->pipeline->stats[SENDER].copies, segments_of(&p) - 1);
	assert_int_equal(rig->pipeline->stats[port].tx_packets, segments_of(&p));
	assert_int_equal(rig->bench->port[port]->mbufs_taken, 0);
	rig_free(rig);
}

static void test_segments(void **state)
{
	static const uint16_t payloads[] = {1, 1399, 1400, 1401, 2800, 4201, 44801, 46000, 65000};

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		check_one(PACKET_IPV4, PLAIN, payloads[i], 1400);
		check_one(PACKET_IPV6, PLAIN, payloads[i], 1400);
		check_one(PACKET_IPV4, SUMS, payloads[i], 1400);
		check_one(PACKET_IPV6, SUMS, payloads[i], 1400);
		check_one(PACKET_IPV4, 9, payloads[i], 1400); /* the uplink, tagged */
		check_one(PACKET_IPV6, 9, payloads[i], 1400);
	}
	check_one(PACKET_IPV4, PLAIN, 40, 1); /* more than a burst of tiny ones */
	check_one(PACKET_IPV6, SUMS, 999, 17);
	check_one(PACKET_IPV4, PLAIN, 999, 17);
}

/* Who takes it as it is gets it as it is, ECN where that is understood too. */
static void test_whole(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];

	(void)state;
	for (unsigned ecn = 0; ecn < 2; ecn++) {
		struct rig *rig = rig_create(&receivers);
		struct packet p = large(PACKET_IPV4, ecn ? TAKES_ALL : SEGMENTS, 60000, 1400);
		const struct test_port *tp = rig->bench->port[ecn ? TAKES_ALL : SEGMENTS];
		size_t len = packet_build(&p, bytes, NULL);

		p.ecn = ecn;
		send_packet(rig, &p);
		assert_int_equal(tp->n_out, 1);
		assert_int_equal(tp->out[0].len, len);
		assert_memory_equal(tp->out[0].bytes, bytes, len);
		assert_int_equal(tp->out[0].gso_size, 1400);
		assert_int_equal(tp->out[0].gso_type, FRAME_GSO_TCPV4 | (ecn ? FRAME_GSO_ECN : 0));
		assert_int_equal(tp->out[0].offload, FRAME_NEEDS_CSUM);
		assert_int_equal(tp->mbufs_taken, 1);
		rig_free(rig);
	}
}

static void test_ecn_where_it_is_not_understood(void **state)
{
	struct rig *rig = rig_create(&receivers);
	struct packet p = large(PACKET_IPV4, SEGMENTS, 5000, 1400);

	(void)state;
	p.ecn = true;
	send_packet(rig, &p);
	check_segments(rig->bench->port[SEGMENTS], &p, 0);
	rig_free(rig);
}

/* One frame, five receivers that take different things of it. */
static void test_flood_to_all_kinds(void **state)
{
	struct rig *rig = rig_create(&receivers);
	struct packet p = large(PACKET_IPV4, 2, 45000, 1400);
	unsigned n = segments_of(&p);

	(void)state;
	p.dst = (struct mac)BROADCAST;
	send_packet(rig, &p);
	check_segments(rig->bench->port[PLAIN], &p, 0);
	check_segments(rig->bench->port[SUMS], &p, 0);
	check_segments(rig->bench->port[0], &p, 10);
	assert_int_equal(rig->bench->port[SEGMENTS]->n_out, 1);
	assert_int_equal(rig->bench->port[TAKES_ALL]->n_out, 1);
	assert_int_equal(rig->pipeline->stats[SENDER].copies, 4 + 3 * (n - 1));
	for (unsigned i = 0; i <= TAKES_ALL; i++)
		assert_int_equal(rig->bench->port[i]->mbufs_taken, 0);
	rig_free(rig);
}

/* Unfinished checksums of TCP and UDP, also where the sum comes out as 0. */
static void test_sums(void **state)
{
	static uint8_t want[PACKET_BYTES_MAX];
	static uint8_t tagged[PACKET_BYTES_MAX];

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		struct packet p = {BETWEEN4(SENDER, PLAIN), UDP(0, 80), .needs_csum = true};
		struct packet p6 = {BETWEEN6(SENDER, PLAIN), TCP(0, 80, 0x10), .needs_csum = true};
		struct packet_layout at;
		struct rig *rig;
		size_t len;
		bool far = i % 5 == 0;

		if (i & 1)
			p = p6;
		p.sport = (uint16_t)(i * 37);
		p.payload = (uint16_t)(i % 300);
		if (far) {
			p.dst = host_mac(9);
			p.tag[0] = (struct packet_tag){0x8100, 5};
		}
		rig = rig_create(&receivers);
		send_packet(rig, &p);
		len = packet_build(&p, want, &at);
		finish(want, len, &at, p.proto);
		len = frame_retag(want, len, false, far ? 10 : 0, tagged);
		assert_int_equal(rig->bench->port[far ? 0 : PLAIN]->n_out, 1);
		assert_int_equal(
			rig->bench->port[far ? 0 : PLAIN]->out[0].offload & FRAME_NEEDS_CSUM, 0);
		assert_memory_equal(rig->bench->port[far ? 0 : PLAIN]->out[0].bytes, tagged, len);
		rig_free(rig);
	}
}

static void test_sum_of_zero(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	struct packet p = {BETWEEN4(SENDER, PLAIN), UDP(0, 80)};
	struct rig *rig = rig_create(&receivers);
	struct packet_layout at;
	size_t len;

	(void)state;
	/* The source port that brings the sum to 0: what the checksum is without it. */
	len = packet_build(&p, bytes, &at);
	p.sport = (uint16_t)get16(bytes + at.l4_off + 6);
	p.needs_csum = true;
	send_packet(rig, &p);
	assert_int_equal(rig->bench->port[PLAIN]->out[0].len, len);
	assert_int_equal(get16(rig->bench->port[PLAIN]->out[0].bytes + at.l4_off + 6), 0xffff);
	rig_free(rig);
}

/* From a trunk: the tag comes off, and what counts from the first byte moves along. */
static void test_offload_from_uplink(void **state)
{
	static uint8_t want[PACKET_BYTES_MAX];
	static uint8_t untagged[PACKET_BYTES_MAX];
	struct rig *rig = rig_create(&receivers);
	struct packet p = {BETWEEN4(9, PLAIN), TAGGED(10), UDP(1, 2), .needs_csum = true};
	struct packet_layout at;
	size_t len = packet_build(&p, want, &at);

	(void)state;
	test_port_inject_packet(rig->bench->port[0], &p);
	rig_poll(rig, 0);
	finish(want, len, &at, 17);
	len = frame_retag(want, len, true, 0, untagged);
	assert_int_equal(rig->bench->port[PLAIN]->n_out, 1);
	assert_memory_equal(rig->bench->port[PLAIN]->out[0].bytes, untagged, len);
	rig_check_books(rig);
	rig_free(rig);
}

/* MTU: of each frame that it becomes. */
static void test_mtu_of_segments(void **state)
{
	struct rig *rig = rig_create(&receivers);
	struct packet p = large(PACKET_IPV4, TAKES_ALL, 14000, 1460);

	(void)state;
	send_packet(rig, &p);
	assert_int_equal(rig->bench->port[TAKES_ALL]->n_out, 1);
	p.gso_size = 1461;
	send_packet(rig, &p);
	assert_int_equal(rig_drops(rig, DROP_mtu_exceeded), 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_ecn_where_it_is_not_understood),
		cmocka_unit_test(test_flood_to_all_kinds),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_sum_of_zero),
		cmocka_unit_test(test_offload_from_uplink),
		cmocka_unit_test(test_mtu_of_segments),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
