/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow path: all misses of a burst, stage by stage. Decisions are written to scratch and kept
 * in the flow cache only after the burst was acted on, since keeping one may displace another that
 * is in use.
 */
#include <netinet/in.h>

#include "dataplane/stage/answer.h"
#include "dataplane/stage/snoop.h"
#include "dataplane/stage/stage.h"

#define ND_FIRST 133 /* router solicitation ... */
#define ND_LAST 137  /* ... redirect (RFC 4861) */

/* ARP and neighbour discovery are never subject to rules; what is not IP cannot be. */
static bool is_subject_to_rules(const struct frame *f)
{
	uint8_t type;

	if (!(f->flags & (FRAME_IPV4 | FRAME_IPV6)))
		return false;
	if (f->l4_proto != IPPROTO_ICMPV6 || !(f->flags & FRAME_L4))
		return true;
	type = f->head[f->l4_off];
	return type < ND_FIRST || type > ND_LAST;
}

/* Guard and destination. True: it is subject to rules, and its connection is to be looked up. */
static bool decide_before_rules(
	struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];

	d->out = FLOW_OUT_NONE;
	d->learns = guard_learns(p, in, p->network[d->i]);
	d->drop = guard_check(p, in, f, p->network[d->i]);
	if (d->drop == 0 && p->snap->networks[p->network[d->i]].snooping && !p->dry)
		snoop_learn(p, in, f, p->network[d->i]);
	if (d->drop == 0 && !answer_find(p, in, d))
		forward_find(p, in, d);
	if (d->drop == 0 && d->flood)
		d->drop = flood_limit_check(p, in, f);
	if (d->drop != 0 || !is_subject_to_rules(f))
		return false;
	if (p->snap->contiv) {
		flat_judge(p, in, d);
		return false;
	}
	d->needs_judging = true;
	judge_sides(p, in, d);
	if (!d->a.judged && !d->b.judged && !d->flood)
		return false;
	connection_prepare(p, d);
	return true;
}

/* The verdict as a flow: what a hit will do. */
static void flow_fill(struct pipeline *p, const struct decision *d, unsigned index, uint32_t epoch)
{
	struct flow *flow = &p->scratch[d->i];
	uint32_t stands_ms = FLOW_STANDS_MS;

	if (d->learned || d->learns)
		stands_ms = FLOW_REFRESH_MS;
	else if (d->tracked)
		stands_ms = FLOW_TRACKED_MS;
	memset(flow, 0, sizeof(*flow));
	flow->id = p->id[d->i];
	flow->gen = p->snap->gen;
	flow->valid_until = flow_ticks(p->now_ms + stands_ms);
	flow->account = FLOW_ACCOUNT(p->burst.port, d->rule[0], d->rule[1]);
	flow->out = d->flood ? FLOW_OUT_NONE : d->out;
	flow->drop = d->drop;
	if (flow->out != FLOW_OUT_NONE && p->snap->ports[flow->out].uplink)
		flow->flags |= FLOW_TAGGED;
	if (d->flood || d->answer != NULL) {
		flow->decision = index;
	} else if (d->learned) {
		flow->flags |= FLOW_LEARNED;
		flow->mac_epoch = epoch;
	} else if (d->tracked && !d->learns) {
		flow->flags |= FLOW_TRACKED | (d->is_reply ? FLOW_REPLY : 0);
		flow->sides = connection_sides(d);
	}
	p->flow[d->i] = flow;
}

/*
 * A refusal by rules is not kept where there are connections: the other side may begin one at any
 * moment of which the same packet is then a reply. Neither is one for want of room in a table.
 */
static bool may_keep(const struct decision *d)
{
	if (!d->cacheable || d->flood)
		return false;
	switch (d->drop) {
	case 0:
	case DROPPED(DROP_spoofed_mac):
	case DROPPED(DROP_spoofed_ip):
	case DROPPED(DROP_dhcp_guard):
	case DROPPED(DROP_same_port):
	case DROPPED(DROP_no_destination):
		return true;
	case DROPPED(DROP_rule_deny):
		return d->flat;
	default:
		return false;
	}
}

/* Those from `from` up to `to` that are later fragments, or those that are not. Flooded frames are
 * judged when their receivers are known, in act. */
static void decide_some(struct pipeline *p, const struct snapshot_port *in, unsigned from,
	unsigned to, uint8_t later)
{
	struct decision *found[BURST_MAX];
	struct decision *asked[BURST_MAX];
	unsigned n_found = 0;
	unsigned n_asked = 0;

	for (unsigned k = from; k < to; k++) {
		struct decision *d = &p->decision[k];

		if ((p->burst.frame[d->i].flags & FRAME_FRAG_LATER) == later &&
			decide_before_rules(p, in, d))
			found[n_found++] = d;
	}
	for (unsigned k = 0; k < n_found; k++)
		conn_place_prefetch(&found[k]->place);
	for (unsigned k = 0; k < n_found; k++) {
		connection_find(p, in, found[k]);
		if (found[k]->drop == 0 && !found[k]->found && !found[k]->flood)
			asked[n_asked++] = found[k];
	}
	if (n_asked != 0)
		judge_burst(p, asked, n_asked);
	for (unsigned k = 0; k < n_asked; k++)
		log_refused(p, asked[k]);
	for (unsigned k = 0; k < n_found; k++) {
		connection_remember(p, in, found[k]);
		if (found[k]->began)
			count_connection(p, found[k]);
	}
}

void stage_decide(struct pipeline *p, const struct snapshot_port *in, unsigned n)
{
	/* Read before anything is looked up: what changes meanwhile makes the flow stale. */
	uint32_t epoch = mac_table_epoch(p->tables->macs);

	unsigned from = 0;
	bool syn = false;

	/* A segment goes by its connection, which a SYN before it in the burst may begin. */
	for (unsigned k = 0; k < n; k++) {
		const struct frame *f = &p->burst.frame[p->decision[k].i];

		if (f->l4_proto != IPPROTO_TCP || !(f->flags & FRAME_L4))
			continue;
		if (f->head[f->l4_off + 13] & CONN_TCP_SYN) {
			syn = true;
		} else if (syn) {
			decide_some(p, in, from, k, 0);
			from = k;
			syn = false;
		}
	}
	decide_some(p, in, from, n, 0);
	/* A later fragment goes by its first, which may be in the same burst. */
	decide_some(p, in, 0, n, FRAME_FRAG_LATER);
	for (unsigned k = 0; k < n; k++)
		flow_fill(p, &p->decision[k], k, epoch);
}

void stage_keep(struct pipeline *p, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		const struct decision *d = &p->decision[k];

		if (may_keep(d))
			flow_cache_put(&p->cache, &p->scratch[d->i]);
	}
}
