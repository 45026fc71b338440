/* SPDX-License-Identifier: BSD-3-Clause */
/* From a view and the changes of a transaction to the next view. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/model_internal.h"
#include "lib/alloc.h"

static int change_compare(const void *a, const void *b)
{
	const struct txn_change *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* The changes of one type, ordered by id. */
static const struct txn_change **changes_of_type(
	const struct txn *txn, enum object_type type, size_t *n)
{
	const struct txn_change **list;
	size_t count = 0;

	for (const struct txn_change *c = NULL; txn != NULL && (c = txn_next(txn, c)) != NULL;)
		count += c->type == type;
	list = alloc_zero(count, sizeof(*list));
	*n = 0;
	for (const struct txn_change *c = NULL; txn != NULL && (c = txn_next(txn, c)) != NULL;) {
		if (c->type == type)
			list[(*n)++] = c;
	}
	qsort(list, *n, sizeof(*list), change_compare);
	return list;
}

/* Merge two ordered lists; of what is in both the change counts. */
static void type_merge(
	struct view *view, const struct view *base, const struct txn *txn, enum object_type type)
{
	size_t n_changes;
	const struct txn_change **changes = changes_of_type(txn, type, &n_changes);
	size_t n_base = base != NULL ? base->n[type] : 0;
	struct object **sorted = alloc_zero(n_base + n_changes, sizeof(*sorted));
	size_t n = 0;
	size_t b = 0;

	for (size_t c = 0; c < n_changes; c++) {
		while (b < n_base && strcmp(base->sorted[type][b]->id, changes[c]->id) < 0)
			sorted[n++] = object_ref(base->sorted[type][b++]);
		if (b < n_base && strcmp(base->sorted[type][b]->id, changes[c]->id) == 0)
			b++;
		if (changes[c]->after != NULL)
			sorted[n++] = object_ref(changes[c]->after);
	}
	while (b < n_base)
		sorted[n++] = object_ref(base->sorted[type][b++]);
	free(changes);
	view->sorted[type] = sorted;
	view->n[type] = n;
}

#define CONFIG_FILL(view, object_type, member, list)                                               \
	do {                                                                                       \
		(view)->config.n_##list = (view)->n[object_type];                                  \
		(view)->config.list =                                                              \
			alloc_zero((view)->n[object_type], sizeof(*(view)->config.list));          \
		for (size_t i_ = 0; i_ < (view)->n[object_type]; i_++)                             \
			(view)->config.list[i_] = &(view)->sorted[object_type][i_]->as.member;     \
	} while (0)

static void global_fill(struct view *view)
{
	struct object *object;
	json_t *empty;
	json_t *decoded;

	if (view->n[OBJECT_GLOBAL] > 0) {
		view->config.global = view->sorted[OBJECT_GLOBAL][0]->as.global;
		return;
	}
	empty = json_object();
	decoded = decode_object(schema_object(OBJECT_GLOBAL), empty, "", NULL);
	object = object_new(OBJECT_GLOBAL, decoded, DEFAULT_OWNER);
	view->config.global = object->as.global;
	object_unref(object);
	json_decref(decoded);
	json_decref(empty);
}

struct view *view_build(const struct view *base, const struct txn *txn)
{
	struct view *view = alloc_zero(1, sizeof(*view));

	for (int type = 0; type < OBJECT_TYPES; type++)
		type_merge(view, base, txn, type);
	global_fill(view);
	CONFIG_FILL(view, OBJECT_NETWORK, network, networks);
	CONFIG_FILL(view, OBJECT_UPLINK, uplink, uplinks);
	CONFIG_FILL(view, OBJECT_GROUP, group, groups);
	CONFIG_FILL(view, OBJECT_ENDPOINT, endpoint, endpoints);
	CONFIG_FILL(view, OBJECT_REMOTE_ENDPOINT, remote_endpoint, remote_endpoints);
	CONFIG_FILL(view, OBJECT_RULE, rule, rules);
	return view;
}

void view_free(struct view *view)
{
	if (view == NULL)
		return;
	for (int type = 0; type < OBJECT_TYPES; type++) {
		for (size_t i = 0; i < view->n[type]; i++)
			object_unref(view->sorted[type][i]);
		free(view->sorted[type]);
	}
	free(view->config.networks);
	free(view->config.uplinks);
	free(view->config.groups);
	free(view->config.endpoints);
	free(view->config.remote_endpoints);
	free(view->config.rules);
	free(view);
}
