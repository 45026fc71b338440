/* SPDX-License-Identifier: BSD-3-Clause */
/* What is over a rate waits and goes at the rate, whole and in order, or is marked or dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "dataplane/shaper.h"
#include "lib/checksum.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/pair.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define MBIT 1000000
#define FRAME_BITS_MAX (1514 * 8)

/* The side that shapes: the sender's tx, or the receiver's rx. */
static struct rig *shaped(
	struct topology *t, enum meter_side side, uint64_t bits_per_s, uint64_t burst_bits)
{
	struct test_rate rate = {bits_per_s, burst_bits, .shape = true};

	*t = two;
	if (side == METER_TX)
		t->port[SENDER].tx = rate;
	else
		t->port[RECEIVER].rx = rate;
	return rig_create(t);
}

static struct shaper *shaper_of(const struct rig *rig, enum meter_side side)
{
	return side == METER_TX ? rig->bench->tx[SENDER]->shaper : rig->bench->rx[RECEIVER]->shaper;
}

static uint16_t port_of(enum meter_side side)
{
	return side == METER_TX ? SENDER : RECEIVER;
}

static void move(struct rig *rig, uint64_t ticks)
{
	rig->now_tsc += ticks;
	pipeline_clock(rig->pipeline, rig->now_tsc);
}

static void send_packet(struct rig *rig, const struct packet *p)
{
	rig->bench->port[SENDER]->piece = 1000;
	test_port_inject_packet(rig->bench->port[SENDER], p);
	rig_poll(rig, SENDER);
	rig_check_books(rig);
}

/* On to when the shaper wants to be asked, which is after `ticks`, and not a tick earlier. */
static void due_after(struct rig *rig, enum meter_side side, uint64_t ticks)
{
	struct test_port *out = rig->bench->port[RECEIVER];
	unsigned before = out->n_out;

	assert_int_equal(shaper_due(shaper_of(rig, side)) - rig->now_tsc, ticks);
	move(rig, ticks - 1);
	assert_int_equal(rig_resume(rig, port_of(side)), 0);
	move(rig, 1);
	assert_int_equal(rig_resume(rig, port_of(side)), 1);
	assert_int_equal(out->n_out, before + 1);
	rig_check_books(rig);
}

/* Frames of 1000 bytes at 1 Mb/s: every 8 ms one, to the tick, as they came. */
static void test_paced(void **state)
{
	(void)state;
	for (enum meter_side side = METER_TX; side < METER_SIDES; side++) {
		struct topology t;
		struct rig *rig = shaped(&t, side, MBIT, FRAME_BITS_MAX);
		struct test_port *out = rig->bench->port[RECEIVER];
		struct packet p = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 958};
		uint64_t each = (rte_get_tsc_hz() * 8000 + MBIT - 1) / MBIT;
		uint8_t want[PACKET_BYTES_MAX];

		/* The burst holds one, and half of another. */
		send_packet(rig, &p);
		assert_int_equal(out->n_out, 1);
		for (unsigned i = 0; i < 5; i++) {
			p.tos = (uint8_t)(4 * i);
			send_packet(rig, &p);
		}
		rig_resume(rig, port_of(side));
		assert_int_equal(out->n_out, 1);
		assert_int_equal(bench_waiting(rig->bench), 5);
		due_after(
			rig, side, (rte_get_tsc_hz() * (16000 - FRAME_BITS_MAX) + MBIT - 1) / MBIT);
		for (unsigned i = 1; i < 5; i++)
			due_after(rig, side,
				shaper_due(shaper_of(rig, side)) - rig->now_tsc == each - 1
					? each - 1
					: each);
		assert_true(shaper_is_idle(shaper_of(rig, side)));
		for (unsigned i = 0; i < 5; i++) {
			p.tos = (uint8_t)(4 * i);
			assert_int_equal(packet_build(&p, want, NULL), out->out[i + 1].len);
			assert_memory_equal(out->out[i + 1].bytes, want, out->out[i + 1].len);
		}
		rig_free(rig);
	}
}

/* The clock goes on, and what may go goes. */
static void run_ticks(struct rig *rig, enum meter_side side, uint64_t ticks)
{
	uint64_t end = rig->now_tsc + ticks;

	for (;;) {
		uint64_t due = shaper_due(shaper_of(rig, side));

		if (due > end)
			break;
		move(rig, due > rig->now_tsc ? due - rig->now_tsc : 0);
		rig_resume(rig, port_of(side));
		rig_check_books(rig);
	}
	move(rig, end - rig->now_tsc);
}

static void run(struct rig *rig, enum meter_side side, uint64_t ms)
{
	run_ticks(rig, side, ms * (rte_get_tsc_hz() / 1000));
}

