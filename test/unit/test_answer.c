/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP requests and neighbour solicitations that the switch answers itself, and those that it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/trace.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

/* What a fixture's macros fill in first is replaced. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define QUESTIONS 20000
#define ADVERT_FLAGS 0x60000000 /* solicited, override: RFC 4861, 4.4 */

enum { UPLINK, ONE, TWO, STRANGER, FLOODED, OTHER };
enum { FAR = 9, UNKNOWN = 20 };

/* Three networks with the same addresses; the second is not proxied. */
static const struct topology proxied = {
	.name = "proxied",
	.network = {{true, 10, 0, true}, {true, 20, 0, false}, {true, 30, 0, true}},
	.port =
		{
			[UPLINK] = {.present = true, .uplink = true},
			[ONE] = {.present = true, .host = 1, .ips = {IP4(1), IP6(1)}},
			[TWO] = {.present = true,
				.host = 2,
				.ips = {IP4(2), IP6(2), LINK_LOCAL(2)}},
			[STRANGER] = {.present = true,
				.no_guard = true,
				.learning = true,
				.macs_max = 64},
			[FLOODED] =
				{.present = true, .network = 1, .host = 1, .ips = {IP4(1), IP6(1)}},
			[OTHER] =
				{.present = true, .network = 2, .host = 2, .ips = {IP4(1), IP6(1)}},
		},
	.neighbour = {{0, PORT_NONE, IP4(FAR), HOST(FAR)}, {0, PORT_NONE, IP6(FAR), HOST(FAR)}},
};

/* What makes a question one that is not to be answered. */
enum defect {
	SOUND,
	TO_ONE,	     /* unicast */
	PROBE,	     /* without a sender address */
	GRATUITOUS,  /* for one's own address */
	FOREIGN_MAC, /* the sender's MAC is not that of the frame */
	INNER_TAG,
	NO_REQUEST, /* another operation, or message */
	FIELD,	    /* one that is checked has another value */
	CHECKSUM,   /* IPv6 */
	EXTENSION,
	WRONG_GROUP,
	LINK_LOCAL_TARGET,
	OPTION_LENGTH,
	DEFECTS,
};

static bool is_of_ip6(enum defect defect)
{
	return defect >= CHECKSUM;
}

static struct packet question(unsigned from, unsigned target, bool ip6, enum defect defect)
{
	struct packet arp = {.dst = BROADCAST,
		.kind = PACKET_ARP,
		.arp_op = 1,
		.src_ip = host_ip4(from),
		.dst_ip = host_ip4(target)};
	struct packet nd = {.dst = {{0x33, 0x33, 0xff, 0, 0, (uint8_t)target}},
		.kind = PACKET_IPV6,
		.proto = 58,
		.icmp_type = 135,
		.src_ip = host_ip6(from),
		.dst_ip = {.family = 6,
			.b = {0xff, 2, [11] = 1, [12] = 0xff, [15] = (uint8_t)target}},
		.nd = {.target = host_ip6(target), .option = 1}};
	struct packet p = ip6 ? nd : arp;

	p.src = p.arp_sender = p.nd.option_mac = host_mac(from);
	if (defect == TO_ONE)
		p.dst = host_mac(target);
	if (defect == PROBE)
		p.src_ip = (struct ip){.family = ip6 ? 6 : 4};
	if (defect == GRATUITOUS)
		p.src_ip = ip6 ? p.nd.target : p.dst_ip;
	if (defect == FOREIGN_MAC)
		p.arp_sender = host_mac(77);
	if (defect == NO_REQUEST) {
		p.arp_op = 2;
		p.icmp_type = 136;
	}
	p.hop_by_hop = defect == EXTENSION;
	if (defect == WRONG_GROUP)
		p.dst_ip.b[15] ^= 0x80;
	if (defect == LINK_LOCAL_TARGET)
		p.nd.target = host_link_local(target);
	return p;
}

/* What the description cannot say. l3: where ARP or IPv6 begins. */
static void spoil(struct rnd *r, uint8_t *l3, bool ip6, enum defect defect)
{
	switch (defect) {
	case FIELD:
		if (ip6)
			l3[rnd_below(r, 2) ? 7 : 41]++; /* hop limit, code */
		else
			l3[rnd_below(r, 8)] ^= 0x20; /* up to the operation */
		break;
	case CHECKSUM:
		l3[42 + rnd_below(r, 22)] ^= (uint8_t)(1 + rnd_below(r, 255));
		break;
	case OPTION_LENGTH:
		l3[65] = rnd_below(r, 2) ? 0 : 2;
		break;
	default:
		break;
	}
}

