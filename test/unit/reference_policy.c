/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference's rules, connections and fragments. */
#include <assert.h>
#include <string.h>

#include "test/unit/reference_private.h"

static bool end_equal(const struct end *a, const struct end *b)
{
	return a->judged == b->judged && a->group == b->group;
}

static struct end end_of(const struct journey *j, uint16_t port, const struct ip *ip)
{
	const struct test_port_spec *spec = &j->t->port[port];
	struct end end = {.ip = *ip};

	if (!spec->uplink) {
		end.group = spec->group;
		end.judged = spec->group != 0 && j->t->group[spec->group].present;
		return end;
	}
	for (unsigned i = 0; i < TOPOLOGY_REMOTES_MAX && j->t->remote[i].ip.family != 0; i++)
		if (j->t->remote[i].network == j->network && ip_equal(&j->t->remote[i].ip, ip))
			end.group = j->t->remote[i].group;
	return end;
}

static bool rule_matches(const struct test_rule *rule, const struct question *q, bool out)
{
	const struct end *other = out ? &q->to : &q->from;
	uint16_t hi = rule->port_hi != 0 ? rule->port_hi : UINT16_MAX;

	if (rule->group != (out ? q->from.group : q->to.group) ||
		rule->direction != (out ? TEST_OUT : TEST_IN))
		return false;
	if (rule->proto != 0 && rule->proto != q->proto)
		return false;
	if (q->dport < rule->port_lo || q->dport > hi)
		return false;
	if (rule->remote_group != 0)
		return rule->remote_group == other->group;
	return rule->remote_prefix.addr.family == 0 ||
	       prefix_contains(&rule->remote_prefix, &other->ip);
}

/* The first matching rule of that direction, else the group's default action. */
static int judge_end(const struct journey *j, const struct question *q, bool out, unsigned *rule)
{
	uint16_t group = out ? q->from.group : q->to.group;

	*rule = 0;
	if (!(out ? q->from.judged : q->to.judged))
		return ALLOWED;
	for (unsigned i = 0; i < TOPOLOGY_RULES_MAX && j->t->rule[i].group != 0; i++)
		if (rule_matches(&j->t->rule[i], q, out)) {
			*rule = i + 1;
			return j->t->rule[i].allow ? ALLOWED : DROP_rule_deny;
		}
	return j->t->group[group].default_deny ? DROP_default_deny : ALLOWED;
}

static int judge(const struct journey *j, const struct question *q, unsigned rule[2])
{
	int drop = judge_end(j, q, true, &rule[0]);

	rule[1] = 0;
	return drop != ALLOWED ? drop : judge_end(j, q, false, &rule[1]);
}

static void count(struct journey *j, const unsigned rule[2])
{
	for (unsigned i = 0; i < 2; i++)
		if (rule[i] != 0)
			j->ret->rule_packets[rule[i]]++;
}

/* ARP and neighbour discovery are never subject to rules; what is not IP has none. */
static bool is_subject(const struct packet *p)
{
	if (p->kind != PACKET_IPV4 && p->kind != PACKET_IPV6)
		return false;
	return p->proto != 58 || p->frag_off != 0 || p->icmp_type < 133 || p->icmp_type > 137;
}

static bool is_error(const struct packet *p)
{
	uint8_t t = p->icmp_type;

	if (p->frag_off != 0)
		return false;
	return (p->proto == 1 && (t == 3 || t == 4 || t == 11 || t == 12)) ||
	       (p->proto == 58 && t >= 1 && t <= 4);
}

/* Echo, and in ICMPv4 timestamp, information and address mask. */
static bool asks(const struct packet *p)
{
	uint8_t t = p->icmp_type;

	return p->proto == 1 ? t == 8 || t == 13 || t == 15 || t == 17 : t == 128;
}

static bool answers(const struct packet *p)
{
	uint8_t t = p->icmp_type;

	return p->proto == 1 ? t == 0 || t == 14 || t == 16 || t == 18 : t == 129;
}

