/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ports have joined which multicast group of which network, and where the routers are: what IGMP and MLD
 * snooping knows (RFC 4541). Each membership has its own end.
 *
 * Any worker may join, leave and look up: readers take no lock (a sequence count a group), writers take the table's
 * spinlock, and write only when something changes by a second or more. Bounded: where there is no room for a group, or
 * for another port in it, look-ups say so for as long as the membership would have lasted, and the group is flooded.
 * Time is in seconds of a clock that the caller moves.
 */
#ifndef LEAT_LIB_GROUP_TABLE_H
#define LEAT_LIB_GROUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

#define GROUP_PORTS_MAX 64    /* ports that one group is remembered of */
#define GROUP_PORT_INDEX 1024 /* ports are 0..this-1 */
#define GROUP_NETWORKS 4096   /* networks are 0..this-1 */

/* A group of a network; of family 0 whatever else its user keeps of ports, by an address of its own making. */
struct group_key {
	uint16_t network; /* 0..GROUP_NETWORKS-1 */
	struct ip group;
};

/* A bit a port. */
struct group_ports {
	uint64_t w[GROUP_PORT_INDEX / 64];
};

static inline bool group_ports_has(const struct group_ports *ports, uint16_t port)
{
	return (ports->w[port / 64] >> port % 64 & 1) != 0;
}

enum group_found {
	GROUP_NONE, /* nobody has joined it */
	GROUP_SOME, /* its ports are told */
	GROUP_ALL,  /* not all of its ports are known: it is to be flooded */
};

struct group_table;

/* Room for `capacity` groups of all networks, 1..2^16, rounded up to whole buckets. NULL: no memory. */
struct group_table *group_table_create(size_t capacity);
void group_table_free(struct group_table *t);

/* Any thread. The port is in the group for hold_s (1..2^16) from now; one that was in it longer stays so. */
void group_table_join(struct group_table *t, const struct group_key *group, uint16_t port,
	uint32_t hold_s, uint32_t now_s);
/* Any thread. If it is in the group it is so for hold_s more at most. */
void group_table_leave(struct group_table *t, const struct group_key *group, uint16_t port,
	uint32_t hold_s, uint32_t now_s);
/* Any thread, no lock. With GROUP_SOME the group's ports are added to ret. */
enum group_found group_table_find(const struct group_table *t, const struct group_key *group,
	uint32_t now_s, struct group_ports *ret);

/* Any thread: joins of groups of that network that found no room, since it was forgotten last. */
uint64_t group_table_refused(const struct group_table *t, uint16_t network);

/* Control side: forget all of a network, or of a port. */
void group_table_flush_network(struct group_table *t, uint16_t network);
void group_table_flush_port(struct group_table *t, uint16_t port);
/* Control side: call back for each group of a network that has ports, in no order. found: GROUP_ALL has others, too. */
typedef void group_table_fn(
	const struct ip *group, enum group_found found, const struct group_ports *ports, void *arg);
void group_table_each(const struct group_table *t, uint16_t network, uint32_t now_s,
	group_table_fn *fn, void *arg);

#endif
