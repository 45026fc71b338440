/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker without a thread, and the queues it polls: each of a port of its own, whose frames go to the next one. The test
 * says who has frames, and how often each was looked at is counted.
 */
#ifndef LEAT_TEST_UNIT_WORKER_QUEUES_H
#define LEAT_TEST_UNIT_WORKER_QUEUES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/worker_private.h"
#include "test/unit/eal_up.h"

#define QUEUES 64
#define MAC_FIRST 2 /* its first byte: locally administered */
#define LOUD 5
#define SLOW 20 /* may send a kilobit a second */
#define ROUNDS 1000
#define PUBLISH_MS 1000
#define METER_BITS ((uint64_t)1 << 40) /* a rate that nobody reaches, and a second's burst */

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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	worker_publish_fini();
	pipeline_free(w.pipeline);
	snapshot_free(snap);
	meter_free(meter);
	meter_free(slow);
	mac_table_free(shared_tables.macs);
	return eal_down(state);
}

/* Every queue is lively, none has frames, nobody has looked yet, and nobody waits for who has used less time. */
static inline void begin(void)
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
			.never_waits = true,
			.rest_most = worker_rest_most(snap, &snap->ports[i])};
		order[i] = (uint16_t)i;
		has_frames[i] = false;
		looks[i] = 0;
		frames[i] = 0;
	}
	greedy = false;
	forging = QUEUES;
}

static inline void rounds(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		worker_round(&w, rte_rdtsc());
}

static inline void looks_forget(void)
{
	for (unsigned i = 0; i < QUEUES; i++)
		looks[i] = 0;
}

#endif
