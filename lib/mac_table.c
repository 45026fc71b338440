/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/mac_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/pages.h"
#include "lib/spinlock.h"

#define MAC_BUCKET_SLOTS 4
#define MAC_CAPACITY_MAX (1u << 20)
#define MAC_OVERFLOW_STUCK UINT16_MAX
/* Buckets the control side goes through under one hold of the lock: workers wait for no longer. */
#define MAC_SWEEP_CHUNK 16

/*
 * One cache line. Twice as many slots as the capacity, so an insertion always finds room: in the
 * home bucket or the next with a free slot; each full bucket passed on the way counts it in
 * `overflow`, which is what a look-up goes by. An entry never moves between buckets.
 *
 * Written under the table's lock, read by anyone: a reader takes what it read only if seq was even
 * and the same before and after. The stores and loads between carry release and acquire for that
 * (fences would do, but the thread sanitizer does not know them). Exceptions: `seen` is also stored
 * by learn, and bits of `doubted` set by find, both without the lock; meeting another entry that
 * has just taken the slot, they make it fresher, or its next learn a NEW one, and nothing worse.
 */
struct mac_bucket {
	uint32_t seq;	   /* odd: being written */
	uint16_t overflow; /* entries that went past this bucket; stays at MAC_OVERFLOW_STUCK */
	uint8_t used;	   /* a bit a slot */
	uint8_t doubted;   /* a bit a slot: a look-up has said "not there" for its age */
	uint64_t key[MAC_BUCKET_SLOTS];	 /* network << 48 | address */
	uint32_t seen[MAC_BUCKET_SLOTS]; /* seconds */
	uint16_t port[MAC_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct mac_table {
	struct hash_seed seed;
	struct mac_bucket *bucket;
	uint32_t n_buckets;
	uint32_t capacity;
	uint16_t max_ports;

	/* Written under the lock, read by any thread, relaxed; epoch with release and acquire. */
	uint32_t epoch __attribute__((aligned(64)));
	uint32_t count;
	uint8_t lock __attribute__((aligned(64)));
	uint32_t port_count[]; /* as count */
};

/* What a reader got to know of one entry. */
struct mac_hit {
	struct mac_bucket *bucket;
	unsigned slot;
	uint32_t seen;
	uint16_t port;
	bool doubted;
};

struct mac_table *mac_table_create(size_t capacity, uint16_t max_ports)
{
	struct mac_table *t;
	size_t size = sizeof(*t) + (size_t)max_ports * sizeof(t->port_count[0]);

	if (capacity == 0 || capacity > MAC_CAPACITY_MAX)
		return NULL;
	t = aligned_alloc(64, (size + 63) / 64 * 64);
	if (t == NULL)
		return NULL;
	memset(t, 0, size);
	t->capacity = (uint32_t)capacity;
	t->max_ports = max_ports;
	t->n_buckets = (uint32_t)(capacity * 2 + MAC_BUCKET_SLOTS - 1) / MAC_BUCKET_SLOTS;
	t->bucket = pages_zero(t->n_buckets * sizeof(t->bucket[0]));
	if (t->bucket == NULL) {
		free(t);
		return NULL;
	}
	hash_seed_init(&t->seed);
	return t;
}

void mac_table_free(struct mac_table *t)
{
	if (t != NULL)
		pages_free(t->bucket, t->n_buckets * sizeof(t->bucket[0]));
	free(t);
}

static uint64_t key_of(uint16_t network, const uint8_t mac[MAC_LEN])
{
	uint64_t key = 0;

	memcpy(&key, mac, MAC_LEN);
	return key | (uint64_t)network << 48;
}

static uint32_t home_of(const struct mac_table *t, uint64_t key)
{
	return hash_reduce((uint32_t)(hash_1(&t->seed, key) >> 32), t->n_buckets);
}

static uint32_t next_of(const struct mac_table *t, uint32_t i)
{
	return i + 1 == t->n_buckets ? 0 : i + 1;
}

/* True with hit filled if the key is in this bucket; *ret_more: it may be in the next. */
static bool bucket_read(struct mac_bucket *b, uint64_t key, struct mac_hit *hit, bool *ret_more)
{
	bool found;
	uint32_t seq;

	do {
		uint8_t used;

		while ((seq = __atomic_load_n(&b->seq, __ATOMIC_ACQUIRE)) & 1)
			rte_pause();
		found = false;
		used = __atomic_load_n(&b->used, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < MAC_BUCKET_SLOTS && !found; i++) {
			if ((used & 1u << i) == 0 ||
				__atomic_load_n(&b->key[i], __ATOMIC_ACQUIRE) != key)
				continue;
			found = true;
			hit->slot = i;
			hit->seen = __atomic_load_n(&b->seen[i], __ATOMIC_ACQUIRE);
			hit->port = __atomic_load_n(&b->port[i], __ATOMIC_ACQUIRE);
			hit->doubted = __atomic_load_n(&b->doubted, __ATOMIC_ACQUIRE) >> i & 1;
		}
		*ret_more = __atomic_load_n(&b->overflow, __ATOMIC_ACQUIRE) != 0;
	} while (__atomic_load_n(&b->seq, __ATOMIC_RELAXED) != seq);
	hit->bucket = b;
	return found;
}

static bool table_read(const struct mac_table *t, uint64_t key, struct mac_hit *hit)
{
	uint32_t i = home_of(t, key);
	bool more;

	for (uint32_t n = 0; n < t->n_buckets; n++, i = next_of(t, i)) {
		if (bucket_read(&t->bucket[i], key, hit, &more))
			return true;
		if (!more)
			break;
	}
	return false;
}

static void bucket_write_begin(struct mac_bucket *b)
{
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELAXED);
}

static void bucket_write_end(struct mac_bucket *b)
{
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELEASE);
}

