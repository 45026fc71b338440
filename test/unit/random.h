/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random cases that can be had again: the seed is printed, fixed unless LEAT_TEST_SEED (a number) says
 * another. One state a thread.
 */
#ifndef LEAT_TEST_UNIT_RANDOM_H
#define LEAT_TEST_UNIT_RANDOM_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct rnd {
	uint64_t s;
};

static inline uint64_t rnd_next(struct rnd *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15; /* splitmix64: Steele, Lea, Flood 2014 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint64_t rnd_below(struct rnd *r, uint64_t n)
{
	return rnd_next(r) % n;
}

static inline struct rnd rnd_start(const char *name)
{
	const char *text = getenv("LEAT_TEST_SEED");
	struct rnd r = {text != NULL ? strtoull(text, NULL, 0) : 1};

	printf("%s: LEAT_TEST_SEED=%" PRIu64 "\n", name, r.s);
	return r;
}

#endif
