/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that were allowed, so that their replies pass. One table for all workers, of fixed
 * size.
 *
 * An entry is found from either direction. Buckets have a spinlock each, held for one call; a
 * packet of an established flow comes here every few seconds (the flow cache answers in between),
 * so two workers rarely meet. Time is in milliseconds of a clock that the caller moves.
 *
 * Memory: 103 bytes for each connection of the capacity. A connection has two buckets of seven that
 * it can lie in: filled to its capacity, a table has refused about one in 100,000.
 */
#ifndef LEAT_LIB_CONN_TABLE_H
#define LEAT_LIB_CONN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_prefetch.h>

#include "lib/addr.h"

/* Idle time after which a connection is forgotten, seconds. RFC 5382 and 4787 ask for at least
 * these. */
#define CONN_TCP_SYN_S 30 /* handshake unfinished: an unconfirmed entry, first to be given up */
#define CONN_TCP_ESTABLISHED_S 7440 /* 2 h 4 min, RFC 5382 REQ-5 */
#define CONN_TCP_CLOSING_S 120	    /* from the first FIN on */
#define CONN_TCP_CLOSED_S 10	    /* RST, or both FINs and an ACK: for what is still on its way */
#define CONN_UDP_S 30		    /* one packet seen */
#define CONN_UDP_STREAM_S 180	    /* both directions seen */
#define CONN_ICMP_S 30
#define CONN_OTHER_S 600

/* Addresses as on the wire, IPv4 in the first four bytes; ports host order, ICMP echo: id in both.
 */
struct conn_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t sport;
	uint16_t dport;
	uint16_t network;
	uint8_t proto;
	uint8_t family; /* 4, 6 */
};

enum conn_direction { CONN_ORIGINAL, CONN_REPLY };

/* TCP flags of the packet at hand, as in its header. */
#define CONN_TCP_FIN 0x01
#define CONN_TCP_SYN 0x02
#define CONN_TCP_RST 0x04
#define CONN_TCP_ACK 0x10

/* What the first packet's judgement left: kept by the table, meant for its callers. */
struct conn_info {
	uint32_t gen;	   /* snapshot generation it was last judged under */
	uint32_t rule_out; /* id of the rule that allowed it at the sender, 0: default action or
			      none */
	uint32_t rule_in;  /* the same at the receiver */
	uint32_t sides;	   /* who the two ends were when it was judged, in the caller's own way */
	uint16_t a_port;   /* port index the original direction comes by */
	/*
	 * Out only: the other side has answered; with TCP the handshake is complete. Until then
	 * each packet should come to conn_place_touch(), or a connection stays what a SYN flood
	 * makes: short-lived and first to be given up.
	 */
	bool confirmed;
	uint32_t idle_ms; /* out only: how long it lasts from now on without a packet */
};

struct conn_table;
struct conn_bucket;

/*
 * Where a connection is if it is there: its key turned so that both directions give the same, and the two
 * buckets that it can lie in. Good as long as the table.
 */
#define CONN_KEY_WORDS 5

struct conn_place {
	uint64_t key[CONN_KEY_WORDS];
	struct conn_bucket *bucket[2]; /* by address */
	uint8_t tag;
	bool swapped; /* the key is turned */
};

/*
 * capacity: 1,024..2^24 connections, rounded up to a power of two. numa_node: -1 any. NULL: no
 * memory, or a capacity out of range. From EAL's memory, in one piece. Create, flush and count are
 * for the control side, the rest for any thread.
 */
struct conn_table *conn_table_create(size_t capacity, int numa_node);
void conn_table_free(struct conn_table *t);

/* Where the connection of this key is if it is there: reads no memory of the table's buckets. */
void conn_table_place(
	const struct conn_table *t, const struct conn_key *key, struct conn_place *place);

/*
 * Fetch into the cache what every other call reads first. For the packets of a burst ahead of those, and
 * in a loop that does nothing else: more of them wait for memory at a time then.
 */
static inline void conn_place_prefetch(const struct conn_place *place)
{
	rte_prefetch0(place->bucket[0]);
	rte_prefetch0(place->bucket[1]);
}

/* That of the key's other direction. */
static inline void conn_place_reverse(struct conn_place *place)
{
	place->swapped = !place->swapped;
}

/*
 * A packet came: find its connection, refresh it, advance its state by the TCP flags (RST and the
 * last FIN's acknowledgement let it go soon). false: there is none, or it has expired. A SYN
 * without ACK on a connection that is closing begins anew: it is forgotten, and false.
 */
bool conn_place_touch(const struct conn_place *place, uint8_t tcp_flags, uint64_t now_ms,
	struct conn_info *ret_info, enum conn_direction *ret_direction);

/* One of several packets. */
struct conn_touch {
	struct conn_place place;
	uint8_t tcp_flags;
	/* Out, as of conn_place_touch(). */
	bool alive;
	enum conn_direction direction;
	struct conn_info info;
};
#define CONN_TOUCH_MAX 128

/* As conn_place_touch() of one after the other, n of them, in far less time; fetches what it reads. */
void conn_place_touch_burst(struct conn_touch *touch, unsigned n, uint64_t now_ms);

/* Is there one, without changing anything (trace, ICMP errors)? */
bool conn_place_find(const struct conn_place *place, uint64_t now_ms, struct conn_info *ret_info,
	enum conn_direction *ret_direction);

/* There is none: fetch the memory of the one that conn_place_add() would begin now. */
void conn_place_prefetch_room(const struct conn_place *place, uint64_t now_ms);

/*
 * A new connection was allowed. place: of its original direction. One that is there already keeps its
 * state and its time and takes the new info; if it runs the other way (both sides began at once), it
 * keeps that too. 0: new; 1: it was there; -ENOSPC: no room. What has expired goes first; then, of the
 * bucket that has more of them, what would expire first of the unconfirmed and of those closed by RST
 * or both FINs.
 */
int conn_place_add(const struct conn_place *place, uint8_t tcp_flags, const struct conn_info *info,
	uint64_t now_ms);

/* It was judged again and is allowed no more. */
void conn_place_remove(const struct conn_place *place);

/*
 * Control side: forget all of a network; how many there are (expired ones are counted until their
 * place is taken). Both walk the table; nobody waits for them.
 */
void conn_table_flush_network(struct conn_table *t, uint16_t network);
size_t conn_table_count(const struct conn_table *t);

#endif
