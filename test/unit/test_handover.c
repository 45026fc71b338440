/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real workers, and one configuration after another while traffic runs: each frame goes by exactly
 * one of them, and what only the former one used is gone as soon as worker_publish() has returned.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/worker.h"
#include "lib/alloc.h"
#include "test/fixtures/builder.h"
#include "test/fixtures/rig.h"
#include "test/unit/handover_ports.h"
#include "test/unit/random.h"

#define WORKERS 2
#define PUBLISHES 2000
#define PUBLISH_MS 5000
#define DEADLINE_MS 20000
#define GROUP 1
#define UPLINK_INDEX 30
#define SINK_INDEX 40 /* and the next */
#define EXTRAS 3      /* idle ports that come and go, and make queues change hands */
#define PORTS (SOURCES + 2 + EXTRAS)

/* One configuration and all that it alone uses. */
struct generation {
	struct snapshot *snap;
	struct ruleset *rules;
	struct port *own[1 + EXTRAS];
	unsigned n_own;
};

static struct notes *notes;
static struct source *source[SOURCES];
static struct port *trunk;

static void workers_up(void)
{
	struct worker_options options = {.n = WORKERS, .flow_entries = 4096, .conn_capacity = 4096};
	struct error err = {0};
	cpu_set_t cpus;
	unsigned n = 0;

	/* EAL has pinned this thread: what the machine has is asked of another. */
	assert_int_equal(sched_getaffinity(1, sizeof(cpus), &cpus), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < WORKERS; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			options.cpu[n++] = cpu;
	if (workers_start(&options, &err) != 0)
		fail_msg("%s", err.message);
}

static struct snapshot_port endpoint(struct port *port, unsigned host)
{
	return (struct snapshot_port){
		.port = port,
		.group = GROUP,
		.spoof_guard = true,
		.mac = host_mac(host),
		.mtu = 1500,
	};
}

/* mark 1: VLAN 10, the sink at SINK_INDEX, rule 1; mark 2: VLAN 20, the next, rule 2. */
static struct generation generation_create(uint8_t mark, unsigned n_extras)
{
	struct ruleset_rule rule = {.id = mark | RULE_ALLOWS, .port_hi = UINT16_MAX};
	struct snapshot_network network = {
		.tagged = true, .vlan = (uint16_t)(10 * mark), .mtu = 1500};
	struct snapshot_group group = {.index = GROUP};
	struct snapshot_port ports[PORTS];
	struct snapshot_spec spec = {.networks = &network,
		.n_networks = 1,
		.groups = &group,
		.n_groups = 1,
		.ports = ports,
		.mac_age_s = 300,
		.n_workers = WORKERS};
	struct generation g = {0};
	struct error err = {0};

	g.rules = ruleset_create(&rule, 1, &err);
	assert_non_null(g.rules);
	group.in = group.out = g.rules;
	for (unsigned i = 0; i < SOURCES; i++)
		if (source[i] != NULL)
			ports[spec.n_ports++] =
				endpoint(&source[i]->port, HOST_OF_SOURCES + source[i]->number);
	g.own[g.n_own++] = sink_create((uint16_t)(SINK_INDEX + mark), mark, notes);
	ports[spec.n_ports++] = endpoint(g.own[0], HOST_OF_SINK);
	ports[spec.n_ports] = endpoint(trunk, 0);
	ports[spec.n_ports].uplink = true;
	ports[spec.n_ports++].spoof_guard = false;
	for (unsigned i = 0; i < n_extras; i++) {
		/* In a network of their own index, or they would receive the broadcasts. */
		g.own[g.n_own] = &source_create((uint16_t)(2 * i), SOURCES, false)->port;
		ports[spec.n_ports] = endpoint(g.own[g.n_own++], 200 + i);
		ports[spec.n_ports++].network = 1;
	}
	g.snap = snapshot_create(&spec, &err);
	if (g.snap == NULL)
		fail_msg("%s", err.message);
	return g;
}

/* With everything in it overwritten first, for those who run without the address sanitizer. */
static void generation_free(struct generation *g)
{
	if (g->snap == NULL)
		return;
	memset(g->snap->ports, 0xa5, g->snap->n_ports * sizeof(g->snap->ports[0]));
	memset(g->snap->uplinks, 0xa5, g->snap->n_uplinks * sizeof(g->snap->uplinks[0]));
	memset(g->snap->groups, 0xa5, GROUPS_MAX * sizeof(g->snap->groups[0]));
	for (unsigned w = 0; w < WORKERS; w++)
		memset(g->snap->polls[w], 0xa5, g->snap->n_polls[w] * sizeof(g->snap->polls[w][0]));
	snapshot_free(g->snap);
	ruleset_free(g->rules);
	for (unsigned i = 0; i < g->n_own; i++)
		port_close(g->own[i]);
	memset(g, 0, sizeof(*g));
}

static void publish(struct generation *former, struct generation next)
{
	assert_int_equal(worker_publish(next.snap, PUBLISH_MS), 0);
	assert_ptr_equal(worker_snapshot(), next.snap);
	assert_true(worker_quiesced());
	generation_free(former);
	*former = next;
}

static uint32_t made(const struct source *s)
{
	return __atomic_load_n(&s->made, __ATOMIC_ACQUIRE);
}

static bool wait_for(bool (*done)(uint32_t), uint32_t arg)
{
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * DEADLINE_MS;

	while (!done(arg)) {
		if (rte_rdtsc() > deadline || handover_fault() != NULL)
			return false;
		rte_delay_us_sleep(50);
	}
	return true;
}

static bool all_made(uint32_t n)
{
	for (unsigned i = 0; i < SOURCES; i++)
		if (source[i] != NULL && made(source[i]) < n)
			return false;
	return true;
}

static void world_create(bool sleepy)
{
	notes = alloc_zero(1, sizeof(*notes));
	for (unsigned i = 0; i < SOURCES; i++)
		source[i] = source_create((uint16_t)(1 + 2 * i), i, sleepy);
	trunk = sink_create(UPLINK_INDEX, 0, notes);
}

static void world_end(struct generation *now)
{
	workers_stop();
	generation_free(now);
	for (unsigned i = 0; i < SOURCES; i++) {
		if (source[i] != NULL)
			port_close(&source[i]->port);
		source[i] = NULL;
	}
	port_close(trunk);
	free(notes);
}

static void check_books(void)
{
	uint64_t in = 0;
	uint64_t out = 0;

	for (uint16_t i = 0; i < PORTS_MAX; i++) {
		struct port_stats stats;

		worker_port_stats(i, &stats);
		in += stats.rx_packets + stats.copies;
		out += stats.tx_packets;
		for (unsigned d = 0; d < DROP_REASON_COUNT; d++) {
			out += stats.drops[d];
			assert_int_equal(stats.drops[d], 0);
		}
	}
	assert_int_equal(in, out);
}

/* Each frame came where its one configuration sends it; how many by each, broadcasts left out. */
static void check_notes(uint64_t by[3])
{
	memset(by, 0, 3 * sizeof(by[0]));
	for (unsigned i = 0; i < SOURCES; i++)
		for (uint32_t n = 0; source[i] != NULL && n < made(source[i]); n++) {
			uint8_t member = notes->by_member[i][n];
			uint8_t tag = notes->by_trunk[i][n];

			if (member != 1 && member != 2)
				fail_msg("frame %u of source %u: by sink %u", n, i, member);
			if (tag != (is_broadcast(n) ? member : 0))
				fail_msg("frame %u of source %u: sink %u, VLAN %u", n, i, member,
					tag);
			by[member] += !is_broadcast(n);
		}
}

static void check_rules(const uint64_t by[3])
{
	for (uint32_t rule = 1; rule <= 2; rule++) {
		struct rule_stats stats;

		worker_rule_stats(rule, &stats);
		/* The sender's group out, the receiver's group in. */
		assert_int_equal(stats.packets, 2 * by[rule]);
	}
}

static void *quiesce_often(void *arg)
{
	const bool *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		worker_quiesce();
	return NULL;
}

static void test_many_configurations(void **state)
{
	struct rnd r = rnd_start("hand-over");
	struct generation now = {0};
	struct port_stats stats;
	bool stop = false;
	pthread_t thread;
	uint64_t by[3];

	(void)state;
	world_create(false);
	workers_up();
	publish(&now, generation_create(1, 0));
	assert_int_equal(pthread_create(&thread, NULL, quiesce_often, &stop), 0);
	for (unsigned i = 0; i < PUBLISHES && handover_fault() == NULL; i++) {
		for (unsigned s = 0; s < SOURCES; s++)
			source_allow(source[s], 1 + (uint32_t)rnd_below(&r, 200));
		publish(&now, generation_create((uint8_t)(1 + rnd_below(&r, 2)),
				      (unsigned)rnd_below(&r, EXTRAS + 1)));
		worker_port_stats(1, &stats);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (unsigned s = 0; s < SOURCES; s++) {
		uint32_t quota = source[s]->quota;
		uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * DEADLINE_MS;

		while (made(source[s]) < quota && rte_rdtsc() < deadline)
			rte_delay_us_sleep(50);
		assert_int_equal(made(source[s]), quota);
	}
	worker_quiesce();
	if (handover_fault() != NULL)
		fail_msg("%s", handover_fault());
	check_notes(by);
	assert_true(by[1] > PUBLISHES && by[2] > PUBLISHES);
	check_rules(by);
	check_books();
	world_end(&now);
}

static bool all_wait(uint32_t n)
{
	bool all = true;

	for (unsigned i = 0; i < SOURCES; i++)
		all &= __atomic_load_n(&source[i]->waits, __ATOMIC_RELAXED) >= n;
	return all;
}

/*
 * Asleep through one configuration or several, the last of which may lie where the one they know lay:
 * they wake up to the newest.
 */
static void test_asleep(void **state)
{
	struct generation now = {0};
	uint32_t frames = 0;
	uint64_t by[3];

	(void)state;
	world_create(true);
	workers_up();
	publish(&now, generation_create(1, 0));
	for (unsigned i = 0; i < 60; i++) {
		assert_true(wait_for(all_wait, i + 1));
		for (unsigned k = 0; k <= i % 4; k++)
			publish(&now, generation_create((uint8_t)(1 + (i + k) % 2), 0));
		frames += 3;
		for (unsigned s = 0; s < SOURCES; s++)
			source_allow(source[s], 3);
		if (!wait_for(all_made, frames))
			fail_msg("the workers sleep on");
	}
	worker_quiesce();
	check_notes(by);
	check_rules(by);
	check_books();
	world_end(&now);
}

/* A source that goes, and comes back as another at the same index. */
static void test_ports_come_and_go(void **state)
{
	struct generation now = {0};
	uint32_t frames = 0;

	(void)state;
	world_create(false);
	workers_up();
	publish(&now, generation_create(1, 0));
	for (unsigned i = 0; i < 200 && handover_fault() == NULL; i++) {
		unsigned which = i % (SOURCES - 1);
		struct source *gone = source[which];

		source_allow(source[SOURCES - 1], 100);
		source_allow(gone, 100);
		source[which] = NULL;
		publish(&now, generation_create((uint8_t)(1 + i % 2), i % (EXTRAS + 1)));
		port_close(&gone->port);
		worker_forget_port((uint16_t)(1 + 2 * which));
		memset(notes->by_member[which], 0, FRAMES_MAX);
		memset(notes->by_trunk[which], 0, FRAMES_MAX);
		source[which] = source_create((uint16_t)(1 + 2 * which), which, i % 3 == 0);
		publish(&now, generation_create((uint8_t)(1 + i % 2), i % (EXTRAS + 1)));
		frames += 100;
	}
	while (made(source[SOURCES - 1]) < frames && handover_fault() == NULL)
		rte_delay_us_sleep(50);
	if (handover_fault() != NULL)
		fail_msg("%s", handover_fault());
	/* The one that stayed has not lost a frame. */
	for (uint32_t n = 0; n < frames; n++)
		assert_true(notes->by_member[SOURCES - 1][n] != 0);
	world_end(&now);
}

/*
 * Start and stop, with and without a configuration, beside a thread of a port: its peer may go at any
 * moment, and then it waits for workers that are just being stopped.
 */
static void test_start_and_stop(void **state)
{
	struct generation now = {0};
	bool stop = false;
	pthread_t waiter;

	(void)state;
	world_create(true);
	for (unsigned i = 0; i < 20; i++) {
		workers_up();
		assert_int_equal(worker_count(), WORKERS);
		if (i == 0)
			assert_int_equal(pthread_create(&waiter, NULL, quiesce_often, &stop), 0);
		if (i % 2 != 0)
			publish(&now, generation_create(1, 0));
		workers_stop();
		assert_null(worker_snapshot());
		generation_free(&now);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(waiter, NULL);
	world_end(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_configurations),
		cmocka_unit_test(test_asleep),
		cmocka_unit_test(test_ports_come_and_go),
		cmocka_unit_test(test_start_and_stop),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