/* The rest down to learn runs under the lock. */

static void count_add(uint32_t *count, int n)
{
	__atomic_store_n(count, *count + (uint32_t)n, __ATOMIC_RELAXED);
}

static void epoch_bump(struct mac_table *t)
{
	__atomic_store_n(&t->epoch, t->epoch + 1, __ATOMIC_RELEASE);
}

static void entry_write(struct mac_bucket *b, unsigned slot, uint16_t port, uint32_t now_s)
{
	__atomic_store_n(&b->port[slot], port, __ATOMIC_RELEASE);
	__atomic_store_n(&b->seen[slot], now_s, __ATOMIC_RELEASE);
	__atomic_and_fetch(&b->doubted, (uint8_t) ~(1u << slot), __ATOMIC_RELEASE);
}

static void entry_insert(struct mac_table *t, uint64_t key, uint16_t port, uint32_t now_s)
{
	uint32_t i = home_of(t, key);
	struct mac_bucket *b = &t->bucket[i];
	unsigned slot;

	for (; b->used == (1u << MAC_BUCKET_SLOTS) - 1; b = &t->bucket[i]) {
		if (b->overflow != MAC_OVERFLOW_STUCK)
			__atomic_store_n(&b->overflow, b->overflow + 1, __ATOMIC_RELEASE);
		i = next_of(t, i);
	}
	slot = (unsigned)__builtin_ctz(~(unsigned)b->used);
	bucket_write_begin(b);
	__atomic_store_n(&b->key[slot], key, __ATOMIC_RELEASE);
	entry_write(b, slot, port, now_s);
	__atomic_store_n(&b->used, b->used | 1u << slot, __ATOMIC_RELEASE);
	bucket_write_end(b);
	count_add(&t->count, 1);
	count_add(&t->port_count[port], 1);
	epoch_bump(t);
}

static void entry_remove(struct mac_table *t, struct mac_bucket *b, unsigned slot)
{
	struct mac_bucket *passed;
	uint32_t i = home_of(t, b->key[slot]);

	bucket_write_begin(b);
	__atomic_store_n(&b->used, b->used & ~(1u << slot), __ATOMIC_RELEASE);
	bucket_write_end(b);
	for (passed = &t->bucket[i]; passed != b; passed = &t->bucket[i]) {
		if (passed->overflow != MAC_OVERFLOW_STUCK)
			__atomic_store_n(&passed->overflow, passed->overflow - 1, __ATOMIC_RELEASE);
		i = next_of(t, i);
	}
	count_add(&t->count, -1);
	count_add(&t->port_count[b->port[slot]], -1);
	epoch_bump(t);
}

static enum mac_learn entry_update(
	struct mac_table *t, const struct mac_hit *hit, uint16_t port, uint32_t now_s)
{
	struct mac_bucket *b = hit->bucket;

	if (hit->port == port && !hit->doubted) {
		__atomic_store_n(&b->seen[hit->slot], now_s, __ATOMIC_RELAXED);
		return MAC_LEARN_KNOWN;
	}
	bucket_write_begin(b);
	entry_write(b, hit->slot, port, now_s);
	bucket_write_end(b);
	count_add(&t->port_count[hit->port], -1);
	count_add(&t->port_count[port], 1);
	epoch_bump(t);
	return MAC_LEARN_NEW;
}

/* May this address go to this port? Without the lock a first answer, under it the one that counts.
 */
