/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/compile_legs_private.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_MAX 100

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

static struct leg *leg_add(struct leg_maker *mk)
{
	struct leg_list *legs = mk->legs;

	if (legs->n == LEGS_MAX)
		mk->failure = LEGS_TOO_MANY;
	if (mk->failure != LEGS_MADE)
		return NULL;
	if (legs->n == legs->room) {
		size_t room = legs->room != 0 ? 2 * legs->room : 64;
		struct leg *list = realloc(legs->list, room * sizeof(*list));

		if (list == NULL) {
			mk->failure = LEGS_NO_MEMORY;
			return NULL;
		}
		legs->list = list;
		legs->room = room;
	}
	return &legs->list[legs->n++];
}

void leg_put(struct leg_maker *mk, enum direction direction, const struct leg_asks *asks)
{
	const struct rule *rule = mk->rule;
	bool out = direction == DIRECTION_OUT;
	uint64_t group = out ? asks->src_group : asks->dst_group;
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
		.port_lo = asks->dst_port_lo,
		.port_hi = asks->dst_port_hi,
		.src_port_lo = asks->src_port_lo,
		.src_port_hi = asks->src_port_hi,
		.tcp_flags = asks->tcp_flags,
		.tcp_mask = asks->tcp_mask,
		.remote_group = (uint16_t)(out ? asks->dst_group : asks->src_group),
		.remote_prefix = out ? asks->dst_ip : asks->src_ip,
		.local_prefix = out ? asks->src_ip : asks->dst_ip,
	};
}

void leg_put_flat(struct leg_maker *mk, const struct leg_asks *asks)
{
	leg_put(mk, asks->dst_group != 0 || asks->src_group == 0 ? DIRECTION_IN : DIRECTION_OUT,
		asks);
}

static void name_rule(struct error *err, const struct rule *rule)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "rule:%s", rule->id);
}

static int rule_invalid(struct error *err, const struct rule *rule, const char *what)
{
	name_rule(err, rule);
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

/* Of the rule at which it ended. */
static int made(const struct leg_maker *mk, struct error *err)
{
	if (mk->failure == LEGS_MADE)
		return 0;
	name_rule(err, mk->rule);
	if (mk->failure == LEGS_NO_MEMORY)
		return error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", mk->want->n_rules);
	return error_set(err, LEAT_EXHAUSTED,
		"rule %s: with it the rules become more than %u, one for each pair of groups with "
		"the numbers that they name",
		mk->rule->id, LEGS_MAX);
}

int legs_of_config(const struct config *want, const struct compile_names *names,
	struct leg_list *ret, struct error *err)
{
	struct leg_maker mk = {
		.want = want,
		.names = names,
		.legs = ret,
		.contiv = want->global.policy_mode == POLICY_CONTIV,
	};

	*ret = (struct leg_list){0};
	for (; mk.position < want->n_rules; mk.position++) {
		mk.rule = want->rules[mk.position];
		if (rule_check(mk.rule, err) != 0)
			return -1;
		if (mk.rule->leg != LEG_NONE)
			legs_of_contiv_form(&mk);
		else
			legs_of_policy_form(&mk);
		if (made(&mk, err) != 0)
			return -1;
	}
	if (ret->n != 0)
		qsort(ret->list, ret->n, sizeof(ret->list[0]), leg_order);
	return 0;
}

void legs_free(struct leg_list *legs)
{
	free(legs->list);
	*legs = (struct leg_list){0};
}
