/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rulesets of what ctrl/compile_legs.c makes of the rules: one for each group and direction that has
 * any; those of no group stand at index 0. Rulesets that did not change are taken over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/compile.h"
#include "ctrl/compile_legs.h"

static bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && ip_equal(&a->addr, &b->addr);
}

static bool rule_equal(const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	return a->id == b->id && a->proto == b->proto && a->port_lo == b->port_lo &&
	       a->port_hi == b->port_hi && a->remote_group == b->remote_group &&
	       a->src_port_lo == b->src_port_lo && a->src_port_hi == b->src_port_hi &&
	       a->tcp_flags == b->tcp_flags && a->tcp_mask == b->tcp_mask &&
	       prefix_equal(&a->remote_prefix, &b->remote_prefix) &&
	       prefix_equal(&a->local_prefix, &b->local_prefix);
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
		rs->rules = calloc(n + 1, sizeof(*rules));
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

/* The rulesets of all runs of legs with the same group and direction. */
static int rulesets_build(struct compiled *c, const struct compile_names *names,
	const struct compiled *prev, const struct leg_list *legs, struct ruleset_rule *room,
	struct error *err)
{
	for (size_t i = 0; i < legs->n;) {
		uint32_t group = leg_group(&legs->list[i]);
		enum direction direction = leg_direction(&legs->list[i]);
		size_t n = 0;

		for (; i < legs->n && leg_group(&legs->list[i]) == group &&
			leg_direction(&legs->list[i]) == direction;
			i++)
			room[n++] = legs->list[i].rule;
		c->rulesets[group][direction] = ruleset_get(
			c, prev != NULL ? prev->rulesets[group][direction] : NULL, room, n, err);
		if (c->rulesets[group][direction] == NULL) {
			const char *id = group != 0 ? names_id(&names->group, group) : NULL;

			if (err != NULL && id != NULL)
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

/* What the data plane asks of a rule by its index: which of two that several rulesets found is first, and whether it
 * logs. */
static int by_index_fill(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	bool logs = false;
	uint32_t n = 1;

	for (size_t i = 0; i < want->n_rules; i++) {
		if (names->rule.list[i].index >= n)
			n = names->rule.list[i].index + 1;
		logs |= want->rules[i]->log;
	}
	c->rule_rank = calloc(n, sizeof(*c->rule_rank));
	if (logs)
		c->rule_logs = calloc(n, sizeof(*c->rule_logs));
	if (c->rule_rank == NULL || (logs && c->rule_logs == NULL))
		return error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", want->n_rules);
	for (size_t i = 0; i < want->n_rules; i++) {
		c->rule_rank[names->rule.list[i].index] = leg_rank(want->rules[i], i);
		if (logs)
			c->rule_logs[names->rule.list[i].index] = want->rules[i]->log;
	}
	c->spec.rule_rank = c->rule_rank;
	c->spec.rule_logs = c->rule_logs;
	return 0;
}

int compile_rules(struct compiled *c, const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct error *err)
{
	struct leg_list legs = {0};
	struct ruleset_rule *room = NULL;
	int rc = legs_of_config(want, names, &legs, err);

	if (rc == 0) {
		room = calloc(legs.n + 1, sizeof(*room));
		rc = room != NULL
			     ? rulesets_build(c, names, prev, &legs, room, err)
			     : error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", legs.n);
	}
	free(room);
	legs_free(&legs);
	for (size_t i = 0; i < c->spec.n_groups; i++) {
		c->groups[i].in = ruleset_of(c, c->groups[i].index, DIRECTION_IN);
		c->groups[i].out = ruleset_of(c, c->groups[i].index, DIRECTION_OUT);
	}
	c->spec.any_in = ruleset_of(c, 0, DIRECTION_IN);
	c->spec.any_out = ruleset_of(c, 0, DIRECTION_OUT);
	return rc != 0 ? rc : by_index_fill(c, want, names, err);
}
