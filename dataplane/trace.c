/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <rte_cycles.h>

#include "dataplane/pipeline.h"
#include "dataplane/stage/answer.h"
#include "dataplane/stage/snoop.h"
#include "dataplane/stage/stage.h"
#include "dataplane/worker.h"

#define TRACE_FLOW_ENTRIES 1024

__attribute__((format(printf, 2, 3))) static void step(
	struct trace_result *ret, const char *fmt, ...)
{
	va_list ap;

	if (ret->n_steps == TRACE_STEPS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(ret->step[ret->n_steps++], TRACE_STEP_LEN, fmt, ap);
	va_end(ap);
}

static void one_frame(struct pipeline *p, uint16_t port, const uint8_t *frame, uint16_t len)
{
	struct burst *b = &p->burst;
	struct frame *f = &b->frame[0];

	memset(f, 0, sizeof(*f));
	b->n = 1;
	b->port = port;
	b->stats = &p->stats[port];
	f->len = len;
	f->head_len = len < FRAME_HEAD_MAX ? len : FRAME_HEAD_MAX;
	f->head = b->head[0];
	memcpy(f->head, frame, f->head_len);
	if (len > FRAME_HEAD_MAX) {
		b->seg[0].base = frame + FRAME_HEAD_MAX;
		b->seg[0].len = len - FRAME_HEAD_MAX;
		f->tail = &b->seg[0];
		f->n_tail = 1;
	}
}

static bool is_dropped(struct pipeline *p, struct trace_result *ret, const char *stage)
{
	uint8_t drop = p->drop[0];

	if (drop == 0)
		return false;
	ret->verdict = TRACE_DROP;
	ret->reason = drop - 1U;
	step(ret, "%s: dropped as %s: %s", stage, drop_reason_name(ret->reason),
		drop_reason_doc(ret->reason));
	return true;
}

/* In words who the two ends are, and which of all rules decided. */
static void step_flat(const struct decision *d, struct trace_result *ret)
{
	const struct side *sides[2] = {&d->a, &d->b};
	static const char *const names[2] = {"source", "destination"};

	for (unsigned end = 0; end < 2; end++) {
		if (sides[end]->group != 0)
			step(ret, "policy, %s: group #%u", names[end], sides[end]->group);
		else
			step(ret, "policy, %s: in no group", names[end]);
	}
	if (d->rule[0] != 0)
		step(ret, "policy, all rules by priority: rule #%u %s it", d->rule[0],
			d->drop != 0 ? "denies" : "allows");
	else
		step(ret, "policy, all rules by priority: none matches, allowed");
}

static void step_rules(const struct pipeline *p, const struct decision *d, struct trace_result *ret)
{
	static const char *const asks[2] = {"sender's group, out", "receiver's group, in"};
	const struct side *sides[2] = {&d->a, &d->b};

	if (d->flat) {
		step_flat(d, ret);
	} else if (p->snap->contiv) {
		step(ret,
			"policy: not judged in the contiv mode: not IPv4, by an uplink, or dropped "
			"before");
	} else if (!d->needs_judging) {
		step(ret, "policy: not subject to rules");
	} else if (d->flood) {
		step(ret, "policy: judged for each receiver");
	} else if (d->related) {
		step(ret, "policy: an ICMP error about a connection that stands");
	} else if (d->found) {
		step(ret, "policy: %s",
			d->is_reply ? "a reply of a connection that stands"
				    : "part of a connection that stands");
	} else {
		for (unsigned end = 0; end < 2; end++) {
			if (!sides[end]->judged)
				step(ret, "policy, %s: not judged here", asks[end]);
			else if (d->rule[end] != 0)
				step(ret, "policy, %s: rule #%u", asks[end], d->rule[end]);
			else if (end == 0 || d->rule[0] == 0 || d->drop == 0)
				step(ret, "policy, %s: no rule matches, default action", asks[end]);
		}
	}
	/* A default action refuses after the other side's rule allowed: then no rule did. */
	if (d->drop != DROPPED(DROP_default_deny))
		ret->rule = d->rule[1] != 0 ? d->rule[1] : d->rule[0];
}

/* Of a parsed IP frame (RFC 2474). */
static unsigned dscp_of(const struct frame *f)
{
	const uint8_t *l3 = f->head + f->l3_off;

	return (f->flags & FRAME_IPV4 ? l3[1] : load_be16(l3) >> 4 & 0xff) >> 2;
}

/* What is written into it on its way; as it was, for the words. */
static void step_mark(struct pipeline *p, const struct snapshot_port *in, struct trace_result *ret)
{
	const struct frame *f = &p->burst.frame[0];

	if (!in->marked || !(f->flags & (FRAME_IPV4 | FRAME_IPV6)))
		return;
	step(ret, "mark: DSCP %u in place of %u", in->dscp, dscp_of(f));
	stage_mark(p, in->dscp);
}

/* Where the frame leaves by an uplink, with which tag. */
static void step_uplink(const struct snapshot_port *in, struct trace_result *ret)
{
	if (in->tag == 0)
		step(ret, "forward: to an uplink, untagged");
	else
		step(ret, "forward: to an uplink, VLAN %u, priority %u", in->tag & 0xfff, in->pcp);
}

static void trace_answer(
	const struct frame *f, const struct neighbour_view *owner, struct trace_result *ret)
{
	char mac[MAC_TEXT_LEN];

	mac_format(&owner->mac, mac);
	ret->verdict = TRACE_DROP;
	ret->reason = answer_reason(f);
	if (owner->port != PORT_NONE)
		step(ret, "answer: the address is that of endpoint #%u", owner->port);
	else
		step(ret, "answer: the address is that of a remote endpoint");
	step(ret, "answer: the switch itself says that it is at %s", mac);
}

static void trace_outputs(struct pipeline *p, const struct snapshot_port *in,
	const struct decision *d, struct trace_result *ret)
{
	const struct frame *f = &p->burst.frame[0];
	uint8_t drop = DROPPED(DROP_no_listener);
	struct group_ports wanted;
	uint32_t rule[2];
	bool judged;
	unsigned n;

	if (!d->flood) {
		ret->verdict = TRACE_FORWARD;
		ret->out[ret->n_out++] = d->out;
		if (p->snap->ports[d->out].uplink)
			step_uplink(in, ret);
		else
			step(ret, "forward: to an endpoint");
		return;
	}
	ret->verdict = TRACE_FLOOD;
	if ((f->flags & FRAME_MULTICAST) && p->snap->networks[p->network[0]].snooping)
		step(ret, "snooping: %s",
			snoop_selects(p, f, p->network[0], &wanted)
				? "for who has joined the group, routers and uplinks"
				: "for all");
	n = flood_outputs(p, in, f, p->network[0]);
	for (unsigned k = 0; k < n; k++) {
		uint8_t refused =
			judge_receiver(p, d, &p->snap->ports[p->flood[k]], f, rule, &judged);

		if (rule[0] != 0 || rule[1] != 0)
			ret->rule = rule[1] != 0 ? rule[1] : rule[0];
		if (refused == 0) {
			ret->out[ret->n_out++] = p->flood[k];
			continue;
		}
		drop = refused;
		step(ret, "policy: port #%u may not have it: %s", p->flood[k],
			drop_reason_name(drop - 1U));
	}
	if (ret->n_out == 0) {
		ret->verdict = TRACE_DROP;
		ret->reason = drop - 1U;
	}
	step(ret, "forward: flooded to %u of %u ports", ret->n_out, n);
}

/* Floods that pass the guard may still be more than the port's limit has room for, which is not asked here. */
static void step_flood_limit(const struct pipeline *p, const struct snapshot_port *in,
	const struct decision *d, struct trace_result *ret)
{
	static const char *const names[FLOOD_KINDS] = {"broadcast", "multicast", "unknown unicast"};
	enum flood_kind kind = flood_kind_of(&p->burst.frame[0]);

	if (d->drop == 0 && d->flood && in->flood[kind] != NULL)
		step(ret, "guard: %s by this port is limited to %" PRIu64 " frames a second",
			names[kind], in->flood[kind]->packets.rate);
}

static void trace_stages(
	struct pipeline *p, const struct snapshot_port *in, struct trace_result *ret)
{
	const struct decision *d = &p->decision[0];

