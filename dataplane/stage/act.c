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
		output_add(p, p->flood[k], f, to->uplink ? in->tag : 0);
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
	uint64_t account; /* of each of them */
	uint32_t packets;
	uint64_t bytes;
};

static void run_end(struct pipeline *p, struct rule_run *run)
{
	for (unsigned end = 0; end < 2; end++) {
		uint32_t rule = flow_rule(run->account, end);

		if (rule != 0)
			count_rule(p, rule, run->packets, run->bytes);
	}
	run->packets = 0;
	run->bytes = 0;
}

static inline void run_add(
	struct pipeline *p, struct rule_run *run, uint64_t account, uint32_t bytes)
{
	if (unlikely(run->account != account)) {
		run_end(p, run);
		run->account = account;
	}
	run->packets++;
	run->bytes += bytes;
}

/* The sender's meter, and what it was asked for ahead, for all frames of the burst. */
struct ahead {
	struct meter *meter; /* NULL: there is none, or it has enough for all of them */
	uint64_t bytes;	     /* of those that were not sent after all */
	uint32_t frames;
};

static inline void act_frame(struct pipeline *p, const struct snapshot_port *in, unsigned i,
	struct rule_run *run, struct ahead *ahead)
{
	struct frame *f = &p->burst.frame[i];
	const struct flow *flow = p->flow[i];
	uint8_t drop;

	if (unlikely(p->drop[i] != 0)) {
		count_drop(p, in->port->index, p->drop[i]);
		return;
	}
	run_add(p, run, flow->account, f->len);
	drop = flow->drop;
	if (unlikely(drop != 0)) {
		ahead->bytes += offload_wire_bytes(f);
		ahead->frames += offload_wire_frames(f);
	} else if (unlikely(ahead->meter != NULL)) {
		drop = meter_sender(p, ahead->meter, f);
	}
	if (unlikely(drop != 0)) {
		count_drop(p, in->port->index, drop);
	} else if (unlikely(flow->out == FLOW_OUT_NONE)) {
		act_flood(p, in, f, i);
	} else {
		f->sole = true;
		output_add(p, flow->out, f, flow->flags & FLOW_TAGGED ? in->tag : 0);
	}
}

void stage_act(struct pipeline *p, const struct snapshot_port *in)
{
	struct rule_run run = {0};
	struct ahead ahead = {0};
	bool enough;

	if (in->tx == NULL) {
		for (unsigned i = 0; i < p->burst.n; i++)
			act_frame(p, in, i, &run, &ahead);
		run_end(p, &run);
		return;
	}
	/* Once for all; for what is dropped it is given back. */
	meter_lock(in->tx);
	enough = meter_take(in->tx, p->wire_bytes, p->wire_frames, p->now_tsc) == METER_PASS;
	ahead.meter = enough ? NULL : in->tx;
	for (unsigned i = 0; i < p->burst.n; i++)
		act_frame(p, in, i, &run, &ahead);
	if (enough && ahead.frames != 0)
		meter_give(in->tx, ahead.bytes, ahead.frames);
	meter_unlock(in->tx);
	run_end(p, &run);
}
