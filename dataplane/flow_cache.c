/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/flow_cache.h"

#include <emmintrin.h>
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_prefetch.h>

#define BUCKETS_FIRST_BITS 6 /* an index begins with so many buckets */
#define BUCKETS_FIRST (1U << BUCKETS_FIRST_BITS)
#define ADDRS6_LEN 32

/* xorshift32 (Marsaglia 2003): good enough to be fair, and nobody gains by guessing it. */
static uint32_t dice_throw(struct flow_table *t)
{
	t->dice ^= t->dice << 13;
	t->dice ^= t->dice >> 17;
	t->dice ^= t->dice << 5;
	return 1 + hash_reduce(t->dice, t->mask);
}

static int table_init(struct flow_table *t, uint32_t entries, uint32_t size, int numa_node)
{
	*t = (struct flow_table){
		.flows = rte_zmalloc_socket("flows", (size_t)entries * size, 128, numa_node),
		.size = size,
		.mask = entries - 1,
		.dice = 1,
		.base = BUCKETS_FIRST,
		.room = entries / FLOW_BUCKET_LOAD,
	};
	for (unsigned i = 0; i < FLOW_VICTIMS; i++)
		t->victim[i] = dice_throw(t);
	t->buckets = rte_zmalloc_socket("flow_index", t->room * sizeof(*t->buckets), 64, numa_node);
	return t->flows == NULL || t->buckets == NULL ? -ENOMEM : 0;
}

int flow_cache_init(struct flow_cache *c, uint32_t entries, int numa_node)
{
	memset(c, 0, sizeof(*c));
	if (table_init(&c->v4, entries, sizeof(struct flow), numa_node) != 0 ||
		table_init(&c->v6, entries / FLOW6_SHARE, sizeof(struct flow6), numa_node) != 0) {
		flow_cache_fini(c);
		return -ENOMEM;
	}
	hash_seed_init(&c->seed);
	return 0;
}

void flow_cache_fini(struct flow_cache *c)
{
	rte_free(c->v4.flows);
	rte_free(c->v4.buckets);
	rte_free(c->v6.flows);
	rte_free(c->v6.buckets);
	memset(c, 0, sizeof(*c));
}

/* The bits by which the index grows are among them, so that a bucket is split without a look at its flows. */
static inline uint16_t flow_tag(uint32_t hash)
{
	return (uint16_t)(hash >> BUCKETS_FIRST_BITS);
}

/* A bit for each entry with this tag. */
static inline unsigned tag_matches(const struct flow_bucket *b, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)b->tag);
	__m128i same = _mm_cmpeq_epi16(tags, _mm_set1_epi16((int16_t)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
}

static inline struct flow *flow_at(const struct flow_table *t, uint32_t ref)
{
	return (struct flow *)(void *)(t->flows + (size_t)ref * t->size);
}

struct flow *flow_cache_candidate(
	const struct flow_table *t, const struct flow_bucket *b, uint32_t hash)
{
	unsigned matches = tag_matches(b, flow_tag(hash));

	return matches == 0 ? NULL : flow_at(t, b->ref[__builtin_ctz(matches)]);
}

static bool is_of(const struct flow *flow, const union flow_key *key, const uint8_t *addrs6)
{
	return flow_key_equal(&flow->key, key) &&
	       (addrs6 == NULL ||
		       memcmp(((const struct flow6 *)flow)->addrs, addrs6, ADDRS6_LEN) == 0);
}

/* Of whatever generation. A key of zeros may find the first flow, whose place is then that of this key. */
static struct flow *table_find(
	const struct flow_table *t, const union flow_key *key, uint32_t hash, const uint8_t *addrs6)
{
	const struct flow_bucket *b = flow_bucket(t, hash);

	for (unsigned m = tag_matches(b, flow_tag(hash)); m != 0; m &= m - 1) {
		struct flow *flow = flow_at(t, b->ref[__builtin_ctz(m)]);

		if (is_of(flow, key, addrs6))
			return flow;
	}
	return NULL;
}

struct flow *flow_cache_find(const struct flow_cache *c, const union flow_key *key, uint32_t hash,
	const uint8_t *addrs6, uint32_t gen)
{
	struct flow *flow = table_find(flow_cache_table(c, addrs6 != NULL), key, hash, addrs6);

	return flow != NULL && flow->gen == gen ? flow : NULL;
}

/* One bucket more where their load is reached: it takes over half of another one's entries. */
static void table_grow(struct flow_table *t)
{
	struct flow_bucket *from, *to;

	if (t->n_used < (t->base + t->split) * FLOW_BUCKET_LOAD || t->base + t->split >= t->room)
		return;
	from = &t->buckets[t->split];
	to = &t->buckets[t->base + t->split];
	for (unsigned i = 0; i < FLOW_BUCKET_ENTRIES; i++) {
		if (from->ref[i] == 0 || (from->tag[i] & (t->base >> BUCKETS_FIRST_BITS)) == 0)
			continue;
		to->tag[i] = from->tag[i];
		to->ref[i] = from->ref[i];
		from->ref[i] = 0;
	}
	if (++t->split == t->base) {
		t->base *= 2;
		t->split = 0;
	}
}

static void unlink_flow(struct flow_table *t, uint32_t ref)
{
	struct flow_bucket *b = flow_bucket(t, flow_at(t, ref)->hash);

	for (unsigned i = 0; i < FLOW_BUCKET_ENTRIES; i++)
		if (b->ref[i] == ref)
			b->ref[i] = 0;
}

/* Which flow makes room. All are used. */
static uint32_t victim_take(struct flow_table *t)
{
	uint32_t turn = t->victim_turn++;
	uint32_t *next = &t->victim[turn % FLOW_VICTIMS];
	uint32_t half_way = t->victim[(turn + FLOW_VICTIMS / 2) % FLOW_VICTIMS];
	uint32_t ref = *next;

	*next = dice_throw(t);
	rte_prefetch0(flow_at(t, *next));
	rte_prefetch0(flow_bucket(t, flow_at(t, half_way)->hash));
	return ref;
}

/* That of a flow in the same bucket if there is no room in it; else one that was never used, or that of any flow. */
static struct flow *place_take(struct flow_table *t, uint32_t hash)
{
	struct flow_bucket *b;
	unsigned i = 0;

	table_grow(t);
	b = flow_bucket(t, hash);
	while (i < FLOW_BUCKET_ENTRIES && b->ref[i] != 0)
		i++;
	if (i == FLOW_BUCKET_ENTRIES) {
		i = b->turn++ % FLOW_BUCKET_ENTRIES;
	} else if (t->n_used < t->mask) {
		b->ref[i] = ++t->n_used;
	} else {
		uint32_t ref = victim_take(t);

		unlink_flow(t, ref);
		b->ref[i] = ref;
	}
	b->tag[i] = flow_tag(hash);
	return flow_at(t, b->ref[i]);
}

void flow_cache_put(
	struct flow_cache *c, const struct flow *flow, uint32_t hash, const uint8_t *addrs6)
{
	struct flow_table *t = addrs6 != NULL ? &c->v6 : &c->v4;
	struct flow *place = table_find(t, &flow->key, hash, addrs6);

	if (place == NULL)
		place = place_take(t, hash);
	*place = *flow;
	place->hash = hash;
	if (addrs6 != NULL)
		memcpy(((struct flow6 *)place)->addrs, addrs6, ADDRS6_LEN);
}
