/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FQ-CoDel (RFC 8290): packets wait by flow, flows take turns by deficit round robin, one that has little to send is
 * served first, and CoDel (RFC 8289) keeps each flow's queue short by marking or dropping at its head.
 *
 * The caller owns the packets and their memory, and passes the clock in: ticks of any length that count up. A
 * clock that runs backwards is taken to stand. One thread at a time; no allocation.
 */
#ifndef LEAT_LIB_FQ_CODEL_H
#define LEAT_LIB_FQ_CODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/drr.h"

#define FQ_CODEL_QUEUES 256 /* flows that are told apart at a time */

/*
 * Embedded in what waits. bytes and ecn are the caller's to set, before fq_codel_enqueue(). Of a packet that has just been
 * dequeued next is the one behind it in its flow, or NULL: who fetches its memory need not wait for it then.
 */
struct fq_packet {
	struct fq_packet *next;
	uint64_t since; /* ticks: when it came; set by fq_codel_enqueue() */
	uint32_t bytes;
	uint16_t queue;
	uint16_t class; /* the caller's */
	bool ecn; /* its ends understand a mark (RFC 3168): it is marked where another would be dropped */
	bool marked; /* set by fq_codel_dequeue(): to be marked before it goes */
};

/* They may differ from call to call. */
struct fq_codel_params {
	uint64_t target;   /* ticks that a packet may wait for long, */
	uint64_t interval; /* that is, for as many ticks as this; at least 1 */
	uint32_t quantum;  /* bytes of a flow's turn, at least 1: the largest usual packet */
};

/* Of one flow: RFC 8289, 5.3. */
struct codel {
	bool above; /* its last packet had waited longer than the target */
	bool dropping;
	uint32_t count;	     /* drops and marks since the dropping began, */
	uint32_t last_count; /* and what it began with */
	uint64_t late;	     /* above: when that has been so for an interval */
	uint64_t drop_next;
};

struct fq_queue {
	struct fq_packet *head;
	struct fq_packet *tail;
	uint32_t bytes;
	struct codel codel;
};

/* All zero is one that is empty. */
struct fq_codel {
	uint32_t packets; /* that wait */
	uint64_t bytes;	  /* of them */
	struct drr round; /* of the queues */
	struct drr_turn turn[FQ_CODEL_QUEUES];
	struct fq_queue queue[FQ_CODEL_QUEUES];
};

/* hash: the flow's. The packet is fq's until it is given back by one of the two that follow. */
void fq_codel_enqueue(struct fq_codel *fq, const struct fq_codel_params *params,
	struct fq_packet *packet, uint32_t hash, uint64_t now);

/*
 * The packet whose turn it is, or NULL: none waits. *ret_dropped: those that CoDel drops for it, in their
 * order, by `next`.
 */
struct fq_packet *fq_codel_dequeue(struct fq_codel *fq, const struct fq_codel_params *params,
	uint64_t now, struct fq_packet **ret_dropped);

/* Where there is no room: the flow with the most bytes, 0..FQ_CODEL_QUEUES-1, or FQ_CODEL_NONE. */
#define FQ_CODEL_NONE FQ_CODEL_QUEUES
uint16_t fq_codel_fattest(const struct fq_codel *fq);
/* The flow that a hash means. */
static inline uint16_t fq_codel_flow(uint32_t hash)
{
	return (uint16_t)(hash % FQ_CODEL_QUEUES);
}
/* The oldest packet of a flow leaves. NULL: it has none. */
struct fq_packet *fq_codel_evict(struct fq_codel *fq, uint16_t flow);

#endif
