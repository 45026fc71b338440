/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was decided about the first fragment of a datagram, for those that follow it (RFC 791,
 * 8200). Fixed size, shared by all workers; a spinlock a bucket, held for one call. A new datagram
 * takes the place of the oldest in its bucket. Time is in milliseconds of a clock that the caller
 * moves.
 */
#ifndef LEAT_LIB_FRAG_TABLE_H
#define LEAT_LIB_FRAG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAG_TIMEOUT_MS 30000 /* as Linux's ipfrag_time */

struct frag_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint32_t id; /* IPv4 identification, or that of the IPv6 fragment header */
	uint16_t network;
	uint16_t in_port; /* a fragment follows one that came the same way only */
	uint8_t proto;
	uint8_t family;
};

struct frag_verdict {
	uint8_t drop;	   /* 0: pass, else 1 + enum drop_reason */
	uint32_t gen;	   /* snapshot generation it was decided under */
	uint32_t rule_out; /* rules that judge, for their counters; 0 none */
	uint32_t rule_in;
	/* Where the verdict has to be found again for each receiver: what the rules are asked. */
	bool judged;   /* false: it was not for one receiver */
	bool is_reply; /* dport is that of the connection's original direction */
	uint8_t proto;
	uint16_t sport;
	uint16_t dport;
};

struct frag_table;

/* capacity: datagrams, 0..2^24, rounded up to whole buckets, at least one. NULL: no memory. */
struct frag_table *frag_table_create(size_t capacity);
void frag_table_free(struct frag_table *t);
/* Any thread. One that is there already takes the new verdict and time. */
void frag_table_put(struct frag_table *t, const struct frag_key *key,
	const struct frag_verdict *verdict, uint64_t now_ms);
/* Any thread. false: the first fragment was not seen within FRAG_TIMEOUT_MS. */
bool frag_table_get(struct frag_table *t, const struct frag_key *key, uint64_t now_ms,
	struct frag_verdict *ret);

#endif
