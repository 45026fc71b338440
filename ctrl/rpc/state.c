/* SPDX-License-Identifier: BSD-3-Clause */
/* state.get, state.replace, endpoint.retain: one owner's objects as a whole. */
#include <stdio.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/rpc/methods.h"

static const char *owner_of(const struct call *call)
{
	const char *owner = json_string_value(json_object_get(call->params, "owner"));

	return owner != NULL ? owner : session_owner(call->session);
}

/* Is the type in the list of that name? An absent list has all. */
static bool type_listed(json_t *params, const char *name, enum object_type type)
{
	json_t *list = json_object_get(params, name);

	if (list == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), object_type_name(type)) == 0)
			return true;
	}
	return false;
}

json_t *state_get(const struct call *call, struct failure *failure)
{
	const struct model *model = call->ctx->model;
	const char *owner = json_string_value(json_object_get(call->params, "owner"));
	json_t *objects = json_object();

	(void)failure;
	for (int type = 0; type < OBJECT_TYPES; type++) {
		size_t n;
		struct object *const *list = model_list(model, type, &n);
		json_t *array;

		if (!type_listed(call->params, "types", type))
			continue;
		array = json_array();
		for (size_t i = 0; i < n; i++) {
			if (owner == NULL || strcmp(list[i]->owner, owner) == 0)
				json_array_append(array, list[i]->body);
		}
		json_object_set_new(objects, object_type_name(type), array);
	}
	return json_pack("{s:I, s:o}", "rev", (json_int_t)model_rev(model), "objects", objects);
}

/* One object of the document, made the owner's. */
static int document_object_put(const struct call *call, struct txn *txn, enum object_type type,
	json_t *raw, const char *path, struct error *err)
{
	json_t *decoded = decode_object(schema_object(type), raw, path, err);
	const char *owner = owner_of(call);
	int result;

	if (decoded == NULL)
		return -1;
	json_object_set_new(decoded, "owner", json_string(owner));
	result = txn_put(txn, type, decoded, owner, OP_NONE, err);
	json_decref(decoded);
	if (result < 0 && err->code == LEAT_INVALID_PARAMS) {
		snprintf(err->path, sizeof(err->path), "%s", path);
		if (type != OBJECT_GLOBAL)
			pointer_join(err->path, path, "id");
	}
	return result;
}

static int document_type_put(const struct call *call, struct txn *txn, const char *name,
	json_t *array, struct error *err)
{
	char list_path[POINTER_MAX];
	char path[POINTER_MAX];
	int type = object_type_find(name);

	pointer_join(list_path, "/objects", name);
	if (type < 0)
		return decode_invalid(err, list_path, "no such type of objects");
	if (!type_listed(call->params, "scope", type))
		return decode_invalid(err, list_path, "is outside the scope");
	if (!json_is_array(array))
		return decode_invalid(err, list_path, "is to be an array");
	for (size_t i = 0; i < json_array_size(array); i++) {
		pointer_index(path, list_path, i);
		if (document_object_put(call, txn, type, json_array_get(array, i), path, err) < 0)
			return -1;
	}
	return 0;
}

