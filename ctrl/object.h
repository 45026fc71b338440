/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One object of the wanted state: its normalised JSON, its typed form, and what it claims for
 * itself alone. Immutable once made; shared by reference between the model and the configs built
 * from it. Executor thread only.
 */
#ifndef LEAT_CTRL_OBJECT_H
#define LEAT_CTRL_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <uthash.h>

#include "ctrl/config.h"
#include "ctrl/schema.h"

/* "remote_endpoint:" + id + NUL */
#define OBJECT_NAME_MAX (ID_MAX + 24)

/* Something only one object may have: a VLAN, a MAC in a network, a socket. */
struct claim {
	char *key;    /* in words: "MAC 02:00:00:00:00:01 in network blue" */
	bool address; /* a MAC or address, that a takeover may free */
	struct object *holder;
	UT_hash_handle hh;     /* in the model's claims */
	UT_hash_handle hh_txn; /* in those of a transaction */
};

struct object {
	enum object_type type;
	unsigned refs;
	char *id;	   /* "global" for the one without an id */
	const char *owner; /* in body */
	json_t *body;	   /* normalised, owner filled in */
	union {
		struct global global;
		struct network network;
		struct uplink uplink;
		struct group group;
		struct endpoint endpoint;
		struct remote_endpoint remote_endpoint;
		struct rule rule;
	} as;
	size_t n_claims;
	struct claim *claims;
	UT_hash_handle hh; /* in the model, by id */
};

/*
 * Make an object of what decode_object() gave: fills in the owner where none is named, a MAC made
 * of the id, bursts of rates; leaves out what steers the call alone. Never NULL; one reference.
 */
struct object *object_new(enum object_type type, json_t *decoded, const char *default_owner);
struct object *object_ref(struct object *object);
void object_unref(struct object *object);

/* "endpoint:web1"; "global" alone. */
void object_name(enum object_type type, const char *id, char text[static OBJECT_NAME_MAX]);

/* Fill object->as of object->body; object_new alone calls this. */
void object_typed_init(struct object *object);
void object_typed_fini(struct object *object);
/* A rule's part of that (object_rule.c); its id apart. */
void object_rule_init(struct rule *rule, json_t *body);
void object_rule_fini(struct rule *rule);
/* Fill object->claims of object->as; the addresses come first. */
void object_claims_init(struct object *object);
void object_claims_fini(struct object *object);

/*
 * Call back for each object this one refers to; hard: it cannot be without it. Returns the first
 * result that is not 0.
 */
typedef int reference_fn(enum object_type type, const char *id, bool hard, void *ctx);
int object_references(const struct object *object, reference_fn *fn, void *ctx);

#endif
