/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules are compiled apart by what they ask about the other side: nothing or its group, an IPv4
 * prefix, an IPv6 prefix. One trie for groups and prefixes together would multiply the two: 1,000
 * mixed rules took 640 ms and 58 MB, 10 ms and 1 MB when apart. The address comes before the port
 * for the same reason. Those that ask about more than destination port and other side are apart
 * from all these, with and without prefixes.
 */
#ifndef LEAT_LIB_RULESET_ACL_H
#define LEAT_LIB_RULESET_ACL_H

#include <stddef.h>
#include <stdint.h>

#include <rte_acl.h>

#include "lib/ruleset.h"

enum rule_class { CLASS_ANYWHERE, CLASS_V4, CLASS_V6, CLASS_NARROW, CLASS_NARROW_V4, CLASS_COUNT };

/*
 * What rte_acl reads, network order: one byte, then groups of four, whose order is that of the
 * fields, not that in memory; within one they lie side by side: flags and group, group and port,
 * port and source port. An IPv4 address leaves the last 12 bytes alone: its trie does not
 * read them. Of local an IPv4 address alone is asked.
 */
struct acl_input {
	uint8_t proto;
	uint8_t tcp_flags[2]; /* the first is 0 */
	uint8_t group[2];
	uint8_t port[2];
	uint8_t src_port[2];
	uint8_t ip[16];
	uint8_t local[4];
};

static inline enum rule_class class_of(const struct ruleset_rule *rule)
{
	uint8_t family = rule->remote_prefix.addr.family;

	if (rule->src_port_hi != 0 || rule->tcp_mask != 0 || rule->local_prefix.addr.family != 0)
		return family != 0 || rule->local_prefix.addr.family != 0 ? CLASS_NARROW_V4
									  : CLASS_NARROW;
	return family == 0 ? CLASS_ANYWHERE : family == 4 ? CLASS_V4 : CLASS_V6;
}

/*
 * The n_class rules of a class among n, in a context of their own: what it finds is a rank, the place among
 * all n from 1. NULL and err as ruleset_create(). rte_acl_free() ends it.
 */
struct rte_acl_ctx *ruleset_acl_compile(enum rule_class cls, const struct ruleset_rule *rules,
	size_t n, size_t n_class, struct error *err);

void acl_input_fill(const struct ruleset_key *key, struct acl_input *ret);

#endif