static uint32_t load_be32(const uint8_t *b)
{
	return (uint32_t)load_be16(b) << 16 | load_be16(b + 2);
}

/* What of a large segment cannot go at once goes as its frames, each at its time. */
static void test_large_segments_are_cut(void **state)
{
	struct packet p = {BETWEEN4(SENDER, RECEIVER), TCP(1000, 80, ACK), .payload = 14000,
		.gso_size = 1400, .needs_csum = true};

	(void)state;
	for (enum meter_side side = METER_TX; side < METER_SIDES; side++) {
		struct topology t;
		struct rig *rig = shaped(&t, side, MBIT, FRAME_BITS_MAX);
		struct test_port *out = rig->bench->port[RECEIVER];
		uint32_t first;

		send_packet(rig, &p);
		assert_int_equal(bench_waiting(rig->bench), 10);
		run(rig, side, 1000);
		assert_int_equal(out->n_out, 10);
		first = load_be32(out->out[0].bytes + 38);
		for (unsigned i = 0; i < 10; i++) {
			assert_int_equal(out->out[i].len, 1454);
			assert_int_equal(out->out[i].gso_type, FRAME_GSO_NONE);
			assert_int_equal(load_be32(out->out[i].bytes + 38) - first, 1400 * i);
		}
		rig_free(rig);
		/* In a fraction of a millisecond it is over: nobody is kept waiting for long by it. */
		rig = shaped(&t, side, (uint64_t)1000 * MBIT, 10 * 1454 * 8);
		send_packet(rig, &p);
		send_packet(rig, &p);
		assert_int_equal(bench_waiting(rig->bench), 1);
		run(rig, side, 1);
		assert_int_equal(rig->bench->port[RECEIVER]->n_out, 2);
		rig_free(rig);
	}
}

/* More than a shaper may hold is dropped, of the flow that has most. */
static void test_bounded(void **state)
{
	(void)state;
	for (enum meter_side side = METER_TX; side < METER_SIDES; side++) {
		struct topology t;
		struct rig *rig = shaped(&t, side, 10 * MBIT, FRAME_BITS_MAX);
		struct packet loud = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 1458};
		struct packet quiet = {BETWEEN4(SENDER, RECEIVER), UDP(3, 4), .payload = 20};
		const struct shaper_stats *stats = &shaper_of(rig, side)->stats;

		for (unsigned i = 0; i < 100; i++) {
			send_packet(rig, i == 50 ? &quiet : &loud);
			rig_resume(rig, port_of(side));
			rig_clear(rig);
			/* 20 ms, and what is next. */
			assert_true(stats->waiting_bytes <= 10 * MBIT / 8 / 50 + 1514);
		}
		assert_int_equal(
			rig_drops(rig, side == METER_TX ? DROP_tx_queue_full : DROP_rx_queue_full),
			stats->full_packets);
		assert_true(stats->full_packets > 70);
		/* The quiet one was the next to go. */
		assert_int_equal(stats->sent_packets + stats->waiting_packets +
					 stats->full_packets + stats->codel_packets,
			99);
		run(rig, side, 1000);
		assert_int_equal(stats->waiting_packets, 0);
		rig_free(rig);
	}
}

/* The checksum of an IPv4 header, its own field included. */
static uint16_t sum_of(const uint8_t *ip)
{
	return checksum_bytes(ip, 20);
}

/* Who sends a little too much for long is marked where it understands that, and is dropped where not. */
static void overload(enum meter_side side, struct packet *p, bool ecn)
{
	struct topology t;
	struct rig *rig = shaped(&t, side, 10 * MBIT, FRAME_BITS_MAX);
	struct test_port *out = rig->bench->port[RECEIVER];
	const struct shaper_stats *stats = &shaper_of(rig, side)->stats;
	unsigned marks = 0;

	for (unsigned i = 0; i < 1000; i++) {
		send_packet(rig, p);
		run(rig, side, 1);
		for (unsigned k = 0; k < out->n_out; k++) {
			const uint8_t *ip = out->out[k].bytes + 14;
			uint8_t tos = p->kind == PACKET_IPV4 ? ip[1] : ip[1] >> 4 & 0xf;

			marks += (tos & 3) == 3;
			assert_true((tos & 3) == 3 || (tos & 3) == (p->tos & 3));
			if (p->kind == PACKET_IPV4)
				assert_int_equal(sum_of(ip), 0xffff);
		}
		rig_clear(rig);
	}
	assert_int_equal(stats->marked_packets, marks);
	if (ecn)
		assert_true(marks > 5 && stats->codel_packets == 0);
	else
		assert_true(marks == 0 && stats->codel_packets > 5);
	assert_int_equal(rig_drops(rig, side == METER_TX ? DROP_tx_codel : DROP_rx_codel),
		stats->codel_packets);
	rig_free(rig);
}

