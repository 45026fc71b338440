/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the time-stamp counter runs. EAL sleeps 100 ms at each start to find that out where the
 * processor does not tell it, as in most virtual machines. Linked with -Wl,--wrap=get_tsc_freq it
 * is told here, by what has passed since the start anyway.
 */
#include <time.h>

#include <rte_cycles.h>

#include "ctrl/eal.h"

#define READS 8		       /* the closest counts: between two reads a thread may be put off */
#define WINDOW_MIN_NS 20000000 /* 1 us of error is 50 ppm then */
#define NS_OF_SECOND 1000000000ULL

struct instant {
	uint64_t tsc;
	uint64_t ns; /* CLOCK_MONOTONIC_RAW, which nothing slews */
};

static struct instant begun;

/* EAL's name for it, as the linker calls what is wrapped. */
uint64_t __wrap_get_tsc_freq(void);

static struct instant instant_read(void)
{
	struct instant ret = {0};
	uint64_t closest = UINT64_MAX;

	for (int i = 0; i < READS; i++) {
		uint64_t before = rte_rdtsc();
		struct timespec now;
		uint64_t took;

		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		took = rte_rdtsc() - before;
		if (took >= closest)
			continue;
		closest = took;
		ret.tsc = before + took / 2;
		ret.ns = (uint64_t)now.tv_sec * NS_OF_SECOND + (uint64_t)now.tv_nsec;
	}
	return ret;
}

void eal_tsc_begin(void)
{
	begun = instant_read();
}

uint64_t __wrap_get_tsc_freq(void)
{
	struct instant now = instant_read();

	if (now.ns - begun.ns < WINDOW_MIN_NS) {
		struct timespec rest = {.tv_nsec = (long)(WINDOW_MIN_NS - (now.ns - begun.ns))};

		nanosleep(&rest, NULL);
		now = instant_read();
	}
	return (uint64_t)((double)(now.tsc - begun.tsc) * (double)NS_OF_SECOND /
			  (double)(now.ns - begun.ns));
}
