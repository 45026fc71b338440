/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queues a round looks at, and how many frames a visit may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/worker_private.h"
#include "test/unit/eal_up.h"
#include "test/unit/random.h"

#define QUEUES 64
#define MAC_FIRST 2 /* its first byte: locally administered */
#define LOUD 5
#define SLOW 20 /* may send a kilobit a second */
#define ROUNDS 1000
#define ALL_IN_ROUNDS 32 /* of a busy worker: every silent queue was looked at */
#define PUBLISH_MS 1000
#define METER_BITS                                                                                 \
	((uint64_t)1 << 40) /* of the only meter: a rate that nobody reaches, a second's burst */
#define VISIT 1000	    /* clock ticks that a visit may take */

static unsigned looks[QUEUES];
static uint64_t frames[QUEUES];
static bool has_frames[QUEUES];
static bool greedy; /* who has frames has more than anybody takes; else one at a time */
static unsigned forging = QUEUES; /* whose frames are dropped */

/* From one queue's port to the next one's, by its MAC; forged, from a group address, which nobody has. */
static void frame_make(struct burst *b, unsigned from)
{
	static const uint8_t ethertype[] = {0x88, 0xb5}; /* for experiments: RFC 9542, B.2 */
	uint8_t *head = b->head[b->n];

	memset(head, 0, FRAME_LEN_MIN);
	head[0] = MAC_FIRST;
	head[5] = (uint8_t)((from + 1) % QUEUES);
	head[6] = MAC_FIRST | (from == forging);
	head[11] = (uint8_t)from;
	memcpy(head + 12, ethertype, sizeof(ethertype));
	b->frame[b->n++] =
		(struct frame){.head = head, .head_len = FRAME_LEN_MIN, .len = FRAME_LEN_MIN};
}

static uint16_t receive(struct port *port, uint16_t queue, struct burst *b)
{
	unsigned i = port->index;
	unsigned most;

	(void)queue;
	looks[i]++;
	b->n = 0;
	b->n_segs = 0;
	if (!has_frames[i])
		return 0;
	most = port->rx_syscall ? RTE_MIN(b->max, port->rx_burst) : b->max;
	while (b->n < (greedy ? most : 1))
		frame_make(b, i);
	frames[i] += b->n;
	return b->n;
}

static void release(struct port *port, uint16_t queue, struct burst *b)
{
	(void)port;
	(void)queue;
	(void)b;
}

static void transmit(struct port *to, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats)
{
	(void)to;
	(void)worker;
	(void)items;
	(void)n;
	(void)stats;
}

static const struct port_ops ops = {
	.kind = "test", .receive = receive, .release = release, .transmit = transmit};
static struct port port[QUEUES];
static struct poll_slot slots[QUEUES];
static uint16_t order[QUEUES];
static struct snapshot *snap;
static struct meter *meter, *slow;
static struct worker w;

static int setup(void **state)
{
	struct snapshot_network network = {.vlan = 10, .mtu = 1500};
	struct snapshot_port ports[QUEUES] = {0};
	struct snapshot_spec spec = {.networks = &network,
		.n_networks = 1,
		.ports = ports,
		.n_ports = QUEUES,
		.mac_age_s = 300,
		.n_workers = 1};
	struct error err = {0};

	if (eal_up(state) != 0)
		return -1;
	for (unsigned i = 0; i < QUEUES; i++) {
		port[i] = (struct port){.ops = &ops, .index = (uint16_t)i, .n_rxq = 1};
		ports[i] = (struct snapshot_port){.port = &port[i], .mtu = 1500};
		ports[i].mac.b[0] = MAC_FIRST;
		ports[i].mac.b[5] = (uint8_t)i;
	}
	meter = meter_create(METER_BITS, METER_BITS, 0, false);
	ports[LOUD].rx = meter;
	slow = meter_create(1000, 1000, 0, false);
	ports[SLOW].tx = slow;
	shared_tables.macs = mac_table_create(1024, PORTS_MAX);
	snap = snapshot_create(&spec, &err);
	w.pipeline = pipeline_create(0, -1, 1024, &shared_tables, false);
	if (snap == NULL || w.pipeline == NULL || shared_tables.macs == NULL ||
		worker_publish_init() != 0)
		return -1;
	return worker_publish(snap, PUBLISH_MS); /* to nobody: the test is the worker */
}

static int teardown(void **state)
{
	worker_publish_fini();
	pipeline_free(w.pipeline);
	snapshot_free(snap);
	meter_free(meter);
	meter_free(slow);
	mac_table_free(shared_tables.macs);
	return eal_down(state);
}

/* Every queue is lively, none has frames, and nobody has looked yet. */
static void begin(void)
{
	struct pipeline *pipeline = w.pipeline;

	w = (struct worker){.pipeline = pipeline,
		.snap = snap,
		.gen = snap->gen,
		.settled = true,
		.slots = slots,
		.order = order,
		.n_slots = QUEUES,
		.n_lively = QUEUES};
	for (unsigned i = 0; i < QUEUES; i++) {
		slots[i] = (struct poll_slot){.poll.port = (uint16_t)i,
			.port = &port[i],
			.burst = BURST_MAX,
			.rest_most = worker_rest_most(snap, &snap->ports[i])};
		order[i] = (uint16_t)i;
		has_frames[i] = false;
		looks[i] = 0;
		frames[i] = 0;
	}
	greedy = false;
	forging = QUEUES;
}

static void rounds(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		worker_round(&w, rte_rdtsc());
}

static void looks_forget(void)
{
	for (unsigned i = 0; i < QUEUES; i++)
		looks[i] = 0;
}

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
		cmocka_unit_test(test_weights_share_a_worker),
		cmocka_unit_test(test_weights_among_ports_of_different_kinds),
		cmocka_unit_test(test_light_one_alone_waits_for_nobody),
		cmocka_unit_test(test_equal_weights_cost_nothing),
		cmocka_unit_test(test_burst_goes_by_what_frames_cost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
