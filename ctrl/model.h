/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wanted state: objects, references, owners, revisions; and how it changes, by transactions.
 *
 * A transaction is an overlay: nothing of the state changes before the outcome has been checked and
 * the data plane forwards by it. Executor thread only.
 */
#ifndef LEAT_CTRL_MODEL_H
#define LEAT_CTRL_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/object.h"
#include "ctrl/store.h"
#include "lib/error.h"

#define OP_NONE SIZE_MAX

struct model;
struct txn;

/* An empty state at revision 0. */
struct model *model_new(void);
/* Forget everything; after the data plane has let go of the last config. */
void model_free(struct model *model);

/*
 * Take over what the store holds, and write every commit to it from now on; the store outlives the
 * model. Once, on an empty model, before model_publish(). -1: what it holds is no state of this version.
 */
int model_restore(struct model *model, struct store *store, struct error *err);

/* Open the interfaces of what was restored that an earlier daemon left: commit_hold_begin(). */
void model_hold(const struct model *model);

/*
 * Hand the present config to the data plane: once, at the start. A port that cannot be opened leaves its
 * endpoint or uplink in state "error".
 */
int model_publish(struct model *model, struct error *err);

uint64_t model_rev(const struct model *model);
/* NULL: no such object. Valid until the next commit. */
struct object *model_find(const struct model *model, enum object_type type, const char *id);
/* The objects of a type, ordered by id. Valid until the next commit. */
struct object *const *model_list(const struct model *model, enum object_type type, size_t *n);
/* The settings in force: those set, else the defaults. New reference. */
json_t *model_global(const struct model *model);
/* What `object` refers to and is not there: ["group:web"]. New reference. */
json_t *model_pending(const struct model *model, const struct object *object);

/* Call fn after each commit, with what it changed and the revision it led to. Once. */
typedef void model_commit_fn(const struct txn *txn, uint64_t rev, void *arg);
void model_observe(struct model *model, model_commit_fn *fn, void *arg);

struct txn *txn_begin(struct model *model);
void txn_free(struct txn *txn);

/*
 * Put an object, as decode_object() gave it, in place of what has its id. `op` is the caller's
 * number of this change. NOT_OWNER; INVALID_PARAMS where the transaction changes that object
 * already.
 */
int txn_put(struct txn *txn, enum object_type type, json_t *decoded, const char *owner, size_t op,
	struct error *err);

/* Delete an object of that owner; succeeds where there is none. Errors as txn_put. */
int txn_delete(struct txn *txn, enum object_type type, const char *id, const char *owner, size_t op,
	struct error *err);

/*
 * Check the outcome and, unless `dry_run`, write it to the store, make the data plane forward by it and
 * adopt it. CONFLICT, DEPENDENCY, IN_USE, DEVICE where the store does not take it, and what commit_apply()
 * fails with; nothing has changed then, except with TIMEOUT, where the outcome stands. txn_failed_op()
 * tells which op is at fault.
 */
int txn_commit(struct txn *txn, bool dry_run, unsigned deadline_ms, struct error *err);

size_t txn_failed_op(const struct txn *txn); /* OP_NONE: none in particular */

/* After txn_commit: what became of each object. For a walk, begin with NULL. */
struct txn_change {
	enum object_type type;
	char *id;
	char *name; /* "endpoint:web1" */
	size_t op;
	bool takeover;	       /* put with takeover:true */
	bool taken;	       /* deleted by another op's takeover */
	struct object *before; /* NULL: there was none */
	struct object *after;  /* NULL: deleted; == before: unchanged */
	UT_hash_handle hh;
};
const struct txn_change *txn_next(const struct txn *txn, const struct txn_change *change);
/* Does it put or delete the object of that name, "endpoint:web1"? */
bool txn_has(const struct txn *txn, const char *name);
/* As model_pending, on the outcome; for dry runs too. */
json_t *txn_pending(struct txn *txn, const struct object *object);
/* Does it change anything? */
bool txn_is_change(const struct txn *txn);

#endif
