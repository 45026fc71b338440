/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Learned MAC addresses, per network, aged and bounded.
 *
 * Any worker may look up and learn: readers take no lock (a sequence count a bucket), writers take
 * the table's spinlock, and write only when something is new or has moved. An address that is where
 * it was is only refreshed, without the lock, when that was last done MAC_REFRESH_S ago, so that a
 * busy address costs no store per packet. Each change of where an address is bumps the epoch, by
 * which a flow cache knows that what it holds about learned addresses is stale: it reads the epoch
 * before it looks up. Time is in seconds of a clock that the caller moves.
 */
#ifndef LEAT_LIB_MAC_TABLE_H
#define LEAT_LIB_MAC_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

#define MAC_REFRESH_S 1
#define MAC_TABLE_NONE UINT16_MAX

struct mac_table;

enum mac_learn {
	MAC_LEARN_KNOWN, /* it was there, and is fresh now */
	MAC_LEARN_NEW,	 /* learned, or moved here, or back after a look-up called it too old */
	MAC_LEARN_LIMIT, /* the port has as many as it may, or the table is full: not learned */
};

/* Room for `capacity` addresses in all networks, 1..2^20; ports 0..max_ports-1. NULL: no memory. */
struct mac_table *mac_table_create(size_t capacity, uint16_t max_ports);
void mac_table_free(struct mac_table *t);

/*
 * Any thread. limit: how many addresses the port may have (UINT32_MAX: no limit of its own); an
 * address that moves needs room at its new port, and stays where it was without. What is too old
 * counts until mac_table_age() has gone by.
 */
enum mac_learn mac_table_learn(struct mac_table *t, uint16_t network, const uint8_t mac[MAC_LEN],
	uint16_t port, uint32_t limit, uint32_t now_s);

/* Any thread, no lock. The port, or MAC_TABLE_NONE; an address older than age_s is not there. */
uint16_t mac_table_find(const struct mac_table *t, uint16_t network, const uint8_t mac[MAC_LEN],
	uint32_t age_s, uint32_t now_s);

/* Any thread: goes up by one for each address that appears, moves or goes (MAC_LEARN_NEW, age,
 * flush). */
uint32_t mac_table_epoch(const struct mac_table *t);

/* Control side: forget what is older than age_s (returns how many); all of a port; all of a
 * network. */
size_t mac_table_age(struct mac_table *t, uint32_t age_s, uint32_t now_s);
void mac_table_flush_port(struct mac_table *t, uint16_t port);
void mac_table_flush_network(struct mac_table *t, uint16_t network);
size_t mac_table_count(const struct mac_table *t);

#endif
