/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of one group and one direction, compiled: which is the first that matches a connection,
 * or where nothing is remembered of connections, a packet. Immutable after creation; any number of threads may classify. For each IP family that has rules:
 * a scan of a few, rte_acl above that (EAL must be up, its heap holds the tries).
 */
#ifndef LEAT_LIB_RULESET_H
#define LEAT_LIB_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/error.h"

#define RULESET_BURST_MAX 32
#define RULESET_RULES_MAX 131072
#define RULESET_SCAN_MAX 8 /* up to so many rules a scan beats the trie */

struct ruleset_rule {
	uint32_t id;	  /* the caller's, 1..2^24: what classify returns; several may share one */
	uint8_t proto;	  /* 0 any */
	uint16_t port_lo; /* destination port; 0..65535 is any, other ranges only with a proto */
	uint16_t port_hi;
	uint16_t remote_group; /* group number of the other side, 0 any */
	struct prefix
		remote_prefix; /* the other side's address, of no family: any; its family decides
					which packets it can match; 0.0.0.0/0 is all IPv4 */
	/* What follows goes with IPv4 prefixes alone. */
	uint16_t src_port_lo; /* source port, only with a proto; 0..0 is any */
	uint16_t src_port_hi;
	uint8_t tcp_flags; /* the header's byte 13 (RFC 9293, 3.1) under tcp_mask; 0, 0 is any */
	uint8_t tcp_mask;
	struct prefix local_prefix; /* the judged side's address, of no family: any */
};

/* What is asked about one connection, seen from the judged endpoint. */
struct ruleset_key {
	struct ip remote_ip;   /* of no family: nothing matches */
	struct ip local_ip;    /* of the same family */
	uint16_t remote_group; /* 0: in no group */
	uint16_t dst_port;     /* host order; of the connection's destination; 0 without ports */
	uint16_t src_port;
	uint8_t proto;
	uint8_t tcp_flags;
};

struct ruleset;

/*
 * rules: first match first; they are copied. n 0 is fine. NULL and err on failure: EXHAUSTED
 * (memory, more than RULESET_RULES_MAX) or INTERNAL (a rule that is not as above). Control side,
 * any thread; 10,000 rules take about 0.3 s to build.
 */
struct ruleset *ruleset_create(const struct ruleset_rule *rules, size_t n, struct error *err);
void ruleset_free(struct ruleset *rs); /* NULL is fine */

/* ret[i]: id of the first rule that matches keys[i], 0 for none. n up to RULESET_BURST_MAX. */
void ruleset_classify(
	const struct ruleset *rs, const struct ruleset_key *keys, uint32_t *ret, unsigned n);

#endif
