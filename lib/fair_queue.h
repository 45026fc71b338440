/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of several classes that share one bottleneck: first each class gets what is kept for it, the rest they share by
 * weight (lib/drr.h). In a class packets wait by FQ-CoDel (lib/fq_codel.h).
 *
 * What is kept for a class is a rate, as a token bucket of some milliseconds: it is not saved up for longer. By that much it goes
 * before the others, and its turns are not charged for it.
 *
 * The caller owns the packets, and passes the clock in: ticks that count up. One thread at a time; no allocation after
 * fair_queue_create().
 */
#ifndef LEAT_LIB_FAIR_QUEUE_H
#define LEAT_LIB_FAIR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/drr.h"
#include "lib/fq_codel.h"
#include "lib/token_bucket.h"

#define FAIR_KEPT_MS 5 /* of a class's kept rate are there at once, and a quantum */

/* What a class may have of the bottleneck. */
struct fair_share {
	uint64_t kept_bits_per_s; /* 0: nothing is kept for it */
	uint8_t weight;		  /* 0 is 1 */
};

/* All zero is one that is empty. */
struct fair_class {
	struct fair_share share;
	bool among_kept;
	struct token_bucket kept; /* with kept_bits_per_s */
	struct fq_codel fq;
};

struct fair_queue {
	uint32_t packets; /* that wait, of all classes */
	uint64_t bytes;
	struct drr round; /* of the classes */
	struct drr_list
		kept; /* classes that may have something to send, and something kept for it */
	uint16_t n_kept;
	struct drr_turn *turn; /* of the classes */
	struct drr_turn *kept_turn;
	struct fair_class *class;
};

/* n_classes: 1..DRR_MEMBERS_MAX. A class that is not used costs no memory but addresses. -1: no memory. */
int fair_queue_init(struct fair_queue *q, uint16_t n_classes);
void fair_queue_fini(
	struct fair_queue *q); /* what waits is the caller's; one whose init failed is fine */

/* From now on. hz: ticks a second. quantum: as in the params of the other calls. */
void fair_queue_set_share(struct fair_queue *q, uint16_t class, const struct fair_share *share,
	uint32_t quantum, uint64_t hz, uint64_t now);

/* hash: the flow's. The packet is the queue's until it is given back by one of the two that follow. */
void fair_queue_enqueue(struct fair_queue *q, const struct fq_codel_params *params,
	struct fq_packet *packet, uint16_t class, uint32_t hash, uint64_t now);

/* As fq_codel_dequeue(). A turn of a class with weight 1 is a quantum. */
struct fq_packet *fair_queue_dequeue(struct fair_queue *q, const struct fq_codel_params *params,
	uint64_t now, struct fq_packet **ret_dropped);

/* Where there is no room: the flow with the most bytes, in the class with the most bytes for its weight. false: none waits. */
struct fair_flow {
	uint16_t class;
	uint16_t flow; /* see fq_codel_flow() */
};
bool fair_queue_fattest(const struct fair_queue *q, struct fair_flow *ret);
/* The oldest packet of a flow leaves. NULL: it has none. */
struct fq_packet *fair_queue_evict(struct fair_queue *q, const struct fair_flow *flow);

#endif
