/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of different weights share a worker. */
#include "test/unit/worker_queues.h"

#define TAP_BURST 4 /* frames that a port gives whose receive costs a system call */

/*
 * The first three have these weights, and more frames than they can get rid of. A visit takes no time: one that the machine
 * interrupts would be followed by a smaller one.
 */
static void compete(const uint8_t weight[3])
{
	begin();
	greedy = true;
	w.pipeline->tsc_khz = UINT32_MAX;
	for (unsigned i = 0; i < 3; i++) {
		snap->ports[i].share.weight = weight[i];
		has_frames[i] = true;
	}
	worker_shares_take(&w);
	for (unsigned i = 0; i < 3; i++)
		snap->ports[i].share.weight = 0;
}

static void assert_shares(const uint8_t weight[3])
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t due = (frames[0] + frames[1] + frames[2]) * weight[i] / 7;

		assert_in_range(frames[i], due - 2 * BURST_MAX, due + 2 * BURST_MAX);
	}
	w.pipeline->tsc_khz = rte_get_tsc_hz() / 1000;
}

static void test_weights_share_a_worker(void **state)
{
	static const uint8_t weight[3] = {1, 2, 4};

	(void)state;
	compete(weight);
	rounds(4 * ROUNDS);
	assert_shares(weight);
}

/* Whoever gives few frames a visit is visited as much more often. */
static void test_weights_among_ports_of_different_kinds(void **state)
{
	static const uint8_t weight[3] = {2, 1, 4};

	(void)state;
	for (unsigned i = 1; i < 3; i++) {
		port[i].rx_syscall = true;
		port[i].rx_burst = TAP_BURST;
	}
	compete(weight);
	for (unsigned i = 1; i < 3; i++)
		slots[i].rx_syscall = slots[i].hot = true;
	rounds(32 * ROUNDS);
	assert_shares(weight);
	for (unsigned i = 1; i < 3; i++)
		port[i].rx_syscall = false;
}

/* A light one that has the worker to itself does not wait for heavier ones that are silent. */
static void test_light_one_alone_waits_for_nobody(void **state)
{
	static const uint8_t weight[3] = {1, 1, 100};

	(void)state;
	compete(weight);
	has_frames[1] = has_frames[2] = false;
	rounds(2 * ROUNDS);
	assert_true(looks[0] >= ROUNDS - 1);
}

static void test_equal_weights_cost_nothing(void **state)
{
	static const uint8_t weight[3] = {1, 1, 1};

	(void)state;
	compete(weight);
	rounds(ROUNDS);
	assert_int_equal(w.frame_credit, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(looks[i], ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_share_a_worker),
		cmocka_unit_test(test_weights_among_ports_of_different_kinds),
		cmocka_unit_test(test_light_one_alone_waits_for_nobody),
		cmocka_unit_test(test_equal_weights_cost_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
