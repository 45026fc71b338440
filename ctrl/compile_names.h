/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which index the data plane knows an object by. An object keeps its index for as long as its id is
 * there; the index of one that went is released by whoever waited for the workers to forget it.
 *
 * A list is immutable once made and owns the text of its ids. One thread, the executor.
 */
#ifndef LEAT_CTRL_COMPILE_NAMES_H
#define LEAT_CTRL_COMPILE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/id_pool.h"

#define NAME_NONE UINT32_MAX

struct name {
	const char *id;
	uint32_t index;
};

/* Ordered by id (strcmp), so that position i is that of the config's array it was made from. */
struct names {
	size_t n;
	struct name *list;
	char *text; /* what list[].id point into */
};

/*
 * The list that follows `old`: `items` are the config's objects, ordered by id, each beginning with
 * its id text. Who was there keeps its index, who is new gets one from the pool. 0; -ENOSPC: the
 * pool is empty, -ENOMEM: in both cases nothing has been taken.
 */
int names_next(const struct names *old, const void *const *items, size_t n, struct id_pool *pool,
	struct names *ret);

/* Give back the indexes that `next` has and `old` has not; for a commit that failed. Frees next. */
void names_undo(const struct names *old, struct names *next, struct id_pool *pool);

/* The indexes of those in `old` whose id is not in `next`; returns how many, ret has room for
 * old->n. */
size_t names_gone(const struct names *old, const struct names *next, uint32_t *ret);

void names_free(struct names *names);

/* Position in the list, NAME_NONE for an id that is not there (NULL neither). */
size_t names_position(const struct names *names, const char *id);

/* Index of an id, or NAME_NONE. */
uint32_t names_index(const struct names *names, const char *id);

/* Id of an index, or NULL; looks at every one. */
const char *names_id(const struct names *names, uint32_t index);

#endif
