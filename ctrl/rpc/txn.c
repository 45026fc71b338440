/* SPDX-License-Identifier: BSD-3-Clause */
/* txn.apply */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctrl/decode.h"
#include "ctrl/rpc/methods.h"
#include "lib/alloc.h"

/* Put "/ops/2/params" before the path of an error in there. */
static void path_prefix(struct error *err, const char *prefix)
{
	char path[POINTER_MAX];

	if (err->code != LEAT_INVALID_PARAMS && err->code != LEAT_UNSUPPORTED)
		return;
	if (strncmp(err->path, prefix, strlen(prefix)) == 0)
		return;
	snprintf(path, sizeof(path), "%s", err->path);
	snprintf(err->path, sizeof(err->path), "%.64s%.190s", prefix, path);
}

/* TXN_ABORTED around what went wrong with one op. */
static void abort_fill(struct failure *failure, size_t op)
{
	struct error cause = failure->error;
	struct failure inner = {.error = cause};

	/*
	 * What the caller wrote wrongly is told as such; it says by its path where. So is what no op in
	 * particular is to blame for, as a disk that is full.
	 */
	if (cause.code == LEAT_INVALID_PARAMS || cause.code == LEAT_TIMEOUT || op == OP_NONE)
		return;
	failure->data = json_pack("{s:o}", "cause", failure_to_json(&inner));
	json_object_set_new(failure->data, "failed_index", json_integer((json_int_t)op));
	failure->error.sys_errno = 0;
	error_set(&failure->error, LEAT_TXN_ABORTED, "op %zu: %.480s", op, cause.message);
}

static int op_add(
	const struct call *call, struct txn *txn, json_t *op, size_t index, struct failure *failure)
{
	const char *name = json_string_value(json_object_get(op, "method"));
	const struct method *method = schema_method(name);
	json_t *raw = json_object_get(op, "params");
	const char *owner = session_owner(call->session);
	struct error *err = &failure->error;
	char path[POINTER_MAX];
	json_t *params;
	int result;

	if (method == NULL || !(method->flags & METHOD_IN_TXN)) {
		snprintf(path, sizeof(path), "/ops/%zu/method", index);
		return decode_invalid(err, path, "is to be an upsert, a delete or global.set");
	}
	snprintf(path, sizeof(path), "/ops/%zu/params", index);
	raw = raw != NULL ? json_incref(raw) : json_object();
	params = decode_object(method->params, raw, path, err);
	json_decref(raw);
	if (params == NULL)
		return -1;
	if (method->verb == VERB_DELETE)
		result = txn_delete(txn, method->type,
			json_string_value(json_object_get(params, "id")), owner, index, err);
	else
		result = txn_put(txn, method->type, params, owner, index, err);
	json_decref(params);
	if (result < 0)
		path_prefix(err, path);
	return result;
}

static json_t *results_of(const struct call *call, struct txn *txn, bool dry_run)
{
	json_t *results = json_array();

	/* The changes are in the order of the ops, the takeovers after them. */
	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (!c->taken)
			json_array_append_new(results, change_result(call, txn, c, dry_run));
	}
	return json_pack(
		"{s:I, s:o}", "rev", (json_int_t)model_rev(call->ctx->model), "results", results);
}

int rev_check(const struct call *call, json_t *if_rev, struct error *err)
{
	uint64_t rev = model_rev(call->ctx->model);

	if (if_rev == NULL || (uint64_t)json_integer_value(if_rev) == rev)
		return 0;
	return error_set(err, LEAT_STALE_REVISION,
		"the state is at revision %llu, not %" JSON_INTEGER_FORMAT, (unsigned long long)rev,
		json_integer_value(if_rev));
}

json_t *txn_apply(const struct call *call, struct failure *failure)
{
	json_t *ops = json_object_get(call->params, "ops");
	json_t *if_rev = json_object_get(call->params, "if_rev");
	bool dry_run = json_is_true(json_object_get(call->params, "dry_run"));
	unsigned deadline_ms =
		(unsigned)json_integer_value(json_object_get(call->params, "deadline_ms"));
	struct txn *txn;
	json_t *result = NULL;
	size_t i;

	if (rev_check(call, if_rev, &failure->error) < 0)
		return NULL;
	txn = txn_begin(call->ctx->model);
	for (i = 0; i < json_array_size(ops); i++) {
		if (op_add(call, txn, json_array_get(ops, i), i, failure) < 0)
			break;
	}
	if (i < json_array_size(ops))
		abort_fill(failure, i);
	else if (txn_commit(txn, dry_run, deadline_ms, &failure->error) < 0)
		abort_fill(failure, txn_failed_op(txn));
	else
		result = results_of(call, txn, dry_run);
	txn_free(txn);
	return result;
}
