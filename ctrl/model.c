/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/model.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/model_internal.h"
#include "lib/alloc.h"

struct model *model_new(void)
{
	struct model *model = alloc_zero(1, sizeof(*model));

	model->current = view_build(NULL, NULL);
	return model;
}

void model_free(struct model *model)
{
	struct view *view;

	if (model == NULL)
		return;
	HASH_CLEAR(hh, model->claims);
	for (int type = 0; type < OBJECT_TYPES; type++)
		HASH_CLEAR(hh, model->by_id[type]);
	view_free(model->current);
	while ((view = model->retired) != NULL) {
		model->retired = view->next;
		view_free(view);
	}
	free(model);
}

void model_hold(const struct model *model)
{
	commit_hold_begin(&model->current->config);
}

int model_publish(struct model *model, struct error *err)
{
	struct commit_options options = {.lenient = true};
	int result;

	commit_hold_wait();
	result = commit_apply(&model->current->config, &options, err);
	commit_hold_end();
	return result;
}

void model_observe(struct model *model, model_commit_fn *fn, void *arg)
{
	model->committed = fn;
	model->committed_arg = arg;
}

uint64_t model_rev(const struct model *model)
{
	return model->rev;
}

struct object *model_find(const struct model *model, enum object_type type, const char *id)
{
	struct object *object;

	HASH_FIND_STR(model->by_id[type], id, object);
	return object;
}

struct object *const *model_list(const struct model *model, enum object_type type, size_t *n)
{
	*n = model->current->n[type];
	return model->current->sorted[type];
}

json_t *model_global(const struct model *model)
{
	size_t n;
	struct object *const *list = model_list(model, OBJECT_GLOBAL, &n);
	json_t *empty;
	json_t *defaults;

	if (n > 0)
		return json_incref(list[0]->body);
	empty = json_object();
	defaults = decode_object(schema_object(OBJECT_GLOBAL), empty, "", NULL);
	json_decref(empty);
	return defaults;
}

struct pending_ctx {
	const struct model *model;
	struct txn *txn; /* NULL: the model as it is */
	json_t *list;
};

static int pending_add(enum object_type type, const char *id, bool hard, void *arg)
{
	struct pending_ctx *ctx = arg;
	char name[OBJECT_NAME_MAX];
	const struct object *target =
		ctx->txn != NULL ? txn_find(ctx->txn, type, id) : model_find(ctx->model, type, id);

	if (target == NULL && !hard) {
		object_name(type, id, name);
		json_array_append_new(ctx->list, json_string(name));
	}
	return 0;
}

static void number_add(uint64_t *numbers, uint16_t num)
{
	numbers[num / 64] |= 1ULL << num % 64;
}

/* Once for all of a transaction: it may have thousands of rules, and as many groups. */
static void group_numbers_fill(struct txn *txn)
{
	uint64_t *numbers = txn->group_numbers;
	size_t n;
	struct object *const *list = model_list(txn->model, OBJECT_GROUP, &n);

	memset(numbers, 0, sizeof(txn->group_numbers));
	for (size_t i = 0; i < n; i++)
		if (txn_change_of(txn, OBJECT_GROUP, list[i]->id) == NULL)
			number_add(numbers, list[i]->as.group.num);
	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;)
		if (c->type == OBJECT_GROUP && c->after != NULL)
			number_add(numbers, c->after->as.group.num);
	number_add(numbers, 0);
}

static bool group_number_is_there(const struct pending_ctx *ctx, uint16_t num)
{
	size_t n;
	struct object *const *list = model_list(ctx->model, OBJECT_GROUP, &n);

	if (ctx->txn != NULL) {
		if ((ctx->txn->group_numbers[0] & 1) == 0)
			group_numbers_fill(ctx->txn);
		return (ctx->txn->group_numbers[num / 64] >> num % 64 & 1) != 0;
	}
	for (size_t i = 0; i < n; i++)
		if (list[i]->as.group.num == num)
			return true;
	return false;
}

static void group_number_pending(struct pending_ctx *ctx, const struct group_ref *ref)
{
	if (ref->num != 0 && !group_number_is_there(ctx, ref->num))
		json_array_append_new(ctx->list, json_sprintf("group number %u", ref->num));
}

static json_t *pending_of(struct pending_ctx *ctx, const struct object *object)
{
	ctx->list = json_array();
	object_references(object, pending_add, ctx);
	if (object->type == OBJECT_RULE) {
		group_number_pending(ctx, &object->as.rule.match.src_group);
		group_number_pending(ctx, &object->as.rule.match.dst_group);
	}
	return ctx->list;
}

json_t *model_pending(const struct model *model, const struct object *object)
{
	struct pending_ctx ctx = {.model = model};

	return pending_of(&ctx, object);
}

json_t *txn_pending(struct txn *txn, const struct object *object)
{
	struct pending_ctx ctx = {.model = txn->model, .txn = txn};

	return pending_of(&ctx, object);
}
