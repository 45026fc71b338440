/* SPDX-License-Identifier: BSD-3-Clause */
/* Policy-form rules: which belong to a group and direction, in which order, with which other side.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/compile.h"

#define PRIORITY_MAX 100

/*
 * One rule's place, as a number that sorts right: group, direction, priority (higher first), deny
 * before allow, then its position in the config, which is the order of ids.
 */
#define KEY_POSITION_BITS 32
#define KEY_ACTION_SHIFT KEY_POSITION_BITS
#define KEY_PRIORITY_SHIFT (KEY_ACTION_SHIFT + 1)
#define KEY_DIRECTION_SHIFT (KEY_PRIORITY_SHIFT + 7)
#define KEY_GROUP_SHIFT (KEY_DIRECTION_SHIFT + 1)

static uint64_t rule_key(uint32_t group, const struct rule *rule, size_t position)
{
	return (uint64_t)group << KEY_GROUP_SHIFT |
	       (uint64_t)(rule->direction == DIRECTION_OUT) << KEY_DIRECTION_SHIFT |
	       (uint64_t)(PRIORITY_MAX - rule->priority) << KEY_PRIORITY_SHIFT |
	       (uint64_t)(rule->action == ACTION_ALLOW) << KEY_ACTION_SHIFT | position;
}

static int key_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int rule_invalid(struct error *err, const struct rule *rule, const char *what)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "rule:%s", rule->id);
	return error_set(err, LEAT_INVALID_PARAMS, "rule %s: %s", rule->id, what);
}

static int rule_check(const struct rule *rule, struct error *err)
{
	bool any_port = rule->port_lo == 0 && rule->port_hi == UINT16_MAX;
	bool has_ports = rule->proto == IPPROTO_TCP || rule->proto == IPPROTO_UDP ||
			 rule->proto == IPPROTO_SCTP;

	if (!any_port && !has_ports)
		return rule_invalid(err, rule, "a port goes with proto tcp, udp or sctp alone");
	if (rule->port_lo > rule->port_hi)
		return rule_invalid(err, rule, "the port range ends before it begins");
	if (rule->priority < 1 || rule->priority > PRIORITY_MAX)
		return rule_invalid(err, rule, "the priority is not in 1..100");
	if (rule->proto < 0 || rule->proto > UINT8_MAX)
		return rule_invalid(err, rule, "the protocol is not in 0..255");
	return 0;
}

/* All rules of groups that are there, in order of their keys; *n of them. NULL: err. */
static uint64_t *rules_sorted(
	const struct config *want, const struct compile_names *names, size_t *n, struct error *err)
{
	uint64_t *keys = calloc(want->n_rules + 1, sizeof(*keys));

	*n = 0;
	if (keys == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for the rules");
		return NULL;
	}
	for (size_t i = 0; i < want->n_rules; i++) {
		const struct rule *rule = want->rules[i];
		uint32_t group = names_index(&names->group, rule->group);

		if (rule_check(rule, err) != 0) {
			free(keys);
			return NULL;
		}
		if (group != NAME_NONE)
			keys[(*n)++] = rule_key(group, rule, i);
	}
	qsort(keys, *n, sizeof(*keys), key_order);
	return keys;
}

/* What one rule becomes: none when its other side is not there, two for a network with two subnets.
 */
static size_t rule_expand(const struct rule *rule, uint32_t index, const struct config *want,
	const struct compile_names *names, struct ruleset_rule ret[static 2])
{
	struct ruleset_rule r = {
		.id = index | (rule->action == ACTION_ALLOW ? RULE_ALLOWS : 0),
		.proto = (uint8_t)rule->proto,
		.port_lo = rule->port_lo,
		.port_hi = rule->port_hi,
		.remote = RULESET_REMOTE_ANY,
	};
	size_t position;
	size_t n = 0;

	if (rule->remote_kind == REMOTE_GROUP) {
		uint32_t group = names_index(&names->group, rule->remote);

		r.remote = RULESET_REMOTE_GROUP;
		r.remote_group = (uint16_t)group;
		ret[0] = r;
		return group != NAME_NONE;
	}
	if (rule->remote_kind == REMOTE_ANY) {
		ret[0] = r;
		return 1;
	}
	r.remote = RULESET_REMOTE_PREFIX;
	r.remote_prefix = rule->remote_cidr;
	if (rule->remote_kind == REMOTE_CIDR) {
		ret[0] = r;
		return 1;
	}
	position = names_position(&names->network, rule->remote);
	if (position == NAME_NONE)
		return 0;
	for (int six = 0; six < 2; six++) {
		const struct network *network = want->networks[position];

		r.remote_prefix = six ? network->subnet6 : network->subnet;
		if (r.remote_prefix.addr.family != 0)
			ret[n++] = r;
	}
	return n;
}

