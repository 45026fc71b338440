/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers: what is found in whole ones, and that broken ones are never read beyond their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/alloc.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define MUTATIONS 100000
#define GARBAGE 40000

/* The head alone, exactly as long as it is: the address sanitizer sees who reads beyond it. */
static uint8_t parse(const uint8_t *bytes, size_t len, struct frame *f)
{
	uint16_t head_len = (uint16_t)(len < FRAME_HEAD_MAX ? len : FRAME_HEAD_MAX);
	uint8_t *head = memcpy(alloc_zero(head_len, 1), bytes, head_len);
	uint8_t drop;

	memset(f, 0, sizeof(*f));
	f->head = head;
	f->head_len = head_len;
	f->len = (uint32_t)len;
	drop = parse_frame(f);
	free(head);
	f->head = NULL;
	return drop;
}

static const struct {
	struct packet packet;
	uint8_t flags;
	uint8_t proto;
	uint8_t l3_off;
	uint8_t l4_off;
} whole[] = {
	{{BETWEEN4(1, 2), UDP(1, 2)}, FRAME_IPV4 | FRAME_L4, 17, 14, 34},
	{{BETWEEN4(1, 2), TCP(1, 2, ACK)}, FRAME_IPV4 | FRAME_L4, 6, 14, 34},
	{{BETWEEN4(1, 2), TCP(1, 2, SYN)}, FRAME_IPV4 | FRAME_L4 | FRAME_TCP_CONTROL, 6, 14, 34},
	{{BETWEEN4(1, 2), TCP(1, 2, 0x11)}, FRAME_IPV4 | FRAME_L4 | FRAME_TCP_CONTROL, 6, 14, 34},
	{{BETWEEN4(1, 2), TCP(1, 2, 0x04)}, FRAME_IPV4 | FRAME_L4 | FRAME_TCP_CONTROL, 6, 14, 34},
	{{BETWEEN4(1, 2), UDP(1, 2), .ip_options = 10}, FRAME_IPV4 | FRAME_L4, 17, 14, 74},
	{{BETWEEN4(1, 2), UDP(1, 2), TAGGED(5)}, FRAME_IPV4 | FRAME_L4, 17, 18, 38},
	{{BETWEEN4(1, 2), UDP(1, 2), .tag = {{0x88a8, 5}, {0x8100, 6}}}, FRAME_IPV4 | FRAME_L4, 17,
		22, 42},
	{{BETWEEN4(1, 2), UDP(1, 2), .more = true}, FRAME_IPV4 | FRAME_L4 | FRAME_FRAG_FIRST, 17,
		14, 34},
	{{BETWEEN4(1, 2), UDP(1, 2), .frag_off = 1}, FRAME_IPV4 | FRAME_FRAG_LATER, 17, 14, 0},
	{{BETWEEN4(1, 2), .proto = 47, .payload = 4}, FRAME_IPV4 | FRAME_L4, 47, 14, 34},
	{{BETWEEN6(1, 2), UDP(1, 2)}, FRAME_IPV6 | FRAME_L4, 17, 14, 54},
	{{BETWEEN6(1, 2), UDP(1, 2), .hop_by_hop = true}, FRAME_IPV6 | FRAME_L4, 17, 14, 62},
	{{BETWEEN6(1, 2), UDP(1, 2), .fragment = true}, FRAME_IPV6 | FRAME_L4, 17, 14, 62},
	{{BETWEEN6(1, 2), UDP(1, 2), .fragment = true, .more = true},
		FRAME_IPV6 | FRAME_L4 | FRAME_FRAG_FIRST, 17, 14, 62},
	{{BETWEEN6(1, 2), UDP(1, 2), .fragment = true, .frag_off = 3},
		FRAME_IPV6 | FRAME_FRAG_LATER, 17, 14, 0},
	{{.dst = BROADCAST, .src = HOST(1), .kind = PACKET_ARP}, FRAME_ARP | FRAME_MULTICAST, 0, 14,
		0},
	{{.dst = HOST(2), .src = HOST(1), .ethertype = 0x88b5}, 0, 0, 14, 0},
};

static void test_whole(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		size_t len = packet_build(&whole[i].packet, bytes, NULL);
		struct frame f;

		assert_int_equal(parse(bytes, len, &f), 0);
		assert_int_equal(f.flags, whole[i].flags);
		assert_int_equal(f.l4_proto, whole[i].proto);
		assert_int_equal(f.l3_off, whole[i].l3_off);
		assert_int_equal(f.l4_off, whole[i].l4_off);
	}
}

/* An IP packet that ends before it says is malformed, wherever it ends. */
static void test_cut(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		size_t len = packet_build(&whole[i].packet, bytes, NULL);
		bool is_raw = whole[i].packet.kind == PACKET_RAW;
		struct frame f;

		for (size_t cut = FRAME_LEN_MIN; cut < len; cut++)
			if (parse(bytes, cut, &f) == 0 && !is_raw)
				fail_msg("packet %zu is taken when cut to %zu", i, cut);
	}
}

