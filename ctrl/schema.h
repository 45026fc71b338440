/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control protocol as data: every object type, every method, every field.
 *
 * Decoder, encoder, leatctl and the reference page read these tables; nothing else knows the shape
 * of a message. All of it is constant after the first call of a schema_*() function, needs no DPDK,
 * and may be read from any thread.
 */
#ifndef LEAT_CTRL_SCHEMA_H
#define LEAT_CTRL_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define PROTOCOL_VERSION 1
/*
 * Counts what changed on the wire within a protocol version: fields, types, ranges, defaults, methods,
 * errors, events, drop reasons. docs/wire-revisions has the digest of each; a test compares.
 */
#define WIRE_REVISION 11
#define DEFAULT_SOCKET "/run/leat/leatd.sock"
#define DEFAULT_OWNER "local"

/*
 * The types whose objects the state holds. The order is that of dependencies: what is referred to
 * stands before what refers to it. OBJECT_GLOBAL has one object, without an id.
 */
enum object_type {
	OBJECT_GLOBAL,
	OBJECT_NETWORK,
	OBJECT_UPLINK,
	OBJECT_GROUP,
	OBJECT_ENDPOINT,
	OBJECT_REMOTE_ENDPOINT,
	OBJECT_RULE,
};
#define OBJECT_TYPES (OBJECT_RULE + 1)

enum field_type {
	FIELD_STRING, /* min..max: bytes; `format` may narrow it */
	FIELD_ID,     /* [A-Za-z0-9._:/-]{1,253} */
	FIELD_INT,    /* min..max */
	FIELD_BOOL,
	FIELD_ENUM,	  /* a string of `values` */
	FIELD_MAC,	  /* "02:00:00:00:00:01" */
	FIELD_IP,	  /* family: min = max = 4 or 6; both 0: either */
	FIELD_PREFIX,	  /* family as FIELD_IP; "10.0.0.0/8" */
	FIELD_PORT_RANGE, /* 80 or "8000-8080" */
	FIELD_PROTO,	  /* 0..255, or tcp, udp, icmp, icmp6, sctp */
	FIELD_GROUP_REF,  /* a group's id, or its number; 0 and null: any */
	FIELD_FILE_MODE,  /* octal text "0660", or the number of the bits */
	FIELD_ARRAY,	  /* of `element`; min..max: length */
	FIELD_OBJECT,	  /* `object` */
	FIELD_UNION,	  /* `variants`, told apart by the member "kind" */
	FIELD_MAP,	  /* of strings; max: members */
	FIELD_ANY,	  /* checked elsewhere: the params of an op, the objects of a state */
};

enum field_flags {
	FIELD_REQUIRED = 1 << 0,
	/* Of the protocol, not enforced yet: any valid value is UNSUPPORTED. */
	FIELD_LATER = 1 << 1,
	/* Steers this one call; not part of the object, never given back. */
	FIELD_TRANSIENT = 1 << 2,
	/* FIELD_MAC: neither a group address nor all zero. */
	FIELD_UNICAST = 1 << 3,
};

enum string_format {
	FORMAT_TEXT,	    /* any, no NUL */
	FORMAT_OWNER,	    /* [A-Za-z0-9._:/-] */
	FORMAT_PATH,	    /* absolute */
	FORMAT_IFNAME,	    /* what Linux takes as an interface name */
	FORMAT_PCI_ADDRESS, /* 0000:3b:00.0 */
};

struct object_schema;
struct variant;

struct field {
	const char *name;
	enum field_type type;
	unsigned flags; /* enum field_flags */
	enum string_format format;
	int64_t min;
	int64_t max;
	const char *const *values; /* FIELD_ENUM: NULL-terminated */
	/*
	 * Values that are enforced today, as JSON texts, NULL-terminated; any other valid one is
	 * UNSUPPORTED. NULL: all are.
	 */
	const char *const *enforced;
	const char *fallback; /* the default as JSON text; NULL: absent stays absent */
	const struct field *element;
	const struct object_schema *object;
	const struct variant *variants; /* ended by a NULL kind */
	const char *refers;		/* FIELD_ID: the type referred to, else NULL */
	const char *doc;		/* a sentence, with the unit where there is one */
};

enum object_flags {
	OBJECT_EXACTLY_ONE = 1 << 0, /* exactly one of its fields is given */
};

struct object_schema {
	const char *name;
	const char *doc;
	const struct field *fields; /* ended by a NULL name */
	unsigned flags;		    /* enum object_flags */
	/*
	 * What no single field can tell. `object` is normalised; `path` is its JSON pointer. NULL:
	 * nothing. Returns -1 with INVALID_PARAMS or UNSUPPORTED.
	 */
	int (*check)(json_t *object, const char *path, struct error *err);
};

struct variant {
	const char *kind;
	const struct object_schema *object; /* its fields; "kind" itself is not among them */
	bool later;			    /* of the protocol, not there yet */
};

enum method_flags {
	METHOD_CHANGES = 1 << 0, /* changes the wanted state */
	METHOD_IN_TXN = 1 << 1,	 /* may be an op of txn.apply */
};

enum method_verb {
	VERB_OTHER,
	VERB_UPSERT,
	VERB_DELETE,
	VERB_LIST,
	VERB_GET,
};

struct method {
	const char *name; /* "network.upsert" */
	const char *doc;
	const struct object_schema *params;
	const char *result; /* the result's shape, for the reference */
	unsigned flags;	    /* enum method_flags */
	enum method_verb verb;
	enum object_type type; /* with a verb other than VERB_OTHER, and for global.* */
};

const struct object_schema *schema_object(enum object_type type);
const char *object_type_name(enum object_type type);
/* -1: no such type. */
int object_type_find(const char *name);

/* All methods in the order of the reference; *n gets their number. */
const struct method *schema_methods(size_t *n);
/* NULL: no such method. */
const struct method *schema_method(const char *name);

/* NULL: no such field. */
const struct field *schema_field(const struct object_schema *schema, const char *name);
/* NULL: no such kind. */
const struct variant *schema_variant(const struct field *field, const char *kind);

/* "integer", "port range" ...: for people and for system.schema. */
const char *field_type_name(enum field_type type);

/*
 * The name of the schema's fields that `name` was probably meant to be, NULL when none is near
 * (at most a third of the letters wrong).
 */
const char *schema_nearest_field(const struct object_schema *schema, const char *name);
const char *schema_nearest_method(const char *name);

/* The tables as JSON, for system.schema and system.methods; new references. */
json_t *schema_to_json(void);
json_t *schema_methods_to_json(void);

#endif
