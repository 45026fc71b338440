/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/id_pool.h"

#include <assert.h>
#include <stdlib.h>

#define WORD_BITS 64

struct id_pool {
	uint32_t first;
	uint32_t n;
	uint32_t taken;
	uint32_t full_words; /* all words before this one are full */
	uint64_t words[];    /* bit set: taken */
};

struct id_pool *id_pool_create(uint32_t first, uint32_t n)
{
	size_t words = ((size_t)n + WORD_BITS - 1) / WORD_BITS;
	struct id_pool *pool = calloc(1, sizeof(*pool) + words * sizeof(pool->words[0]));

	if (pool == NULL)
		return NULL;
	pool->first = first;
	pool->n = n;
	if (n % WORD_BITS != 0)
		pool->words[words - 1] = ~0ULL << (n % WORD_BITS);
	return pool;
}

void id_pool_free(struct id_pool *pool)
{
	free(pool);
}

uint32_t id_pool_take(struct id_pool *pool)
{
	uint32_t word = pool->full_words;
	uint32_t bit;

	if (pool->taken == pool->n)
		return ID_POOL_NONE;
	while (pool->words[word] == ~0ULL)
		word++;
	bit = (uint32_t)__builtin_ctzll(~pool->words[word]);
	pool->words[word] |= 1ULL << bit;
	pool->full_words = word;
	pool->taken++;
	return pool->first + word * WORD_BITS + bit;
}

bool id_pool_taken(const struct id_pool *pool, uint32_t id)
{
	uint32_t i = id - pool->first;

	return i < pool->n && (pool->words[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

void id_pool_release(struct id_pool *pool, uint32_t id)
{
	uint32_t i = id - pool->first;

	assert(id_pool_taken(pool, id));
	pool->words[i / WORD_BITS] &= ~(1ULL << (i % WORD_BITS));
	if (i / WORD_BITS < pool->full_words)
		pool->full_words = i / WORD_BITS;
	pool->taken--;
}

size_t id_pool_count(const struct id_pool *pool)
{
	return pool->taken;
}
