/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/addr_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"

#define ADDR_KIND_MAC 1u /* beside the IP families 4 and 6; 0 is an empty slot */

struct addr_key {
	uint64_t hi;
	uint64_t lo;
	uint32_t kind; /* kind << 16 | network */
};

struct addr_slot {
	uint64_t hi;
	uint64_t lo;
	uint32_t kind;
	uint32_t value;
};

struct addr_table {
	struct hash_seed seed;
	size_t capacity;
	size_t used;
	size_t mask; /* slots - 1; at least twice the capacity, so a probe always meets an empty one
		      */
	struct addr_slot slot[];
};

struct addr_table *addr_table_create(size_t capacity)
{
	struct addr_table *t;
	size_t slots = 2;

	if (capacity > SIZE_MAX / 8 / sizeof(struct addr_slot))
		return NULL;
	while (slots < capacity * 2)
		slots *= 2;
	t = calloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));
	if (t == NULL)
		return NULL;
	hash_seed_init(&t->seed);
	t->capacity = capacity;
	t->mask = slots - 1;
	return t;
}

void addr_table_free(struct addr_table *t)
{
	free(t);
}

static struct addr_key key_of_mac(uint16_t network, const uint8_t mac[MAC_LEN])
{
	struct addr_key key = {.kind = ADDR_KIND_MAC << 16 | network};

	memcpy(&key.lo, mac, MAC_LEN);
	return key;
}

static struct addr_key key_of_ip(uint16_t network, const struct ip *ip)
{
	struct addr_key key = {.kind = (uint32_t)ip->family << 16 | network};

	if (ip->family == 4) {
		memcpy(&key.lo, ip->b, 4);
	} else {
		memcpy(&key.hi, ip->b, 8);
		memcpy(&key.lo, ip->b + 8, 8);
	}
	return key;
}

/* The slot of the key, or the empty one where it would go. */
static size_t slot_of(const struct addr_table *t, const struct addr_key *key)
{
	size_t i = hash_2(&t->seed, key->lo ^ (uint64_t)key->kind << 32, key->hi ^ key->kind) &
		   t->mask;

	while (t->slot[i].kind != 0 && (t->slot[i].lo != key->lo || t->slot[i].hi != key->hi ||
					       t->slot[i].kind != key->kind))
		i = (i + 1) & t->mask;
	return i;
}

static int add(struct addr_table *t, const struct addr_key *key, uint32_t value)
{
	struct addr_slot *slot = &t->slot[slot_of(t, key)];

	if (slot->kind != 0)
		return -EEXIST;
	if (t->used == t->capacity)
		return -ENOSPC;
	*slot = (struct addr_slot){.hi = key->hi, .lo = key->lo, .kind = key->kind, .value = value};
	t->used++;
	return 0;
}

static uint32_t find(const struct addr_table *t, const struct addr_key *key)
{
	const struct addr_slot *slot = &t->slot[slot_of(t, key)];

	return slot->kind != 0 ? slot->value : ADDR_TABLE_NONE;
}

int addr_table_add_mac(
	struct addr_table *t, uint16_t network, const struct mac *mac, uint32_t value)
{
	struct addr_key key = key_of_mac(network, mac->b);

	return add(t, &key, value);
}

int addr_table_add_ip(struct addr_table *t, uint16_t network, const struct ip *ip, uint32_t value)
{
	struct addr_key key = key_of_ip(network, ip);

	if (ip->family != 4 && ip->family != 6)
		return -EINVAL;
	return add(t, &key, value);
}

uint32_t addr_table_find_mac(
	const struct addr_table *t, uint16_t network, const uint8_t mac[MAC_LEN])
{
	struct addr_key key = key_of_mac(network, mac);

	return find(t, &key);
}

uint32_t addr_table_find_ip(const struct addr_table *t, uint16_t network, const struct ip *ip)
{
	struct addr_key key = key_of_ip(network, ip);

	return ip->family == 4 || ip->family == 6 ? find(t, &key) : ADDR_TABLE_NONE;
}
