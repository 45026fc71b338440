/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashing of short keys under a secret seed: who chooses addresses and ports cannot choose buckets.
 * (A CRC would not do: two keys that collide under one seed collide under every seed.)
 */
#ifndef LEAT_LIB_HASH_H
#define LEAT_LIB_HASH_H

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

#define HASH_SEED_WORDS 5

/* A key of the hash: random words, chosen when a table is made. */
struct hash_seed {
	uint64_t w[HASH_SEED_WORDS];
};

/* Both halves of the product of the two, folded: each bit of one spreads over the result by the
 * other. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* One, two, four and five words; all 64 bits of the result are good. */
static inline uint64_t hash_1(const struct hash_seed *seed, uint64_t a)
{
	return hash_fold(hash_fold(a ^ seed->w[0], seed->w[1] | 1) ^ seed->w[2], seed->w[3] | 1);
}

static inline uint64_t hash_2(const struct hash_seed *seed, uint64_t a, uint64_t b)
{
	return hash_fold(hash_fold(a ^ seed->w[0], b ^ seed->w[1]) ^ seed->w[2], seed->w[3] | 1);
}

static inline uint64_t hash_4(const struct hash_seed *seed, const uint64_t w[4])
{
	uint64_t ab = hash_fold(w[0] ^ seed->w[0], w[1] ^ seed->w[1]);
	uint64_t cd = hash_fold(w[2] ^ seed->w[2], w[3] ^ seed->w[3]);

	return hash_fold(ab ^ seed->w[4], cd ^ seed->w[1]);
}

static inline uint64_t hash_5(const struct hash_seed *seed, const uint64_t w[5])
{
	uint64_t ab = hash_fold(w[0] ^ seed->w[0], w[1] ^ seed->w[1]);
	uint64_t cd = hash_fold(w[2] ^ seed->w[2], w[3] ^ seed->w[3]);

	return hash_fold(hash_fold(ab ^ w[4], seed->w[4] | 1) ^ cd, seed->w[1] | 1);
}

/* A 32-bit half of a hash to 0..n-1, without a division. */
static inline uint32_t hash_reduce(uint32_t half, uint32_t n)
{
	return (uint32_t)((uint64_t)half * n >> 32);
}

static inline void hash_seed_init(struct hash_seed *seed)
{
	struct timespec ts;

	/* Early in boot there may be no entropy: then the clock has to do. */
	if (getrandom(seed->w, sizeof(seed->w), GRND_NONBLOCK) == (ssize_t)sizeof(seed->w))
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	for (unsigned i = 0; i < HASH_SEED_WORDS; i++)
		seed->w[i] = hash_fold((uint64_t)ts.tv_nsec + i + 1, 0x9e3779b97f4a7c15) ^
			     (uintptr_t)seed;
}

#endif
