/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/frag_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/pages.h"
#include "lib/spinlock.h"

#define FRAG_BUCKET_SLOTS 4
#define FRAG_CAPACITY_MAX (1u << 24)

struct frag_slot {
	uint64_t key[5]; /* addresses; then ports, network and the like, see key_pack */
	uint32_t id;
	bool used;
	struct frag_verdict verdict;
	uint64_t seen_ms;
};

struct frag_bucket {
	uint8_t lock; /* guards the rest */
	struct frag_slot slot[FRAG_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct frag_table {
	struct hash_seed seed;
	uint32_t n_buckets;
	struct frag_bucket *bucket;
};

/* A key without padding, and the bucket it belongs to. */
struct frag_place {
	uint64_t key[5];
	uint32_t id;
	struct frag_bucket *bucket;
};

struct frag_table *frag_table_create(size_t capacity)
{
	struct frag_table *t = calloc(1, sizeof(*t));

	if (t == NULL || capacity > FRAG_CAPACITY_MAX) {
		free(t);
		return NULL;
	}
	t->n_buckets = (uint32_t)(capacity + FRAG_BUCKET_SLOTS - 1) / FRAG_BUCKET_SLOTS;
	if (t->n_buckets == 0)
		t->n_buckets = 1;
	t->bucket = pages_zero(t->n_buckets * sizeof(t->bucket[0]));
	if (t->bucket == NULL) {
		free(t);
		return NULL;
	}
	hash_seed_init(&t->seed);
	return t;
}

void frag_table_free(struct frag_table *t)
{
	if (t != NULL)
		pages_free(t->bucket, t->n_buckets * sizeof(t->bucket[0]));
	free(t);
}

static void place_of(struct frag_table *t, const struct frag_key *key, struct frag_place *ret)
{
	size_t addr_len = key->family == 4 ? 4 : 16;
	uint64_t hash;

	memset(ret->key, 0, sizeof(ret->key));
	memcpy(&ret->key[0], key->src, addr_len);
	memcpy(&ret->key[2], key->dst, addr_len);
	ret->key[4] = (uint64_t)key->network << 48 | (uint64_t)key->in_port << 32 |
		      (uint64_t)key->proto << 8 | key->family;
	ret->id = key->id;
	hash = hash_fold(hash_5(&t->seed, ret->key) ^ key->id, t->seed.w[3] | 1);
	ret->bucket = &t->bucket[hash_reduce((uint32_t)(hash >> 32), t->n_buckets)];
}

static bool slot_is(const struct frag_slot *slot, const struct frag_place *place)
{
	return slot->used && slot->id == place->id &&
	       memcmp(slot->key, place->key, sizeof(slot->key)) == 0;
}

void frag_table_put(struct frag_table *t, const struct frag_key *key,
	const struct frag_verdict *verdict, uint64_t now_ms)
{
	struct frag_place place;
	struct frag_slot *victim;

	place_of(t, key, &place);
	spin_lock(&place.bucket->lock);
	victim = &place.bucket->slot[0];
	for (unsigned i = 0; i < FRAG_BUCKET_SLOTS; i++) {
		struct frag_slot *slot = &place.bucket->slot[i];

		if (slot_is(slot, &place)) {
			victim = slot;
			break;
		}
		if (victim->used && (!slot->used || slot->seen_ms < victim->seen_ms))
			victim = slot;
	}
	memcpy(victim->key, place.key, sizeof(victim->key));
	victim->id = place.id;
	victim->used = true;
	victim->verdict = *verdict;
	victim->seen_ms = now_ms;
	spin_unlock(&place.bucket->lock);
}

bool frag_table_get(
	struct frag_table *t, const struct frag_key *key, uint64_t now_ms, struct frag_verdict *ret)
{
	struct frag_place place;
	bool found = false;

	place_of(t, key, &place);
	spin_lock(&place.bucket->lock);
	for (unsigned i = 0; i < FRAG_BUCKET_SLOTS && !found; i++) {
		const struct frag_slot *slot = &place.bucket->slot[i];

		if (!slot_is(slot, &place))
			continue;
		/* A clock a little behind the putter's is not an age. */
		found = now_ms < slot->seen_ms || now_ms - slot->seen_ms <= FRAG_TIMEOUT_MS;
		if (found)
			*ret = slot->verdict;
		break;
	}
	spin_unlock(&place.bucket->lock);
	return found;
}
