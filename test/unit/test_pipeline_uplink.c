/* SPDX-License-Identifier: BSD-3-Clause */
/* An uplink that has less than its endpoints want: who gets how much of it, and who waits how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "dataplane/shaper.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

enum { UPLINK = 1, FIRST, SENDERS = 3, OUTSIDE = 99 };

#define MBIT 1000000ULL
#define CAPACITY (80 * MBIT)
#define BURST_BITS (4 * 1514 * 8) /* more than a step gives and a frame costs: nothing overflows */
#define STEP_US 200
#define VID 10

/* Three endpoints with shares and a VLAN, priority 0, 1, 2 on it. */
static struct rig *bottleneck(struct topology *t, const struct fair_share share[SENDERS])
{
	*t = (struct topology){
		.name = "bottleneck",
		.network = {{true, VID, 0}},
		.port = {[UPLINK] = {.present = true,
				 .uplink = true,
				 .rx = {CAPACITY, BURST_BITS, .shape = true}}},
	};
	for (unsigned i = 0; i < SENDERS; i++)
		t->port[FIRST + i] = (struct test_port_spec){
			.present = true, .host = FIRST + i, .pcp = (uint8_t)i, .share = share[i]};
	return rig_create(t);
}

static struct shaper *shaper_of(const struct rig *rig)
{
	return rig->bench->rx[UPLINK]->shaper;
}

/* Frames of this many bytes from one endpoint to the outside. */
static void send_frames(struct rig *rig, unsigned sender, unsigned n, uint16_t bytes)
{
	struct packet p = {BETWEEN4(0, OUTSIDE), UDP(1, 2), .payload = (uint16_t)(bytes - 42)};

	p.src = host_mac(sender);
	p.src_ip = host_ip4(sender);
	for (unsigned i = 0; i < n; i++)
		test_port_inject_packet(rig->bench->port[sender], &p);
	rig_poll(rig, (uint16_t)sender);
}

/* What has gone out, by sender; each with its own tag. */
static void collect(struct rig *rig, uint64_t bytes[SENDERS])
{
	struct test_port *out = rig->bench->port[UPLINK];

	for (unsigned i = 0; i < out->n_out; i++) {
		const uint8_t *b = out->out[i].bytes;
		unsigned sender = b[11] - FIRST;

		assert_in_range(sender, 0, SENDERS - 1);
		assert_int_equal(load_be16(b + 12), 0x8100);
		assert_int_equal(load_be16(b + 14), sender << 13 | VID);
		bytes[sender] += out->out[i].len - 4;
	}
	test_port_clear(out);
}

static void step(struct rig *rig, uint64_t bytes[SENDERS])
{
	rig->now_tsc += STEP_US * (rte_get_tsc_hz() / 1000000);
	pipeline_clock(rig->pipeline, rig->now_tsc);
	rig_resume(rig, UPLINK);
	collect(rig, bytes);
}

/* All want more than there is, in frames of different sizes, for a second. */
static void compete(struct rig *rig, uint64_t bytes[SENDERS])
{
	static const uint16_t size[SENDERS] = {1514, 700, 90};
	uint64_t from_here[SENDERS];

	memset(bytes, 0, SENDERS * sizeof(*bytes));
	for (unsigned n = 0; n < 1000000 / STEP_US; n++) {
		for (unsigned i = 0; i < SENDERS; i++)
			send_frames(rig, FIRST + i, 1 + 6000 / size[i] / 2, size[i]);
		/* Not what passed before all had come to wait. */
		if (n == 10)
			memset(bytes, 0, SENDERS * sizeof(*bytes));
		step(rig, n < 10 ? from_here : bytes);
		rig_check_books(rig);
	}
}

static double share_of(const uint64_t bytes[SENDERS], unsigned i)
{
	return (double)bytes[i] / (double)(bytes[0] + bytes[1] + bytes[2]);
}

static void near(double is, double wanted)
{
	if (is < wanted * 0.99 || is > wanted * 1.01)
		fail_msg("%.4f is not %.4f", is, wanted);
}

/* By these shares they have these parts of all there is. */
static void shares_give(const struct fair_share share[SENDERS], const double part[SENDERS])
{
	uint64_t bytes[SENDERS];
	struct topology t;
	struct rig *rig = bottleneck(&t, share);

	compete(rig, bytes);
	for (unsigned i = 0; i < SENDERS; i++)
		near(share_of(bytes, i), part[i]);
	near((double)(bytes[0] + bytes[1] + bytes[2]) * 8, CAPACITY * (1 - 10 * STEP_US / 1e6));
	rig_free(rig);
}

static void test_alike(void **state)
{
	(void)state;
	shares_give((const struct fair_share[SENDERS]){{0}},
		(const double[SENDERS]){1.0 / 3, 1.0 / 3, 1.0 / 3});
}

static void test_weights(void **state)
{
	(void)state;
	shares_give((const struct fair_share[SENDERS]){{0, 1}, {0, 2}, {0, 4}},
		(const double[SENDERS]){1 / 7.0, 2 / 7.0, 4 / 7.0});
}

static void test_kept(void **state)
{
	(void)state;
	shares_give((const struct fair_share[SENDERS]){{CAPACITY / 2, 1}, {0, 1}, {0, 3}},
		(const double[SENDERS]){0.5 + 0.5 / 5, 0.5 / 5, 0.5 * 3 / 5});
}

/* Whoever has little to send is not behind those who have much: one frame of each, and it goes. */
static void test_quiet_one_does_not_wait(void **state)
{
	static const struct fair_share share[SENDERS] = {{0}};
	uint64_t bytes[SENDERS] = {0};
	struct topology t;
	struct rig *rig = bottleneck(&t, share);
	uint64_t frame_us = 1514 * 8 / (CAPACITY / MBIT) + 1;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		send_frames(rig, FIRST, 4, 1514);
		send_frames(rig, FIRST + 1, 4, 1514);
		step(rig, bytes);
	}
	bytes[2] = 0;
	send_frames(rig, FIRST + 2, 1, 100);
	for (uint64_t us = 0; bytes[2] == 0; us += STEP_US) {
		assert_true(us <= 2 * frame_us + STEP_US);
		step(rig, bytes);
	}
	assert_int_equal(bytes[2], 100);
	rig_free(rig);
}

/* Others' frames are dropped for want of room, not those of who has his share. */
static void test_drops_are_of_the_greedy(void **state)
{
	static const struct fair_share share[SENDERS] = {{0}};
	struct shaper_class_stats greedy;
	struct shaper_class_stats modest;
	uint64_t bytes[SENDERS] = {0};
	struct topology t;
	struct rig *rig = bottleneck(&t, share);

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		send_frames(rig, FIRST, 8, 1514);
		send_frames(rig, FIRST + 1, 1, 500); /* 20 Mb/s of 80 */
		step(rig, bytes);
		rig_check_books(rig);
	}
	shaper_class_stats_read(shaper_of(rig), FIRST, &greedy);
	shaper_class_stats_read(shaper_of(rig), FIRST + 1, &modest);
	assert_true(greedy.dropped_packets > 20000);
	assert_int_equal(modest.dropped_packets, 0);
	near((double)bytes[1], 5000 * 500.0);
	rig_free(rig);
}

static int setup(void **state)
{
	(void)state;
	rig_eal_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_quiet_one_does_not_wait),
		cmocka_unit_test(test_drops_are_of_the_greedy),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
