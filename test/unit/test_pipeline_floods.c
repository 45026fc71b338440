/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits on what several receive: exact, each kind by itself, of endpoints and of uplinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

#pragma GCC diagnostic ignored "-Woverride-init"

enum { UPLINK, SENDER, LEARNS, LEARNS_TOO };

#define CONFIGS 60
#define STEPS 150
#define BATCH_MAX 16
#define ACCEPTED_MAX (STEPS * BATCH_MAX)

static const struct topology four = {
	.name = "four",
	.network = {{true, 10, 0}},
	.port =
		{
			[UPLINK] = {.present = true, .uplink = true},
			[SENDER] = {.present = true, .host = SENDER},
			[LEARNS] = {.present = true, .no_guard = true, .learning = true},
			[LEARNS_TOO] = {.present = true, .no_guard = true, .learning = true},
		},
};

static const enum drop_reason reasons[FLOOD_KINDS] = {
	[FLOOD_BROADCAST] = DROP_broadcast_rate,
	[FLOOD_MULTICAST] = DROP_multicast_rate,
	[FLOOD_UNKNOWN_UNICAST] = DROP_unknown_unicast_rate,
};

static struct packet flood_of(uint16_t from, enum flood_kind kind)
{
	static const struct mac dst[FLOOD_KINDS] = {
		[FLOOD_BROADCAST] = BROADCAST,
		[FLOOD_MULTICAST] = {{0x01, 0x00, 0x5e, 0, 0, 1}},
		[FLOOD_UNKNOWN_UNICAST] = HOST(99),
	};
	struct packet p = {BETWEEN4(SENDER, 99), UDP(1, 2)};

	p.dst = dst[kind];
	if (from == UPLINK) {
		p.src = host_mac(9);
		p.tag[0] = (struct packet_tag){0x8100, 10};
	}
	return p;
}

/*
 * A bucket by what it promises: from any frame that passed up to now no more have passed than a burst and what the rate
 * gives in that time.
 */
struct promise {
	uint64_t rate;
	uint64_t burst;
	unsigned n;
	uint64_t passed[ACCEPTED_MAX]; /* at which tick */
};

static bool promise_take(struct promise *b, uint64_t now)
{
	uint64_t hz = rte_get_tsc_hz();

	for (unsigned k = 0; k < b->n; k++) {
		unsigned __int128 room = (unsigned __int128)b->burst * hz +
					 (unsigned __int128)(now - b->passed[k]) * b->rate;

		if ((unsigned __int128)(b->n - k + 1) * hz > room)
			return false;
	}
	b->passed[b->n++] = now;
	return true;
}

static unsigned n_out(const struct rig *rig)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++)
		if (rig->bench->port[i] != NULL)
			n += rig->bench->port[i]->n_out;
	return n;
}

/* A burst of floods of any kind; what passes is what the promises have room for. */
static void random_burst(struct rig *rig, struct rnd *r, uint16_t from, struct promise *promises,
	uint64_t dropped[FLOOD_KINDS])
{
	unsigned want = 0;

	for (uint64_t n = 1 + rnd_below(r, BATCH_MAX); n > 0; n--) {
		enum flood_kind kind = rnd_below(r, FLOOD_KINDS);
		struct packet p = flood_of(from, kind);
		unsigned receivers = from == UPLINK && kind == FLOOD_UNKNOWN_UNICAST ? 2 : 3;

		test_port_inject_packet(rig->bench->port[from], &p);
		if (promises[kind].rate == 0 || promise_take(&promises[kind], rig->now_tsc))
			want += receivers;
		else
			dropped[kind]++;
	}
	rig_poll(rig, from);
	assert_int_equal(n_out(rig), want);
	for (unsigned kind = 0; kind < FLOOD_KINDS; kind++)
		assert_int_equal(rig_drops(rig, reasons[kind]), dropped[kind]);
	rig_check_books(rig);
	rig_clear(rig);
}