static int document_put(const struct call *call, struct txn *txn, struct error *err)
{
	json_t *objects = json_object_get(call->params, "objects");
	const char *name;
	json_t *array;

	if (!json_is_object(objects))
		return decode_invalid(err, "/objects", "is to be an object of arrays by type");
	json_object_foreach (objects, name, array) {
		if (document_type_put(call, txn, name, array, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_put(const struct txn *txn, const struct object *object)
{
	char name[OBJECT_NAME_MAX];

	object_name(object->type, object->id, name);
	return txn_has(txn, name);
}

/* Delete the owner's objects within the scope that the document has not. */
static int others_delete(const struct call *call, struct txn *txn, struct error *err)
{
	const char *owner = owner_of(call);

	for (int type = 0; type < OBJECT_TYPES; type++) {
		size_t n;
		struct object *const *list = model_list(call->ctx->model, type, &n);

		if (!type_listed(call->params, "scope", type))
			continue;
		for (size_t i = 0; i < n; i++) {
			if (strcmp(list[i]->owner, owner) != 0 || is_put(txn, list[i]))
				continue;
			if (txn_delete(txn, type, list[i]->id, owner, OP_NONE, err) < 0)
				return -1;
		}
	}
	return 0;
}

static void id_append(json_t *by_type, const struct txn_change *change)
{
	const char *type = object_type_name(change->type);
	json_t *list = json_object_get(by_type, type);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(by_type, type, list);
	}
	json_array_append_new(list, json_string(change->id));
}

static int removed_check(const struct call *call, const struct txn *txn, struct error *err)
{
	json_t *bound = json_object_get(call->params, "max_removed");
	json_int_t removed = 0;

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;)
		removed += c->before != NULL && c->after == NULL;
	if (bound == NULL || removed <= json_integer_value(bound))
		return 0;
	return error_set(err, LEAT_GUARD,
		"%" JSON_INTEGER_FORMAT " objects would go, max_removed is %" JSON_INTEGER_FORMAT,
		removed, json_integer_value(bound));
}

static json_t *replace_result(const struct call *call, const struct txn *txn)
{
	json_t *added = json_object();
	json_t *changed = json_object();
	json_t *removed = json_object();
	json_t *unchanged = json_object();

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (c->before == NULL && c->after != NULL)
			id_append(added, c);
		else if (c->after == NULL && c->before != NULL)
			id_append(removed, c);
		else if (c->after == c->before)
			id_append(unchanged, c);
		else
			id_append(changed, c);
	}
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "rev",
		(json_int_t)model_rev(call->ctx->model), "added", added, "changed", changed,
		"removed", removed, "unchanged", unchanged);
}

json_t *state_replace(const struct call *call, struct failure *failure)
{
	const char *mode = json_string_value(json_object_get(call->params, "mode"));
	struct txn *txn = txn_begin(call->ctx->model);
	struct error *err = &failure->error;
	json_t *result = NULL;

	if (document_put(call, txn, err) == 0 && others_delete(call, txn, err) == 0 &&
		removed_check(call, txn, err) == 0 &&
		txn_commit(txn, strcmp(mode, "plan") == 0, 0, err) == 0)
		result = replace_result(call, txn);
	txn_free(txn);
	return result;
}

/* A set of the ids, for one look-up an endpoint. */
static json_t *id_set(json_t *list)
{
	json_t *set = json_object();

	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_set_new(set, json_string_value(json_array_get(list, i)), json_true());
	return set;
}

json_t *endpoint_retain(const struct call *call, struct failure *failure)
{
	const char *prefix = json_string_value(json_object_get(call->params, "id_prefix"));
	bool dry_run = json_is_true(json_object_get(call->params, "dry_run"));
	json_t *keep = id_set(json_object_get(call->params, "keep"));
	const char *owner = owner_of(call);
	struct txn *txn = txn_begin(call->ctx->model);
	json_t *removed = json_array();
	json_t *result = NULL;
	size_t n;
	struct object *const *list = model_list(call->ctx->model, OBJECT_ENDPOINT, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i]->owner, owner) != 0 ||
			strncmp(list[i]->id, prefix, strlen(prefix)) != 0 ||
			json_object_get(keep, list[i]->id) != NULL)
			continue;
		txn_delete(txn, OBJECT_ENDPOINT, list[i]->id, owner, OP_NONE, &failure->error);
		json_array_append_new(removed, json_string(list[i]->id));
	}
	if (txn_commit(txn, dry_run, 0, &failure->error) == 0)
		result = json_pack("{s:O, s:I}", "removed", removed, "rev",
			(json_int_t)model_rev(call->ctx->model));
	json_decref(removed);
	json_decref(keep);
	txn_free(txn);
	return result;
}
