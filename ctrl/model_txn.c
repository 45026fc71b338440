/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/model_internal.h"
#include "lib/alloc.h"

struct txn *txn_begin(struct model *model)
{
	struct txn *txn = alloc_zero(1, sizeof(*txn));

	txn->model = model;
	txn->failed_op = OP_NONE;
	return txn;
}

void txn_free(struct txn *txn)
{
	struct txn_change *change, *next;

	if (txn == NULL)
		return;
	HASH_CLEAR(hh_txn, txn->claims);
	change = txn->changes;
	HASH_CLEAR(hh, txn->changes);
	for (; change != NULL; change = next) {
		next = change->hh.next;
		object_unref(change->before);
		object_unref(change->after);
		free(change->name);
		free(change->id);
		free(change);
	}
	free(txn);
}

size_t txn_failed_op(const struct txn *txn)
{
	return txn->failed_op;
}

const struct txn_change *txn_next(const struct txn *txn, const struct txn_change *change)
{
	return change == NULL ? txn->changes : change->hh.next;
}

bool txn_is_change(const struct txn *txn)
{
	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (c->before != c->after)
			return true;
	}
	return false;
}

static struct txn_change *change_by_name(const struct txn *txn, const char *name)
{
	struct txn_change *change;

	HASH_FIND_STR(txn->changes, name, change);
	return change;
}

bool txn_has(const struct txn *txn, const char *name)
{
	return change_by_name(txn, name) != NULL;
}

struct txn_change *txn_change_of(const struct txn *txn, enum object_type type, const char *id)
{
	char name[OBJECT_NAME_MAX];

	object_name(type, id, name);
	return change_by_name(txn, name);
}

struct object *txn_find(const struct txn *txn, enum object_type type, const char *id)
{
	const struct txn_change *change = txn_change_of(txn, type, id);

	return change != NULL ? change->after : model_find(txn->model, type, id);
}

int txn_fail(struct txn *txn, const struct txn_change *change, struct error *err)
{
	txn->failed_op = change->op;
	if (err != NULL)
		object_name(change->type, change->id, err->object);
	return -1;
}

/* Notes a change; takes over the reference of after. */
static struct txn_change *change_add(
	struct txn *txn, enum object_type type, const char *id, struct object *after, size_t op)
{
	struct txn_change *change = alloc_zero(1, sizeof(*change));
	char name[OBJECT_NAME_MAX];
	struct object *before = model_find(txn->model, type, id);

	change->type = type;
	change->op = op;
	change->after = after;
	change->before = before != NULL ? object_ref(before) : NULL;
	object_name(type, id, name);
	change->name = alloc_strdup(name);
	change->id = alloc_strdup(id);
	HASH_ADD_KEYPTR(hh, txn->changes, change->name, strlen(change->name), change);
	txn->group_numbers[0] = 0;
	return change;
}

void txn_take(struct txn *txn, struct object *holder, size_t op)
{
	change_add(txn, holder->type, holder->id, NULL, op)->taken = true;
}

static int change_allowed(struct txn *txn, enum object_type type, const char *id, const char *owner,
	size_t op, struct error *err)
{
	const struct object *before = model_find(txn->model, type, id);
	const struct txn_change *earlier = txn_change_of(txn, type, id);

	txn->failed_op = op;
	if (err != NULL)
		object_name(type, id, err->object);
	if (earlier != NULL) {
		if (err != NULL)
			snprintf(err->path, sizeof(err->path), "%s",
				type == OBJECT_GLOBAL ? "" : "/id");
		return error_set(err, LEAT_INVALID_PARAMS,
			"%s %s is changed twice in one transaction", object_type_name(type), id);
	}
	if (before != NULL && strcmp(before->owner, owner) != 0)
		return error_set(err, LEAT_NOT_OWNER, "%s %s belongs to \"%s\", not to \"%s\"",
			object_type_name(type), id, before->owner, owner);
	if (err != NULL)
		err->object[0] = '\0';
	txn->failed_op = OP_NONE;
	return 0;
}

int txn_put(struct txn *txn, enum object_type type, json_t *decoded, const char *owner, size_t op,
	struct error *err)
{
	struct object *after = object_new(type, decoded, owner);
	struct object *before = model_find(txn->model, type, after->id);
	struct txn_change *change;

	if (change_allowed(txn, type, after->id, after->owner, op, err) < 0) {
		object_unref(after);
		return -1;
	}
	if (before != NULL && json_equal(before->body, after->body)) {
		object_unref(after);
		after = object_ref(before);
	}
	change = change_add(txn, type, after->id, after, op);
	change->takeover = json_is_true(json_object_get(decoded, "takeover"));
	return 0;
}

int txn_delete(struct txn *txn, enum object_type type, const char *id, const char *owner, size_t op,
	struct error *err)
{
	if (change_allowed(txn, type, id, owner, op, err) < 0)
		return -1;
	change_add(txn, type, id, NULL, op);
	return 0;
}

static void object_leave(struct model *model, struct object *object)
{
	for (size_t i = 0; i < object->n_claims; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in there: a head is */
		HASH_DELETE(hh, model->claims, &object->claims[i]);
	HASH_DELETE(hh, model->by_id[object->type], object);
}

static void object_enter(struct model *model, struct object *object)
{
	HASH_ADD_KEYPTR(hh, model->by_id[object->type], object->id, strlen(object->id), object);
	for (size_t i = 0; i < object->n_claims; i++)
		HASH_ADD_KEYPTR(hh, model->claims, object->claims[i].key,
			strlen(object->claims[i].key), &object->claims[i]);
}

/* The former view stays until the data plane has surely left it. */
void txn_adopt(struct txn *txn, struct view *view, uint64_t rev)
{
	struct model *model = txn->model;

	for (struct txn_change *c = txn->changes; c != NULL; c = c->hh.next) {
		if (c->before != NULL && c->before != c->after)
			object_leave(model, c->before);
	}
	for (struct txn_change *c = txn->changes; c != NULL; c = c->hh.next) {
		if (c->after != NULL && c->before != c->after)
			object_enter(model, c->after);
	}
	model->current->next = model->retired;
	model->retired = model->current;
	model->current = view;
	model->rev = rev;
}

static void retired_free(struct model *model)
{
	struct view *retired;

	while ((retired = model->retired) != NULL) {
		model->retired = retired->next;
		view_free(retired);
	}
}

int txn_commit(struct txn *txn, bool dry_run, unsigned deadline_ms, struct error *err)
{
	struct commit_options options = {
		.deadline_ms = deadline_ms, .seal = txn_store, .seal_arg = txn};
	struct error failure = {0};
	struct view *view;
	int result;

	if (txn_check(txn, err) < 0)
		return -1;
	if (dry_run)
		return 0;
	if (!txn_is_change(txn)) {
		/* Said once more, perhaps because its namespace is there now. */
		commit_retry_soon();
		commit_retry();
		return 0;
	}
	view = view_build(txn->model->current, txn);
	result = commit_apply(&view->config, &options, &failure);
	if (result < 0 && failure.code != LEAT_TIMEOUT) {
		const struct txn_change *at_fault = change_by_name(txn, failure.object);

		if (at_fault != NULL)
			txn->failed_op = at_fault->op;
		view_free(view);
	} else {
		txn_adopt(txn, view, txn->model->rev + 1);
		if (result == 0)
			retired_free(txn->model);
		if (txn->model->committed != NULL)
			txn->model->committed(txn, txn->model->rev, txn->model->committed_arg);
	}
	if (result < 0 && err != NULL)
		*err = failure;
	return result;
}
