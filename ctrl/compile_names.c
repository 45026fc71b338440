/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/compile_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int names_alloc(const void *const *items, size_t n, struct names *ret)
{
	size_t bytes = 0;
	char *text;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(items[i]) + 1;
	*ret = (struct names){.list = calloc(n + 1, sizeof(*ret->list)), .text = malloc(bytes + 1)};
	if (ret->list == NULL || ret->text == NULL) {
		names_free(ret);
		return -ENOMEM;
	}
	text = ret->text;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(items[i]) + 1;

		ret->list[i] = (struct name){memcpy(text, items[i], len), NAME_NONE};
		text += len;
	}
	ret->n = n;
	return 0;
}

int names_next(const struct names *old, const void *const *items, size_t n, struct id_pool *pool,
	struct names *ret)
{
	size_t o = 0;

	if (names_alloc(items, n, ret) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct name *name = &ret->list[i];
		int order = -1;

		while (o < old->n && (order = strcmp(old->list[o].id, name->id)) < 0)
			o++;
		if (o < old->n && order == 0) {
			name->index = old->list[o++].index;
			continue;
		}
		name->index = id_pool_take(pool);
		if (name->index == ID_POOL_NONE) {
			ret->n = i;
			names_undo(old, ret, pool);
			return -ENOSPC;
		}
	}
	return 0;
}

void names_undo(const struct names *old, struct names *next, struct id_pool *pool)
{
	size_t o = 0;

	for (size_t i = 0; i < next->n; i++) {
		while (o < old->n && strcmp(old->list[o].id, next->list[i].id) < 0)
			o++;
		if (o == old->n || strcmp(old->list[o].id, next->list[i].id) != 0)
			id_pool_release(pool, next->list[i].index);
	}
	names_free(next);
}

size_t names_gone(const struct names *old, const struct names *next, uint32_t *ret)
{
	size_t n = 0;
	size_t j = 0;

	for (size_t i = 0; i < old->n; i++) {
		while (j < next->n && strcmp(next->list[j].id, old->list[i].id) < 0)
			j++;
		if (j == next->n || strcmp(next->list[j].id, old->list[i].id) != 0)
			ret[n++] = old->list[i].index;
	}
	return n;
}

void names_free(struct names *names)
{
	free(names->list);
	free(names->text);
	*names = (struct names){0};
}

static int name_order(const void *id, const void *name)
{
	return strcmp(id, ((const struct name *)name)->id);
}

size_t names_position(const struct names *names, const char *id)
{
	const struct name *found = NULL;

	if (id != NULL && names->n > 0)
		found = bsearch(id, names->list, names->n, sizeof(*names->list), name_order);
	return found != NULL ? (size_t)(found - names->list) : NAME_NONE;
}

uint32_t names_index(const struct names *names, const char *id)
{
	size_t position = names_position(names, id);

	return position != NAME_NONE ? names->list[position].index : NAME_NONE;
}

const char *names_id(const struct names *names, uint32_t index)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->list[i].index == index)
			return names->list[i].id;
	return NULL;
}
