/* SPDX-License-Identifier: BSD-3-Clause */
/* What qos.min_kbps keeps for endpoints, against what uplinks have. */
#include <inttypes.h>

#include "ctrl/model_internal.h"

static int add_kept(const struct txn *txn, const struct object *object,
	const struct txn_change *change, void *arg)
{
	const struct endpoint *e = &object->as.endpoint;
	const struct object *group =
		e->group == NULL ? NULL : txn_find(txn, OBJECT_GROUP, e->group);
	const struct qos *qos = qos_in_force(e, group == NULL ? NULL : &group->as.group);

	(void)change;
	if (qos != NULL)
		*(uint64_t *)arg += qos->min_kbps;
	return 0;
}

struct capacity {
	uint64_t kept;
	unsigned uplinks;
	struct error *err;
};

static int uplink_holds(const struct txn *txn, const struct object *object,
	const struct txn_change *change, void *arg)
{
	struct capacity *c = arg;
	uint64_t has = object->as.uplink.capacity_kbps;

	(void)txn;
	(void)change;
	c->uplinks++;
	if (has == 0)
		return error_set(c->err, LEAT_DEPENDENCY,
			"qos.min_kbps keeps a share of every uplink, but uplink %s has no "
			"capacity_kbps",
			object->id);
	if (c->kept > has)
		return error_set(c->err, LEAT_EXHAUSTED,
			"qos.min_kbps of all endpoints together is %" PRIu64
			" kbps, more than the capacity_kbps of uplink %s, %" PRIu64,
			c->kept, object->id, has);
	return 0;
}

/* The last change that may have to do with it; NULL: none. */
static const struct txn_change *last_touch(const struct txn *txn)
{
	const struct txn_change *last = NULL;

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;)
		if (c->after != c->before && (c->type == OBJECT_UPLINK || c->type == OBJECT_GROUP ||
						     c->type == OBJECT_ENDPOINT))
			last = c;
	return last;
}

int txn_check_capacity(struct txn *txn, struct error *err)
{
	const struct txn_change *touch = last_touch(txn);
	struct capacity c = {.err = err};

	if (touch == NULL)
		return 0;
	txn_outcome_each(txn, OBJECT_ENDPOINT, add_kept, &c.kept);
	if (c.kept == 0)
		return 0;
	if (txn_outcome_each(txn, OBJECT_UPLINK, uplink_holds, &c) != 0)
		return txn_fail(txn, touch, err);
	if (c.uplinks != 0)
		return 0;
	if (touch->type == OBJECT_UPLINK)
		error_set(err, LEAT_IN_USE,
			"it is the last uplink, and qos.min_kbps of endpoints keeps a share of it");
	else
		error_set(err, LEAT_DEPENDENCY,
			"qos.min_kbps keeps a share of an uplink, and there is none; make one "
			"first");
	return txn_fail(txn, touch, err);
}
