/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold in the outcome of a transaction. Costs as much as changes, not as the state. */
#include <string.h>

#include "ctrl/model_internal.h"

static int conflict(struct txn *txn, const struct txn_change *change, const struct claim *claim,
	const struct object *holder, struct error *err)
{
	char other[OBJECT_NAME_MAX];

	object_name(holder->type, holder->id, other);
	error_set(err, LEAT_CONFLICT, "%s is taken by %s%s", claim->key, other,
		claim->address ? "; delete that one first, or say takeover" : "");
	return txn_fail(txn, change, err);
}

/* Who holds the claim in the state and keeps it through this transaction; NULL: nobody. */
static struct object *holder_that_stays(const struct txn *txn, const struct claim *claim)
{
	struct claim *held;

	HASH_FIND(hh, txn->model->claims, claim->key, strlen(claim->key), held);
	if (held == NULL || txn_change_of(txn, held->holder->type, held->holder->id) != NULL)
		return NULL;
	return held->holder;
}

static int takeover(struct txn *txn, const struct txn_change *change, struct error *err)
{
	for (size_t i = 0; i < change->after->n_claims; i++) {
		const struct claim *claim = &change->after->claims[i];
		struct object *holder = holder_that_stays(txn, claim);
		char other[OBJECT_NAME_MAX];

		if (!claim->address || holder == NULL)
			continue;
		if (strcmp(holder->owner, change->after->owner) != 0) {
			object_name(holder->type, holder->id, other);
			error_set(err, LEAT_NOT_OWNER, "%s is held by %s, which belongs to \"%s\"",
				claim->key, other, holder->owner);
			return txn_fail(txn, change, err);
		}
		txn_take(txn, holder, change->op);
	}
	return 0;
}

static int claims_check(struct txn *txn, const struct txn_change *change, struct error *err)
{
	for (size_t i = 0; i < change->after->n_claims; i++) {
		struct claim *claim = &change->after->claims[i];
		const struct object *holder = holder_that_stays(txn, claim);
		struct claim *other;

		HASH_FIND(hh_txn, txn->claims, claim->key, strlen(claim->key), other);
		if (other != NULL)
			holder = other->holder;
		if (holder != NULL)
			return conflict(txn, change, claim, holder, err);
		HASH_ADD_KEYPTR(hh_txn, txn->claims, claim->key, strlen(claim->key), claim);
	}
	return 0;
}

struct reference_ctx {
	const struct txn *txn;
	struct error *err;
};

static int reference_check(enum object_type type, const char *id, bool hard, void *arg)
{
	struct reference_ctx *ctx = arg;

	if (!hard || txn_find(ctx->txn, type, id) != NULL)
		return 0;
	return error_set(ctx->err, LEAT_DEPENDENCY, "there is no %s \"%s\"; make it first",
		object_type_name(type), id);
}

struct use_ctx {
	const char *network;
};

static int uses(enum object_type type, const char *id, bool hard, void *arg)
{
	const struct use_ctx *ctx = arg;

	return hard && type == OBJECT_NETWORK && strcmp(id, ctx->network) == 0;
}

/* Who of the unchanged objects cannot be without the network? */
static int network_use_check(struct txn *txn, const struct txn_change *change, struct error *err)
{
	static const enum object_type users[] = {OBJECT_ENDPOINT, OBJECT_REMOTE_ENDPOINT};
	struct use_ctx ctx = {change->id};
	char user[OBJECT_NAME_MAX];

	for (size_t u = 0; u < sizeof(users) / sizeof(users[0]); u++) {
		size_t n;
		struct object *const *list = model_list(txn->model, users[u], &n);

		for (size_t i = 0; i < n; i++) {
			if (!object_references(list[i], uses, &ctx) ||
				txn_change_of(txn, users[u], list[i]->id) != NULL)
				continue;
			object_name(users[u], list[i]->id, user);
			error_set(err, LEAT_IN_USE, "network %s is used by %s", change->id, user);
			return txn_fail(txn, change, err);
		}
	}
	return 0;
}

int txn_outcome_each(struct txn *txn, enum object_type type, outcome_fn *fn, void *arg)
{
	size_t n;
	struct object *const *list = model_list(txn->model, type, &n);
	int ret = 0;

	for (size_t i = 0; i < n && ret == 0; i++)
		if (txn_change_of(txn, type, list[i]->id) == NULL)
			ret = fn(txn, list[i], NULL, arg);
	for (const struct txn_change *c = NULL; ret == 0 && (c = txn_next(txn, c)) != NULL;)
		if (c->type == type && c->after != NULL)
			ret = fn(txn, c->after, c, arg);
	return ret;
}

struct outcome_count {
	bool (*wanted)(const struct object *object);
	size_t n;
	const struct txn_change *last; /* that puts one */
};

static int count_wanted(const struct txn *txn, const struct object *object,
	const struct txn_change *change, void *arg)
{
	struct outcome_count *count = arg;

	(void)txn;
	if (!count->wanted(object))
		return 0;
	count->n++;
	if (change != NULL)
		count->last = change;
	return 0;
}

/* How many of a type the outcome has that `wanted` likes; *last is one the transaction puts. */
static size_t outcome_count(struct txn *txn, enum object_type type,
	bool (*wanted)(const struct object *object), const struct txn_change **last)
{
	struct outcome_count count = {.wanted = wanted, .last = *last};

	txn_outcome_each(txn, type, count_wanted, &count);
	*last = count.last;
	return count.n;
}

static bool is_untagged(const struct object *object)
{
	return object->as.network.encap == ENCAP_NONE;
}

static bool is_any(const struct object *object)
{
	(void)object;
	return true;
}

/* An uplink's untagged frames can be of one network alone. */
static int untagged_check(struct txn *txn, struct error *err)
{
	const struct txn_change *put = NULL;
	bool touched = false;

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;)
		touched |= (c->type == OBJECT_NETWORK || c->type == OBJECT_UPLINK) &&
			   c->after != NULL && c->after != c->before;
	if (!touched || outcome_count(txn, OBJECT_UPLINK, is_any, &put) == 0 ||
		outcome_count(txn, OBJECT_NETWORK, is_untagged, &put) < 2)
		return 0;
	error_set(err, LEAT_CONFLICT,
		"with an uplink one network at most can have encap \"none\": untagged frames from "
		"outside belong to it");
	return put != NULL ? txn_fail(txn, put, err) : -1;
}

static int change_check(struct txn *txn, const struct txn_change *change, struct error *err)
{
	struct reference_ctx ctx = {txn, err};

	if (change->after == NULL)
		return change->type == OBJECT_NETWORK && change->before != NULL
			       ? network_use_check(txn, change, err)
			       : 0;
	if (object_references(change->after, reference_check, &ctx) < 0)
		return txn_fail(txn, change, err);
	return claims_check(txn, change, err);
}

int txn_check(struct txn *txn, struct error *err)
{
	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (c->takeover && c->after != NULL && takeover(txn, c, err) < 0)
			return -1;
	}
	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		if (change_check(txn, c, err) < 0)
			return -1;
	}
	return untagged_check(txn, err) < 0 ? -1 : txn_check_capacity(txn, err);
}