static void count_connection(struct journey *j, const unsigned rule[2])
{
	for (unsigned i = 0; i < 2; i++)
		if (rule[i] != 0)
			j->ret->rule_connections[rule[i]]++;
}

/* What is known about a packet before any receiver is looked at. */
struct context {
	struct connection *c;
	bool reply;
	bool tracked;
	bool related;
	int refusal; /* for whoever is judged, or ALLOWED */
	const struct fragments *first;
	uint8_t proto;
	uint16_t dport;
};

static void look_up_fragment(struct journey *j, struct context *x)
{
	x->first = reference_first(j);
	if (x->first == NULL) {
		x->refusal = DROP_fragment_unknown;
		return;
	}
	x->proto = x->first->first_proto;
	x->dport = x->first->dport;
	x->reply = x->first->is_reply;
	x->refusal = x->first->drop;
}

static void look_up(struct journey *j, struct context *x)
{
	const struct packet *p = j->p;

	*x = (struct context){.refusal = ALLOWED, .proto = p->proto};
	if (p->frag_off != 0) {
		look_up_fragment(j, x);
		return;
	}
	x->dport = reference_has_ports(p->proto) ? p->dport : 0;
	if (mac_is_multicast(&p->dst))
		return;
	if (is_error(p)) {
		x->related = reference_is_related(j);
		return;
	}
	x->c = reference_touch(j, &x->reply);
	x->tracked = true;
	if (reference_is_icmp(p->proto) && !(asks(p) && (x->c == NULL || !x->reply)) &&
		!(answers(p) && x->c != NULL)) {
		/* Neither an answer nor the like: judged by itself. */
		x->c = NULL;
		x->reply = false;
		x->tracked = false;
	}
	if (x->c != NULL && x->reply)
		x->dport = reference_has_ports(p->proto) ? x->c->b_port : 0;
	if (x->tracked && x->c == NULL && p->proto == 6 && j->t->tcp_midstream_drop &&
		(p->tcp_flags & (CONN_TCP_SYN | CONN_TCP_ACK)) != CONN_TCP_SYN)
		x->refusal = DROP_tcp_midstream;
}

static void ask(const struct journey *j, const struct context *x, uint16_t to, struct question *q)
{
	struct end near = end_of(j, j->in, &j->p->src_ip);
	struct end far = end_of(j, to, &j->p->dst_ip);

	q->from = x->reply ? far : near;
	q->to = x->reply ? near : far;
	q->proto = x->proto;
	q->dport = x->dport;
}

static void remember_first(
	struct journey *j, const struct context *x, int drop, const unsigned rule[2])
{
	struct fragments *f = &j->sw->frag[j->sw->n_frags];

	if (!j->p->more || j->p->frag_off != 0)
		return;
	assert(++j->sw->n_frags < REFERENCE_LIST_MAX);
	*f = (struct fragments){
		.network = j->network,
		.in = j->in,
		.proto = j->p->proto,
		.src = j->p->src_ip,
		.dst = j->p->dst_ip,
		.id = j->p->frag_id,
		.seen_ms = j->now_ms,
		.drop = drop,
		.flooded = j->flood,
		.is_reply = x->reply,
		.first_proto = x->proto,
		.dport = x->dport,
		.rule = {rule[0], rule[1]},
		.config = j->sw->config,
	};
}

/* One packet of a connection, or the first of a new one. The verdict; rule: what counts it. */
static int judge_tracked(
	struct journey *j, struct context *x, const struct question *q, unsigned rule[2])
{
	bool rst = j->p->proto == 6 && (j->p->tcp_flags & CONN_TCP_RST) != 0;
	struct connection *c = x->c;
	uint16_t a_in = x->reply ? j->candidate[0] : j->in;
	bool same = c != NULL && c->config != 0 && end_equal(&c->from, &q->from) &&
		    end_equal(&c->to, &q->to);
	bool changed = c != NULL && c->config != 0 && c->config != j->sw->config && c->a_in == a_in;
	int drop;

