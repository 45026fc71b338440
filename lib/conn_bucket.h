/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The buckets of the connection table: seven connections each, found by a byte of their hash. Internal to
 * conn_table.c and conn_touch.c.
 */
#ifndef LEAT_LIB_CONN_BUCKET_H
#define LEAT_LIB_CONN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conn_state.h"
#include "lib/conn_table.h"
#include "lib/hash.h"

#define CONN_BUCKET_SLOTS 7
#define CONN_STATE_BITS 8

_Static_assert((1 << CONN_STATE_BITS) > CONN_STATE_COUNT, "a state has to fit");
_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tags are told apart by their byte's place");

/* A line of its own. Written when a connection begins or is judged again, under the bucket's lock.
 */
struct conn_entry {
	uint64_t key[CONN_KEY_WORDS]; /* canonical; the last word is also read without the lock, by
					 flush */
	uint32_t gen;
	uint32_t rule_out;
	uint32_t rule_in;
	uint32_t sides;
	uint16_t a_port;
	bool swapped; /* the canonical key is the original direction's turned round */
} __attribute__((aligned(64)));

/*
 * The first line tells all that searching, ageing and giving up need; so a full bucket costs no
 * more lines than an empty one. Everything is written under the lock alone. Tags are read without
 * it by those who search, to pass by buckets that have nothing for them, and `due` by count:
 * therefore both are stored and loaded relaxed.
 */
struct conn_bucket {
	union {
		uint64_t word;
		struct {
			uint8_t lock;
			uint8_t tag[CONN_BUCKET_SLOTS]; /* 0: free */
		};
	};
	uint64_t due[CONN_BUCKET_SLOTS]; /* expires at, ms << CONN_STATE_BITS | enum conn_state; 0:
					    free */
	struct conn_entry entry[CONN_BUCKET_SLOTS];
} __attribute__((aligned(64)));

_Static_assert(
	sizeof(struct conn_bucket) == 64 * (1 + CONN_BUCKET_SLOTS), "a line an entry, and one");

struct conn_table {
	struct conn_bucket *bucket;
	uint32_t n_buckets;
	struct hash_seed seed;
};

/* Lock the bucket that holds the key and give its slot, or -1 with nothing locked. */
int place_lock(const struct conn_place *place, struct conn_bucket **ret);

/* The high bit of each byte that holds the tag, the lock's byte left out. Slot = bit / 8 - 1. */
static inline uint64_t tags_match(const struct conn_bucket *b, uint8_t tag)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7f;
	uint64_t x = __atomic_load_n(&b->word, __ATOMIC_RELAXED) ^ tag * 0x0101010101010101u;

	return ~(((x & low) + low) | x | low) & ~(uint64_t)0xff;
}

static inline int tags_slot(uint64_t match)
{
	return __builtin_ctzll(match) / 8 - 1;
}

/* Bucket locked: the slot that holds the key, or -1. */
static inline int bucket_find(const struct conn_bucket *b, const struct conn_place *place)
{
	for (uint64_t match = tags_match(b, place->tag); match != 0; match &= match - 1) {
		int slot = tags_slot(match);
		const uint64_t *key = b->entry[slot].key;
		uint64_t diff = 0;

		for (unsigned i = 0; i < CONN_KEY_WORDS; i++)
			diff |= key[i] ^ place->key[i];
		if (diff == 0)
			return slot;
	}
	return -1;
}

static inline enum conn_state due_state(uint64_t due)
{
	return (enum conn_state)(due & ((1 << CONN_STATE_BITS) - 1));
}

static inline bool due_is_over(uint64_t due, uint64_t now_ms)
{
	return now_ms >= due >> CONN_STATE_BITS;
}

static inline void slot_set_state(
	struct conn_bucket *b, int slot, enum conn_state state, uint64_t now_ms)
{
	uint64_t due = (now_ms + conn_state_timeout_ms(state)) << CONN_STATE_BITS | state;

	__atomic_store_n(&b->due[slot], due, __ATOMIC_RELAXED);
}

static inline void slot_clear(struct conn_bucket *b, int slot)
{
	__atomic_store_n(&b->tag[slot], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&b->due[slot], 0, __ATOMIC_RELAXED);
}

/* Bucket locked: what a caller is told of the connection in a slot. */
void slot_report(const struct conn_bucket *b, int slot, const struct conn_place *place,
	struct conn_info *ret_info, enum conn_direction *ret_direction);

/* Bucket locked: what of the info the table keeps; a whole new connection in a slot, whatever was there. */
void slot_set_info(struct conn_bucket *b, int slot, const struct conn_info *info);
void slot_fill(struct conn_bucket *b, int slot, const struct conn_place *place,
	const struct conn_info *info, enum conn_state state, uint64_t now_ms);

/*
 * Both buckets locked, or for a guess not: a slot to fill, or -1. Taking from the bucket that has more to give keeps those that
 * may not be given up spread evenly: that is what lets the table be filled.
 */
int place_find_room(const struct conn_place *place, uint64_t now_ms, struct conn_bucket **ret);

#endif
