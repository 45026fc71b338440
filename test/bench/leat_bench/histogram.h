/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of values, kept to within 1/64 of each value whatever its magnitude. */
#ifndef LEAT_BENCH_HISTOGRAM_H
#define LEAT_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64 /* of each doubling; a power of two */
#define HISTOGRAM_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t n;
	uint64_t max;
	uint64_t count[HISTOGRAM_BUCKETS];
};

/* Below HISTOGRAM_STEPS each value has its own bucket; from there on, HISTOGRAM_STEPS a doubling. */
static inline unsigned histogram_bucket(uint64_t value)
{
	unsigned top;

	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	top = 63 - (unsigned)__builtin_clzll(value);
	return (top - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS +
	       (unsigned)(value >> (top - HISTOGRAM_BITS) & (HISTOGRAM_STEPS - 1));
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->count[histogram_bucket(value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

/* The lower bound of the bucket that holds the value which `share` (0..1) of all do not exceed; 0
 * when empty. */
uint64_t histogram_percentile(const struct histogram *h, double share);

#endif
