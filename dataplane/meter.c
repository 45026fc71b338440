/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/meter.h"

#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "dataplane/shaper.h"

#define US_PER_S 1000000
/* A queue is as short as its rate allows: one frame is sent, one waits. */
#define TARGET_FRAMES 2
#define TARGET_MIN_US 2000
#define TARGET_MAX_US 5000
#define TARGETS_PER_INTERVAL 20 /* RFC 8289, 4.3 and 4.4: the target is 5 to 10 % of the interval */
#define WAIT_MAX_US 20000	/* what waits at most, in time, but ... */
#define WAIT_MIN_FRAMES 16	/* ... room for so many in any case: TCP begins with ten */
#define WHOLE_MAX_US 1000	/* a large segment that takes longer is cut */

/* burst_packets: without a packet rate of no meaning, as burst_bits without a bit rate. */
static struct meter *create(uint64_t bits_per_s, uint64_t burst_bits, uint64_t packets_per_s,
	uint64_t burst_packets, bool shared)
{
	struct meter *meter = aligned_alloc(METER_ALIGN, sizeof(*meter));
	uint64_t hz = rte_get_tsc_hz();
	uint64_t now = rte_rdtsc();

	if (meter == NULL)
		return NULL;
	*meter = (struct meter){
		.shared = shared,
		.has_bits = bits_per_s != 0,
		.has_packets = packets_per_s != 0,
	};
	if (meter->has_bits)
		token_bucket_init(&meter->bits, bits_per_s, burst_bits, hz, now);
	if (meter->has_packets)
		token_bucket_init(&meter->packets, packets_per_s, burst_packets, hz, now);
	return meter;
}

struct meter *meter_create(
	uint64_t bits_per_s, uint64_t burst_bits, uint64_t packets_per_s, bool shared)
{
	/* 10 ms of the rate, and room for the frames of one 64 KB segment in any case */
	return create(bits_per_s, burst_bits, packets_per_s,
		RTE_MAX(packets_per_s / 100, (uint64_t)METER_BURST_PACKETS_MIN), shared);
}

struct meter *meter_create_flood(uint64_t frames_per_s, bool shared)
{
	return create(
		0, 0, frames_per_s, RTE_MAX(frames_per_s / 10, (uint64_t)FLOOD_BURST_MIN), shared);
}

/* Ticks that a frame of this size takes. */
static uint64_t frame_ticks(const struct meter *meter, uint64_t frame)
{
	uint64_t hz = rte_get_tsc_hz();
	uint64_t ticks = meter->has_bits ? frame * 8 * hz / meter->bits.rate : 0;

	return meter->has_packets ? RTE_MAX(ticks, hz / meter->packets.rate) : ticks;
}

/* What a rate gives in us, between low and high. Without a rate: high. */
static uint32_t worth(bool has_rate, uint64_t rate_per_s, uint64_t us, uint64_t low, uint64_t high)
{
	uint64_t n = has_rate ? rate_per_s * us / US_PER_S : high;

	return (uint32_t)RTE_MIN(RTE_MAX(n, low), high);
}

void meter_shape(struct meter *meter, struct shaper *shaper, uint16_t mtu)
{
	uint32_t frame = mtu + FRAME_LEN_MIN;
	uint64_t us = rte_get_tsc_hz() / US_PER_S;
	uint64_t target = TARGET_FRAMES * frame_ticks(meter, frame);
	struct shape *shape = &meter->shape;
	uint64_t bytes_per_s = meter->bits.rate / 8;

	target = RTE_MIN(RTE_MAX(target, TARGET_MIN_US * us), TARGET_MAX_US * us);
	shape->codel = (struct fq_codel_params){
		.target = target,
		.interval = TARGETS_PER_INTERVAL * target,
		.quantum = frame,
	};
	shape->bytes_max = worth(meter->has_bits, bytes_per_s, WAIT_MAX_US, WAIT_MIN_FRAMES * frame,
		SHAPER_BYTES_MAX);
	shape->frames_max = worth(meter->has_packets, meter->packets.rate, WAIT_MAX_US,
		WAIT_MIN_FRAMES, SHAPER_FRAMES_MAX);
	shape->price_max = UINT32_MAX;
	if (meter->has_bits)
		shape->price_max = (uint32_t)RTE_MIN(
			(uint64_t)(meter->bits.burst / meter->bits.hz / 8), UINT32_MAX - 1ULL);
	/* By a packet rate each frame waits for its turn. */
	shape->whole_max = 0;
	if (!meter->has_packets)
		shape->whole_max = worth(true, bytes_per_s, WHOLE_MAX_US, 0, shape->price_max);
	meter->shaper = shaper;
}

void meter_free(struct meter *meter)
{
	free(meter);
}

enum meter_verdict meter_take(
	struct meter *meter, uint64_t wire_bytes, uint32_t wire_packets, uint64_t now_tsc)
{
	/* The packet bucket first: what it refuses has not cost any bits. */
	if (meter->has_packets && !token_bucket_take(&meter->packets, wire_packets, now_tsc))
		return METER_OVER_PACKETS;
	if (meter->has_bits && !token_bucket_take(&meter->bits, wire_bytes * 8, now_tsc)) {
		if (meter->has_packets)
			token_bucket_give(&meter->packets, wire_packets);
		return METER_OVER_BITS;
	}
	return METER_PASS;
}

uint64_t meter_wait(
	struct meter *meter, uint64_t wire_bytes, uint32_t wire_packets, uint64_t now_tsc)
{
	uint64_t bits = 0;
	uint64_t packets = 0;

	if (meter->has_bits)
		bits = token_bucket_wait(&meter->bits, wire_bytes * 8, now_tsc);
	if (meter->has_packets)
		packets = token_bucket_wait(&meter->packets, wire_packets, now_tsc);
	return RTE_MAX(bits, packets);
}

uint64_t meter_fill(const struct meter *meter)
{
	uint64_t ticks = UINT64_MAX;

	if (meter != NULL && meter->has_bits)
		ticks = token_bucket_fill(&meter->bits);
	if (meter != NULL && meter->has_packets)
		ticks = RTE_MIN(ticks, token_bucket_fill(&meter->packets));
	return ticks;
}