static bool rule_equal(const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	return a->id == b->id && a->proto == b->proto && a->port_lo == b->port_lo &&
	       a->port_hi == b->port_hi && a->remote == b->remote &&
	       a->remote_group == b->remote_group && a->remote_prefix.len == b->remote_prefix.len &&
	       ip_equal(&a->remote_prefix.addr, &b->remote_prefix.addr);
}

static bool rules_equal(
	const struct compiled_ruleset *rs, const struct ruleset_rule *rules, size_t n)
{
	if (rs == NULL || rs->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!rule_equal(&rs->rules[i], &rules[i]))
			return false;
	return true;
}

/* The same rules as in the compilation before: its ruleset; else a new one. NULL: err. */
static struct compiled_ruleset *ruleset_get(struct compiled *c, struct compiled_ruleset *before,
	const struct ruleset_rule *rules, size_t n, struct error *err)
{
	struct compiled_ruleset *rs;

	if (rules_equal(before, rules, n)) {
		before->refs++;
		return before;
	}
	rs = calloc(1, sizeof(*rs));
	if (rs != NULL)
		rs->rules = malloc(n * sizeof(*rules));
	if (rs == NULL || rs->rules == NULL) {
		free(rs);
		error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", n);
		return NULL;
	}
	rs->refs = 1;
	rs->n = n;
	memcpy(rs->rules, rules, n * sizeof(*rules));
	rs->ruleset = ruleset_create(rules, n, err);
	if (rs->ruleset == NULL) {
		compiled_ruleset_unref(rs);
		return NULL;
	}
	c->n_rulesets_new++;
	return rs;
}

void compiled_ruleset_unref(struct compiled_ruleset *rs)
{
	if (rs == NULL || --rs->refs > 0)
		return;
	ruleset_free(rs->ruleset);
	free(rs->rules);
	free(rs);
}

/* The rulesets of all runs of keys with the same group and direction; room: for all their rules. */
static int rulesets_build(struct compiled *c, const struct config *want,
	const struct compile_names *names, const struct compiled *prev, const uint64_t *keys,
	size_t n_keys, struct ruleset_rule *room, struct error *err)
{
	for (size_t i = 0; i < n_keys;) {
		uint64_t run = keys[i] >> KEY_DIRECTION_SHIFT;
		uint32_t group = (uint32_t)(run >> 1);
		size_t direction = run & 1 ? DIRECTION_OUT : DIRECTION_IN;
		size_t n = 0;

		for (; i < n_keys && keys[i] >> KEY_DIRECTION_SHIFT == run; i++) {
			uint32_t position = (uint32_t)keys[i];

			n += rule_expand(want->rules[position], names->rule.list[position].index,
				want, names, &room[n]);
		}
		if (n == 0)
			continue;
		c->rulesets[group][direction] = ruleset_get(
			c, prev != NULL ? prev->rulesets[group][direction] : NULL, room, n, err);
		if (c->rulesets[group][direction] == NULL) {
			const char *id = names_id(&names->group, group);

			if (err != NULL)
				snprintf(err->object, sizeof(err->object), "group:%s", id);
			return -1;
		}
	}
	return 0;
}

static const struct ruleset *ruleset_of(const struct compiled *c, uint16_t group, size_t direction)
{
	const struct compiled_ruleset *rs = c->rulesets[group][direction];

	return rs != NULL ? rs->ruleset : NULL;
}

int compile_rules(struct compiled *c, const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct error *err)
{
	size_t n_keys;
	uint64_t *keys = rules_sorted(want, names, &n_keys, err);
	struct ruleset_rule *room;
	int rc;

	if (keys == NULL)
		return -1;
	room = calloc(2 * n_keys + 2, sizeof(*room));
	if (room == NULL)
		rc = error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", n_keys);
	else
		rc = rulesets_build(c, want, names, prev, keys, n_keys, room, err);
	free(room);
	free(keys);
	for (size_t i = 0; i < c->spec.n_groups; i++) {
		c->groups[i].in = ruleset_of(c, c->groups[i].index, DIRECTION_IN);
		c->groups[i].out = ruleset_of(c, c->groups[i].index, DIRECTION_OUT);
	}
	return rc;
}
