/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules: a connection from A to B passes when A's group allows it out and B's group allows it
 * in. Each is the first rule of that direction that matches, else the group's default action. An
 * endpoint without a group, and the far side of an uplink, is not judged here.
 */
#include "dataplane/stage/stage.h"

struct query {
	const struct ruleset *rules; /* NULL: none of that direction, or answered */
	struct decision *d;
	unsigned end; /* 0: A, out; 1: B, in */
	bool default_allow;
};

static void side_of(
	struct pipeline *p, const struct snapshot_port *port, uint16_t network, struct side *side)
{
	uint32_t group;

	if (port->uplink) {
		group = addr_table_find_ip(p->snap->remotes, network, &side->ip);
		side->group = group == ADDR_TABLE_NONE ? 0 : (uint16_t)group;
		side->judged = false;
	} else {
		side->group = port->group;
		side->judged = port->group != 0 && p->snap->groups[port->group].present;
	}
}

void judge_sides(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	uint16_t network = p->network[d->i];

	frame_ips(f, &d->a.ip, &d->b.ip);
	side_of(p, in, network, &d->a);
	if (d->out != FLOW_OUT_NONE)
		side_of(p, &p->snap->ports[d->out], network, &d->b);
}

static void answer(struct decision *d, unsigned end, uint32_t result, bool default_allow)
{
	/* The top bit of what the compiler stored with a rule says whether it allows. */
	uint32_t rule = result & ~RULE_ALLOWS;

	d->rule[end] = rule;
	if (d->drop != 0)
		return;
	if (result == 0 && !default_allow)
		d->drop = DROPPED(DROP_default_deny);
	else if (result != 0 && !(result & RULE_ALLOWS))
		d->drop = DROPPED(DROP_rule_deny);
}

static void key_of_query(const struct query *q, struct ruleset_key *key)
{
	const struct side *remote = q->end == 0 ? &q->d->b : &q->d->a;

	key->remote_ip = remote->ip;
	key->remote_group = remote->group;
	key->dst_port = q->d->key.dport;
	key->proto = q->d->key.proto;
	if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6)
		key->dst_port = 0;
}

/* All queries to the ruleset of the first, together. */
static void ask(struct query *queries, unsigned n, unsigned first)
{
	const struct ruleset *rules = queries[first].rules;
	struct ruleset_key key[RULESET_BURST_MAX];
	struct query *asked[RULESET_BURST_MAX];
	uint32_t result[RULESET_BURST_MAX];
	unsigned m = 0;

	for (unsigned i = first; i < n && m < RULESET_BURST_MAX; i++) {
		if (queries[i].rules != rules)
			continue;
		key_of_query(&queries[i], &key[m]);
		asked[m++] = &queries[i];
		queries[i].rules = NULL;
	}
	ruleset_classify(rules, key, result, m);
	for (unsigned i = 0; i < m; i++)
		answer(asked[i]->d, asked[i]->end, result[i], asked[i]->default_allow);
}

static unsigned add_query(struct pipeline *p, struct query *q, struct decision *d, unsigned end)
{
	const struct side *side = end == 0 ? &d->a : &d->b;
	const struct group_view *group = &p->snap->groups[side->group];

	if (!side->judged)
		return 0;
	q->rules = end == 0 ? group->out : group->in;
	q->d = d;
	q->end = end;
	q->default_allow = group->default_allow;
	if (q->rules == NULL)
		answer(d, end, 0, group->default_allow);
	return 1;
}

void judge_burst(struct pipeline *p, struct decision *const *d, unsigned n)
{
	struct query queries[2 * BURST_MAX];

	/* A before B for all: what A's rules refuse, B's rules have not judged. */
	for (unsigned end = 0; end < 2; end++) {
		unsigned m = 0;

		for (unsigned i = 0; i < n; i++)
			if (d[i]->drop == 0)
				m += add_query(p, &queries[m], d[i], end);
		for (unsigned i = 0; i < m; i++)
			if (queries[i].rules != NULL)
				ask(queries, m, i);
	}
}

uint8_t judge_receiver(struct pipeline *p, const struct decision *d, const struct snapshot_port *to,
	const struct frame *f, uint32_t rule[2], bool *ret_judged)
{
	struct decision one = *d;
	struct decision *list[1] = {&one};

	rule[0] = rule[1] = 0;
	*ret_judged = false;
	if (!d->needs_judging || d->related)
		return 0;
	side_of(p, to, p->network[d->i], d->is_reply ? &one.a : &one.b);
	if (!one.a.judged && !one.b.judged)
		return 0;
	*ret_judged = true;
	if (d->refusal != 0)
		return d->refusal;
	one.rule[0] = one.rule[1] = 0;
	judge_burst(p, list, 1);
	/* Of a reply they judged the original direction; this packet goes the other way. */
	for (unsigned end = 0; end < 2 && !d->is_reply; end++) {
		rule[end] = one.rule[end];
		if (rule[end] != 0 && !p->dry)
			count_rule(p, rule[end], 1, f->len);
	}
	return one.drop;
}
