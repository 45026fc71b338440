/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The token buckets of one endpoint in one direction: a bit rate and a packet rate, either may be
 * absent. A meter outlives the snapshots that point at it, so that a change elsewhere does not
 * refill it.
 */
#ifndef LEAT_DATAPLANE_METER_H
#define LEAT_DATAPLANE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/counters.h"
#include "lib/fair_queue.h"
#include "lib/spinlock.h"
#include "lib/token_bucket.h"

#define METER_ALIGN 64 /* no line of a meter's is another's, which may be another worker's */
#define METER_BURST_PACKETS_MIN 128 /* of a packet rate: the frames of one large segment */

struct shaper;

/* How what is over the rate waits; times in TSC ticks. Follows from the rates: see meter_shape(). */
struct shape {
	struct fq_codel_params codel;
	uint32_t bytes_max;  /* that wait at a time, */
	uint32_t frames_max; /* and frames */
	uint32_t whole_max;  /* wire bytes of a large segment that is not cut; 0: all are */
	uint32_t price_max;  /* bytes that are paid for a frame at most: the burst */
};

struct meter {
	struct token_bucket bits;
	struct token_bucket packets;
	bool has_bits;
	bool has_packets;
	bool shared;  /* several workers use it: the lock is taken once a burst */
	uint8_t lock; /* guards the buckets; see lib/spinlock.h */
	/* NULL: what is over the rate is dropped. Else it waits there, in that shape. Not owned. */
	struct shaper *shaper;
	struct shape shape;
} __attribute__((aligned(METER_ALIGN)));

/* bits_per_s, packets_per_s: 0 no limit. burst_bits: at least one frame of the MTU. Control side.
 */
struct meter *meter_create(
	uint64_t bits_per_s, uint64_t burst_bits, uint64_t packets_per_s, bool shared);
/*
 * One that limits floods, in frames alone: a tenth of a second's worth at once, and at least FLOOD_BURST_MIN, which a
 * system that comes up needs.
 */
struct meter *meter_create_flood(uint64_t frames_per_s, bool shared);
#define FLOOD_BURST_MIN 16
void meter_free(struct meter *meter); /* NULL is fine */

/*
 * What is over the rate waits in the shaper from now on. mtu: layer-3 bytes. Control side, before any worker knows
 * the meter. The shaper has to live as long as the meter.
 */
void meter_shape(struct meter *meter, struct shaper *shaper, uint16_t mtu);

/*
 * Take the wire cost of one frame, or of several: all or nothing. Several that pass together would have
 * passed one by one. Under meter_lock() where calls follow one another.
 */
enum meter_verdict meter_take(
	struct meter *meter, uint64_t wire_bytes, uint32_t wire_packets, uint64_t now_tsc);

/* Ticks until meter_take() of the same would pass, if nothing else were taken. Each cost at most its burst. */
uint64_t meter_wait(
	struct meter *meter, uint64_t wire_bytes, uint32_t wire_packets, uint64_t now_tsc);

/*
 * Ticks in which its shortest burst comes anew: what nobody asks for longer than that is lost. UINT64_MAX: NULL, or
 * without a rate. Any thread.
 */
uint64_t meter_fill(const struct meter *meter);

static inline void meter_lock(struct meter *meter)
{
	if (meter->shared)
		spin_lock(&meter->lock);
}

static inline void meter_unlock(struct meter *meter)
{
	if (meter->shared)
		spin_unlock(&meter->lock);
}

#endif
