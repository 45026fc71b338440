/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/compile_legs.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_MAX 100
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/*
 * One rule's place, as a number that sorts right: priority (higher first), deny before allow, then
 * its position in the config. Above it group and direction.
 */
#define RANK_POSITION_BITS 17
#define RANK_PRIORITY_SHIFT (RANK_POSITION_BITS + 1)
#define KEY_DIRECTION_SHIFT 32
#define KEY_GROUP_SHIFT (KEY_DIRECTION_SHIFT + 1)

_Static_assert(RULES_MAX <= 1 << RANK_POSITION_BITS, "a position fits its bits");

uint32_t leg_rank(const struct rule *rule, size_t position)
{
	return (uint32_t)(PRIORITY_MAX - rule->priority) << RANK_PRIORITY_SHIFT |
	       (uint32_t)(rule->action == ACTION_ALLOW) << RANK_POSITION_BITS | (uint32_t)position;
}

uint32_t leg_group(const struct leg *leg)
{
	return (uint32_t)(leg->key >> KEY_GROUP_SHIFT);
}

enum direction leg_direction(const struct leg *leg)
{
	return leg->key >> KEY_DIRECTION_SHIFT & 1 ? DIRECTION_OUT : DIRECTION_IN;
}

/* Where a rule's legs go, and what they have in common. */
struct maker {
	const struct config *want;
	const struct compile_names *names;
	struct leg_list *legs;
	const struct rule *rule;
	size_t position;
	bool contiv;
	bool failed; /* no memory */
};

/* What a leg asks of a packet, beside its protocol. */
struct match {
	uint32_t src_group; /* index, 0 any */
	uint32_t dst_group;
	struct prefix src_ip; /* addr.family 0: any */
	struct prefix dst_ip;
	uint16_t src_port_lo; /* 0..0 any */
	uint16_t src_port_hi;
	uint16_t dst_port_lo; /* 0..65535 any */
	uint16_t dst_port_hi;
	uint8_t tcp_flags;
	uint8_t tcp_mask;
};

static struct leg *leg_add(struct maker *mk)
{
	struct leg_list *legs = mk->legs;

	if (legs->n == legs->room) {
		size_t room = legs->room != 0 ? 2 * legs->room : 64;
		struct leg *list = realloc(legs->list, room * sizeof(*list));

		if (list == NULL) {
			mk->failed = true;
			return NULL;
		}
		legs->list = list;
		legs->room = room;
	}
	return &legs->list[legs->n++];
}

/* One leg, at the group of its destination (in) or of its source (out). */
static void put(struct maker *mk, enum direction direction, const struct match *m)
{
	const struct rule *rule = mk->rule;
	bool out = direction == DIRECTION_OUT;
	uint64_t group = out ? m->src_group : m->dst_group;
	struct leg *leg = leg_add(mk);

	if (leg == NULL)
		return;
	leg->serial = (uint32_t)mk->legs->n;
	leg->key = group << KEY_GROUP_SHIFT | (uint64_t)out << KEY_DIRECTION_SHIFT |
		   leg_rank(rule, mk->position);
	leg->rule = (struct ruleset_rule){
		.id = mk->names->rule.list[mk->position].index |
		      (rule->action == ACTION_ALLOW ? RULE_ALLOWS : 0),
		.proto = (uint8_t)rule->proto,
		.port_lo = m->dst_port_lo,
		.port_hi = m->dst_port_hi,
		.src_port_lo = m->src_port_lo,
		.src_port_hi = m->src_port_hi,
		.tcp_flags = m->tcp_flags,
		.tcp_mask = m->tcp_mask,
		.remote_group = (uint16_t)(out ? m->dst_group : m->src_group),
		.remote_prefix = out ? m->dst_ip : m->src_ip,
		.local_prefix = out ? m->src_ip : m->dst_ip,
	};
}

static void put_flat(struct maker *mk, const struct match *m)
{
	put(mk, m->dst_group != 0 || m->src_group == 0 ? DIRECTION_IN : DIRECTION_OUT, m);
}

/* Each index of the groups a reference means; with a number there may be one in each tenant. Returns how many. */
static size_t groups_of(const struct maker *mk, const struct group_ref *ref, uint32_t *ret)
{
	size_t n = 0;

	ret[0] = 0;
	if (ref->id != NULL) {
		ret[0] = names_index(&mk->names->group, ref->id);
		return ret[0] != NAME_NONE;
	}
	if (ref->num == 0)
		return 1;
	for (size_t i = 0; i < mk->want->n_groups; i++)
		if (mk->want->groups[i]->num == ref->num)
			ret[n++] = mk->names->group.list[i].index;
	return n;
}

/* As a connection's first segment has it: SYN, no ACK. */
static bool fits_first(const struct leg_match *match)
{
	return (TCP_SYN & match->tcp_mask) == match->tcp_flags;
}

/* A rule of the Contiv form. */
static void leg_expand(struct maker *mk)
{
	const struct rule *rule = mk->rule;
	const struct leg_match *match = &rule->match;
	uint32_t src[GROUPS_MAX];
	uint32_t dst[GROUPS_MAX];
	size_t n_src = groups_of(mk, &match->src_group, src);
	size_t n_dst = groups_of(mk, &match->dst_group, dst);
	struct match m = {
		.src_ip = match->src_ip,
		.dst_ip = match->dst_ip,
		.src_port_lo = match->src_port_lo,
		.src_port_hi = match->src_port_hi,
		.dst_port_lo = rule->port_lo,
		.dst_port_hi = rule->port_hi,
	};

	if (mk->contiv) {
		m.tcp_flags = match->tcp_flags;
		m.tcp_mask = match->tcp_mask;
	} else if ((rule->leg != LEG_IN_RX && rule->leg != LEG_OUT_TX) || !fits_first(match)) {
		return;
	}
	for (size_t s = 0; s < n_src; s++)
		for (size_t d = 0; d < n_dst; d++) {
			m.src_group = src[s];
			m.dst_group = dst[d];
			if (mk->contiv)
				put_flat(mk, &m);
			else
				put(mk, rule->leg == LEG_IN_RX ? DIRECTION_IN : DIRECTION_OUT, &m);
		}
}

