/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's exact-match cache: everything that was decided about a flow, in one cache line.
 *
 * A flow is a direction of a conversation as it comes by one port. Two ways a set; a new flow takes
 * the place of the way that is stale, else of one in turn. IPv6 flows have a second line with their
 * whole addresses, and a table of their own.
 */
#ifndef LEAT_DATAPLANE_FLOW_CACHE_H
#define LEAT_DATAPLANE_FLOW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/hash.h"

#define FLOW_WAYS 2
#define FLOW6_SHARE 4 /* IPv6 has 1/4 of the entries */

/*
 * Compared and hashed as four words, and best filled by words: a load that spans several stores that have
 * just been made waits for them. No padding: what a kind of frame has not is 0.
 */
union flow_key {
	struct {
		uint64_t macs;	    /* destination MAC, first two bytes of the source MAC */
		uint32_t smac_rest; /* its other four */
		uint16_t port;	    /* index of the receiving port */
		uint16_t network;
		uint64_t addrs; /* IPv4 source and destination; IPv6: a hash, the addresses follow
				   the flow */
		uint32_t ports; /* source and destination port as on the wire; ICMP echo: type,
				   code, id */
		uint8_t proto;
		uint8_t kind;	    /* FRAME_IPV4, FRAME_IPV6 or 0 */
		uint16_t ethertype; /* of what is not IP */
	};
	uint64_t w[4];
};
_Static_assert(sizeof(union flow_key) == 32, "a flow key is half a cache line");

enum flow_flags {
	FLOW_LEARNED = 1 << 0, /* rests on learned MACs: stale when their epoch changes */
};

#define FLOW_OUT_NONE UINT16_MAX

struct flow {
	union flow_key key;
	uint32_t gen;	      /* snapshot generation it was decided under, 0: empty */
	uint32_t valid_until; /* ms clock: look again then (connections and learned MACs are
				 refreshed) */
	uint32_t rule[2];     /* rules to count: the sender's, the receiver's; 0 none */
	uint32_t tag;	      /* to put on at the output, 0 none */
	uint32_t mac_epoch;   /* with FLOW_LEARNED */
	uint16_t out;	      /* index of the output port */
	uint8_t drop;	      /* 0: forward; else 1 + enum drop_reason */
	uint8_t flags;
	uint32_t decision; /* while it is decided: which one; unused in the cache */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow) == 64, "a flow is one cache line");

struct flow6 {
	struct flow flow;
	uint8_t addrs[32];
} __attribute__((aligned(128)));

struct flow_cache {
	struct flow *v4; /* sets of FLOW_WAYS */
	struct flow6 *v6;
	uint32_t mask4; /* sets - 1 */
	uint32_t mask6;
	struct hash_seed seed;
	uint32_t turn; /* which way is replaced next */
};

/* entries: a power of two, at least 1024. 0, or -ENOMEM. numa_node: -1 any. */
int flow_cache_init(struct flow_cache *c, uint32_t entries, int numa_node);
void flow_cache_fini(struct flow_cache *c);

static inline bool flow_key_equal(const union flow_key *a, const union flow_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
		       (a->w[3] ^ b->w[3])) == 0;
}

static inline uint32_t flow_key_hash(const struct flow_cache *c, const union flow_key *key)
{
	return (uint32_t)hash_4(&c->seed, key->w);
}

static inline struct flow *flow_cache_set(const struct flow_cache *c, uint32_t hash)
{
	return &c->v4[(size_t)(hash & c->mask4) * FLOW_WAYS];
}

static inline struct flow6 *flow_cache_set6(const struct flow_cache *c, uint32_t hash)
{
	return &c->v6[(size_t)(hash & c->mask6) * FLOW_WAYS];
}

/* The flow of this key under this generation, or NULL. addrs6: 32 bytes for IPv6, NULL otherwise.
 */
struct flow *flow_cache_find(const struct flow_cache *c, const union flow_key *key, uint32_t hash,
	const uint8_t *addrs6, uint32_t gen);

/* Keep a decided flow. What it displaces is gone: no pointer of flow_cache_find() is valid after.
 */
void flow_cache_put(
	struct flow_cache *c, const struct flow *flow, uint32_t hash, const uint8_t *addrs6);

#endif