	stage_vlan(p, in);
	if (is_dropped(p, ret, "vlan"))
		return;
	step(ret, "vlan: network #%u", p->network[0]);
	stage_parse(p);
	if (is_dropped(p, ret, "parse"))
		return;
	memset(&p->decision[0], 0, sizeof(p->decision[0]));
	stage_decide(p, in, 1);
	p->drop[0] = d->drop;
	step_flood_limit(p, in, d, ret);
	step_rules(p, d, ret);
	if (is_dropped(p, ret, "decision"))
		return;
	if (d->answer != NULL) {
		trace_answer(&p->burst.frame[0], d->answer, ret);
		return;
	}
	step_mark(p, in, ret);
	trace_outputs(p, in, d, ret);
}

int trace_frame(const struct snapshot *snapshot, uint16_t port, const uint8_t *frame, uint16_t len,
	struct trace_result *ret)
{
	struct pipeline *p;

	memset(ret, 0, sizeof(*ret));
	p = pipeline_create(0, -1, TRACE_FLOW_ENTRIES, worker_tables(), true);
	if (p == NULL)
		return -1;
	pipeline_clock(p, rte_rdtsc());
	p->snap = snapshot;
	one_frame(p, port, frame, len);
	step(ret, "receive: by %s #%u, %u bytes",
		snapshot->ports[port].uplink ? "uplink" : "endpoint", port, len);
	trace_stages(p, &snapshot->ports[port], ret);
	pipeline_free(p);
	return 0;
}
