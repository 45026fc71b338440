/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/conn_table.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "lib/conn_bucket.h"
#include "lib/spinlock.h"

#define CONN_BUCKET_FILL 5 /* connections a bucket at the nominal capacity */
#define CONN_CAPACITY_MIN 1024u
#define CONN_CAPACITY_MAX (1u << 24)

struct conn_table *conn_table_create(size_t capacity, int numa_node)
{
	int socket = numa_node < 0 ? SOCKET_ID_ANY : numa_node;
	struct conn_table *t;
	size_t rounded = CONN_CAPACITY_MIN;

	if (capacity < CONN_CAPACITY_MIN || capacity > CONN_CAPACITY_MAX)
		return NULL;
	while (rounded < capacity)
		rounded *= 2;
	t = rte_zmalloc_socket("conn_table", sizeof(*t), RTE_CACHE_LINE_SIZE, socket);
	if (t == NULL)
		return NULL;
	t->n_buckets = (uint32_t)((rounded + CONN_BUCKET_FILL - 1) / CONN_BUCKET_FILL);
	t->bucket = rte_zmalloc_socket(
		"conn_buckets", t->n_buckets * sizeof(t->bucket[0]), RTE_CACHE_LINE_SIZE, socket);
	if (t->bucket == NULL) {
		rte_free(t);
		return NULL;
	}
	hash_seed_init(&t->seed);
	return t;
}

void conn_table_free(struct conn_table *t)
{
	if (t != NULL)
		rte_free(t->bucket);
	rte_free(t);
}

static bool key_is_swapped(const uint64_t src[2], const uint64_t dst[2], const struct conn_key *key)
{
	if (src[0] != dst[0])
		return src[0] > dst[0];
	if (src[1] != dst[1])
		return src[1] > dst[1];
	return key->sport > key->dport;
}

void conn_table_place(
	const struct conn_table *t, const struct conn_key *key, struct conn_place *place)
{
	uint64_t src[2] = {0};
	uint64_t dst[2] = {0};
	uint64_t rest = (uint64_t)key->network << 32 | (uint64_t)key->proto << 48 |
			(uint64_t)key->family << 56;
	uint64_t hash;
	uint32_t first, second;

	if (key->family == 4) {
		memcpy(src, key->src, 4);
		memcpy(dst, key->dst, 4);
	} else {
		memcpy(src, key->src, 16);
		memcpy(dst, key->dst, 16);
	}
	place->swapped = key_is_swapped(src, dst, key);
	memcpy(&place->key[0], place->swapped ? dst : src, 16);
	memcpy(&place->key[2], place->swapped ? src : dst, 16);
	place->key[4] = rest | (place->swapped ? key->dport | (uint64_t)key->sport << 16
					       : key->sport | (uint64_t)key->dport << 16);
	hash = hash_5(&t->seed, place->key);
	first = hash_reduce((uint32_t)(hash >> 32), t->n_buckets);
	second = hash_reduce((uint32_t)hash, t->n_buckets);
	if (first == second)
		second = first + 1 == t->n_buckets ? 0 : first + 1;
	place->bucket[0] = &t->bucket[first < second ? first : second];
	place->bucket[1] = &t->bucket[first < second ? second : first];
	place->tag = (uint8_t)(1 + (hash & 0xff) % 255);
}

bool conn_place_find(const struct conn_place *place, uint64_t now_ms, struct conn_info *ret_info,
	enum conn_direction *ret_direction)
{
	struct conn_bucket *b;
	bool alive;
	int slot = place_lock(place, &b);

	if (slot < 0)
		return false;
	alive = !due_is_over(b->due[slot], now_ms);
	if (alive)
		slot_report(b, slot, place, ret_info, ret_direction);
	spin_unlock(&b->lock);
	return alive;
}

/* As conn_table_place() puts it there. */
static uint8_t place_proto(const struct conn_place *place)
{
	return (uint8_t)(place->key[4] >> 48);
}

/* Both buckets locked. */
static int add_locked(const struct conn_place *place, uint8_t tcp_flags,
	const struct conn_info *info, uint64_t now_ms)
{
	struct conn_bucket *b;
	int slot = -1;

	for (unsigned i = 0; i < 2 && slot < 0; i++) {
		b = place->bucket[i];
		slot = bucket_find(b, place);
	}
	if (slot >= 0 && !due_is_over(b->due[slot], now_ms) &&
		!conn_state_begins_anew(due_state(b->due[slot]), tcp_flags)) {
		if (b->entry[slot].swapped == place->swapped)
			slot_set_info(b, slot, info);
		return 1;
	}
	if (slot < 0)
		slot = place_find_room(place, now_ms, &b);
	if (slot < 0)
		return -ENOSPC;
	slot_fill(b, slot, place, info, conn_state_first(place_proto(place), tcp_flags), now_ms);
	return 0;
}

int conn_place_add(const struct conn_place *place, uint8_t tcp_flags, const struct conn_info *info,
	uint64_t now_ms)
{
	int ret;

	/* By address, so that no two adds wait for each other; both, so that a key comes in once.
	 */
	spin_lock(&place->bucket[0]->lock);
	spin_lock(&place->bucket[1]->lock);
	ret = add_locked(place, tcp_flags, info, now_ms);
	spin_unlock(&place->bucket[1]->lock);
	spin_unlock(&place->bucket[0]->lock);
	return ret;
}

/* Read without the locks: what another worker changes meanwhile makes it the wrong memory, no more. */
void conn_place_prefetch_room(const struct conn_place *place, uint64_t now_ms)
{
	struct conn_bucket *b;
	int slot = place_find_room(place, now_ms, &b);

	if (slot >= 0)
		rte_prefetch0_write(&b->entry[slot]);
}

void conn_place_remove(const struct conn_place *place)
{
	struct conn_bucket *b;
	int slot = place_lock(place, &b);

	if (slot < 0)
		return;
	slot_clear(b, slot);
	spin_unlock(&b->lock);
}

static bool slot_is_of(const struct conn_bucket *b, int slot, uint16_t network)
{
	return __atomic_load_n(&b->due[slot], __ATOMIC_RELAXED) != 0 &&
	       (uint16_t)(__atomic_load_n(&b->entry[slot].key[4], __ATOMIC_RELAXED) >> 32) ==
		       network;
}

void conn_table_flush_network(struct conn_table *t, uint16_t network)
{
	/* The control thread may lose its core at any point: it looks first, and locks only to
	 * remove. */
	for (uint32_t i = 0; i < t->n_buckets; i++) {
		struct conn_bucket *b = &t->bucket[i];

		for (int slot = 0; slot < CONN_BUCKET_SLOTS; slot++) {
			if (!slot_is_of(b, slot, network))
				continue;
			spin_lock(&b->lock);
			if (slot_is_of(b, slot, network))
				slot_clear(b, slot);
			spin_unlock(&b->lock);
		}
	}
}

size_t conn_table_count(const struct conn_table *t)
{
	size_t n = 0;

	for (uint32_t i = 0; i < t->n_buckets; i++)
		for (int slot = 0; slot < CONN_BUCKET_SLOTS; slot++)
			n += __atomic_load_n(&t->bucket[i].due[slot], __ATOMIC_RELAXED) != 0;
	return n;
}
