/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/group_table.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/pages.h"
#include "lib/spinlock.h"

#define GROUP_BUCKET_SLOTS 4
#define GROUP_CAPACITY_MAX (1u << 16)
#define GROUP_PRESENT 0x80000000u /* in kind: family 0 is a key, too */

/*
 * Written under the table's lock, read by anyone: a reader takes what it read
 * only if seq was even and the same before and after. The stores and loads
 * between carry release and acquire for that (fences would do, but the thread
 * sanitizer does not know them). Ends are single words, and may change outside
 * of that.
 */
struct group_entry {
	uint32_t seq;  /* odd: being written */
	uint32_t kind; /* GROUP_PRESENT | family << 16 | network; 0: free */
	uint64_t hi;   /* the group's address */
	uint64_t lo;
	uint32_t all_until; /* a port found no room: flooded before that */
	uint16_t n;	    /* places in use, ended ones included */
	uint16_t port[GROUP_PORTS_MAX];
	uint32_t until[GROUP_PORTS_MAX]; /* the membership has ended from then on */
};

struct group_bucket {
	uint32_t all_until; /* a group found no room: flooded before that, if it is
                         not here */
	struct group_entry entry[GROUP_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct group_table {
	struct hash_seed seed;
	uint32_t n_buckets;
	uint64_t refused[GROUP_NETWORKS]; /* written under the lock, read by any thread, relaxed */
	uint8_t lock;
	struct group_bucket bucket[];
};

struct key {
	uint64_t hi;
	uint64_t lo;
	uint32_t kind;
};

static size_t table_size(size_t n_buckets)
{
	return sizeof(struct group_table) + n_buckets * sizeof(struct group_bucket);
}

struct group_table *group_table_create(size_t capacity)
{
	struct group_table *t;
	size_t n = (capacity + GROUP_BUCKET_SLOTS - 1) / GROUP_BUCKET_SLOTS;

	if (capacity == 0 || capacity > GROUP_CAPACITY_MAX)
		return NULL;
	t = pages_zero(table_size(n));
	if (t == NULL)
		return NULL;
	t->n_buckets = (uint32_t)n;
	hash_seed_init(&t->seed);
	return t;
}

void group_table_free(struct group_table *t)
{
	if (t != NULL)
		pages_free(t, table_size(t->n_buckets));
}

static struct key key_of(const struct group_key *from)
{
	struct key key = {
		.kind = GROUP_PRESENT | (uint32_t)from->group.family << 16 | from->network};

	memcpy(&key.hi, from->group.b, 8);
	memcpy(&key.lo, from->group.b + 8, 8);
	return key;
}

static struct group_bucket *bucket_of(const struct group_table *t, const struct key *key)
{
	uint64_t hash = hash_2(&t->seed, key->lo ^ (uint64_t)key->kind << 32, key->hi);

	return (struct group_bucket *)&t->bucket[hash_reduce((uint32_t)(hash >> 32), t->n_buckets)];
}

static uint32_t load32(const uint32_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static void store32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

/* What a reader got to know of an entry. */
struct view {
	struct key key;
	bool all;
	bool any; /* is a membership alive? */
	struct group_ports ports;
};

static void view_read(const struct group_entry *e, uint32_t now_s, struct view *ret)
{
	uint16_t n = __atomic_load_n(&e->n, __ATOMIC_ACQUIRE);

	memset(ret, 0, sizeof(*ret));
	ret->key.kind = load32(&e->kind);
	ret->key.hi = __atomic_load_n(&e->hi, __ATOMIC_ACQUIRE);
	ret->key.lo = __atomic_load_n(&e->lo, __ATOMIC_ACQUIRE);
	ret->all = load32(&e->all_until) > now_s;
	for (uint16_t i = 0; i < n && i < GROUP_PORTS_MAX; i++) {
		uint16_t port = __atomic_load_n(&e->port[i], __ATOMIC_ACQUIRE);

		if (load32(&e->until[i]) <= now_s)
			continue;
		ret->any = true;
		ret->ports.w[port / 64 % (GROUP_PORT_INDEX / 64)] |= 1ULL << port % 64;
	}
}

/* An entry whole, as it was at some moment. */
static void entry_read(const struct group_entry *e, uint32_t now_s, struct view *ret)
{
	uint32_t seq;

	do {
		while ((seq = load32(&e->seq)) & 1)
			rte_pause();
		view_read(e, now_s, ret);
	} while (__atomic_load_n(&e->seq, __ATOMIC_RELAXED) != seq);
}

static bool is_key(const struct group_entry *e, const struct key *key)
{
	return load32(&e->kind) == key->kind &&
	       __atomic_load_n(&e->hi, __ATOMIC_ACQUIRE) == key->hi &&
	       __atomic_load_n(&e->lo, __ATOMIC_ACQUIRE) == key->lo;
}

enum group_found group_table_find(const struct group_table *t, const struct group_key *group,
	uint32_t now_s, struct group_ports *ret)
{
	struct key key = key_of(group);
	const struct group_bucket *b = bucket_of(t, &key);
	struct view view;

	for (unsigned i = 0; i < GROUP_BUCKET_SLOTS; i++) {
		if (!is_key(&b->entry[i], &key))
			continue;
		entry_read(&b->entry[i], now_s, &view);
		if (view.key.kind != key.kind || view.key.hi != key.hi || view.key.lo != key.lo)
			continue;
		if (view.all)
			return GROUP_ALL;
		for (unsigned k = 0; k < GROUP_PORT_INDEX / 64; k++)
			ret->w[k] |= view.ports.w[k];
		if (view.any)
			return GROUP_SOME;
	}
	return load32(&b->all_until) > now_s ? GROUP_ALL : GROUP_NONE;
}

/* The place of the port in an entry, or n. */
static unsigned place_of(const struct group_entry *e, uint16_t port)
{
	unsigned n = __atomic_load_n(&e->n, __ATOMIC_ACQUIRE);
	unsigned i = 0;

	while (i < n && __atomic_load_n(&e->port[i], __ATOMIC_ACQUIRE) != port)
		i++;
	return i;
}

static struct group_entry *entry_of(struct group_bucket *b, const struct key *key)
{
	for (unsigned i = 0; i < GROUP_BUCKET_SLOTS; i++)
		if (is_key(&b->entry[i], key))
			return &b->entry[i];
	return NULL;
}

/* Is nothing to be changed? Without the lock: a flood of reports must not fight
 * for it. */
static bool is_joined(struct group_bucket *b, const struct key *key, uint16_t port, uint32_t until)
{
	const struct group_entry *e = entry_of(b, key);
	unsigned place;

	if (e == NULL)
		return load32(&b->all_until) >= until;
	place = place_of(e, port);
	if (place == __atomic_load_n(&e->n, __ATOMIC_ACQUIRE))
		return load32(&e->all_until) >= until;
	return load32(&e->until[place]) >= until;
}

/* The rest of writing runs under the lock. */

static bool is_over(const struct group_entry *e, uint32_t now_s)
{
	if (e->all_until > now_s)
		return false;
	for (unsigned i = 0; i < e->n; i++)
		if (e->until[i] > now_s)
			return false;
	return true;
}

static void write_begin(struct group_entry *e)
{
	__atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELAXED);
}

static void write_end(struct group_entry *e)
{
	store32(&e->seq, e->seq + 1);
}

/* key: all zero to free it. */
static void entry_begin(struct group_entry *e, const struct key *key)
{
	write_begin(e);
	__atomic_store_n(&e->n, 0, __ATOMIC_RELEASE);
	store32(&e->all_until, 0);
	__atomic_store_n(&e->hi, key->hi, __ATOMIC_RELEASE);
	__atomic_store_n(&e->lo, key->lo, __ATOMIC_RELEASE);
	store32(&e->kind, key->kind);
	write_end(e);
}

/* The key's entry, or one that is its own from now on; NULL: none is free. */
static struct group_entry *entry_take(struct group_bucket *b, const struct key *key, uint32_t now_s)
{
	struct group_entry *e = entry_of(b, key);

	for (unsigned i = 0; e == NULL && i < GROUP_BUCKET_SLOTS; i++)
		if (b->entry[i].kind == 0 || is_over(&b->entry[i], now_s)) {
			e = &b->entry[i];
			entry_begin(e, key);
		}
	return e;
}

/* false: no place is left. */
static bool entry_join(struct group_entry *e, uint16_t port, uint32_t until, uint32_t now_s)
{
	unsigned i = place_of(e, port);

	if (i < e->n) {
		if (e->until[i] < until)
			store32(&e->until[i], until);
		return true;
	}
	for (i = 0; i < e->n && e->until[i] > now_s; i++)
		;
	if (i == GROUP_PORTS_MAX)
		return false;
	write_begin(e);
	__atomic_store_n(&e->port[i], port, __ATOMIC_RELEASE);
	store32(&e->until[i], until);
	if (i == e->n)
		__atomic_store_n(&e->n, (uint16_t)(i + 1), __ATOMIC_RELEASE);
	write_end(e);
	return true;
}

static void refuse(struct group_table *t, uint16_t network, uint32_t *all_until, uint32_t until)
{
	uint64_t *refused = &t->refused[network];

	store32(all_until, until);
	__atomic_store_n(refused, *refused + 1, __ATOMIC_RELAXED);
}

void group_table_join(struct group_table *t, const struct group_key *group, uint16_t port,
	uint32_t hold_s, uint32_t now_s)
{
	struct key key = key_of(group);
	struct group_bucket *b = bucket_of(t, &key);
	struct group_entry *e;

	if (port >= GROUP_PORT_INDEX || group->network >= GROUP_NETWORKS ||
		is_joined(b, &key, port, now_s + hold_s))
		return;
	spin_lock(&t->lock);
	e = entry_take(b, &key, now_s);
	if (e == NULL)
		refuse(t, group->network, &b->all_until, now_s + hold_s);
	else if (!entry_join(e, port, now_s + hold_s, now_s))
		refuse(t, group->network, &e->all_until, now_s + hold_s);
	spin_unlock(&t->lock);
}

void group_table_leave(struct group_table *t, const struct group_key *group, uint16_t port,
	uint32_t hold_s, uint32_t now_s)
{
	struct key key = key_of(group);
	struct group_bucket *b = bucket_of(t, &key);
	struct group_entry *e = entry_of(b, &key);
	unsigned i;

	if (e == NULL)
		return;
	spin_lock(&t->lock);
	e = entry_of(b, &key);
	i = e != NULL ? place_of(e, port) : 0;
	if (e != NULL && i < e->n && e->until[i] > now_s + hold_s)
		store32(&e->until[i], now_s + hold_s);
	spin_unlock(&t->lock);
}

uint64_t group_table_refused(const struct group_table *t, uint16_t network)
{
	return network < GROUP_NETWORKS ? __atomic_load_n(&t->refused[network], __ATOMIC_RELAXED)
					: 0;
}

static bool is_of_network(uint32_t kind, uint16_t network)
{
	return (kind & GROUP_PRESENT) != 0 && (uint16_t)kind == network;
}

void group_table_flush_network(struct group_table *t, uint16_t network)
{
	static const struct key none;

	for (uint32_t k = 0; k < t->n_buckets; k++) {
		spin_lock(&t->lock);
		for (unsigned i = 0; i < GROUP_BUCKET_SLOTS; i++)
			if (is_of_network(t->bucket[k].entry[i].kind, network))
				entry_begin(&t->bucket[k].entry[i], &none);
		spin_unlock(&t->lock);
	}
	if (network < GROUP_NETWORKS)
		__atomic_store_n(&t->refused[network], 0, __ATOMIC_RELAXED);
}

static void entry_forget(struct group_entry *e, uint16_t port)
{
	unsigned i = place_of(e, port);

	if (i < e->n)
		store32(&e->until[i], 0);
}

void group_table_flush_port(struct group_table *t, uint16_t port)
{
	for (uint32_t k = 0; k < t->n_buckets; k++) {
		spin_lock(&t->lock);
		for (unsigned i = 0; i < GROUP_BUCKET_SLOTS; i++)
			entry_forget(&t->bucket[k].entry[i], port);
		spin_unlock(&t->lock);
	}
}

static void view_tell(const struct view *view, uint16_t network, group_table_fn *fn, void *arg)
{
	struct ip group = {.family = (uint8_t)(view->key.kind >> 16)};

	memcpy(group.b, &view->key.hi, 8);
	memcpy(group.b + 8, &view->key.lo, 8);
	if (is_of_network(view->key.kind, network) && view->any)
		fn(&group, view->all ? GROUP_ALL : GROUP_SOME, &view->ports, arg);
}

void group_table_each(const struct group_table *t, uint16_t network, uint32_t now_s,
	group_table_fn *fn, void *arg)
{
	struct view view;

	for (uint32_t k = 0; k < t->n_buckets; k++)
		for (unsigned i = 0; i < GROUP_BUCKET_SLOTS; i++) {
			if (!is_of_network(load32(&t->bucket[k].entry[i].kind), network))
				continue;
			entry_read(&t->bucket[k].entry[i], now_s, &view);
			view_tell(&view, network, fn, arg);
		}
}