static void test_marks_and_drops(void **state)
{
	struct packet p4 = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 1458};
	struct packet p6 = {BETWEEN6(SENDER, RECEIVER), UDP(1, 2), .payload = 1438};

	(void)state;
	for (enum meter_side side = METER_TX; side < METER_SIDES; side++)
		for (uint8_t ecn = 0; ecn < 3; ecn++) {
			p4.tos = p6.tos = ecn;
			overload(side, &p4, ecn != 0);
			overload(side, &p6, ecn != 0);
		}
}

/* What waits is decided by the configuration of when it goes. */
static void test_another_policy(void **state)
{
	struct topology t;
	struct rig *rig = shaped(&t, METER_TX, MBIT, FRAME_BITS_MAX);
	struct packet p = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 1400};
	struct topology denied = t;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		send_packet(rig, &p);
	denied.port[RECEIVER].group = 1;
	denied.group[1] = (struct test_group){true, true};
	bench_reconfigure(rig->bench, &denied);
	run(rig, METER_TX, 1000);
	rig_check_books(rig);
	assert_int_equal(rig_drops(rig, DROP_default_deny), 3);
	assert_int_equal(bench_waiting(rig->bench), 0);
	rig_free(rig);
}

/* The last reference drops what waits, and says how many. */
static void test_gone(void **state)
{
	struct packet p = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 1400};
	struct topology t;
	struct rig *rig = shaped(&t, METER_RX, MBIT, FRAME_BITS_MAX);
	struct shaper *shaper = shaper_of(rig, METER_RX);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		send_packet(rig, &p);
	rig_resume(rig, RECEIVER);
	shaper_ref(shaper);
	assert_int_equal(shaper_unref(shaper), 0);
	assert_int_equal(shaper_unref(shaper), 3);
	rig->bench->rx[RECEIVER]->shaper = NULL;
	rig_free(rig);
}

/* A packet of some flow, of some size. */
static struct packet random_packet(struct rnd *r)
{
	struct packet udp = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2)};
	struct packet tcp = {BETWEEN4(SENDER, RECEIVER), TCP(1000, 80, ACK), .gso_size = 1000,
		.needs_csum = true};

	udp.sport = (uint16_t)(1 + rnd_below(r, 20));
	udp.payload = (uint16_t)(18 + rnd_below(r, 1440));
	tcp.payload = (uint16_t)(1000 + rnd_below(r, 13000));
	return rnd_below(r, 10) == 0 ? tcp : udp;
}

/*
 * Whatever comes: what has gone by any time is at most the burst and what the rate gave since, and as long as something
 * waits less by no more than a frame. Who comes late loses only what the bucket does not hold.
 */
static void random_load(struct rnd *r, enum meter_side side)
{
	uint64_t rate = MBIT * (1 + rnd_below(r, 100));
	uint64_t burst = FRAME_BITS_MAX + rnd_below(r, 100000);
	struct topology t;
	struct rig *rig = shaped(&t, side, rate, burst);
	uint64_t hz = rte_get_tsc_hz();
	/* As on a wire; what is whole has the headers of its frames there. */
	const struct meter_count *passed =
		&rig->pipeline->stats[port_of(side)].metered[side][METER_PASS];
	const struct meter *meter =
		side == METER_TX ? rig->bench->tx[SENDER] : rig->bench->rx[RECEIVER];
	uint64_t frame = RTE_MAX(FRAME_BITS_MAX, meter->shape.whole_max * 8);
	/* When the bucket was full for the last time, and what had gone then, in bits. */
	uint64_t full_tsc = rig->now_tsc, full_bits = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct packet p = random_packet(r);
		uint64_t gone, may;

		if (rnd_below(r, 3) != 0)
			send_packet(rig, &p);
		run_ticks(rig, side, rnd_below(r, hz / 2000));
		rig_clear(rig);
		gone = passed->bytes * 8 - full_bits;
		may = burst + (uint64_t)((unsigned __int128)(rig->now_tsc - full_tsc) * rate / hz);
		assert_true(gone <= may);
		if (!shaper_is_idle(shaper_of(rig, side))) {
			assert_true(gone + frame > may);
		} else if (may - gone >= burst) {
			full_tsc = rig->now_tsc;
			full_bits = passed->bytes * 8;
		}
	}
	rig_free(rig);
}

static void test_random_load(void **state)
{
	struct rnd r = rnd_start("shaping");

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		random_load(&r, i % 2 ? METER_TX : METER_RX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paced),
		cmocka_unit_test(test_large_segments_are_cut),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_marks_and_drops),
		cmocka_unit_test(test_another_policy),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_random_load),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
