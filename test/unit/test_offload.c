/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments and sums against a plain reference that works on a flat copy, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/unit/packet.h"

#define ROUNDS 4000

static struct packet packet;
static struct pieces pieces;
static struct offload_slot slot, finished;
static uint8_t flat[PACKET_MAX];

/* Is the checksum in this flat segment of packet right: does everything add up to 0xffff? */
static void check_l4_sum(const struct packet *p, const uint8_t *data, uint32_t len)
{
	uint32_t sum = pseudo_sum(p, len - p->l4);

	assert_int_equal(plain_sum(sum, data + p->l4, len - p->l4), 0xffff);
}

static void finish_and_check(const struct packet *p)
{
	struct rnd r = {p->len};

	packet_to_frame(&r, p, &pieces);
	assert_true(offload_valid(&pieces.frame));
	assert_int_equal(offload_wire_frames(&pieces.frame), 1);
	assert_int_equal(offload_wire_bytes(&pieces.frame), p->len);
	offload_finish_csum(&pieces.frame, &slot);
	assert_int_equal(slot.frame.offload, FRAME_CSUM_VALID);
	assert_int_equal(frame_flatten(&slot.frame, flat), p->len);
	check_l4_sum(p, flat, p->len);
	/* Nothing else changed, the source not at all. */
	memcpy(flat + p->l4 + (p->tcp ? 16 : 6), p->data + p->l4 + (p->tcp ? 16 : 6), 2);
	assert_memory_equal(flat, p->data, p->len);
	assert_memory_equal(pieces.head, p->data, pieces.frame.head_len);
}

static void test_finish_random(void **state)
{
	struct rnd r = rnd_start("finish");

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t n = (uint32_t)rnd_below(&r, i % 50 == 0 ? 65000 : 1600);

		packet_build(&r, &packet, rnd_below(&r, 2), rnd_below(&r, 2), n);
		finish_and_check(&packet);
	}
}

/* A payload that makes the sum come out as 0: UDP has to send 0xffff (RFC 768). */
static void test_udp_zero(void **state)
{
	struct rnd r = rnd_start("zero");
	uint32_t sum;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		packet_build(&r, &packet, i % 2, false, 40);
		be16(packet.data + packet.payload, 0);
		sum = plain_sum(
			pseudo_sum(&packet, packet.len - packet.l4), packet.data + packet.l4, 6);
		sum = plain_sum(sum, packet.data + packet.payload, 40);
		be16(packet.data + packet.payload, ~sum & 0xffff);
		finish_and_check(&packet);
		offload_finish_csum(&pieces.frame, &slot);
		assert_int_equal(rd16(slot.head + packet.l4 + 6), 0xffff);
	}
}

/* Segment i of n in flat, against what RFC 9293 and RFC 791 say it has to be. */
static void check_segment(
	const struct packet *p, uint32_t i, uint32_t n, uint32_t mss, uint32_t len)
{
	uint32_t headers = p->payload;
	uint32_t from = i * mss;
	uint32_t part = p->len - headers - from < mss ? p->len - headers - from : mss;
	const uint8_t *ip = flat + p->l3;
	const uint8_t *whole = p->data + p->l3;
	uint8_t flags = p->data[p->l4 + 13];

	assert_int_equal(len, headers + part);
	assert_memory_equal(flat + headers, p->data + headers + from, part);
	assert_memory_equal(flat, p->data, p->l3);
	if (p->ipv6) {
		assert_int_equal(rd16(ip + 4), len - p->l3 - 40);
		assert_memory_equal(ip, whole, 4);
		assert_memory_equal(ip + 6, whole + 6, p->l4 - p->l3 - 6);
	} else {
		assert_int_equal(rd16(ip + 2), len - p->l3);
		assert_int_equal(rd16(ip + 4), (rd16(whole + 4) + i) & 0xffff);
		assert_int_equal(plain_sum(0, ip, p->l4 - p->l3), 0xffff);
		assert_memory_equal(ip, whole, 2);
		assert_memory_equal(ip + 6, whole + 6, 4);
		assert_memory_equal(ip + 12, whole + 12, p->l4 - p->l3 - 12);
	}
	if (i != n - 1)
		flags &= 0xf6;
	if (i != 0)
		flags &= 0x7f;
	assert_int_equal(flat[p->l4 + 13], flags);
	assert_int_equal(rd32(flat + p->l4 + 4), rd32(p->data + p->l4 + 4) + from);
	assert_memory_equal(flat + p->l4, p->data + p->l4, 4);
	assert_memory_equal(flat + p->l4 + 8, p->data + p->l4 + 8, 5);
	assert_memory_equal(flat + p->l4 + 14, p->data + p->l4 + 14, 2);
	assert_memory_equal(flat + p->l4 + 18, p->data + p->l4 + 18, p->payload - p->l4 - 18);
	check_l4_sum(p, flat, len);
}

