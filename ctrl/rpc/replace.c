/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting a document in the place of its owner's objects. */
#include <string.h>

#include "ctrl/rpc/document_private.h"

const char *call_owner(const struct call *call)
{
	const char *owner = json_string_value(json_object_get(call->params, "owner"));

	return owner != NULL ? owner : session_owner(call->session);
}

void replacement_of(const struct call *call, struct replacement *ret)
{
	const char *mode = json_string_value(json_object_get(call->params, "mode"));

	*ret = (struct replacement){
		.owner = call_owner(call),
		.scope = json_object_get(call->params, "scope"),
		.plan = mode != NULL && strcmp(mode, "plan") == 0,
		.diff = json_is_true(json_object_get(call->params, "diff")),
		.if_rev = json_object_get(call->params, "if_rev"),
		.max_removed = json_object_get(call->params, "max_removed"),
	};
}

/* Each object of the document, made the owner's. */
static int all_put(struct txn *txn, const struct replacement *wish, const struct document *document,
	struct error *err)
{
	for (size_t i = 0; i < document->n; i++) {
		const struct document_object *object = &document->objects[i];
		json_t *decoded = json_copy(object->decoded);
		int result;

		json_object_set_new(decoded, "owner", json_string(wish->owner));
		result = txn_put(txn, object->type, decoded, wish->owner, OP_NONE, err);
		json_decref(decoded);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* Delete the owner's objects within the scope that the document has not. */
static int others_delete(
	const struct call *call, struct txn *txn, const struct replacement *wish, struct error *err)
{
	for (int type = 0; type < OBJECT_TYPES; type++) {
		size_t n;
		struct object *const *list = model_list(call->ctx->model, type, &n);

		if (!type_listed(wish->scope, type))
			continue;
		for (size_t i = 0; i < n; i++) {
			char name[OBJECT_NAME_MAX];

			object_name(type, list[i]->id, name);
			if (strcmp(list[i]->owner, wish->owner) != 0 || txn_has(txn, name))
				continue;
			if (txn_delete(txn, type, list[i]->id, wish->owner, OP_NONE, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int removed_check(const struct txn *txn, json_t *bound, struct error *err)
{
	json_int_t removed = 0;

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;)
		removed += c->before != NULL && c->after == NULL;
	if (bound == NULL || removed <= json_integer_value(bound))
		return 0;
	return error_set(err, LEAT_GUARD,
		"%" JSON_INTEGER_FORMAT " objects would go, max_removed is %" JSON_INTEGER_FORMAT,
		removed, json_integer_value(bound));
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

static json_t *body_or_null(const struct object *object)
{
	return object != NULL ? json_incref(object->body) : json_null();
}

static json_t *differences(const struct txn *txn)
{
	json_t *list = json_array();

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		char name[OBJECT_NAME_MAX];

		if (c->after == c->before)
			continue;
		object_name(c->type, c->id, name);
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o}", "object", name, "before",
				      body_or_null(c->before), "after", body_or_null(c->after)));
	}
	return list;
}

static json_t *replace_result(const struct call *call, const struct txn *txn, bool diff)
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
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o*}", "rev",
		(json_int_t)model_rev(call->ctx->model), "added", added, "changed", changed,
		"removed", removed, "unchanged", unchanged, "differences",
		diff ? differences(txn) : NULL);
}

json_t *replace_run(const struct call *call, const struct replacement *wish,
	const struct document *document, struct failure *failure)
{
	struct error *err = &failure->error;
	json_t *result = NULL;
	struct txn *txn;

	if (rev_check(call, wish->if_rev, err) < 0)
		return NULL;
	txn = txn_begin(call->ctx->model);
	if (all_put(txn, wish, document, err) == 0 && others_delete(call, txn, wish, err) == 0 &&
		removed_check(txn, wish->max_removed, err) == 0 &&
		txn_commit(txn, wish->plan, 0, err) == 0)
		result = replace_result(call, txn, wish->diff);
	txn_free(txn);
	return result;
}
