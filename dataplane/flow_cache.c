/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/flow_cache.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#define BUCKETS_FIRST 64 /* a table begins with so many buckets */
#define MOVES_MAX 16

int flow_cache_init(struct flow_cache *c, uint32_t entries, int numa_node)
{
	memset(c, 0, sizeof(*c));
	/* Half of the places are used then: nearly every flow finds one, mostly in its first bucket. */
	c->room = entries;
	c->base = c->n_buckets = BUCKETS_FIRST;
	c->dice = 1;
	hash_id_seed_init(&c->seed);
	c->buckets = rte_zmalloc_socket(
		"flows", c->room * sizeof(*c->buckets), sizeof(*c->buckets), numa_node);
	return c->buckets == NULL ? -ENOMEM : 0;
}

void flow_cache_fini(struct flow_cache *c)
{
	rte_free(c->buckets);
	memset(c, 0, sizeof(*c));
}

/* Of whatever generation. */
static struct flow *find_any(const struct flow_cache *c, uint64_t id)
{
	struct flow_bucket *b = flow_bucket_of(flow_first(c, id), flow_second(c, id), id);
	struct flow *place = flow_place(b, id);

	return place->id == id ? place : NULL;
}

/* Empty, or what it holds was decided under a configuration that is no more; to be filled. NULL: none. */
static struct flow *place_in(struct flow_cache *c, struct flow_bucket *b, uint32_t gen)
{
	for (unsigned i = 0; i < FLOW_BUCKET_FLOWS; i++) {
		if (b->flow[i].gen == gen)
			continue;
		c->n_used += b->flow[i].id == 0;
		return &b->flow[i];
	}
	return NULL;
}

/* Flows of this bucket that it has for want of room in their first one go there if there is some now. Those that
 * stand, that is: to one of another generation a place that is taken looks free. */
static void send_home(struct flow_cache *c, struct flow_bucket *b, uint32_t gen)
{
	for (unsigned i = 0; i < FLOW_BUCKET_FLOWS; i++) {
		struct flow *flow = &b->flow[i];
		struct flow_bucket *first = flow_first(c, flow->id);
		struct flow *place;

		if (flow->gen != gen || first == b)
			continue;
		place = place_in(c, first, gen);
		if (place == NULL)
			continue;
		*place = *flow;
		memset(flow, 0, sizeof(*flow));
		c->n_used--;
	}
}

/* One bucket more where the load is reached: it takes over half of another one's flows. */
static void grow(struct flow_cache *c, uint32_t gen)
{
	uint32_t split = c->n_buckets - c->base;
	struct flow_bucket *from, *to;

	if (c->n_used < c->n_buckets || c->n_buckets == c->room)
		return;
	from = &c->buckets[split];
	to = &c->buckets[c->n_buckets];
	for (unsigned i = 0; i < FLOW_BUCKET_FLOWS; i++) {
		uint64_t id = from->flow[i].id;
		bool by_first = flow_bucket_index(c, (uint32_t)id) == split;
		uint32_t half = by_first ? (uint32_t)id : (uint32_t)(id >> 32);

		if ((half & c->base) == 0)
			continue;
		to->flow[i] = from->flow[i];
		memset(&from->flow[i], 0, sizeof(from->flow[i]));
	}
	if (++c->n_buckets == 2 * c->base)
		c->base *= 2;
	send_home(c, from, gen);
	send_home(c, to, gen);
}

/* xorshift32 (Marsaglia 2003): good enough to be fair, and nobody gains by guessing it. */
static uint32_t dice_throw(struct flow_cache *c)
{
	c->dice ^= c->dice << 13;
	c->dice ^= c->dice >> 17;
	c->dice ^= c->dice << 5;
	return c->dice;
}

/* Of a full bucket: which flow makes room; not the one that has just been put. */
static struct flow *place_of_other(struct flow_cache *c, struct flow_bucket *b, uint64_t put)
{
	struct flow *place = &b->flow[dice_throw(c) % FLOW_BUCKET_FLOWS];

	return place->id == put ? &b->flow[place == b->flow] : place;
}

/*
 * Into one of its buckets, and where those are full in place of another flow, which moves to its other bucket, and so on.
 * When no end comes of that the last one is forgotten; and where most places are used it is not even tried.
 */
static void place_flow(struct flow_cache *c, struct flow flow)
{
	unsigned moves = c->n_used < c->room + c->room / 2 ? MOVES_MAX : 1;
	struct flow_bucket *b = flow_first(c, flow.id);
	struct flow *place = place_in(c, b, flow.gen);
	uint64_t put = flow.id;

	for (unsigned i = 0; place == NULL && i < moves; i++) {
		struct flow displaced;
		struct flow *other;

		b = b == flow_first(c, flow.id) ? flow_second(c, flow.id) : flow_first(c, flow.id);
		place = place_in(c, b, flow.gen);
		if (place != NULL)
			break;
		other = place_of_other(c, b, put);
		displaced = *other;
		*other = flow;
		flow = displaced;
	}
	if (place != NULL)
		*place = flow;
}

void flow_cache_put(struct flow_cache *c, const struct flow *flow)
{
	struct flow *place = find_any(c, flow->id);

	if (place != NULL) {
		*place = *flow;
		return;
	}
	grow(c, flow->gen);
	place_flow(c, *flow);
}