static void segment_and_check(struct rnd *r, const struct packet *p, uint16_t mss)
{
	uint32_t payload = p->len - p->payload;
	uint32_t n = payload <= mss ? 1 : (payload + mss - 1) / mss;
	struct frame *f = &pieces.frame;

	packet_to_frame(r, p, &pieces);
	f->gso_type = p->ipv6 ? FRAME_GSO_TCPV6 : FRAME_GSO_TCPV4;
	if (p->data[p->l4 + 13] & 0x80)
		f->gso_type |= FRAME_GSO_ECN;
	f->gso_size = mss;
	assert_true(offload_valid(f));
	assert_int_equal(offload_wire_frames(f), n);
	assert_int_equal(offload_wire_bytes(f), payload + n * p->payload);
	for (uint32_t i = 0; i < n; i++) {
		offload_segment(f, i, &slot);
		assert_int_equal(slot.frame.offload, FRAME_NEEDS_CSUM);
		assert_int_equal(slot.frame.gso_type, FRAME_GSO_NONE);
		assert_int_equal(slot.frame.gso_size, 0);
		assert_true(offload_valid(&slot.frame));
		if (i % 2 == 0) {
			offload_finish_csum(&slot.frame, &finished);
		} else { /* in place */
			offload_finish_csum(&slot.frame, &slot);
			finished = slot;
			finished.frame.head = finished.head;
			finished.frame.tail = finished.tail;
		}
		check_segment(p, i, n, mss, frame_flatten(&finished.frame, flat));
	}
	assert_memory_equal(pieces.head, p->data, f->head_len);
}

static void test_segment_random(void **state)
{
	struct rnd r = rnd_start("segment");

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t n = (uint32_t)rnd_below(&r, i % 50 == 0 ? 65000 : 5000);
		uint16_t mss = (uint16_t)(1 + rnd_below(&r, i % 3 == 0 ? 60 : 1500));

		packet_build(&r, &packet, rnd_below(&r, 2), true, n);
		if (n / mss >= OFFLOAD_SEGMENTS_MAX)
			mss = 1460;
		segment_and_check(&r, &packet, mss);
	}
}

/* Payloads around multiples of the segment's size; each flag alone and together. */
static void test_segment_boundaries(void **state)
{
	static const uint8_t flags[] = {0x10, 0x11, 0x18, 0x19, 0x90, 0xd9, 0xc2};
	struct rnd r = rnd_start("boundaries");

	(void)state;
	for (unsigned k = 0; k <= 5; k++) {
		for (int off = -1; off <= 1; off++) {
			for (unsigned f = 0; f < sizeof(flags); f++) {
				uint32_t n = k == 0 && off < 0 ? 0 : k * 1448 + (uint32_t)off;

				packet_build(&r, &packet, f % 2, true, n);
				packet.data[packet.l4 + 13] = flags[f];
				segment_and_check(&r, &packet, 1448);
			}
		}
	}
}

/* What a hostile sender asks for: how it differs from a valid request, and what is said. */
struct request {
	const char *name;
	bool ipv6, udp, gso;
	int start, offset; /* added to the right ones */
	int size;	   /* gso_size, 0: 1000 */
	int type;	   /* 0: the right one */
	uint8_t flags_off, flags_on, proto;
	uint8_t head_l4; /* how much from the transport header on lies in the head, 0: all */
	uint8_t doff;	 /* 0: as it is */
	uint32_t len;	 /* 0: as it is */
	bool no_csum, ok;
};