static void test_random_floods(void **state)
{
	static const uint64_t rates[] = {0, 1, 9, 30, 100, 333, 1000, 100000};
	struct rnd r = rnd_start("floods against what buckets promise");
	static struct promise promises[FLOOD_KINDS];
	uint64_t all[FLOOD_KINDS] = {0};

	(void)state;
	for (unsigned config = 0; config < CONFIGS; config++) {
		uint16_t from = config & 1 ? UPLINK : SENDER;
		uint64_t dropped[FLOOD_KINDS] = {0};
		struct topology t = four;
		struct rig *rig;

		memset(promises, 0, sizeof(promises));
		for (unsigned kind = 0; kind < FLOOD_KINDS; kind++) {
			uint64_t rate = rates[rnd_below(&r, sizeof(rates) / sizeof(rates[0]))];

			t.port[from].flood_pps[kind] = promises[kind].rate = rate;
			promises[kind].burst =
				rate / 10 > FLOOD_BURST_MIN ? rate / 10 : FLOOD_BURST_MIN;
		}
		rig = rig_create(&t);
		for (unsigned step = 0; step < STEPS; step++) {
			random_burst(rig, &r, from, promises, dropped);
			rig_advance_ms(rig, rnd_below(&r, 60));
			if (step == STEPS / 2)
				bench_reconfigure(rig->bench, &t);
		}
		for (unsigned kind = 0; kind < FLOOD_KINDS; kind++)
			all[kind] += dropped[kind];
		rig_free(rig);
	}
	for (unsigned kind = 0; kind < FLOOD_KINDS; kind++)
		assert_true(all[kind] > 100);
}

static void send_packets(struct rig *rig, const struct packet *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		test_port_inject_packet(rig->bench->port[SENDER], p);
		assert_int_equal(rig_poll(rig, SENDER), 1);
		rig_clear(rig);
	}
	rig_check_books(rig);
}

/* Where one port alone gets it, it is no flood. */
static void test_unknown_with_one_way_out(void **state)
{
	struct packet p = flood_of(SENDER, FLOOD_UNKNOWN_UNICAST);
	struct topology t = four;
	struct rig *rig;

	(void)state;
	t.port[LEARNS].present = t.port[LEARNS_TOO].present = false;
	t.port[SENDER].flood_pps[FLOOD_UNKNOWN_UNICAST] = 1;
	rig = rig_create(&t);
	send_packets(rig, &p, 2 * FLOOD_BURST_MIN);
	assert_int_equal(rig_drops(rig, DROP_unknown_unicast_rate), 0);
	rig_free(rig);
}

/* What the guard refuses costs nothing; what the limit refuses costs nothing of the sender's rate. */
static void test_floods_and_other_limits(void **state)
{
	struct packet shout = flood_of(SENDER, FLOOD_BROADCAST);
	struct packet liar = shout;
	struct packet plain = {BETWEEN4(SENDER, 99), UDP(1, 2)};
	uint64_t frame = packet_build(&shout, (uint8_t[PACKET_BYTES_MAX]){0}, NULL) * 8;
	struct topology t = four;
	struct rig *rig;

	(void)state;
	liar.src = host_mac(77);
	t.port[SENDER].flood_pps[FLOOD_BROADCAST] = 1;
	t.port[SENDER].tx = (struct test_rate){1, (FLOOD_BURST_MIN + 3) * frame, 0, false};
	rig = rig_create(&t);
	send_packets(rig, &liar, 100);
	send_packets(rig, &shout, FLOOD_BURST_MIN + 50);
	assert_int_equal(rig_drops(rig, DROP_spoofed_mac), 100);
	assert_int_equal(rig_drops(rig, DROP_broadcast_rate), 50);
	assert_int_equal(rig_drops(rig, DROP_tx_rate), 0);
	send_packets(rig, &plain, 5);
	assert_int_equal(rig_drops(rig, DROP_tx_rate), 2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_floods),
		cmocka_unit_test(test_unknown_with_one_way_out),
		cmocka_unit_test(test_floods_and_other_limits),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
