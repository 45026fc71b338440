/* SPDX-License-Identifier: BSD-3-Clause */
/* What was decided is done: rules counted, the sender's meter asked, frames queued for their
 * outputs. */
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

static void act_frame(struct pipeline *p, const struct snapshot_port *in, unsigned i)
{
	struct frame *f = &p->burst.frame[i];
	const struct flow *flow = p->flow[i];
	uint8_t drop = p->drop[i];

	if (drop == 0) {
		if (flow->rule[0] != 0)
			count_rule(p, flow->rule[0], f->len);
		if (flow->rule[1] != 0)
			count_rule(p, flow->rule[1], f->len);
		drop = flow->drop;
	}
	if (drop == 0 && in->tx != NULL)
		drop = meter_sender(p, in->tx, f);
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
	if (in->tx != NULL)
		meter_lock(in->tx);
	for (unsigned i = 0; i < p->burst.n; i++)
		act_frame(p, in, i);
	if (in->tx != NULL)
		meter_unlock(in->tx);
}
