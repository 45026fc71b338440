/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queues a round looks at, which rest, and how many frames a visit may have. */
#include "test/unit/random.h"
#include "test/unit/worker_queues.h"

#define ALL_IN_ROUNDS 32 /* of a busy worker: every silent queue was looked at */
#define VISIT 1000	 /* clock ticks that a visit may take */

static void test_idle_worker_looks_at_all(void **state)
{
	(void)state;
	begin();
	rounds(ROUNDS);
	for (unsigned i = 0; i < QUEUES; i++)
		assert_int_equal(looks[i], ROUNDS);
}

static void test_busy_worker_passes_silent_queues_by(void **state)
{
	unsigned sum = 0;

	(void)state;
	begin();
	has_frames[LOUD] = true;
	rounds(ROUNDS);
	looks_forget();
	rounds(ALL_IN_ROUNDS);
	assert_int_equal(looks[LOUD], ALL_IN_ROUNDS);
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_true(looks[i] != 0);
		sum += looks[i];
	}
	assert_true(sum - looks[LOUD] <= 2 * ALL_IN_ROUNDS);
}

static void test_silent_queue_that_has_frames_is_lively(void **state)
{
	(void)state;
	begin();
	has_frames[LOUD] = true;
	rounds(ROUNDS);
	has_frames[LOUD + 1] = true;
	rounds(ALL_IN_ROUNDS);
	looks_forget();
	rounds(ROUNDS);
	assert_int_equal(looks[LOUD], ROUNDS);
	assert_int_equal(looks[LOUD + 1], ROUNDS);
}

/* Whatever comes and goes: each queue is one of the worker's slots, once, and is looked at before long. */
static void test_random_traffic_forgets_nobody(void **state)
{
	struct rnd r = rnd_start("worker_round");

	(void)state;
	begin();
	for (unsigned turn = 0; turn < ROUNDS; turn++) {
		bool seen[QUEUES] = {false};

		has_frames[rnd_below(&r, QUEUES)] ^= true;
		has_frames[SLOW] = false;
		looks_forget();
		rounds(ALL_IN_ROUNDS + 1);
		for (unsigned i = 0; i < QUEUES; i++) {
			assert_true(looks[i] != 0);
			seen[order[i]] = true;
		}
		for (unsigned i = 0; i < QUEUES; i++)
			assert_true(seen[i]);
	}
}

/* It does so where others have work; and who has frames again that arrive somewhere is looked at each round. */
static void test_queue_rests_whose_frames_are_all_dropped(void **state)
{
	(void)state;
	begin();
	greedy = true;
	forging = LOUD;
	has_frames[LOUD] = has_frames[LOUD + 1] = true;
	rounds(ROUNDS);
	assert_in_range(looks[LOUD], 1, ROUNDS / 2);
	assert_int_equal(looks[LOUD + 1], ROUNDS);
	has_frames[LOUD + 1] = false;
	looks_forget();
	rounds(ROUNDS);
	assert_in_range(looks[LOUD], ROUNDS / 3, ROUNDS);
	forging = QUEUES;
	while (slots[LOUD].rests_until > rte_rdtsc())
		;
	looks_forget();
	rounds(ROUNDS);
	assert_int_equal(looks[LOUD], ROUNDS);
}

/* Over its own rate it rests also where nobody else has anything. */
static void test_queue_rests_that_is_over_its_rate(void **state)
{
	(void)state;
	begin();
	greedy = true;
	has_frames[SLOW] = true;
	rounds(ROUNDS);
	assert_in_range(looks[SLOW], 1, ROUNDS / 4);
}

/* No bucket may be full for a moment because its sender rests; and what an uplink brings is for all. */
static void test_rest_is_bounded(void **state)
{
	const struct snapshot_port uplink = {.uplink = true};
	struct snapshot fast = {.burst_shortest = 100};

	(void)state;
	assert_int_equal(snap->burst_shortest, rte_get_tsc_hz());
	assert_in_range(worker_rest_most(snap, &snap->ports[LOUD]), 1, rte_get_tsc_hz() / 10000);
	assert_int_equal(worker_rest_most(&fast, &snap->ports[LOUD]), 50);
	assert_int_equal(worker_rest_most(snap, &uplink), 0);
}

/* Where a port is busy of which the kernel moves the frames, nobody's visit takes many at a time. */
static void test_visits_are_small_beside_system_calls(void **state)
{
	(void)state;
	begin();
	greedy = true;
	has_frames[LOUD] = true;
	w.pipeline->tsc_khz = UINT32_MAX; /* of no visit it is asked how long it took */
	w.syscall_ports_busy = true;
	rounds(ROUNDS);
	assert_int_equal(frames[LOUD], ROUNDS * BURST_BESIDE);
	w.syscall_ports_busy = false;
	frames[LOUD] = 0;
	rounds(ROUNDS);
	assert_int_equal(frames[LOUD], ROUNDS * BURST_MAX);
	w.pipeline->tsc_khz = rte_get_tsc_hz() / 1000;
}

static void test_burst_goes_by_what_frames_cost(void **state)
{
	uint8_t burst = BURST_FIRST;

	(void)state;
	/* A frame costs half of what a visit may take: two of them are what it comes to. */
	for (unsigned i = 0; i < 8; i++)
		burst = worker_burst_next(burst, burst, burst * VISIT / 2, VISIT);
	assert_in_range(burst, 1, 2);
	/* One costs more than that: one at a time. */
	assert_int_equal(worker_burst_next(1, 1, 10 * VISIT, VISIT), 1);
	/* A single cheap frame is no reason to shrink or to grow; as many as may come are one to grow. */
	assert_int_equal(worker_burst_next(BURST_MAX, 1, VISIT / 2, VISIT), BURST_MAX);
	assert_int_equal(worker_burst_next(BURST_FIRST, 1, 1, VISIT), BURST_FIRST);
	for (unsigned i = 0; i < 16; i++)
		burst = worker_burst_next(burst, burst, burst, VISIT);
	assert_int_equal(burst, BURST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_worker_looks_at_all),
		cmocka_unit_test(test_busy_worker_passes_silent_queues_by),
		cmocka_unit_test(test_silent_queue_that_has_frames_is_lively),
		cmocka_unit_test(test_random_traffic_forgets_nobody),
		cmocka_unit_test(test_queue_rests_whose_frames_are_all_dropped),
		cmocka_unit_test(test_queue_rests_that_is_over_its_rate),
		cmocka_unit_test(test_rest_is_bounded),
		cmocka_unit_test(test_visits_are_small_beside_system_calls),
		cmocka_unit_test(test_burst_goes_by_what_frames_cost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