static bool has_room(
	const struct mac_table *t, const struct mac_hit *hit, uint16_t port, uint32_t limit)
{
	if (port >= t->max_ports)
		return false;
	if (hit != NULL && hit->port == port)
		return true;
	return __atomic_load_n(&t->port_count[port], __ATOMIC_RELAXED) < limit &&
	       (hit != NULL || __atomic_load_n(&t->count, __ATOMIC_RELAXED) < t->capacity);
}

enum mac_learn mac_table_learn(struct mac_table *t, uint16_t network, const uint8_t mac[MAC_LEN],
	uint16_t port, uint32_t limit, uint32_t now_s)
{
	uint64_t key = key_of(network, mac);
	enum mac_learn ret = MAC_LEARN_LIMIT;
	struct mac_hit hit;
	bool found = table_read(t, key, &hit);

	if (found && hit.port == port && !hit.doubted) {
		if ((int32_t)(now_s - hit.seen) >= MAC_REFRESH_S)
			__atomic_store_n(&hit.bucket->seen[hit.slot], now_s, __ATOMIC_RELAXED);
		return MAC_LEARN_KNOWN;
	}
	/* A flood of new addresses at a port that has enough must not fight for the lock. */
	if (!has_room(t, found ? &hit : NULL, port, limit))
		return MAC_LEARN_LIMIT;
	spin_lock(&t->lock);
	found = table_read(t, key, &hit);
	if (has_room(t, found ? &hit : NULL, port, limit)) {
		if (found) {
			ret = entry_update(t, &hit, port, now_s);
		} else {
			entry_insert(t, key, port, now_s);
			ret = MAC_LEARN_NEW;
		}
	}
	spin_unlock(&t->lock);
	return ret;
}

static bool is_old(uint32_t seen, uint32_t age_s, uint32_t now_s)
{
	/* Another thread's clock may be ahead of ours: that is fresh, not 2^32 seconds old. */
	return (int32_t)(now_s - seen) > 0 && now_s - seen > age_s;
}

uint16_t mac_table_find(const struct mac_table *t, uint16_t network, const uint8_t mac[MAC_LEN],
	uint32_t age_s, uint32_t now_s)
{
	struct mac_hit hit;

	if (!table_read(t, key_of(network, mac), &hit))
		return MAC_TABLE_NONE;
	if (!is_old(hit.seen, age_s, now_s))
		return hit.port;
	/* Whoever asked will remember "not there": when it speaks again the epoch must change. */
	if (!hit.doubted)
		__atomic_or_fetch(
			&hit.bucket->doubted, (uint8_t)(1u << hit.slot), __ATOMIC_RELEASE);
	return MAC_TABLE_NONE;
}

uint32_t mac_table_epoch(const struct mac_table *t)
{
	return __atomic_load_n(&t->epoch, __ATOMIC_ACQUIRE);
}

size_t mac_table_count(const struct mac_table *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_RELAXED);
}

/* What to remove: a null field is no condition. */
struct mac_sweep {
	const uint32_t *age_s;
	uint32_t now_s;
	const uint16_t *port;
	const uint16_t *network;
};

static bool sweep_wants(const struct mac_sweep *sweep, const struct mac_bucket *b, unsigned slot)
{
	uint32_t seen = __atomic_load_n(&b->seen[slot], __ATOMIC_RELAXED);

	return (sweep->age_s == NULL || is_old(seen, *sweep->age_s, sweep->now_s)) &&
	       (sweep->port == NULL || b->port[slot] == *sweep->port) &&
	       (sweep->network == NULL || b->key[slot] >> 48 == *sweep->network);
}

static size_t sweep(struct mac_table *t, const struct mac_sweep *what)
{
	size_t removed = 0;

	for (uint32_t from = 0; from < t->n_buckets; from += MAC_SWEEP_CHUNK) {
		spin_lock(&t->lock);
		for (uint32_t i = from; i < t->n_buckets && i < from + MAC_SWEEP_CHUNK; i++) {
			struct mac_bucket *b = &t->bucket[i];

			for (unsigned slot = 0; slot < MAC_BUCKET_SLOTS; slot++) {
				if ((b->used & 1u << slot) == 0 || !sweep_wants(what, b, slot))
					continue;
				entry_remove(t, b, slot);
				removed++;
			}
		}
		spin_unlock(&t->lock);
	}
	return removed;
}

size_t mac_table_age(struct mac_table *t, uint32_t age_s, uint32_t now_s)
{
	return sweep(t, &(struct mac_sweep){.age_s = &age_s, .now_s = now_s});
}

void mac_table_flush_port(struct mac_table *t, uint16_t port)
{
	sweep(t, &(struct mac_sweep){.port = &port});
}

void mac_table_flush_network(struct mac_table *t, uint16_t network)
{
	sweep(t, &(struct mac_sweep){.network = &network});
}
