/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strict decoding by the schema: what is unknown, missing, mistyped or out of range is refused with
 * its JSON pointer, and nothing is half-applied.
 */
#ifndef LEAT_CTRL_DECODE_H
#define LEAT_CTRL_DECODE_H

#include <jansson.h>

#include "ctrl/schema.h"
#include "lib/error.h"

/*
 * Check `in` against `schema` and give its normalised form: members in the schema's order, defaults
 * filled in, MACs, addresses, prefixes, protocols and ports in canonical text. `path` is the JSON
 * pointer of `in` ("" for params themselves). Returns a new reference, or NULL with INVALID_PARAMS
 * or UNSUPPORTED in *err, its path set. `in` is only read. Any thread.
 */
json_t *decode_object(
	const struct object_schema *schema, json_t *in, const char *path, struct error *err);

/* One field's value; as decode_object. Fills err->path with `path`. */
json_t *decode_value(const struct field *field, json_t *in, const char *path, struct error *err);

/* One field's value from text as a person types it: 80, true, tcp, 10.0.0.0/8. New reference. */
json_t *decode_text(
	const struct field *field, const char *text, const char *path, struct error *err);

/* INVALID_PARAMS at path; returns -1. */
int decode_invalid(struct error *err, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* path + "/" + name, name escaped after RFC 6901; cut off where it is longer than *ret. */
#define POINTER_MAX 256
void pointer_join(char ret[static POINTER_MAX], const char *path, const char *name);
void pointer_index(char ret[static POINTER_MAX], const char *path, size_t index);

/* The number of a protocol as FIELD_PROTO has it (0..255), -1 for none; both forms. */
int proto_from_json(const json_t *value);
/* Its name where it has one here, else the number; a new reference. */
json_t *proto_to_json(int number);
/* The bounds of a FIELD_PORT_RANGE; -1 for none. */
int port_range_from_json(const json_t *value, unsigned *lo, unsigned *hi);
/* The bits of a FIELD_FILE_MODE, -1 for none. */
int file_mode_from_json(const json_t *value);

#endif
