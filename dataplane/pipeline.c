/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pipeline.h"

#include <stdlib.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "dataplane/announce.h"
#include "dataplane/stage/shape.h"

_Static_assert(SNAPSHOT_IPS_MAX <= BURST_MAX, "one burst announces all addresses");

struct pipeline *pipeline_create(unsigned worker, int numa_node, uint32_t flow_entries,
	const struct shared_tables *tables, bool dry)
{
	struct pipeline *p = rte_zmalloc_socket("pipeline", sizeof(*p), 64, numa_node);

	if (p == NULL)
		return NULL;
	p->worker = worker;
	p->tables = tables;
	p->dry = dry;
	p->tsc_khz = rte_get_tsc_hz() / 1000;
	p->stats = rte_zmalloc_socket("port_stats", PORTS_MAX * sizeof(*p->stats), 64, numa_node);
	p->out = rte_zmalloc_socket("out_queues", PORTS_MAX * sizeof(*p->out), 64, numa_node);
	/* Large and sparsely used: from the kernel, which gives pages as they are touched. */
	p->rules = calloc(dry ? 1 : RULES_MAX, sizeof(*p->rules));
	if (!dry)
		p->log = rule_log_create();
	if (p->stats == NULL || p->out == NULL || p->rules == NULL || (p->log == NULL && !dry) ||
		flow_cache_init(&p->cache, flow_entries, numa_node) != 0) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	flow_cache_fini(&p->cache);
	rte_free(p->stats);
	rte_free(p->out);
	free(p->rules);
	rule_log_free(p->log);
	rte_free(p);
}

void pipeline_clock(struct pipeline *p, uint64_t now_tsc)
{
	p->now_tsc = now_tsc;
	p->now_ms = now_tsc / p->tsc_khz;
}

void pipeline_notify(struct pipeline *p)
{
	for (unsigned i = 0; i < p->n_notices; i++) {
		struct port *port = p->notice[i].port;

		if (p->notice[i].queue == NOTICE_TX)
			port->ops->notify_tx(port, p->worker);
		else
			port->ops->notify_rx(port, p->notice[i].queue);
	}
	p->n_notices = 0;
}

void notice_add(struct pipeline *p, struct port *port, uint16_t queue)
{
	if (p->n_notices == NOTICES_MAX)
		pipeline_notify(p);
	p->notice[p->n_notices++] = (struct notice){port, queue};
}

static void frame_announce(struct burst *b, const struct mac *mac, const struct ip *ip)
{
	struct frame *f = &b->frame[b->n];

	*f = (struct frame){.head = b->head[b->n], .flags = FRAME_MULTICAST};
	f->len = announce_build(mac, ip, f->head);
	f->head_len = (uint16_t)f->len;
	b->n++;
}

void pipeline_announce(
	struct pipeline *p, const struct snapshot *snap, uint16_t port, struct announced *ret)
{
	const struct snapshot_port *from = &snap->ports[port];
	struct burst *b = &p->burst;
	unsigned n;

	*ret = (struct announced){.frames = from->n_ips};
	if (from->n_ips == 0)
		return;
	p->snap = snap;
	b->port = port;
	b->n = 0;
	for (unsigned i = 0; i < from->n_ips; i++)
		frame_announce(b, &from->mac, &from->ips[i]);
	n = flood_outputs(p, from, &b->frame[0], from->network);
	for (unsigned k = 0; k < n; k++) {
		const struct snapshot_port *to = &snap->ports[p->flood[k]];
		uint32_t tag = to->uplink ? from->tag : 0;

		for (unsigned i = 0; i < b->n; i++)
			output_add(p, p->flood[k], &b->frame[i], tag);
	}
	ret->copies = n * b->n;
	stat_add(&p->stats[port].copies, ret->copies);
	stage_transmit(p);
}

/* A stage is over. */
static inline __attribute__((always_inline)) void lap(
	struct pipeline *p, enum timed_stage stage, unsigned packets, const bool timed)
{
	if (timed)
		stage_lap(&p->cycles, stage, packets);
}

/* Known to the compiler, `timed` makes two functions of each of the next two, and only one reads the clock. */
static inline __attribute__((always_inline)) void run_stages(
	struct pipeline *p, const struct snapshot_port *in, const bool timed)
{
	unsigned misses;

	stage_vlan(p, in);
	lap(p, TIMED_vlan, p->burst.n, timed);
	stage_parse(p);
	lap(p, TIMED_parse, p->burst.n, timed);
	misses = stage_lookup(p, in);
	lap(p, TIMED_lookup, p->burst.n, timed);
	if (misses != 0) {
		stage_decide(p, in, misses);
		lap(p, TIMED_decide, misses, timed);
	}
	if (unlikely(in->marked))
		stage_mark(p, in->dscp);
	stage_act(p, in);
	p->paid = false;
	lap(p, TIMED_act, p->burst.n, timed);
	stage_transmit(p);
	lap(p, TIMED_transmit, p->burst.n, timed);
	if (misses != 0) {
		stage_keep(p, misses);
		lap(p, TIMED_keep, misses, timed);
	}
}

static inline __attribute__((always_inline)) unsigned poll_burst(struct pipeline *p,
	const struct snapshot *snap, struct snapshot_poll poll, uint16_t max, const bool timed)
{
	const struct snapshot_port *in = &snap->ports[poll.port];
	struct port *port = in->port;
	struct burst *b = &p->burst;

	b->port = poll.port;
	b->queue = poll.queue;
	b->max = max;
	b->taken = 0;
	b->stats = &p->stats[poll.port];
	if (timed)
		p->cycles.lap_tsc = rte_rdtsc();
	if (port->ops->receive(port, poll.queue, b) == 0) {
		if (timed)
			stage_lap_empty(&p->cycles);
		return 0;
	}
	if (timed)
		stat_add(&p->cycles.bursts, 1);
	lap(p, TIMED_receive, b->n, timed);
	p->snap = snap;
	stat_add(&p->packets, b->n);
	run_stages(p, in, timed);
	port->ops->release(port, poll.queue, b);
	if (port->ops->notify_rx != NULL)
		notice_add(p, port, poll.queue);
	lap(p, TIMED_release, b->n, timed);
	return b->n;
}

unsigned pipeline_poll(
	struct pipeline *p, const struct snapshot *snap, struct snapshot_poll poll, uint16_t max)
{
	return poll_burst(p, snap, poll, max, false);
}

unsigned pipeline_poll_timed(
	struct pipeline *p, const struct snapshot *snap, struct snapshot_poll poll, uint16_t max)
{
	return poll_burst(p, snap, poll, max, true);
}

unsigned pipeline_resume(struct pipeline *p, const struct snapshot *snap, uint16_t port,
	enum meter_side side, uint16_t max)
{
	struct burst *b = &p->burst;

	p->snap = snap;
	b->port = port;
	b->max = max;
	b->stats = &p->stats[port];
	if (shape_take(p, port, side) == 0)
		return 0;
	p->paid = true;
	if (side == METER_TX) {
		run_stages(p, &snap->ports[port], false);
	} else {
		for (unsigned i = 0; i < b->n; i++)
			output_add(p, port, &b->frame[i], b->frame[i].held_tag);
		stage_transmit(p);
		p->paid = false;
	}
	shape_release(p, port, side);
	return b->n;
}
