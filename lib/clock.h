/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's clocks as numbers that count up. Any thread. */
#ifndef LEAT_LIB_CLOCK_H
#define LEAT_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_S 1000000000ULL
#define CLOCK_NS_PER_MS 1000000ULL

/* CLOCK_REALTIME, CLOCK_MONOTONIC: clock_gettime(2). */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t monotonic_ms(void)
{
	return monotonic_ns() / CLOCK_NS_PER_MS;
}

#endif
