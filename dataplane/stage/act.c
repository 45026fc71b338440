/* SPDX-License-Identifier: BSD-3-Clause */
/* What was decided is done: rules counted, the sender's meter asked, frames queued for their
 * outputs. */
#include <rte_branch_prediction.h>

#include "dataplane/stage/stage.h"

/* 0, or the drop: does the sender's rate have room for this frame? */
static uint8_t meter_sender(struct pipeline *p, struct meter *meter, const struct frame *f)
{
	switch (meter_take(meter, offload_wire_bytes(f), offload_wire_frames(f), p->now_tsc)) {
	case METER_OVER_BITS:
		return DROPPED(DROP_tx_rate);
	case METER_OVER_PACKETS:
		return DROPPED(DROP_tx_pps);
	case METER_PASS:
	default:
		return 0;
	}
}

static void act_flood(
	struct pipeline *p, const struct snapshot_port *in, struct frame *f, unsigned i)
{
	struct decision *d = &p->decision[p->flow[i]->decision];
	const struct network_view *net = &p->snap->networks[p->network[i]];
	unsigned n = flood_outputs(p, in, f, p->network[i]);
	unsigned sent = 0;
	uint8_t drop = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct snapshot_port *to = &p->snap->ports[p->flood[k]];
		uint32_t rule[2];
		bool judged;
		uint8_t refused = judge_receiver(p, d, to, f, rule, &judged);

		if (refused != 0) {
			drop = refused;
			continue;
		}
		if (judged && d->tracked && !d->known) {
			memcpy(d->rule, rule, sizeof(d->rule));
			connection_began_flooded(p, in, d);
		}
		output_add(p, p->flood[k], f, to->uplink ? net->tag : 0);
		sent++;
	}
	f->sole = sent == 1;
	if (sent == 0)
		count_drop(p, in->port->index, drop);
	else
		stat_add(&p->stats[in->port->index].copies, sent - 1);
}

/* Consecutive frames are mostly judged by the same rules: they are counted together. */
struct rule_run {
	uint32_t rule[2];
	uint32_t packets;
	uint64_t bytes;
};

static void run_end(struct pipeline *p, struct rule_run *run)
{
	for (unsigned end = 0; end < 2; end++)
		if (run->rule[end] != 0)
			count_rule(p, run->rule[end], run->packets, run->bytes);
	run->packets = 0;
	run->bytes = 0;
}

static inline void run_add(
	struct pipeline *p, struct rule_run *run, const uint32_t rule[2], uint32_t bytes)
{
	if (unlikely(run->rule[0] != rule[0] || run->rule[1] != rule[1])) {
		run_end(p, run);
		run->rule[0] = rule[0];
		run->rule[1] = rule[1];
	}
	run->packets++;
	run->bytes += bytes;
}

/* Count the rules, and say of each frame what was decided. True: the sender's meter lets all pass. */
static bool act_decided(struct pipeline *p, const struct snapshot_port *in, uint8_t drop[BURST_MAX])
{
	struct rule_run run = {0};
	uint64_t wire_bytes = 0;
	uint32_t wire_frames = 0;

	for (unsigned i = 0; i < p->burst.n; i++) {
		const struct frame *f = &p->burst.frame[i];

		drop[i] = p->drop[i];
		if (drop[i] != 0)
			continue;
		run_add(p, &run, p->flow[i]->rule, f->len);
		drop[i] = p->flow[i]->drop;
		if (drop[i] != 0)
			continue;
		wire_bytes += offload_wire_bytes(f);
		wire_frames += offload_wire_frames(f);
	}
	run_end(p, &run);
	return in->tx == NULL ||
	       meter_take(in->tx, wire_bytes, wire_frames, p->now_tsc) == METER_PASS;
}

static void act_frame(struct pipeline *p, const struct snapshot_port *in, unsigned i, uint8_t drop)
{
	struct frame *f = &p->burst.frame[i];
	const struct flow *flow = p->flow[i];

	if (drop != 0) {
		count_drop(p, in->port->index, drop);
	} else if (flow->out == FLOW_OUT_NONE) {
		act_flood(p, in, f, i);
	} else {
		f->sole = true;
		output_add(p, flow->out, f, flow->tag);
	}
}

void stage_act(struct pipeline *p, const struct snapshot_port *in)
{
	uint8_t drop[BURST_MAX] = {0};
	bool all_pass;

	if (in->tx != NULL)
		meter_lock(in->tx);
	all_pass = act_decided(p, in, drop);
	for (unsigned i = 0; i < p->burst.n; i++) {
		if (!all_pass && drop[i] == 0)
			drop[i] = meter_sender(p, in->tx, &p->burst.frame[i]);
		act_frame(p, in, i, drop[i]);
	}
	if (in->tx != NULL)
		meter_unlock(in->tx);
}
