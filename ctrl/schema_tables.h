/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tables of the schema share; for ctrl/schema*.c alone. */
#ifndef LEAT_CTRL_SCHEMA_TABLES_H
#define LEAT_CTRL_SCHEMA_TABLES_H

#include "ctrl/limits.h"
#include "ctrl/schema.h"

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Ends a table of fields. */
#define FIELDS_END                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

#define FIELDS_OWNED                                                                               \
	{"owner", FIELD_STRING, .format = FORMAT_OWNER, .min = 1, .max = LIMIT_OWNER_CHARS,        \
		.doc = "Who alone may change or delete it; default: the owner named in "           \
		       "system.hello, else \"local\"."},                                           \
	{                                                                                          \
		"labels", FIELD_MAP, .max = LIMIT_LABELS, .doc = "Strings kept and given back."    \
	}

#define FIELD_QUEUES                                                                               \
	{                                                                                          \
		"queues", FIELD_INT, .min = 1, .max = LIMIT_QUEUES, .fallback = "1",               \
				     .doc = "Queue pairs."                                         \
	}

#define FIELDS_COMMON(what)                                                                        \
	{"id", FIELD_ID, FIELD_REQUIRED, .doc = "The id its maker chose for the " what "."},       \
		FIELDS_OWNED

/* Kinds of an uplink's device and of an endpoint's port. */
extern const struct variant device_variants[];
extern const struct variant port_variants[];

/* What no single field can tell; see struct object_schema. */
int network_check(json_t *object, const char *path, struct error *err);
int vhost_user_check(json_t *object, const char *path, struct error *err);
int endpoint_check(json_t *object, const char *path, struct error *err);
int rule_check(json_t *object, const char *path, struct error *err);

/* The methods that no object type gives rise to. */
const struct method *schema_static_methods(size_t *n);
const struct object_schema *schema_id_params(void); /* {id} */

#endif