	if (same && c->config == j->sw->config) {
		memcpy(rule, c->rule, sizeof(c->rule));
	} else {
		drop = judge(j, q, rule);
		if (drop != ALLOWED) {
			/* What ended it: a new deny; not what somebody else may not say. */
			if (same || changed) {
				c->used = false;
				j->ret->turned = true;
			}
			if (x->reply)
				rule[0] = rule[1] = 0;
			return drop;
		}
		if (c == NULL && !rst) {
			c = reference_begin(j, q, j->sw->config);
			count_connection(j, rule);
			memcpy(c->rule, rule, sizeof(c->rule));
		} else if (c != NULL && c->config != j->sw->config) {
			c->config = j->sw->config;
			c->a_in = a_in;
			c->from = q->from;
			c->to = q->to;
			memcpy(c->rule, rule, sizeof(c->rule));
		}
	}
	if (x->reply)
		rule[0] = rule[1] = 0;
	return ALLOWED;
}

static void policy_one(struct journey *j)
{
	unsigned rule[2] = {0, 0};
	struct question q;
	struct context x = {0};
	int drop = ALLOWED;

	ask(j, &x, j->candidate[0], &q);
	if (!q.from.judged && !q.to.judged) {
		reference_send(j, j->candidate[0]);
		return;
	}
	look_up(j, &x);
	ask(j, &x, j->candidate[0], &q);
	if (x.first != NULL && !x.first->flooded) {
		drop = x.first->drop;
		if (x.first->config == j->sw->config)
			memcpy(rule, x.first->rule, sizeof(rule));
	} else if (x.refusal != ALLOWED) {
		drop = x.refusal;
	} else if (x.tracked) {
		drop = judge_tracked(j, &x, &q, rule);
	} else if (!x.related) {
		drop = judge(j, &q, rule);
		if (x.reply)
			rule[0] = rule[1] = 0;
	}
	remember_first(j, &x, drop, rule);
	count(j, rule);
	if (drop == ALLOWED)
		reference_send(j, j->candidate[0]);
	else
		reference_drop(j, (enum drop_reason)drop);
}

/* Each receiver for itself. */
static void policy_flood(struct journey *j)
{
	static const unsigned none[2] = {0, 0};
	int refused = ALLOWED;
	bool began = false;
	struct context x;

	look_up(j, &x);
	remember_first(j, &x, x.refusal == ALLOWED ? ALLOWED : x.refusal, none);
	for (unsigned i = 0; i < j->n_candidates; i++) {
		unsigned rule[2] = {0, 0};
		int drop = ALLOWED;
		struct question q;
		bool judged;

		ask(j, &x, j->candidate[i], &q);
		judged = q.from.judged || q.to.judged;
		if (judged && !x.related) {
			drop = x.refusal;
			if (drop == ALLOWED)
				drop = judge(j, &q, rule);
			if (!x.reply)
				count(j, rule);
		}
		if (drop != ALLOWED) {
			refused = drop;
			continue;
		}
		if (judged && x.tracked && x.c == NULL && !began) {
			began = true;
			if (j->p->proto != 6 || !(j->p->tcp_flags & CONN_TCP_RST)) {
				reference_begin(j, &q, 0);
				j->ret->began_flooded = true;
				count_connection(j, rule);
			}
		}
		reference_send(j, j->candidate[i]);
	}
	if (j->ret->n_out == 0)
		reference_drop(j, (enum drop_reason)refused);
}

void reference_policy(struct journey *j)
{
	if (is_subject(j->p)) {
		if (j->flood)
			policy_flood(j);
		else
			policy_one(j);
		return;
	}
	for (unsigned i = 0; i < j->n_candidates; i++)
		reference_send(j, j->candidate[i]);
}