static void check_offsets(const struct frame *f)
{
	assert_true(f->l3_off >= FRAME_LEN_MIN);
	if (f->flags & FRAME_IPV4)
		assert_true(f->l3_off + 20U <= f->head_len);
	if (f->flags & FRAME_IPV6)
		assert_true(f->l3_off + 40U <= f->head_len);
	if (f->flags & FRAME_ARP)
		assert_true(f->l3_off + 28U <= f->head_len);
	if ((f->flags & FRAME_L4) == 0)
		return;
	assert_true(f->flags & (FRAME_IPV4 | FRAME_IPV6));
	assert_false(f->flags & FRAME_FRAG_LATER);
	assert_true(f->l4_off >= f->l3_off + 20U && f->l4_off <= f->head_len);
	if (f->l4_proto == 6)
		assert_true(f->l4_off + 20U <= f->head_len);
	if (f->l4_proto == 17 || f->l4_proto == 1 || f->l4_proto == 58)
		assert_true(f->l4_off + 8U <= f->head_len);
}

/* A whole packet with some bytes changed, cut or lengthened. */
static size_t mutate(struct rnd *r, uint8_t *bytes)
{
	const struct packet_fixture *fx;
	size_t n = 1; /* the table is not empty */
	size_t len;

	while (fixture_at(n) != NULL)
		n++;
	fx = fixture_at(rnd_below(r, n));
	len = packet_build(&fx->packet, bytes, NULL);
	for (unsigned k = (unsigned)rnd_below(r, 4); k > 0; k--)
		bytes[12 + rnd_below(r, len - 12)] =
			(uint8_t)(rnd_below(r, 2) ? rnd_next(r) : rnd_below(r, 64));
	if (rnd_below(r, 4) == 0)
		len = FRAME_LEN_MIN + rnd_below(r, len - FRAME_LEN_MIN + 1);
	return len;
}

static void test_mutations(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	struct rnd r = rnd_start("parse");
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < MUTATIONS; i++) {
		size_t len = mutate(&r, bytes);
		struct frame f;

		if (parse(bytes, len, &f) != 0)
			continue;
		taken++;
		check_offsets(&f);
	}
	assert_true(taken > MUTATIONS / 5 && taken < MUTATIONS);
}

static size_t plain(struct rnd *r, uint8_t *bytes)
{
	struct packet p = {BETWEEN4(1, 2), .proto = rnd_below(r, 2) ? 6 : 17, .tcp_flags = ACK};
	size_t len;

	p.payload = (uint16_t)rnd_below(r, 200);
	len = packet_build(&p, bytes, NULL);
	for (unsigned k = (unsigned)rnd_below(r, 3); k > 0; k--)
		bytes[rnd_below(r, 54)] ^= (uint8_t)(1 << rnd_below(r, 8));
	return rnd_below(r, 8) ? len : FRAME_LEN_MIN + rnd_below(r, len - FRAME_LEN_MIN + 1);
}

/* What parse_plain() takes, it takes as parse_frame() does; and it takes what it is for. */
static void test_plain(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	struct rnd r = rnd_start("plain");
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < MUTATIONS; i++) {
		size_t len = rnd_below(&r, 2) ? plain(&r, bytes) : mutate(&r, bytes);
		struct frame f = {.head = bytes, .len = (uint32_t)len};
		struct frame g;

		f.head_len = (uint16_t)(len < FRAME_HEAD_MAX ? len : FRAME_HEAD_MAX);
		g = f;
		if (!parse_plain(&f)) {
			assert_memory_equal(&f, &g, sizeof(f));
			continue;
		}
		taken++;
		assert_int_equal(parse_frame(&g), 0);
		assert_memory_equal(&f, &g, sizeof(f));
	}
	assert_true(taken > MUTATIONS / 5);
}

/* And through all stages, with offload requests that make no sense. */
static void test_garbage(void **state)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	static const char *const names[] = {
		"own_mac_and_ip", "allowed", "judged_per_receiver", "learn_30_at_4"};
	struct rnd r = rnd_start("garbage");

	(void)state;
	for (size_t t = 0; t < sizeof(names) / sizeof(names[0]); t++) {
		const struct topology *topology = fixture_named(names[t])->topology;
		struct rig *rig = rig_create(topology);

		for (unsigned i = 0; i < GARBAGE / 4; i++) {
			struct test_frame frame = {
				.bytes = bytes, .len = (uint32_t)mutate(&r, bytes)};
			uint16_t in = (uint16_t)rnd_below(&r, 4);

			if (rnd_below(&r, 4) == 0) {
				frame.offload = FRAME_NEEDS_CSUM;
				frame.csum_start = (uint16_t)rnd_below(&r, 120);
				frame.csum_offset = (uint16_t)(rnd_below(&r, 2) ? 16 : 6);
				frame.gso_type = (uint8_t)rnd_below(&r, 6);
				frame.gso_size = (uint16_t)(1 + rnd_below(&r, 1500));
			}
			test_port_inject(rig->bench->port[in], &frame);
			rig_poll(rig, in);
			rig_clear(rig);
			rig_advance_ms(rig, 1);
		}
		rig_check_books(rig);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_garbage),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