static void sum_again(uint8_t *ip6)
{
	uint16_t len = (uint16_t)(ip6[4] << 8 | ip6[5]);
	uint16_t sum;

	ip6[42] = ip6[43] = 0;
	sum = slow_checksum(ip6 + 40, len, slow_pseudo_sum(ip6, 58, len));
	ip6[42] = (uint8_t)(sum >> 8);
	ip6[43] = (uint8_t)sum;
}

/* The contract, slowly: who of the network has the address. 0: nobody that the switch answers for. */
static unsigned owner_of(uint16_t in, unsigned from, unsigned target)
{
	unsigned owner = 0;

	switch (in) {
	case UPLINK: /* VLAN 10 */
	case ONE:
	case TWO:
	case STRANGER:
		owner = target <= 2 || (target == FAR && in != UPLINK) ? target : 0;
		break;
	case OTHER: /* or its own question */
	case FLOODED:
	default:
		break;
	}
	return owner == in || owner == from ? 0 : owner;
}

static struct packet answer_to(unsigned from, unsigned target, unsigned owner, bool ip6)
{
	struct packet arp = {.kind = PACKET_ARP,
		.arp_op = 2,
		.src_ip = host_ip4(target),
		.dst_ip = host_ip4(from),
		.arp_sender = host_mac(owner),
		.arp_target = host_mac(from)};
	struct packet nd = {.kind = PACKET_IPV6,
		.proto = 58,
		.icmp_type = 136,
		.src_ip = host_ip6(target),
		.dst_ip = host_ip6(from),
		.nd = {.target = host_ip6(target),
			.option = 2,
			.option_mac = host_mac(owner),
			.flags = ADVERT_FLAGS}};
	struct packet p = ip6 ? nd : arp;

	p.src = host_mac(owner);
	p.dst = host_mac(from);
	return p;
}

static unsigned all_out(const struct rig *rig)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++)
		n += rig->bench->port[i] != NULL ? rig->bench->port[i]->n_out : 0;
	return n;
}

static uint64_t answered(const struct rig *rig)
{
	return rig_drops(rig, DROP_arp_answered) + rig_drops(rig, DROP_nd_answered);
}

static void check_answer(const struct rig *rig, uint16_t in, const struct packet *want)
{
	static uint8_t plain[PACKET_BYTES_MAX];
	static uint8_t bytes[PACKET_BYTES_MAX];
	const struct test_port *tp = rig->bench->port[in];
	size_t len = frame_retag(
		plain, packet_build(want, plain, NULL), false, in == UPLINK ? 10 : 0, bytes);

	assert_int_equal(all_out(rig), 1);
	assert_int_equal(tp->n_out, 1);
	assert_int_equal(tp->out[0].len, len);
	assert_memory_equal(tp->out[0].bytes, bytes, len);
	assert_int_equal(tp->out[0].offload, 0);
	assert_int_equal(tp->mbufs_taken, 0);
}

static void check_trace(const struct rig *rig, uint16_t in, const struct test_frame *frame,
	unsigned owner, bool ip6)
{
	static struct trace_result result;

	assert_int_equal(
		trace_frame(rig->bench->snap, in, frame->bytes, (uint16_t)frame->len, &result), 0);
	if (owner == 0) {
		assert_true(
			result.verdict != TRACE_DROP ||
			(result.reason != DROP_arp_answered && result.reason != DROP_nd_answered));
		return;
	}
	assert_int_equal(result.verdict, TRACE_DROP);
	assert_int_equal(result.reason, ip6 ? DROP_nd_answered : DROP_arp_answered);
	assert_non_null(strstr(result.step[result.n_steps - 1], "the switch itself"));
}

static unsigned from_of(struct rnd *r, uint16_t in)
{
	if (in == ONE || in == TWO)
		return in;
	if (in == FLOODED)
		return 1;
	if (in == OTHER)
		return 2;
	/* Also somebody who has the MAC of one that is known. */
	return rnd_below(r, 10) == 0 ? 2 : 30;
}

