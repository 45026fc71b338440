/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's exact-match cache: everything that was decided about a flow, in one cache line.
 *
 * A flow is a direction of a conversation as it comes by one port. Flows lie side by side in the
 * order in which they came, and an index of buckets, a cache line each, leads to them: few flows touch few pages, many
 * as many as they need. The index grows by linear hashing, a bucket at a time, as flows are put. When there is no
 * place left one flow by chance makes room: so more flows in turn than there are places still find most of
 * those. IPv6 flows have a second line with their whole addresses, and a table of their own.
 */
#ifndef LEAT_DATAPLANE_FLOW_CACHE_H
#define LEAT_DATAPLANE_FLOW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/hash.h"

#define FLOW6_SHARE 4	      /* IPv6 has 1/4 of the entries */
#define FLOW_BUCKET_ENTRIES 8 /* of an index bucket, */
#define FLOW_BUCKET_LOAD                                                                           \
	2 /* of which so many are used on average: one that is full displaces a flow */
#define FLOW_VICTIMS 16

/*
 * Compared and hashed as four words, and best filled by words: a load that spans several stores
 * that have just been made waits for them. No padding: what a kind of frame has not is 0.
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
	FLOW_TRACKED = 1 << 1, /* rests on a connection, and on nothing else that ages */
	FLOW_REPLY = 1 << 2,   /* which began the other way */
};

#define FLOW_OUT_NONE UINT16_MAX

struct flow {
	union flow_key key;
	uint32_t gen;	      /* snapshot generation it was decided under, 0: empty */
	uint32_t valid_until; /* ms clock: look again then (connections and learned MACs are
				 refreshed) */
	uint32_t rule[2];     /* rules to count: the sender's, the receiver's; 0 none */
	uint32_t tag;	      /* to put on at the output, 0 none */
	union {
		uint32_t mac_epoch; /* with FLOW_LEARNED */
		uint32_t sides;	    /* with FLOW_TRACKED: as conn_info has them */
	};
	uint16_t out; /* index of the output port */
	uint8_t drop; /* 0: forward; else 1 + enum drop_reason */
	uint8_t flags;
	union {
		uint32_t decision; /* while it is decided: which one */
		uint32_t hash;	   /* in the cache: of its key */
	};
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow) == 64, "a flow is one cache line");

struct flow6 {
	struct flow flow;
	uint8_t addrs[32];
} __attribute__((aligned(128)));

struct flow_bucket {
	uint16_t tag[FLOW_BUCKET_ENTRIES]; /* bits of the hash: see flow_tag() */
	uint32_t ref[FLOW_BUCKET_ENTRIES]; /* which flow; 0 none */
	uint32_t turn;			   /* which entry is replaced next where all are used */
} __attribute__((aligned(64)));

struct flow_table {
	uint8_t *flows;		       /* struct flow or flow6; the first is never used */
	uint32_t size;		       /* of one, bytes */
	uint32_t mask;		       /* flows - 1 */
	uint32_t n_used;	       /* of them, from the second on */
	uint32_t dice;		       /* which ones make room when all are used, */
	uint32_t victim[FLOW_VICTIMS]; /* thrown ahead, so that their memory is at hand */
	uint32_t victim_turn;
	struct flow_bucket *buckets;
	uint32_t base;	/* buckets before the present doubling, a power of two */
	uint32_t split; /* how many of them have been split in it */
	uint32_t room;	/* buckets there may be */
};

struct flow_cache {
	struct flow_table v4;
	struct flow_table v6;
	struct hash_seed seed;
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

static inline const struct flow_table *flow_cache_table(const struct flow_cache *c, bool six)
{
	return six ? &c->v6 : &c->v4;
}

/* Where the flows of a hash are listed: linear hashing, a bucket before `split` has two halves. */
static inline struct flow_bucket *flow_bucket(const struct flow_table *t, uint32_t hash)
{
	uint32_t b = hash & (t->base - 1);

	if (b < t->split)
		b = hash & (2 * t->base - 1);
	return &t->buckets[b];
}

/* Does the bucket of this hash list one for it? The first, which is likely the one; else NULL. */
struct flow *flow_cache_candidate(
	const struct flow_table *t, const struct flow_bucket *b, uint32_t hash);

/* The flow of this key under this generation, or NULL. addrs6: 32 bytes for IPv6, NULL otherwise.
 */
struct flow *flow_cache_find(const struct flow_cache *c, const union flow_key *key, uint32_t hash,
	const uint8_t *addrs6, uint32_t gen);

/* Keep a decided flow. What it displaces is gone: no pointer of flow_cache_find() is valid after.
 */
void flow_cache_put(
	struct flow_cache *c, const struct flow *flow, uint32_t hash, const uint8_t *addrs6);

#endif
