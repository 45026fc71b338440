/* SPDX-License-Identifier: BSD-3-Clause */
/* upsert, delete, list and get of every object type. */
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/limits.h"
#include "ctrl/rpc/methods.h"

json_t *object_oper(const struct model *model, const struct object *object)
{
	switch (object->type) {
	case OBJECT_ENDPOINT:
		return commit_endpoint_oper(object->id);
	case OBJECT_UPLINK:
		return commit_uplink_oper(object->id);
	case OBJECT_GROUP:
	case OBJECT_REMOTE_ENDPOINT:
	case OBJECT_RULE:
		return json_pack("{s:o}", "pending", model_pending(model, object));
	default:
		return NULL;
	}
}

/* The objects of other ids that a takeover deleted. */
static json_t *removed_by(const struct txn *txn, size_t op)
{
	json_t *removed = json_array();

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (c->taken && c->op == op)
			json_array_append_new(removed, json_string(c->name));
	}
	return removed;
}

json_t *change_result(
	const struct call *call, struct txn *txn, const struct txn_change *change, bool dry_run)
{
	const struct model *model = call->ctx->model;
	json_t *result = json_object();
	json_t *oper;

	json_object_set_new(result, "changed", json_boolean(change->before != change->after));
	json_object_set_new(result, "rev", json_integer((json_int_t)model_rev(model)));
	json_object_set_new(result, "pending",
		change->after != NULL ? txn_pending(txn, change->after) : json_array());
	if (change->after == NULL)
		return result;
	if (change->takeover)
		json_object_set_new(result, "removed", removed_by(txn, change->op));
	if (change->type == OBJECT_ENDPOINT && !dry_run) {
		oper = object_oper(model, change->after);
		json_object_update(result, oper);
		json_decref(oper);
	}
	return result;
}

/* Commit a transaction of one op and tell what became of it. */
static json_t *commit_one(const struct call *call, struct txn *txn, struct failure *failure)
{
	if (txn_commit(txn, false, 0, &failure->error) < 0)
		return NULL;
	return change_result(call, txn, txn_next(txn, NULL), false);
}

json_t *object_upsert(const struct call *call, struct failure *failure)
{
	struct txn *txn = txn_begin(call->ctx->model);
	json_t *result = NULL;

	if (txn_put(txn, call->method->type, call->params, session_owner(call->session), 0,
		    &failure->error) == 0)
		result = commit_one(call, txn, failure);
	txn_free(txn);
	return result;
}

json_t *object_delete(const struct call *call, struct failure *failure)
{
	const char *id = json_string_value(json_object_get(call->params, "id"));
	struct txn *txn = txn_begin(call->ctx->model);
	json_t *result = NULL;

	if (txn_delete(txn, call->method->type, id, session_owner(call->session), 0,
		    &failure->error) == 0)
		result = commit_one(call, txn, failure);
	txn_free(txn);
	return result;
}

json_t *global_get(const struct call *call, struct failure *failure)
{
	(void)failure;
	return json_pack("{s:I, s:o}", "rev", (json_int_t)model_rev(call->ctx->model), "global",
		model_global(call->ctx->model));
}

json_t *object_get(const struct call *call, struct failure *failure)
{
	const char *id = json_string_value(json_object_get(call->params, "id"));
	const struct model *model = call->ctx->model;
	const struct object *object = model_find(model, call->method->type, id);
	const char *type = object_type_name(call->method->type);
	json_t *oper;
	json_t *result;

	if (object == NULL) {
		object_name(call->method->type, id, failure->error.object);
		error_set(&failure->error, LEAT_NOT_FOUND, "there is no %s \"%s\"", type, id);
		return NULL;
	}
	/* With all groups of a network: too much for lists. */
	oper = object->type == OBJECT_NETWORK ? commit_network_oper(id)
					      : object_oper(model, object);
	result = json_pack("{s:I, s:O, s:o}", "rev", (json_int_t)model_rev(model), type,
		object->body, "oper", oper != NULL ? oper : json_object());
	return result;
}

/* Does the object have every value the filters ask for? */
static bool filters_match(const struct call *call, const struct object *object)
{
	const char *name;
	json_t *wanted;

	json_object_foreach (call->params, name, wanted) {
		json_t *value = json_object_get(object->body, name);
		bool matches = false;

		if (strcmp(name, "after") == 0 || strcmp(name, "limit") == 0)
			continue;
		if (json_is_array(value)) {
			for (size_t i = 0; i < json_array_size(value); i++)
				matches |= json_equal(json_array_get(value, i), wanted);
		} else {
			matches = json_equal(value, wanted);
		}
		if (!matches)
			return false;
	}
	return true;
}

/* The index of the first object whose id comes after `after`. */
static size_t list_begin(struct object *const *list, size_t n, const char *after)
{
	size_t low = 0;

	while (after != NULL && low < n) {
		size_t middle = low + (n - low) / 2;

		if (strcmp(list[middle]->id, after) <= 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static json_t *item_of(const struct model *model, const struct object *object)
{
	json_t *item = json_copy(object->body);
	json_t *oper = object_oper(model, object);

	json_object_set_new(item, "oper", oper != NULL ? oper : json_object());
	return item;
}

json_t *object_list(const struct call *call, struct failure *failure)
{
	const struct model *model = call->ctx->model;
	const char *after = json_string_value(json_object_get(call->params, "after"));
	size_t limit = (size_t)json_integer_value(json_object_get(call->params, "limit"));
	size_t n;
	struct object *const *list = model_list(model, call->method->type, &n);
	json_t *items = json_array();
	json_t *next = json_null();

	(void)failure;
	for (size_t i = list_begin(list, n, after); i < n; i++) {
		if (!filters_match(call, list[i]))
			continue;
		if (json_array_size(items) == limit) {
			json_t *last = json_array_get(items, limit - 1);

			next = json_incref(json_object_get(last, "id"));
			break;
		}
		json_array_append_new(items, item_of(model, list[i]));
	}
	return json_pack("{s:I, s:o, s:o}", "rev", (json_int_t)model_rev(model), "items", items,
		"next", next);
}
