/* SPDX-License-Identifier: BSD-3-Clause */
/* Commits and the workers that have to follow: grace periods, counters, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#include "dataplane/worker_private.h"
#include "test/unit/commit_harness.h"

#define QUICK_ROUNDS 200

static char web[] = "web", null_device[] = "net_null0";

static uint64_t sum_of(json_t *drops)
{
	uint64_t sum = 0;
	const char *reason;
	json_t *n;

	json_object_foreach (drops, reason, n)
		sum += (uint64_t)json_integer_value(n);
	return sum;
}

/* Short-lived snapshots, whose memory is used again at once, under a worker that mostly sleeps. */
static void test_commits_in_quick_succession(void **state)
{
	struct wanted without = wanted_empty();
	struct wanted with;

	(void)state;
	add_tap(&without, 1, "lt1");
	with = without;
	add_tap(&with, 2, "lt2");
	for (int i = 0; i < QUICK_ROUNDS; i++) {
		commit(&with);
		commit(&without);
		if (i % 4 == 0)
			pause_ms(1);
	}
	assert_int_equal(if_nametoindex("lt2"), 0);
}

static void test_counters_of_gone_ports_are_kept(void **state)
{
	struct wanted w = wanted_empty();
	struct wanted without;
	json_t *before = stats_gone();
	json_t *after;
	json_t *drops;
	json_t *stats;
	uint16_t index;
	uint64_t rx;

	(void)state;
	add_tap(&w, 1, "lt1");
	without = w;
	add_dpdk(&w, 2, null_device); /* receives without end */
	commit(&w);
	index = commit_port_index("e2");
	wait_for_packets("e2");
	commit(&without);
	assert_int_equal(commit_port_index("e2"), PORT_NONE);
	after = stats_gone();
	rx = count(after, NULL, "rx_packets") - count(before, NULL, "rx_packets");
	assert_true(rx > 0);
	/* All of it dropped, and the books balance. */
	assert_int_equal(count(after, NULL, "rx_packets") + count(after, NULL, "copies"),
		count(after, NULL, "tx_packets") + sum_of(json_object_get(after, "drops")));
	drops = stats_drops();
	assert_int_equal(sum_of(drops), sum_of(json_object_get(after, "drops")));

	/* Who gets the index next begins at 0. */
	add_tap(&without, 3, "lt3");
	commit(&without);
	assert_int_equal(commit_port_index("e3"), index);
	stats = stats_endpoints(NULL);
	assert_int_equal(json_object_size(stats), 2);
	assert_true(count(stats, "e3", "rx_packets") < rx);
	json_decref(before);
	json_decref(after);
	json_decref(drops);
	json_decref(stats);
}

/* A worker that makes no progress: it waits in a signal handler for a byte. */
static int release_pipe[2];
static bool held; /* written by the worker's handler, read by the test; lock-free atomics */

static bool is_held(void)
{
	return __atomic_load_n(&held, __ATOMIC_ACQUIRE);
}

static void hold(int signal)
{
	char byte;

	(void)signal;
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
	while (read(release_pipe[0], &byte, 1) < 0)
		;
	__atomic_store_n(&held, false, __ATOMIC_RELEASE);
}

static void hold_worker(void)
{
	assert_int_equal(pthread_kill(workers[0].thread, SIGUSR1), 0);
	for (int i = 0; i < WAIT_MS && !is_held(); i++)
		pause_ms(1);
	assert_true(is_held());
}

static void let_worker_go(void)
{
	assert_int_equal(write(release_pipe[1], "x", 1), 1);
	for (int i = 0; i < WAIT_MS && !worker_quiesced(); i++)
		pause_ms(1);
	assert_true(worker_quiesced());
}

static void test_a_worker_that_does_not_answer(void **state)
{
	struct wanted w = wanted_empty();
	struct wanted two;
	struct error err;
	uint16_t index;

	(void)state;
	add_dpdk(&w, 2, null_device); /* keeps the worker from going to sleep */
	add_tap(&w, 3, "lt3");
	two = w;
	add_tap(&w, 1, "lt1");
	commit(&w);
	index = commit_port_index("e1");
	wait_for_packets("e2");
	hold_worker();

	/* The port is gone from the config, but the worker may still be at it. */
	assert_int_equal(try_commit(&two, 20, &err), -1);
	assert_int_equal(err.code, LEAT_TIMEOUT);
	assert_int_equal(commit_port_index("e1"), PORT_NONE);
	assert_int_not_equal(if_nametoindex("lt1"), 0);
	assert_true(id_pool_taken(commit_state.ports, index));

	w = two;
	add_tap(&w, 4, "lt1");
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_BUSY);

	/* What would have to go first stays when it cannot go. */
	w = two;
	w.endpoints[1].mac.b[3] = 9;
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_BUSY);
	assert_oper("e3", "active", "tap");
	assert_non_null(view("e3")->port);

	w = two;
	add_tap(&w, 5, "lt5");
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_TIMEOUT);
	assert_int_not_equal(commit_port_index("e5"), index);

	let_worker_go();
	json_decref(stats_drops());
	assert_int_equal(if_nametoindex("lt1"), 0);
	assert_false(id_pool_taken(commit_state.ports, index));
	assert_null(commit_state.retired);
	add_tap(&w, 4, "lt1");
	commit(&w);
	assert_int_equal(commit_port_index("e4"), index);
}

