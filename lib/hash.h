/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashing of short keys under a secret seed: who chooses addresses and ports cannot choose buckets.
 * (A CRC would not do: two keys that collide under one seed collide under every seed.)
 */
#ifndef LEAT_LIB_HASH_H
#define LEAT_LIB_HASH_H

#include <stddef.h>
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

/* One, two and five words; all 64 bits of the result are good. */
static inline uint64_t hash_1(const struct hash_seed *seed, uint64_t a)
{
	return hash_fold(hash_fold(a ^ seed->w[0], seed->w[1] | 1) ^ seed->w[2], seed->w[3] | 1);
}

static inline uint64_t hash_2(const struct hash_seed *seed, uint64_t a, uint64_t b)
{
	return hash_fold(hash_fold(a ^ seed->w[0], b ^ seed->w[1]) ^ seed->w[2], seed->w[3] | 1);
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

static inline void hash_random(void *random, size_t size)
{
	uint64_t *w = random;
	struct timespec ts;

	/* Early in boot there may be no entropy: then the clock has to do. */
	if (getrandom(random, size, GRND_NONBLOCK) == (ssize_t)size)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	for (unsigned i = 0; i < size / sizeof(*w); i++)
		w[i] = hash_fold((uint64_t)ts.tv_nsec + i + 1, 0x9e3779b97f4a7c15) ^
		       (uintptr_t)random;
}

static inline void hash_seed_init(struct hash_seed *seed)
{
	hash_random(seed->w, sizeof(seed->w));
}

/*
 * An identity of up to HASH_ID_WORDS words: 64 bits that stand for all of them. Two different keys have the same
 * one with a chance of 2^-64, whoever chose them (strong universality: Dietzfelbinger 1996, for vectors Thorup
 * 2015, "High speed hashing for integers and strings", 3.5). A shorter key is one whose last words are 0.
 */
#define HASH_ID_WORDS 8

struct hash_id_seed {
	unsigned __int128 factor[HASH_ID_WORDS];
	unsigned __int128 term;
	uint64_t odd;
};

static inline void hash_id_seed_init(struct hash_id_seed *seed)
{
	hash_random(seed, sizeof(*seed));
	seed->odd |= 1;
}

static inline unsigned __int128 hash_id_add(const struct hash_id_seed *seed, unsigned __int128 sum,
	const uint64_t *w, unsigned from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sum += seed->factor[from + i] * w[i];
	return sum;
}

/* One to one, so it makes no two alike: who can tell which keys share a bucket does not see the seed by that. */
static inline uint64_t hash_id_end(const struct hash_id_seed *seed, unsigned __int128 sum)
{
	uint64_t x = (uint64_t)(sum >> 64);

	x = (x ^ x >> 32) * seed->odd;
	return x ^ x >> 29;
}

#endif
