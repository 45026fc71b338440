/* SPDX-License-Identifier: BSD-3-Clause */
/* The schema in words, for --help, the reference page, the man page and shell completion. */
#ifndef LEAT_CTRL_LEATCTL_DESCRIBE_H
#define LEAT_CTRL_LEATCTL_DESCRIBE_H

#include <stddef.h>

#include "ctrl/schema.h"

#define DESCRIBE_MAX 256      /* bytes of a text made here */
#define DESCRIBE_NAME_MAX 128 /* bytes of a dotted name */

/* One field with its dotted name. kind: the kind of the union around it, else NULL. */
struct described {
	const char *name;
	const struct field *field;
	const char *kind;
};

/*
 * Call `each` for every field of the schema and of the objects inside it, in order. A union gives
 * its "kind" as a field of FIELD_UNION, then the fields of each variant. A union or an object
 * itself is not called for.
 */
void describe_fields(const struct object_schema *schema,
	void (*each)(const struct described *d, void *arg), void *arg);

/* "integer, 1..4094", "vlan, vxlan or none", "list of up to 16 IP addresses". */
void describe_type(const struct field *field, char ret[static DESCRIBE_MAX]);

/* "required", "default 1500", "" and what of it is not enforced yet. */
void describe_presence(const struct field *field, char ret[static DESCRIBE_MAX]);

#endif