static uint64_t copies_of(const char *id)
{
	json_t *stats = stats_endpoints(NULL);
	uint64_t n = count(stats, id, "copies");

	json_decref(stats);
	return n;
}

/* It is taken back: a worker that comes round late does not send what was given up. */
static void test_an_announcement_that_nobody_takes(void **state)
{
	struct wanted w = wanted_empty();
	struct announced announced = {0};
	uint16_t index;

	(void)state;
	add_dpdk(&w, 2, null_device);
	add_tap(&w, 1, "lt1");
	w.endpoints[1].n_ips = 1;
	w.endpoints[1].ips[0] = (struct ip){4, {10, 1, 0, 1}};
	commit(&w);
	index = commit_port_index("e1");
	wait_for_packets("e2");
	hold_worker();
	assert_int_equal(worker_announce(index, 20, &announced), -ETIMEDOUT);
	let_worker_go();
	assert_int_equal(copies_of("e1"), 0);
	assert_int_equal(worker_announce(index, WAIT_MS, &announced), 0);
	assert_int_equal(announced.frames, 1);
	assert_int_equal(announced.copies, 1);
	assert_int_equal(copies_of("e1"), 1);
}

static void add_rules(struct wanted *w)
{
	for (size_t i = 0; i < MANY_RULES; i++) {
		struct rule *r = &w->rules[i];

		*r = (struct rule){.priority = (uint8_t)(1 + i % 100),
			.action = i % 2 ? ACTION_ALLOW : ACTION_DENY,
			.group = web,
			.direction = i % 3 ? DIRECTION_IN : DIRECTION_OUT,
			.proto = IPPROTO_TCP,
			.port_lo = (uint16_t)i,
			.port_hi = (uint16_t)(i + 5),
			.remote_kind = REMOTE_CIDR,
			.remote_cidr = {{4, {10, (uint8_t)(i / 4), (uint8_t)i}}, 24}};
		snprintf(r->id, sizeof(r->id), "r%zu", i);
	}
	w->config.n_rules = MANY_RULES;
}

static void test_an_endpoint_among_many_touches_no_other(void **state)
{
	static struct wanted w;
	const struct compiled_ruleset *in;
	struct port *ports[MANY_PORTS];

	(void)state;
	w = wanted_empty();
	add_rules(&w);
	for (unsigned i = 0; i < MANY_PORTS; i++) {
		snprintf(w.names[i], sizeof(w.names[i]), "lt%u", i);
		add_tap(&w, i, w.names[i]);
	}
	commit(&w);
	in = commit_state.compiled->rulesets[view("e0")->group][DIRECTION_IN];
	for (unsigned i = 0; i < MANY_PORTS; i++)
		ports[i] = commit_state.port[commit_port_index(w.endpoints[i].id)].port;

	for (int round = 0; round < 5; round++) {
		add_tap(&w, MANY_PORTS, "ltmore");
		commit(&w);
		assert_int_equal(commit_state.compiled->n_rulesets_new, 0);
		w.config.n_endpoints--;
		commit(&w);
	}
	assert_ptr_equal(commit_state.compiled->rulesets[view("e0")->group][DIRECTION_IN], in);
	for (unsigned i = 0; i < MANY_PORTS; i++)
		assert_ptr_equal(view(w.endpoints[i].id)->port, ports[i]);
}

static int start(void **state)
{
	struct sigaction action = {.sa_handler = hold, .sa_flags = SA_RESTART};

	if (pipe(release_pipe) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		return -1;
	return harness_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_commits_in_quick_succession, harness_clean),
		cmocka_unit_test_teardown(test_counters_of_gone_ports_are_kept, harness_clean),
		cmocka_unit_test_teardown(test_a_worker_that_does_not_answer, harness_clean),
		cmocka_unit_test_teardown(test_an_announcement_that_nobody_takes, harness_clean),
		cmocka_unit_test_teardown(
			test_an_endpoint_among_many_touches_no_other, harness_clean),
	};

	return cmocka_run_group_tests(tests, start, harness_stop);
}