static const struct request requests[] = {
	{.name = "tcp sum", .ok = true},
	{.name = "udp sum", .udp = true, .ok = true},
	{.name = "tcp6 sum", .ipv6 = true, .ok = true},
	{.name = "gso", .gso = true, .ok = true},
	{.name = "gso6", .gso = true, .ipv6 = true, .ok = true},
	{.name = "gso ecn", .gso = true, .type = 0x81, .ok = true},
	{.name = "no request", .no_csum = true, .ok = true},
	{.name = "sum over the MAC", .start = -34, .offset = -16},
	{.name = "sum into the IP source", .start = -20, .offset = -4},
	{.name = "start in the payload", .start = 30},
	{.name = "start one off", .start = 1},
	{.name = "start at the end", .start = 1000},
	{.name = "start far off", .start = 65000},
	{.name = "start wrapped", .start = -38},
	{.name = "offset of udp for tcp", .offset = -10},
	{.name = "offset of tcp for udp", .udp = true, .offset = 10},
	{.name = "offset far off", .offset = 65000},
	{.name = "offset into the ports", .offset = -16},
	{.name = "icmp", .proto = IPPROTO_ICMP},
	{.name = "sctp", .proto = IPPROTO_SCTP},
	{.name = "no transport header", .flags_off = FRAME_L4},
	{.name = "first fragment", .flags_on = FRAME_FRAG_FIRST},
	{.name = "later fragment", .flags_on = FRAME_FRAG_LATER},
	{.name = "field behind the head", .head_l4 = 12},
	{.name = "gso of fragments", .gso = true, .flags_on = FRAME_FRAG_FIRST},
	{.name = "gso without a sum", .gso = true, .no_csum = true},
	{.name = "gso of size 1", .gso = true, .size = 1, .len = 60000},
	{.name = "gso of 1025 segments", .gso = true, .size = 50, .len = 54 + 50 * 1024 + 1},
	{.name = "gso of 1024 segments",
		.gso = true,
		.size = 50,
		.len = 54 + 50 * 1024,
		.ok = true},
	{.name = "gso of size 0", .gso = true, .size = -1},
	{.name = "gso v6 for v4", .gso = true, .type = FRAME_GSO_TCPV6},
	{.name = "gso v4 for v6", .gso = true, .ipv6 = true, .type = FRAME_GSO_TCPV4},
	{.name = "gso of udp", .gso = true, .udp = true},
	{.name = "ufo", .gso = true, .udp = true, .type = 3},
	{.name = "udp l4", .gso = true, .udp = true, .type = 5},
	{.name = "ecn alone", .gso = true, .type = 0x80},
	{.name = "gso of kind 2", .gso = true, .type = 2},
	{.name = "tcp header of 16", .gso = true, .doff = 4},
	{.name = "tcp header of 0", .gso = true, .doff = 0xf0},
	{.name = "tcp header beyond the head", .gso = true, .doff = 15, .head_l4 = 59},
	{.name = "all header", .gso = true, .len = 54, .ok = true},
	{.name = "header longer than the frame", .gso = true, .doff = 6, .len = 54},
};

/* No options and no tags: 14 + 20 or 40 + 20 or 8 bytes of headers, 1000 of payload. */
static void make_request(const struct request *q)
{
	struct rnd r = {1};
	struct frame *f = &pieces.frame;

	do
		packet_build(&r, &packet, q->ipv6, !q->udp, 1000);
	while (packet.payload != 14U + (q->ipv6 ? 40 : 20) + (q->udp ? 8 : 20));
	if (q->doff != 0)
		packet.data[packet.l4 + 12] = (uint8_t)(q->doff << 4);
	packet_to_frame(&r, &packet, &pieces);
	if (q->no_csum)
		f->offload = 0;
	f->csum_start = (uint16_t)(f->csum_start + q->start);
	f->csum_offset = (uint16_t)(f->csum_offset + q->offset);
	f->flags = (uint8_t)((f->flags & ~q->flags_off) | q->flags_on);
	f->l4_proto = q->proto != 0 ? q->proto : f->l4_proto;
	if (q->head_l4 != 0)
		f->head_len = (uint16_t)(packet.l4 + q->head_l4);
	if (q->gso) {
		f->gso_type = (uint8_t)(q->ipv6 ? FRAME_GSO_TCPV6 : FRAME_GSO_TCPV4);
		f->gso_type = q->type != 0 ? (uint8_t)q->type : f->gso_type;
		f->gso_size = q->size == 0 ? 1000 : q->size < 0 ? 0 : (uint16_t)q->size;
	}
	if (q->len != 0)
		f->len = q->len;
	if (f->head_len > f->len)
		f->head_len = (uint16_t)f->len;
}

static void test_hostile_requests(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		make_request(&requests[i]);
		if (offload_valid(&pieces.frame) != requests[i].ok)
			fail_msg("%s: %s", requests[i].name,
				requests[i].ok ? "refused" : "accepted");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finish_random),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_segment_random),
		cmocka_unit_test(test_segment_boundaries),
		cmocka_unit_test(test_hostile_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
