/* SPDX-License-Identifier: BSD-3-Clause */
/* state.get, state.replace, endpoint.retain: one owner's objects as a whole. */
#include <string.h>

#include "ctrl/rpc/document.h"
#include "ctrl/rpc/methods.h"

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

		if (!type_listed(json_object_get(call->params, "types"), type))
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

json_t *state_replace(const struct call *call, struct failure *failure)
{
	struct document *document = document_new();
	struct replacement wish;
	json_t *result = NULL;

	replacement_of(call, &wish);
	if (document_add(document, json_object_get(call->params, "objects"), wish.scope,
		    &failure->error) == 0)
		result = replace_run(call, &wish, document, failure);
	document_free(document);
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
	const char *owner = call_owner(call);
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
