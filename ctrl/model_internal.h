/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/model*.c alone. */
#ifndef LEAT_CTRL_MODEL_INTERNAL_H
#define LEAT_CTRL_MODEL_INTERNAL_H

#include "ctrl/model.h"

#define GROUP_NUMBERS (UINT16_MAX + 1)

/* One outcome: its objects by type and id, and the config of their typed forms. */
struct view {
	struct config config;
	size_t n[OBJECT_TYPES];
	struct object **sorted[OBJECT_TYPES]; /* a reference each */
	struct view *next;		      /* in the list of retired ones */
};

struct model {
	uint64_t rev;
	struct object *by_id[OBJECT_TYPES]; /* hash by id */
	struct claim *claims;		    /* hash by key */
	struct view *current;
	/*
	 * Views the data plane may still use: a commit that timed out leaves its predecessor here
	 * until a later one has succeeded.
	 */
	struct view *retired;
	struct store *store;	    /* NULL: nothing is kept */
	model_commit_fn *committed; /* NULL: nobody wants to know */
	void *committed_arg;
};

struct txn {
	struct model *model;
	struct txn_change *changes; /* hash by "type:id" in the order of the ops */
	struct claim *claims;	    /* of what it puts; hash by key (hh_txn) */
	/* A bit for each number that a group has on the outcome; 0 has none: its bit says that the others are right. */
	uint64_t group_numbers[GROUP_NUMBERS / 64];
	size_t failed_op;
};

/* model_view.c */
struct view *view_build(const struct view *base, const struct txn *txn);
void view_free(struct view *view);

/* Make the outcome the state, at that revision; nothing of the data plane is touched. */
void txn_adopt(struct txn *txn, struct view *view, uint64_t rev);

/* model_store.c: bring the changes into the store. A commit_options.seal; arg is the txn. */
int txn_store(void *arg, struct error *err);

/* model_check.c: the rules of the outcome. */
int txn_check(struct txn *txn, struct error *err);
/*
 * Call fn for each object of a type in the outcome, with the change that puts it, NULL for one that stays as it is. Ends
 * when fn gives something else than 0, and returns that.
 */
typedef int outcome_fn(const struct txn *txn, const struct object *object,
	const struct txn_change *change, void *arg);
int txn_outcome_each(struct txn *txn, enum object_type type, outcome_fn *fn, void *arg);
/* model_capacity.c: what is kept for endpoints is not more than any uplink has. */
int txn_check_capacity(struct txn *txn, struct error *err);

/* model_txn.c */
struct txn_change *txn_change_of(const struct txn *txn, enum object_type type, const char *id);
struct object *txn_find(const struct txn *txn, enum object_type type, const char *id);
/* Delete the holder of an address on behalf of the op that takes it over. */
void txn_take(struct txn *txn, struct object *holder, size_t op);
/* Notes the op and names the object; for "return txn_fail(...)" after error_set(). */
int txn_fail(struct txn *txn, const struct txn_change *change, struct error *err);

#endif
