/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small integer ids, each in use once at a time: the lowest free one is taken, and it comes back
 * only by its release. One thread.
 */
#ifndef LEAT_LIB_ID_POOL_H
#define LEAT_LIB_ID_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_POOL_NONE UINT32_MAX

struct id_pool;

/* Ids first..first+n-1, n >= 1, all free. NULL: no memory. */
struct id_pool *id_pool_create(uint32_t first, uint32_t n);
void id_pool_free(struct id_pool *pool); /* NULL is fine */

/* The lowest free id, or ID_POOL_NONE when all are taken. */
uint32_t id_pool_take(struct id_pool *pool);

/* The id was taken; from now on it may be taken again. */
void id_pool_release(struct id_pool *pool, uint32_t id);

bool id_pool_taken(const struct id_pool *pool, uint32_t id);
size_t id_pool_count(const struct id_pool *pool); /* how many are taken */

#endif
