/* SPDX-License-Identifier: BSD-3-Clause */
/* Cycles by stage: all that was asked for is counted, and nothing that was not. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/worker.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/pair.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define PUBLISH_MS 5000
#define DEADLINE_S 20
#define FLOWS 5

/* So many packets of FLOWS flows. */
static void inject(struct bench *bench, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct packet p = {
			BETWEEN4(SENDER, RECEIVER), UDP((uint16_t)(1000 + i % FLOWS), 80)};

		test_port_inject_packet(bench->port[SENDER], &p);
	}
}

static uint64_t sum_of(const struct stage_cycles *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TIMED_STAGE_COUNT; i++)
		sum += c->stage[i].cycles;
	return sum;
}

static void assert_nothing(const struct stage_cycles *c)
{
	static const struct stage_cycles nothing;

	assert_memory_equal(c, &nothing, sizeof(nothing));
}

static void assert_burst_stages(const struct stage_cycles *c, uint64_t packets, uint64_t misses)
{
	for (unsigned i = 0; i <= TIMED_release; i++) {
		bool slow = i == TIMED_decide || i == TIMED_keep;

		assert_int_equal(c->stage[i].packets, slow ? misses : packets);
		assert_true(c->stage[i].cycles > 0);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(timed_stage_name(TIMED_receive), "receive");
	assert_string_equal(timed_stage_name(TIMED_loop), "loop");
	assert_null(timed_stage_name(TIMED_STAGE_COUNT));
}

static void test_bursts(void **state)
{
	struct snapshot_poll poll = {.port = SENDER};
	struct rig *rig = rig_create(&two);
	const struct snapshot *snap = rig->bench->snap;
	struct pipeline *p = rig->pipeline;
	struct stage_cycles c;
	uint64_t misses;
	uint64_t begin;

	(void)state;
	inject(rig->bench, 7);
	assert_int_equal(pipeline_poll(p, snap, poll, BURST_MAX), 7);
	assert_int_equal(pipeline_poll(p, snap, poll, BURST_MAX), 0);
	stage_cycles_read(&c, &p->cycles);
	assert_nothing(&c);
	rig_cool(rig);
	misses = p->misses;
	inject(rig->bench, 20);
	begin = rte_rdtsc();
	assert_int_equal(pipeline_poll_timed(p, snap, poll, BURST_MAX), 20);
	inject(rig->bench, 10);
	assert_int_equal(pipeline_poll_timed(p, snap, poll, BURST_MAX), 10);
	stage_cycles_read(&c, &p->cycles);
	assert_true(sum_of(&c) <= rte_rdtsc() - begin);
	assert_burst_stages(&c, 30, p->misses - misses);
	assert_int_equal(c.bursts, 2);
	/* An empty look is nobody's until its round is over. */
	stage_round_begin(&p->cycles);
	assert_int_equal(pipeline_poll_timed(p, snap, poll, BURST_MAX), 0);
	assert_true(p->cycles.round_empty > 0 && p->cycles.round_laps == 0);
	assert_int_equal(p->cycles.bursts, 2);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 37);
	rig_check_books(rig);
	rig_free(rig);
}

/* A round's cycles are divided without a rest. */
static void test_rounds(void **state)
{
	struct stage_cycles c = {0};

	(void)state;
	stage_round_begin(&c);
	c.round_empty = 30;
	c.round_laps = 50;
	stage_round_end(&c, 100, 4);
	assert_int_equal(c.stage[TIMED_empty].cycles, 30);
	assert_int_equal(c.stage[TIMED_loop].cycles, 20);
	assert_int_equal(c.stage[TIMED_loop].packets, 4);
	stage_round_begin(&c);
	stage_round_end(&c, 5, 1);
	assert_int_equal(c.stage[TIMED_empty].cycles, 30);
	assert_int_equal(c.stage[TIMED_empty].packets, 5);
	assert_int_equal(c.stage[TIMED_loop].cycles, 25);
}

static void worker_up(void)
{
	struct worker_options options = {.n = 1, .flow_entries = 1024, .conn_capacity = 1024};
	struct error err = {0};
	cpu_set_t cpus;

	/* EAL has pinned this thread: what the machine has is asked of another. */
	assert_int_equal(sched_getaffinity(1, sizeof(cpus), &cpus), 0);
	while (!CPU_ISSET(options.cpu[0], &cpus))
		options.cpu[0]++;
	if (workers_start(&options, &err) != 0)
		fail_msg("%s", err.message);
}

/* Until the worker has sent so many, reading its stages all the time. */
static void wait_sent(uint64_t n)
{
	uint64_t deadline = rte_rdtsc() + DEADLINE_S * rte_get_tsc_hz();
	struct port_stats stats;
	struct stage_cycles c;

	do {
		worker_port_stats(RECEIVER, &stats);
		worker_cycles_get(0, &c);
		assert_true(c.stage[TIMED_transmit].packets <= n);
	} while (stats.tx_packets < n && rte_rdtsc() < deadline);
	assert_int_equal(stats.tx_packets, n);
}

/* A whole life of a worker that forwards TEST_PORT_FRAMES; what it has counted, and how long that took. */
static uint64_t worker_life(struct stage_cycles *ret, uint64_t measure_tsc)
{
	struct bench *bench = bench_create(&two);
	struct snapshot *snap = bench->snap;
	struct worker_status status;
	uint64_t begin = rte_rdtsc();
	uint64_t took;

	inject(bench, TEST_PORT_FRAMES);
	worker_up();
	assert_int_equal(worker_measure_until(0), 0);
	if (measure_tsc != 0)
		assert_int_equal(worker_measure_until(begin + measure_tsc), begin + measure_tsc);
	/* A shorter wish beside it takes nothing away. */
	assert_int_equal(
		worker_measure_until(begin), measure_tsc != 0 ? begin + measure_tsc : begin);
	/* A round asks for the time first and reports then: one that reports now may not have seen it. */
	worker_quiesce();
	worker_quiesce();
	assert_int_equal(worker_publish(snap, PUBLISH_MS), 0);
	wait_sent(TEST_PORT_FRAMES);
	/* The round is over, too. */
	worker_quiesce();
	worker_cycles_get(0, ret);
	took = rte_rdtsc() - begin;
	worker_status_get(0, &status);
	assert_true(sum_of(ret) <= status.busy_tsc);
	workers_stop();
	bench_free(bench);
	return took;
}

static void test_worker_that_is_asked(void **state)
{
	struct stage_cycles c;
	uint64_t took = worker_life(&c, 2 * DEADLINE_S * rte_get_tsc_hz());

	(void)state;
	assert_burst_stages(&c, TEST_PORT_FRAMES, c.stage[TIMED_decide].packets);
	assert_true(c.stage[TIMED_decide].packets >= FLOWS);
	/* A burst that took long, as the first may, makes the next ones shorter. */
	assert_in_range(c.bursts, TEST_PORT_FRAMES / BURST_MAX, TEST_PORT_FRAMES);
	for (unsigned i = TIMED_notify; i < TIMED_STAGE_COUNT; i++)
		assert_int_equal(c.stage[i].packets, TEST_PORT_FRAMES);
	assert_true(sum_of(&c) <= took);
}

/* Nobody asks, or the time has passed before anything came. */
static void test_worker_that_is_not(void **state)
{
	struct stage_cycles c;

	(void)state;
	worker_life(&c, 0);
	assert_nothing(&c);
	worker_life(&c, 1);
	assert_nothing(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_worker_that_is_asked),
		cmocka_unit_test(test_worker_that_is_not),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
