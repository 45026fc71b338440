/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the connection table share. */
#ifndef LEAT_TEST_UNIT_CONN_KEYS_H
#define LEAT_TEST_UNIT_CONN_KEYS_H

#include <netinet/in.h>
#include <string.h>

#include "lib/conn_table.h"
#include "test/unit/random.h"

#define SYN CONN_TCP_SYN
#define ACK CONN_TCP_ACK
#define FIN CONN_TCP_FIN
#define RST CONN_TCP_RST

static inline struct conn_key key_reverse(const struct conn_key *key)
{
	struct conn_key r = *key;

	memcpy(r.src, key->dst, sizeof(r.src));
	memcpy(r.dst, key->src, sizeof(r.dst));
	r.sport = key->dport;
	r.dport = key->sport;
	return r;
}

static inline struct conn_place place_of(const struct conn_table *t, const struct conn_key *key)
{
	struct conn_place place;

	conn_table_place(t, key, &place);
	return place;
}

/* What the table does, by key. */
static inline bool key_touch(struct conn_table *t, const struct conn_key *key, uint8_t flags,
	uint64_t now, struct conn_info *info, enum conn_direction *direction)
{
	struct conn_place place = place_of(t, key);

	return conn_place_touch(&place, flags, now, info, direction);
}

static inline bool key_find(struct conn_table *t, const struct conn_key *key, uint64_t now,
	struct conn_info *info, enum conn_direction *direction)
{
	struct conn_place place = place_of(t, key);

	return conn_place_find(&place, now, info, direction);
}

static inline int key_add(struct conn_table *t, const struct conn_key *key, uint8_t flags,
	const struct conn_info *info, uint64_t now)
{
	struct conn_place place = place_of(t, key);

	conn_place_prefetch_room(&place, now);
	return conn_place_add(&place, flags, info, now);
}

static inline void key_remove(struct conn_table *t, const struct conn_key *key)
{
	struct conn_place place = place_of(t, key);

	conn_place_remove(&place);
}

static inline void random_addr(struct rnd *r, uint8_t family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	addr[0] = 10;
	addr[family == 4 ? 3 : 15] = (uint8_t)rnd_below(r, 2);
	/* What lies behind an IPv4 address does not count. */
	for (unsigned i = 4; family == 4 && i < 16; i++)
		addr[i] = (uint8_t)rnd_next(r);
}

/* At most 200 connections, a seventh of what fits: none has to go for another. */
static inline struct conn_key key_random(struct rnd *r)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_ICMP, IPPROTO_ICMPV6, 47};
	struct conn_key key = {.network = rnd_below(r, 2) ? 1 : 65535,
		.family = rnd_below(r, 2) ? 4 : 6,
		.proto = protos[rnd_below(r, 7)],
		.sport = rnd_below(r, 2) ? 80 : 65535,
		.dport = rnd_below(r, 2) ? 80 : 65535};

	random_addr(r, key.family, key.src);
	random_addr(r, key.family, key.dst);
	return key;
}

static inline uint8_t flags_random(struct rnd *r)
{
	static const uint8_t usual[] = {
		SYN, SYN | ACK, ACK, ACK, ACK, ACK, ACK, FIN | ACK, FIN | ACK, RST, SYN | ACK, SYN};

	return rnd_below(r, 20) ? usual[rnd_below(r, 12)] : (uint8_t)rnd_next(r);
}

#endif