static struct match reversed(const struct match *m)
{
	return (struct match){
		.src_group = m->dst_group,
		.dst_group = m->src_group,
		.src_ip = m->dst_ip,
		.dst_ip = m->src_ip,
		.src_port_lo = m->dst_port_lo,
		.src_port_hi = m->dst_port_hi,
		.dst_port_hi = UINT16_MAX,
	};
}

/*
 * A rule of the policy form as the legs that Contiv makes of it: one against the direction of the
 * connection too where a port tells which packets those are; without a port TCP's first segments
 * alone.
 */
static void put_legs(struct maker *mk, struct match *m)
{
	bool any_port =
		m->dst_port_hi == 0 || (m->dst_port_lo == 0 && m->dst_port_hi == UINT16_MAX);
	bool tcp = mk->rule->proto == IPPROTO_TCP;

	if (any_port) {
		m->dst_port_hi = UINT16_MAX;
		m->tcp_flags = tcp ? TCP_SYN : 0;
		m->tcp_mask = tcp ? TCP_SYN | TCP_ACK : 0;
	}
	put_flat(mk, m);
	if (!any_port && (tcp || mk->rule->proto == IPPROTO_UDP)) {
		struct match back = reversed(m);

		put_flat(mk, &back);
	}
}

/* One other side of a rule of the policy form. */
static void policy_put(
	struct maker *mk, uint32_t group, uint32_t remote, const struct prefix *prefix)
{
	const struct rule *rule = mk->rule;
	bool out = rule->direction == DIRECTION_OUT;
	struct match m = {
		.src_group = out ? group : remote,
		.dst_group = out ? remote : group,
		.dst_port_lo = rule->port_lo,
		.dst_port_hi = rule->port_hi,
	};

	if (prefix != NULL)
		*(out ? &m.dst_ip : &m.src_ip) = *prefix;
	if (!mk->contiv)
		put(mk, rule->direction, &m);
	else if (prefix == NULL || prefix->addr.family == 4)
		put_legs(mk, &m);
}

static void policy_expand(struct maker *mk)
{
	const struct rule *rule = mk->rule;
	uint32_t group = names_index(&mk->names->group, rule->group);
	uint32_t remote = 0;
	size_t position;

	if (group == NAME_NONE)
		return;
	switch (rule->remote_kind) {
	case REMOTE_ANY:
		policy_put(mk, group, 0, NULL);
		break;
	case REMOTE_GROUP:
		remote = names_index(&mk->names->group, rule->remote);
		if (remote != NAME_NONE)
			policy_put(mk, group, remote, NULL);
		break;
	case REMOTE_CIDR:
		policy_put(mk, group, 0, &rule->remote_cidr);
		break;
	case REMOTE_NETWORK:
		position = names_position(&mk->names->network, rule->remote);
		for (int six = 0; six < 2 && position != NAME_NONE; six++) {
			const struct network *network = mk->want->networks[position];
			const struct prefix *prefix = six ? &network->subnet6 : &network->subnet;

			if (prefix->addr.family != 0)
				policy_put(mk, group, 0, prefix);
		}
		break;
	}
}

static int rule_invalid(struct error *err, const struct rule *rule, const char *what)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "rule:%s", rule->id);
	return error_set(err, LEAT_INVALID_PARAMS, "rule %s: %s", rule->id, what);
}

static int rule_check(const struct rule *rule, struct error *err)
{
	bool any_port =
		rule->port_lo == 0 && rule->port_hi == UINT16_MAX && rule->match.src_port_hi == 0;
	bool has_ports = rule->proto == IPPROTO_TCP || rule->proto == IPPROTO_UDP ||
			 rule->proto == IPPROTO_SCTP;

	if (!any_port && !has_ports)
		return rule_invalid(err, rule, "a port goes with proto tcp, udp or sctp alone");
	if (rule->port_lo > rule->port_hi || rule->match.src_port_lo > rule->match.src_port_hi)
		return rule_invalid(err, rule, "the port range ends before it begins");
	if (rule->priority < 1 || rule->priority > PRIORITY_MAX)
		return rule_invalid(err, rule, "the priority is not in 1..100");
	if (rule->proto < 0 || rule->proto > UINT8_MAX)
		return rule_invalid(err, rule, "the protocol is not in 0..255");
	return 0;
}

static int leg_order(const void *a, const void *b)
{
	const struct leg *x = a;
	const struct leg *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

int legs_of_config(const struct config *want, const struct compile_names *names,
	struct leg_list *ret, struct error *err)
{
	struct maker mk = {
		.want = want,
		.names = names,
		.legs = ret,
		.contiv = want->global.policy_mode == POLICY_CONTIV,
	};

	*ret = (struct leg_list){0};
	for (mk.position = 0; mk.position < want->n_rules && !mk.failed; mk.position++) {
		mk.rule = want->rules[mk.position];
		if (rule_check(mk.rule, err) != 0)
			return -1;
		if (mk.rule->leg != LEG_NONE)
			leg_expand(&mk);
		else
			policy_expand(&mk);
	}
	if (mk.failed)
		return error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", want->n_rules);
	if (ret->n != 0)
		qsort(ret->list, ret->n, sizeof(ret->list[0]), leg_order);
	return 0;
}

void legs_free(struct leg_list *legs)
{
	free(legs->list);
	*legs = (struct leg_list){0};
}
