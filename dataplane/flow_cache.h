/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's exact-match cache: everything that was decided about a flow, in half a cache line.
 *
 * A flow is a direction of a conversation as it comes by one port. It is known by its identity, 64 bits that stand
 * for all fields of its key: what tells two flows apart is a secret of the worker's (lib/hash.h has the odds). The
 * receiving port is kept as it is: whatever the odds, no port's frames are taken for another's.
 *
 * Each flow may lie in either of two buckets, a cache line each; the halves of its identity say which (cuckoo
 * hashing: Pagh and Rodler 2004). Mostly it is in the first, so a hit reads one line. There are as many buckets as
 * the flows need: the table grows by linear hashing (Litwin 1980), a bucket at a time, so that few flows touch few
 * pages. When it is full one flow by chance makes room: so more flows in turn than there are places still find most
 * of those.
 */
#ifndef LEAT_DATAPLANE_FLOW_CACHE_H
#define LEAT_DATAPLANE_FLOW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/hash.h"

#define FLOW_BUCKET_FLOWS 2

/*
 * Compared and hashed as words, and best filled by words: a load that spans several stores that
 * have just been made waits for them. No padding: what a kind of frame has not is 0.
 */
union flow_key {
	struct {
		uint64_t macs;	    /* destination MAC, first two bytes of the source MAC */
		uint32_t smac_rest; /* its other four */
		uint16_t port;	    /* index of the receiving port */
		uint16_t network;
		uint64_t addrs; /* IPv4 source and destination; IPv6 addresses are hashed behind
				   the key */
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
	FLOW_TAGGED = 1 << 3,  /* leaves with the tag of its network */
};

#define FLOW_OUT_NONE UINT16_MAX

/*
 * By which port the frames of a flow come, and the rules to count: the sender's, the receiver's; 0 none. In one word,
 * since frames that come together mostly have all in common.
 */
#define FLOW_RULE_BITS 24
#define FLOW_ACCOUNT(port, sender, receiver)                                                       \
	((uint64_t)(sender) | (uint64_t)(receiver) << FLOW_RULE_BITS |                             \
		(uint64_t)(port) << 2 * FLOW_RULE_BITS)

struct flow {
	uint64_t id;	      /* of its key */
	uint32_t gen;	      /* snapshot generation it was decided under, 0: none */
	uint32_t valid_until; /* flow_ticks(): look again then (connections and learned MACs are
				 refreshed) */
	uint64_t account;     /* FLOW_ACCOUNT() */
	union {
		uint32_t mac_epoch; /* with FLOW_LEARNED */
		uint32_t sides;	    /* with FLOW_TRACKED: as conn_info has them */
		uint32_t decision;  /* to several outputs, which is not kept: which decision */
	};
	uint16_t out; /* index of the output port */
	uint8_t drop; /* 0: forward; else 1 + enum drop_reason */
	uint8_t flags;
};
_Static_assert(sizeof(struct flow) == 32, "a flow is half a cache line");

struct flow_bucket {
	struct flow flow[FLOW_BUCKET_FLOWS];
} __attribute__((aligned(64)));

struct flow_cache {
	struct flow_bucket *buckets;
	uint32_t base;	    /* buckets before the present doubling, a power of two */
	uint32_t n_buckets; /* now: so many have been split as there are more */
	uint32_t room;	    /* buckets there may be */
	uint32_t n_used;    /* places with a flow, of whatever generation */
	uint32_t dice;	    /* which flow makes room */
	struct hash_id_seed seed;
};

static inline uint32_t flow_rule(uint64_t account, unsigned end)
{
	return (uint32_t)(account >> end * FLOW_RULE_BITS) & ((1U << FLOW_RULE_BITS) - 1);
}

static inline uint16_t flow_port(uint64_t account)
{
	return (uint16_t)(account >> 2 * FLOW_RULE_BITS);
}

/* entries: flows, a power of two, at least 1024. 0, or -ENOMEM. numa_node: -1 any. */
int flow_cache_init(struct flow_cache *c, uint32_t entries, int numa_node);
void flow_cache_fini(struct flow_cache *c);

/* Do two keys begin alike, in what flow_id_begin() takes; and in all else? */
static inline bool flow_key_begins(const union flow_key *a, const union flow_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1])) == 0;
}

static inline bool flow_key_ends(const union flow_key *a, const union flow_key *b)
{
	return ((a->w[2] ^ b->w[2]) | (a->w[3] ^ b->w[3])) == 0;
}

/*
 * The identity of a key in two steps. The first takes MACs, port and network, which frames that come together mostly
 * have in common; the second the rest, and of IPv6 source and destination address as they lie, else NULL.
 */
static inline unsigned __int128 flow_id_begin(const struct flow_cache *c, const union flow_key *key)
{
	return hash_id_add(&c->seed, c->seed.term, key->w, 0, 2);
}

static inline uint64_t flow_id_end(const struct flow_cache *c, unsigned __int128 begun,
	const union flow_key *key, const uint64_t addrs6[4])
{
	begun = hash_id_add(&c->seed, begun, key->w + 2, 2, 2);
	if (addrs6 != NULL)
		begun = hash_id_add(&c->seed, begun, addrs6, 4, 4);
	return hash_id_end(&c->seed, begun);
}

/* Linear hashing: what would lie in a bucket that is not there yet lies in the one that it will be split from. */
static inline uint32_t flow_bucket_index(const struct flow_cache *c, uint32_t half)
{
	uint32_t b = half & (2 * c->base - 1);

	/* Without a branch, which would be guessed wrong half the time. */
	return b - (c->base & -(uint32_t)(b >= c->n_buckets));
}

/* Where a flow likely is, and where else it may be. */
static inline struct flow_bucket *flow_first(const struct flow_cache *c, uint64_t id)
{
	return &c->buckets[flow_bucket_index(c, (uint32_t)id)];
}

static inline struct flow_bucket *flow_second(const struct flow_cache *c, uint64_t id)
{
	return &c->buckets[flow_bucket_index(c, (uint32_t)(id >> 32))];
}

/* That of a bucket's places which alone can hold the flow. */
static inline struct flow *flow_place(struct flow_bucket *b, uint64_t id)
{
	return &b->flow[b->flow[1].id == id];
}

/*
 * Of two buckets the first if the flow is there, else the second. Where one flow in four is in its second bucket a
 * branch would be guessed wrong that often.
 */
static inline struct flow_bucket *flow_bucket_of(
	struct flow_bucket *first, struct flow_bucket *second, uint64_t id)
{
	uintptr_t elsewhere = -(uintptr_t)(flow_place(first, id)->id != id);

	return (struct flow_bucket *)((uintptr_t)first ^
				      (((uintptr_t)first ^ (uintptr_t)second) & elsewhere));
}

/* The flow of this identity and generation in the bucket that flow_bucket_of() gave, or NULL. */
static inline struct flow *flow_in(struct flow_bucket *b, uint64_t id, uint32_t gen)
{
	struct flow *flow = flow_place(b, id);

	return flow->id == id && flow->gen == gen ? flow : NULL;
}

/* Keep a decided flow. It may displace another, and move others: no pointer to a flow is valid after. */
void flow_cache_put(struct flow_cache *c, const struct flow *flow);

#endif
