/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/meter.h"

#include <stdlib.h>

#include <rte_cycles.h>

struct meter *meter_create(
	uint64_t bits_per_s, uint64_t burst_bits, uint64_t packets_per_s, bool shared)
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
	if (meter->has_packets) {
		/* 10 ms of the rate, and room for the frames of one 64 KB segment in any case */
		uint64_t burst = packets_per_s / 100;

		token_bucket_init(
			&meter->packets, packets_per_s, burst < 128 ? 128 : burst, hz, now);
	}
	return meter;
}

struct meter *meter_create_flood(uint64_t frames_per_s, bool shared)
{
	struct meter *meter = meter_create(0, 0, frames_per_s, shared);
	uint64_t burst = frames_per_s / 10;

	if (meter != NULL)
		token_bucket_init(&meter->packets, frames_per_s,
			burst < FLOOD_BURST_MIN ? FLOOD_BURST_MIN : burst, rte_get_tsc_hz(),
			rte_rdtsc());
	return meter;
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