static unsigned ask(struct rig *rig, struct rnd *r, struct test_frame *frame, uint8_t *bytes)
{
	static const unsigned targets[] = {1, 2, FAR, UNKNOWN};
	uint16_t in = (uint16_t)rnd_below(r, OTHER + 1);
	unsigned from = from_of(r, in);
	unsigned target = targets[rnd_below(r, 4)];
	bool ip6 = rnd_below(r, 2);
	enum defect defect = rnd_below(r, 2) ? SOUND : (enum defect)rnd_below(r, DEFECTS);
	struct packet p = question(from, target, ip6, defect);
	unsigned owner = owner_of(in, from, target);
	struct packet want = answer_to(from, target, owner, ip6);
	unsigned tags = 0;
	uint64_t before = answered(rig);

	if (in == UPLINK)
		p.tag[tags++] = (struct packet_tag){0x8100, 10};
	if (defect == INNER_TAG)
		p.tag[tags++] = (struct packet_tag){0x8100, 0};
	frame->len = (uint32_t)packet_build(&p, bytes, NULL);
	spoil(r, bytes + 14 + 4U * tags, ip6, defect);
	/* So that only what was meant to be wrong is wrong. */
	if (ip6 && (defect == OPTION_LENGTH || defect == FIELD))
		sum_again(bytes + 14 + 4U * tags);
	if (defect != SOUND && !(is_of_ip6(defect) && !ip6) && !(defect == FOREIGN_MAC && ip6))
		owner = 0;
	check_trace(rig, in, frame, owner, ip6);
	test_port_inject(rig->bench->port[in], frame);
	rig_poll(rig, in);
	assert_int_equal(answered(rig) - before, owner != 0);
	if (owner != 0)
		check_answer(rig, in, &want);
	else
		assert_int_equal(rig->bench->port[in]->n_out, 0);
	rig_check_books(rig);
	rig_clear(rig);
	return owner;
}

static void test_against_reference(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	struct test_frame frame = {.bytes = bytes};
	struct rnd r = rnd_start("questions");
	struct rig *rig = rig_create(&proxied);
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		rig->bench->port[ONE]->piece = (unsigned)rnd_below(&r, 100);
		n += ask(rig, &r, &frame, bytes) != 0;
	}
	assert_true(n > QUESTIONS / 10);
	assert_true(rig_drops(rig, DROP_arp_answered) > 0 && rig_drops(rig, DROP_nd_answered) > 0);
	rig_free(rig);
}

/* Whatever bytes: what is answered is answered as a whole frame, and nothing is read beyond what came. */
static void test_nonsense(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	struct test_frame frame = {.bytes = bytes};
	struct rnd r = rnd_start("nonsense");
	struct rig *rig = rig_create(&proxied);

	(void)state;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct packet p = question(30, 1, rnd_below(&r, 2), SOUND);

		frame.len = (uint32_t)packet_build(&p, bytes, NULL);
		for (unsigned k = (unsigned)rnd_below(&r, 4); k > 0; k--)
			bytes[12 + rnd_below(&r, frame.len - 12)] = (uint8_t)rnd_next(&r);
		if (rnd_below(&r, 4) == 0)
			frame.len = 14 + (uint32_t)rnd_below(&r, frame.len - 13);
		test_port_inject(rig->bench->port[STRANGER], &frame);
		rig_poll(rig, STRANGER);
		rig_check_books(rig);
		rig_clear(rig);
	}
	rig_free(rig);
}

/* The guard first; then a whole burst of questions, each answered; and the asker pays for them by its rate. */
static void test_guard_burst_and_rate(void **state)
{
	struct topology slow = proxied;
	struct packet p = question(1, 2, false, SOUND);
	struct rig *rig = rig_create(&proxied);

	(void)state;
	p.src_ip = host_ip4(FAR);
	test_port_inject_packet(rig->bench->port[ONE], &p);
	rig_poll(rig, ONE);
	assert_int_equal(rig_drops(rig, DROP_spoofed_arp), 1);
	assert_int_equal(all_out(rig), 0);
	p = question(1, 2, false, SOUND);
	for (unsigned i = 0; i < BURST_MAX; i++)
		test_port_inject_packet(rig->bench->port[ONE], &p);
	assert_int_equal(rig_poll(rig, ONE), 1);
	assert_int_equal(rig->bench->port[ONE]->n_out, BURST_MAX);
	assert_int_equal(all_out(rig), BURST_MAX);
	rig_check_books(rig);
	rig_free(rig);
	slow.port[ONE].tx.packets_per_s = 1;
	rig = rig_create(&slow);
	for (unsigned i = 0; i < 6 * BURST_MAX; i++) {
		test_port_inject_packet(rig->bench->port[ONE], &p);
		rig_poll(rig, ONE);
		rig_clear(rig);
	}
	assert_true(rig_drops(rig, DROP_tx_pps) > 0);
	assert_int_equal(
		rig_drops(rig, DROP_tx_pps) + rig_drops(rig, DROP_arp_answered), 6 * BURST_MAX);
	rig_check_books(rig);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_reference),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_guard_burst_and_rate),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
