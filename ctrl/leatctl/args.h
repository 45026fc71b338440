/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * field=value arguments to the params of a method, by its schema: dotted names for what is inside
 * an object, lists with commas, JSON for whole objects.
 */
#ifndef LEAT_CTRL_LEATCTL_ARGS_H
#define LEAT_CTRL_LEATCTL_ARGS_H

#include <jansson.h>
#include <stddef.h>

#include "ctrl/schema.h"
#include "lib/error.h"

/*
 * Put n arguments into `params`, an object that may have members already; one that is given twice
 * is an error. What a method's one required object has may be named without that object's name.
 * Returns 0, or -1 with INVALID_PARAMS or UNSUPPORTED and the JSON pointer of the field in *err.
 */
int args_put(const struct object_schema *schema, json_t *params, char *const *args, size_t n,
	struct error *err);

/* As one argument name=value. */
int args_put_one(const struct object_schema *schema, json_t *params, const char *name,
	const char *value, struct error *err);

/*
 * Are the params complete and in range, as the switch will check them again? What is only not
 * enforced yet is left to the switch. Returns as args_put.
 */
int args_check(const struct object_schema *schema, json_t *params, struct error *err);

/* The message of an error about a field, with the field named as on the command line. Freed by the
 * caller. */
char *args_message(const struct error *err);

#endif
