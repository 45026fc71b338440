/* SPDX-License-Identifier: BSD-3-Clause */
/* The model and its store: every object back in at the start, every change out with its commit. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/model_internal.h"

static int object_unfit(
	const char *type, const char *id, const struct error *why, struct error *err)
{
	return error_set(err, LEAT_VERSION,
		"it holds %s %.100s, which this version does not take: %.150s", type, id,
		why->message);
}

static int object_restore(
	const char *type_name, const char *id, json_t *json, void *arg, struct error *err)
{
	struct txn *txn = arg;
	struct error why = {0};
	int type = object_type_find(type_name);
	json_t *decoded;
	const char *owner;
	int result;

	if (type < 0)
		return error_set(err, LEAT_VERSION,
			"it holds a %.64s, which this version does not know", type_name);
	decoded = decode_object(schema_object(type), json, "", &why);
	if (decoded == NULL)
		return object_unfit(type_name, id, &why, err);
	owner = json_string_value(json_object_get(decoded, "owner"));
	result = txn_put(txn, type, decoded, owner != NULL ? owner : DEFAULT_OWNER, OP_NONE, &why);
	json_decref(decoded);
	return result < 0 ? object_unfit(type_name, id, &why, err) : 0;
}

int model_restore(struct model *model, struct store *store, struct error *err)
{
	struct txn *txn = txn_begin(model);
	struct error why = {0};
	int result = store_load(store, object_restore, txn, err);

	if (result == 0 && txn_check(txn, &why) < 0)
		result = error_set(err, LEAT_VERSION,
			"its objects do not fit together: %.150s (%.100s)", why.message,
			why.object);
	if (result < 0 && err->code == LEAT_VERSION) {
		why = *err;
		error_set(err, LEAT_VERSION,
			"%.120s: %.250s: run the leatd that wrote it, or begin with an empty state "
			"by "
			"--new-state, which keeps the file aside",
			store_path(store), why.message);
	}
	if (result == 0) {
		txn_adopt(txn, view_build(model->current, txn), store_rev(store));
		model->store = store;
	}
	txn_free(txn);
	return result;
}

static int change_store(struct store *store, const struct txn_change *change, struct error *err)
{
	const char *type = object_type_name(change->type);

	if (change->after == change->before)
		return 0;
	if (change->after == NULL)
		return store_delete(store, type, change->id, err);
	return store_put(store, type, change->id, change->after->owner, change->after->body, err);
}

int txn_store(void *arg, struct error *err)
{
	const struct txn *txn = arg;
	struct store *store = txn->model->store;
	int result;

	if (store == NULL)
		return 0;
	result = store_begin(store, err);
	for (const struct txn_change *c = NULL; result == 0 && (c = txn_next(txn, c)) != NULL;)
		result = change_store(store, c, err);
	if (result == 0)
		result = store_commit(store, txn->model->rev + 1, err);
	if (result < 0)
		store_abort(store);
	return result;
}
