/* SPDX-License-Identifier: BSD-3-Clause */
/* What was decided is done: rules counted, the sender's meter asked, frames queued for their
 * outputs. */
#include <rte_branch_prediction.h>

#include "dataplane/shaper.h"
#include "dataplane/stage/answer.h"
#include "dataplane/stage/shape.h"

static void act_flood(
	struct pipeline *p, const struct snapshot_port *in, struct frame *f, unsigned i)
{
	struct decision *d = &p->decision[p->flow[i]->decision];
	unsigned n = flood_outputs(p, in, f, p->network[i]);
	unsigned sent = 0;
	/* Who was there when it was decided may have left its group. */
	uint8_t drop = DROPPED(DROP_no_listener);

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

/* It is turned into what goes back by the port it came by. */
static void act_answer(struct pipeline *p, const struct snapshot_port *in, struct frame *f,
	unsigned i, const struct neighbour_view *owner)
{
	count_drop(p, in->port->index, DROPPED(answer_reason(f)));
	answer_build(f, owner);
	stat_add(&p->stats[in->port->index].copies, 1);
	output_add(p, in->port->index, f, in->uplink ? p->snap->networks[p->network[i]].tag : 0);
}

/* What is no flow's: it has several receivers, or is answered. */
static void act_decided(
	struct pipeline *p, const struct snapshot_port *in, struct frame *f, unsigned i)
{
	const struct neighbour_view *owner = p->decision[p->flow[i]->decision].answer;

	if (owner != NULL)
		act_answer(p, in, f, i, owner);
	else
		act_flood(p, in, f, i);
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

/* Sums of what is to be paid for. */
struct price {
	uint64_t bytes;
	uint32_t frames;
};

/* What was dropped on the way here costs its sender nothing. */
static struct price price_of_burst(const struct pipeline *p)
{
	struct price price = {p->wire_bytes, p->wire_frames};

	for (unsigned i = 0; i < p->burst.n; i++) {
		const struct frame *f = &p->burst.frame[i];

		if (likely(p->drop[i] != 0 || p->flow[i]->drop == 0))
			continue;
		price.bytes -= offload_wire_bytes(f);
		price.frames -= offload_wire_frames(f);
	}
	return price;
}

/* Which of the frames have room, in their order; of the others the drop. */
static void meter_each(struct pipeline *p, uint16_t port, struct meter *meter, uint8_t *drop)
{
	static const uint8_t drops[METER_VERDICTS] = {
		[METER_OVER_BITS] = DROPPED(DROP_tx_rate),
		[METER_OVER_PACKETS] = DROPPED(DROP_tx_pps),
	};

	for (unsigned i = 0; i < p->burst.n; i++) {
		const struct frame *f = &p->burst.frame[i];
		uint64_t bytes = offload_wire_bytes(f);
		uint32_t frames = offload_wire_frames(f);
		enum meter_verdict verdict;

		if (p->drop[i] != 0 || p->flow[i]->drop != 0)
			continue;
		verdict = meter_take(meter, bytes, frames, p->now_tsc);
		drop[i] = drops[verdict];
		count_metered(p, port, METER_TX, verdict, frames, bytes);
	}
}

/* What is over the sender's rate waits: neither drop nor output. */
#define HELD UINT8_MAX
_Static_assert(DROPPED(DROP_REASON_COUNT) < HELD, "it is no drop");

static void hold_each(struct pipeline *p, const struct snapshot_port *in, uint8_t *drop)
{
	bool held[BURST_MAX];

	shape_sender(p, in, held);
	for (unsigned i = 0; i < p->burst.n; i++)
		drop[i] = held[i] ? HELD : 0;
}

/* True: the sender's rate has room for all of the burst. Else `drop` says it of each frame that is to go on. */
static bool meter_sender(struct pipeline *p, const struct snapshot_port *in, uint8_t *drop)
{
	struct price price = price_of_burst(p);
	bool enough;

	if (price.frames == 0)
		return true;
	meter_lock(in->tx);
	enough = shaper_lets_pass(in->tx, price.bytes, price.frames, p->now_tsc);
	if (!enough && in->tx->shaper != NULL)
		hold_each(p, in, drop);
	else if (!enough)
		meter_each(p, in->port->index, in->tx, drop);
	meter_unlock(in->tx);
	if (enough)
		count_metered(p, in->port->index, METER_TX, METER_PASS, price.frames, price.bytes);
	p->limited += !enough;
	return enough;
}

/* over: of each frame what the sender's meter said, or NULL. */
static inline void act_frame(struct pipeline *p, const struct snapshot_port *in, unsigned i,
	struct rule_run *run, const uint8_t *over)
{
	struct frame *f = &p->burst.frame[i];
	const struct flow *flow = p->flow[i];
	uint8_t drop;

	if (unlikely(p->drop[i] != 0)) {
		count_drop(p, in->port->index, p->drop[i]);
		return;
	}
	drop = flow->drop;
	if (unlikely(over != NULL) && drop == 0) {
		drop = over[i];
		/* It comes here again. */
		if (drop == HELD)
			return;
	}
	run_add(p, run, flow->account, f->len);
	if (unlikely(drop != 0)) {
		count_drop(p, in->port->index, drop);
	} else if (unlikely(flow->out == FLOW_OUT_NONE)) {
		act_decided(p, in, f, i);
	} else {
		f->sole = true;
		output_add(p, flow->out, f, flow->flags & FLOW_TAGGED ? in->tag : 0);
	}
}

void stage_act(struct pipeline *p, const struct snapshot_port *in)
{
	struct rule_run run = {0};
	uint8_t drop[BURST_MAX];
	const uint8_t *over = NULL; /* NULL: nothing is over the sender's rate */

	if (in->tx != NULL && !p->paid && !meter_sender(p, in, drop))
		over = drop;
	for (unsigned i = 0; i < p->burst.n; i++)
		act_frame(p, in, i, &run, over);
	run_end(p, &run);
}
