/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/histogram.h"

#include <math.h>

static uint64_t lower_bound(unsigned bucket)
{
	unsigned doubling = bucket / HISTOGRAM_STEPS;
	uint64_t step = bucket % HISTOGRAM_STEPS;

	return doubling == 0 ? step : (HISTOGRAM_STEPS + step) << (doubling - 1);
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)h->n);
	uint64_t below = 0;

	for (unsigned i = 0; h->n != 0 && i < HISTOGRAM_BUCKETS; i++) {
		below += h->count[i];
		if (below >= wanted)
			return lower_bound(i);
	}
	return 0;
}
