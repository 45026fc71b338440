/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ruleset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ruleset_acl.h"

#define RULESET_ID_MAX (1u << 24)

/* rank: place in the order of rules, from 1; 0 is none, as in rte_acl. */
struct scan_rule {
	struct ruleset_rule rule;
	uint32_t rank;
};

/* The rules of one class: in acl, or n in scan, or neither where there are none. */
struct compiled {
	struct rte_acl_ctx *acl;
	unsigned n;
	struct scan_rule scan[RULESET_SCAN_MAX];
};

struct ruleset {
	struct compiled cls[CLASS_COUNT];
	uint32_t id[]; /* by rank */
};

static int compile(struct compiled *c, enum rule_class cls, const struct ruleset_rule *rules,
	size_t n, struct error *err)
{
	size_t n_class = 0;

	for (size_t i = 0; i < n; i++)
		n_class += class_of(&rules[i]) == cls;
	if (n_class > RULESET_SCAN_MAX) {
		c->acl = ruleset_acl_compile(cls, rules, n, n_class, err);
		return c->acl != NULL ? 0 : -1;
	}
	for (size_t i = 0; i < n; i++)
		if (class_of(&rules[i]) == cls)
			c->scan[c->n++] = (struct scan_rule){rules[i], (uint32_t)i + 1};
	return 0;
}

static bool prefix_is_valid(const struct prefix *prefix, bool six)
{
	uint8_t family = prefix->addr.family;

	return family == 0 || (family == 4 && prefix->len <= 32) ||
	       (six && family == 6 && prefix->len <= 128);
}

static bool rule_is_valid(const struct ruleset_rule *rule)
{
	bool narrow = class_of(rule) >= CLASS_NARROW;

	if (rule->id == 0 || rule->id > RULESET_ID_MAX || rule->port_lo > rule->port_hi ||
		rule->src_port_lo > rule->src_port_hi)
		return false;
	if (rule->proto == 0 &&
		(rule->port_lo != 0 || rule->port_hi != UINT16_MAX || rule->src_port_hi != 0))
		return false;
	if ((rule->tcp_flags & ~rule->tcp_mask) != 0)
		return false;
	return prefix_is_valid(&rule->remote_prefix, !narrow) &&
	       prefix_is_valid(&rule->local_prefix, false);
}

struct ruleset *ruleset_create(const struct ruleset_rule *rules, size_t n, struct error *err)
{
	struct ruleset *rs;

	if (n > RULESET_RULES_MAX) {
		error_set(err, LEAT_EXHAUSTED, "%zu rules in one direction of a group, at most %d",
			n, RULESET_RULES_MAX);
		return NULL;
	}
	rs = calloc(1, sizeof(*rs) + (n + 1) * sizeof(rs->id[0]));
	if (rs == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", n);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!rule_is_valid(&rules[i])) {
			error_set(
				err, LEAT_INTERNAL, "rule %zu of %zu contradicts itself", i + 1, n);
			ruleset_free(rs);
			return NULL;
		}
		rs->id[i + 1] = rules[i].id;
	}
	for (enum rule_class cls = 0; cls < CLASS_COUNT; cls++) {
		if (compile(&rs->cls[cls], cls, rules, n, err) != 0) {
			ruleset_free(rs);
			return NULL;
		}
	}
	return rs;
}

void ruleset_free(struct ruleset *rs)
{
	if (rs == NULL)
		return;
	for (enum rule_class cls = 0; cls < CLASS_COUNT; cls++)
		rte_acl_free(rs->cls[cls].acl);
	free(rs);
}

static bool rule_matches(const struct ruleset_rule *rule, const struct ruleset_key *key)
{
	if (rule->proto != 0 && rule->proto != key->proto)
		return false;
	if (key->dst_port < rule->port_lo || key->dst_port > rule->port_hi)
		return false;
	if (rule->remote_group != 0 && rule->remote_group != key->remote_group)
		return false;
	return rule->remote_prefix.addr.family == 0 ||
	       prefix_contains(&rule->remote_prefix, &key->remote_ip);
}

static bool narrow_matches(const struct ruleset_rule *rule, const struct ruleset_key *key)
{
	if (rule->src_port_hi != 0 &&
		(key->src_port < rule->src_port_lo || key->src_port > rule->src_port_hi))
		return false;
	if ((key->tcp_flags & rule->tcp_mask) != rule->tcp_flags)
		return false;
	if (rule->local_prefix.addr.family != 0 &&
		!prefix_contains(&rule->local_prefix, &key->local_ip))
		return false;
	return rule_matches(rule, key);
}

static uint32_t scan_rank(
	const struct compiled *c, enum rule_class cls, const struct ruleset_key *key)
{
	for (unsigned i = 0; i < c->n; i++)
		if (cls < CLASS_NARROW ? rule_matches(&c->scan[i].rule, key)
				       : narrow_matches(&c->scan[i].rule, key))
			return c->scan[i].rank;
	return 0;
}

static bool class_takes(enum rule_class cls, const struct ruleset_key *key)
{
	uint8_t family = key->remote_ip.family;

	return cls == CLASS_V4 || cls == CLASS_NARROW_V4 ? family == 4
	       : cls == CLASS_V6			 ? family == 6
							 : family == 4 || family == 6;
}

static void rank_better(uint32_t *best, uint32_t rank)
{
	if (rank != 0 && (*best == 0 || rank < *best))
		*best = rank;
}

/* Better the ranks in best[] by the rules of one class. */
static void class_classify(const struct compiled *c, enum rule_class cls,
	const struct ruleset_key *keys, const struct acl_input *inputs, uint32_t *best, unsigned n)
{
	const uint8_t *data[RULESET_BURST_MAX];
	uint32_t rank[RULESET_BURST_MAX];
	uint8_t who[RULESET_BURST_MAX];
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!class_takes(cls, &keys[i]))
			continue;
		if (c->acl == NULL) {
			rank_better(&best[i], scan_rank(c, cls, &keys[i]));
		} else {
			who[m] = (uint8_t)i;
			data[m++] = (const uint8_t *)&inputs[i];
		}
	}
	if (m == 0)
		return;
	/* It fails on arguments that are never used here (categories, an algorithm the CPU lacks).
	 */
	rte_acl_classify(c->acl, data, rank, m, 1);
	for (unsigned i = 0; i < m; i++)
		rank_better(&best[who[i]], rank[i]);
}

void ruleset_classify(
	const struct ruleset *rs, const struct ruleset_key *keys, uint32_t *ret, unsigned n)
{
	struct acl_input inputs[RULESET_BURST_MAX];
	bool filled = false;

	memset(ret, 0, n * sizeof(ret[0]));
	for (enum rule_class cls = 0; cls < CLASS_COUNT; cls++) {
		const struct compiled *c = &rs->cls[cls];

		if (c->acl == NULL && c->n == 0)
			continue;
		if (c->acl != NULL && !filled) {
			for (unsigned i = 0; i < n; i++)
				acl_input_fill(&keys[i], &inputs[i]);
			filled = true;
		}
		class_classify(c, cls, keys, inputs, ret, n);
	}
	for (unsigned i = 0; i < n; i++)
		ret[i] = rs->id[ret[i]];
}
