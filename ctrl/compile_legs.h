/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each rule becomes: entries of rulesets, of which each belongs to a group and a direction.
 *
 * In the strict mode a rule of the policy form is asked at its own group; one of the Contiv form at
 * its destination's group (inRx) or its source's (outTx). In the contiv mode a leg stands at its
 * destination's group, in, where it names one; else at its source's, out; else at none. So the
 * first of all legs that matches a packet is the first of three rulesets: in of the destination's
 * group, out of the source's, and in of no group.
 *
 * One thread, the executor.
 */
#ifndef LEAT_CTRL_COMPILE_LEGS_H
#define LEAT_CTRL_COMPILE_LEGS_H

#include "ctrl/compile.h"

/*
 * Of all rules together. A rule may name its groups by numbers, which each tenant has: source and destination make as many
 * legs as pairs.
 */
#define LEGS_MAX (1U << 20)

struct leg {
	uint64_t key;	 /* sorts: group, direction, then the order of rules ... */
	uint32_t serial; /* ... then that in which they were made */
	struct ruleset_rule rule;
};

struct leg_list {
	size_t n;
	size_t room;
	struct leg *list;
};

/* Sorted, first match first within a group and direction. 0, or -1 and err (EXHAUSTED, INVALID_PARAMS). */
int legs_of_config(const struct config *want, const struct compile_names *names,
	struct leg_list *ret, struct error *err);
void legs_free(struct leg_list *legs);

/* Index of the group at which it is asked, 0: at all. */
uint32_t leg_group(const struct leg *leg);
enum direction leg_direction(const struct leg *leg);

/* The place of a rule among all, smaller first; position: in the config, which is the order of ids. */
uint32_t leg_rank(const struct rule *rule, size_t position);

#endif
