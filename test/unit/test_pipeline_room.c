/* SPDX-License-Identifier: BSD-3-Clause */
/* What is shaped goes to its receiver when that has room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "dataplane/shaper.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/pair.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define MBIT 1000000
#define GBIT (1000ULL * MBIT)
#define ONE_FRAME_BITS (1514 * 8) /* a burst */
#define PARTS 10		  /* of a segment */
#define LONG_US 100000		  /* longer than a frame takes at 1 Mb/s */

static struct rig *rig;
static struct test_port *out;
static struct shaper *shaper;
static struct topology topology;

static void begin(uint64_t bits_per_s, uint64_t burst_bits)
{
	topology = two;
	topology.port[RECEIVER].rx = (struct test_rate){bits_per_s, burst_bits, .shape = true};
	rig = rig_create(&topology);
	out = rig->bench->port[RECEIVER];
	shaper = rig->bench->rx[RECEIVER]->shaper;
}

static void send_frames(unsigned n)
{
	const struct packet p = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 958};

	for (unsigned i = 0; i < n; i++)
		test_port_inject_packet(rig->bench->port[SENDER], &p);
	rig_poll(rig, SENDER);
	rig_check_books(rig);
}

static uint64_t us(uint64_t n)
{
	return n * rte_get_tsc_hz() / 1000000;
}

static void move(uint64_t ticks)
{
	rig->now_tsc += ticks;
	pipeline_clock(rig->pipeline, rig->now_tsc);
}

/* It is asked less and less often, and nothing is lost. */
static void test_waits_for_room(void **state)
{
	(void)state;
	begin(MBIT, ONE_FRAME_BITS);
	for (unsigned i = 0; i < 4; i++)
		send_frames(1);
	out->room = 0;
	for (unsigned turn = 0; turn < 2; turn++) {
		move(us(LONG_US));
		for (uint64_t after = 10; after < 10000; after *= 2) {
			assert_int_equal(rig_resume(rig, RECEIVER), 0);
			assert_int_equal(
				shaper_due(shaper) - rig->now_tsc, us(RTE_MIN(after, 5000U)));
			move(shaper_due(shaper) - rig->now_tsc);
			rig_check_books(rig);
		}
		assert_int_equal(out->n_out, 1 + turn);
		out->room = 2;
		assert_int_equal(rig_resume(rig, RECEIVER), 1);
		out->room = 0;
	}
	out->room = UINT16_MAX;
	move(us(LONG_US));
	assert_int_equal(rig_resume(rig, RECEIVER), 1);
	rig_check_books(rig);
	assert_int_equal(out->n_out, 4);
	assert_true(shaper_is_idle(shaper));
	rig_free(rig);
}

/* As much as goes at a time; how many frames. */
static unsigned take_once(void)
{
	return pipeline_resume(rig->pipeline, rig->bench->snap, RECEIVER, METER_RX, BURST_MAX);
}

/* What is within the rate, too; and no more goes than there is room for. */
static void test_burst_waits_for_room(void **state)
{
	(void)state;
	begin(GBIT, 100 * ONE_FRAME_BITS);
	out->room = 3;
	send_frames(8);
	assert_int_equal(out->n_out, 0);
	for (unsigned n = 3; n < 12; n += 3) {
		out->room = 3;
		take_once();
		rig_check_books(rig);
		assert_int_equal(out->n_out, RTE_MIN(n, 8U));
	}
	out->room = UINT16_MAX;
	send_frames(2);
	assert_int_equal(out->n_out, 10);
	rig_free(rig);
}

static void send_segment(void)
{
	const struct packet p = {BETWEEN4(SENDER, RECEIVER), TCP(1000, 80, ACK), .payload = 14000,
		.gso_size = 1400, .needs_csum = true};

	test_port_inject_packet(rig->bench->port[SENDER], &p);
	rig_poll(rig, SENDER);
	rig_check_books(rig);
}

/* As often as the shaper asks for, until it has given something; ticks. */
static uint64_t resume_until_taken(void)
{
	uint64_t begun = rig->now_tsc;

	while (rig_resume(rig, RECEIVER) == 0) {
		rig_check_books(rig);
		move(shaper_due(shaper) - rig->now_tsc);
	}
	return rig->now_tsc - begun;
}

/* A large segment waits for room for all its parts. Where there never is it is tried, and so are those that follow. */
static void test_segments_wait_for_room(void **state)
{
	(void)state;
	begin(GBIT, 100 * ONE_FRAME_BITS);
	__atomic_or_fetch(&out->port.caps, PORT_CAP_PARTS, __ATOMIC_RELAXED);
	out->room = 2 * PARTS - 1;
	for (unsigned i = 0; i < 3; i++)
		send_segment();
	assert_int_equal(out->n_out, 1);
	assert_in_range(resume_until_taken(), us(1000000), us(1200000));
	assert_int_equal(rig_drops(rig, DROP_ring_full), 2);
	assert_true(shaper_is_idle(shaper));

	out->room = 0;
	send_segment();
	out->room = PARTS;
	assert_int_equal(rig_resume(rig, RECEIVER), 1);
	assert_int_equal(out->n_out, 2);
	out->room = PARTS - 1;
	send_segment();
	assert_int_equal(rig_resume(rig, RECEIVER), 0);
	assert_int_equal(rig_drops(rig, DROP_ring_full), 2);
	rig_free(rig);
}

/* One descriptor is enough for those that take a frame of any size in one. */
static void test_segments_in_one_piece(void **state)
{
	(void)state;
	begin(GBIT, 100 * ONE_FRAME_BITS);
	out->room = 1;
	send_segment();
	assert_int_equal(out->n_out, 1);
	send_segment();
	assert_int_equal(out->n_out, 1);
	out->room = 1;
	assert_in_range(resume_until_taken(), 0, us(100));
	assert_int_equal(out->n_out, 2);
	rig_free(rig);
}

/* Who has not read for a second is looked at ten times a second. */
static void test_who_does_not_come_back(void **state)
{
	unsigned looks = 0;

	(void)state;
	begin(MBIT, ONE_FRAME_BITS);
	send_frames(2);
	out->room = 0;
	move(us(LONG_US));
	for (uint64_t end = rig->now_tsc + us(1200000); rig->now_tsc < end;
		move(shaper_due(shaper) - rig->now_tsc))
		assert_int_equal(rig_resume(rig, RECEIVER), 0);
	for (uint64_t end = rig->now_tsc + us(10000000); rig->now_tsc < end; looks++) {
		assert_int_equal(rig_resume(rig, RECEIVER), 0);
		move(shaper_due(shaper) - rig->now_tsc);
	}
	assert_in_range(looks, 90, 110);
	out->room = 1;
	assert_int_equal(rig_resume(rig, RECEIVER), 1);
	rig_check_books(rig);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_room),
		cmocka_unit_test(test_burst_waits_for_room),
		cmocka_unit_test(test_segments_wait_for_room),
		cmocka_unit_test(test_segments_in_one_piece),
		cmocka_unit_test(test_who_does_not_come_back),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
