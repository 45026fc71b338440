/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules: a connection from A to B passes when A's group allows it out and B's group allows it
 * in. Each is the first rule of that direction that matches, else the group's default action. An
 * endpoint without a group, and the far side of an uplink, is not judged here.
 */
#include "dataplane/stage/stage.h"

struct query {
	const struct ruleset *rules; /* NULL: none of that direction, or they were asked */
	struct decision *d;
	unsigned end; /* 0: A, out; 1: B, in */
	bool default_allow;
	uint32_t result; /* the first rule that matches, as compiled; 0 none */
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

static void answer(const struct query *q)
{
	struct decision *d = q->d;

	/* The top bit of what the compiler stored with a rule says whether it allows. */
	d->rule[q->end] = q->result & ~RULE_ALLOWS;
	if (d->drop != 0)
		return;
	if (q->result == 0 && !q->default_allow)
		d->drop = DROPPED(DROP_default_deny);
	else if (q->result != 0 && !(q->result & RULE_ALLOWS))
		d->drop = DROPPED(DROP_rule_deny);
}

static void key_of_query(const struct query *q, struct ruleset_key *key)
{
	const struct side *remote = q->end == 0 ? &q->d->b : &q->d->a;
	const struct side *local = q->end == 0 ? &q->d->a : &q->d->b;

	key->local_ip = local->ip;
	key->tcp_flags = 0; /* of connections no rule asks for them */
	key->remote_ip = remote->ip;
	key->remote_group = remote->group;
	key->dst_port = q->d->key.dport;
	key->src_port = q->d->key.sport;
	key->proto = q->d->key.proto;
	if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6)
		key->dst_port = key->src_port = 0;
}

/* All queries from the first on that are for this ruleset, together. */
static void ask(struct pipeline *p, const struct ruleset *rules, struct query *queries, unsigned n,
	unsigned first)
{
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
	if (m != 0)
		ruleset_classify(rules, key, result, m);
	for (unsigned i = 0; i < m; i++)
		asked[i]->result = rule_first(p->snap, asked[i]->result, result[i]);
}

/* The rules of no one group: asked about all, as many together as may be. */
static void ask_any(struct pipeline *p, struct query *queries, unsigned n, unsigned end)
{
	const struct ruleset *rules = p->snap->any[end];

	for (unsigned i = 0; i < n && rules != NULL; i++)
		queries[i].rules = rules;
	for (unsigned i = 0; i < n && rules != NULL; i++)
		if (queries[i].rules != NULL)
			ask(p, rules, queries, n, i);
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
	q->result = 0;
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
				ask(p, queries[i].rules, queries, m, i);
		ask_any(p, queries, m, end);
		for (unsigned i = 0; i < m; i++)
			answer(&queries[i]);
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
	log_refused(p, &one);
	/* Of a reply they judged the original direction; this packet goes the other way. */
	for (unsigned end = 0; end < 2 && !d->is_reply; end++) {
		rule[end] = one.rule[end];
		if (rule[end] != 0 && !p->dry)
			count_rule(p, rule[end], 1, f->len);
	}
	return one.drop;
}
