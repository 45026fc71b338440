/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of one owner as a whole: what state.replace brings in one message and resync.put in
 * several, and putting them in the place of what is there. Executor thread only.
 */
#ifndef LEAT_CTRL_RPC_DOCUMENT_H
#define LEAT_CTRL_RPC_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctrl/rpc/methods.h"

struct document;

struct document *document_new(void);
void document_free(struct document *document); /* NULL is fine */
size_t document_size(const struct document *document);

/*
 * Add the objects of {type: [object, ...]}, decoded; `scope`: the types that may be there, NULL: all.
 * INVALID_PARAMS and its path under /objects, UNSUPPORTED, EXHAUSTED; then it is as it was.
 */
int document_add(struct document *document, json_t *objects, json_t *scope, struct error *err);

/* What is to be done with a document. */
struct replacement {
	const char *owner;
	json_t *scope;	     /* array of types; NULL: all */
	bool plan;	     /* only tell */
	bool diff;	     /* tell the objects before and after, too */
	json_t *if_rev;	     /* NULL: at any revision */
	json_t *max_removed; /* NULL: no bound */
};

/* By the call's params of these names; borrowed of the call. */
void replacement_of(const struct call *call, struct replacement *ret);

/* The result of state.replace, or NULL and failure. */
json_t *replace_run(const struct call *call, const struct replacement *wish,
	const struct document *document, struct failure *failure);

/* The owner a call is about: the one it names, else the connection's. */
const char *call_owner(const struct call *call);

/* Is the type in a list of names? NULL has all. */
bool type_listed(json_t *list, enum object_type type);

#endif
