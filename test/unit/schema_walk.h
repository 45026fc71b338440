/* SPDX-License-Identifier: BSD-3-Clause */
/* Every field of every method's params, wrong in every way. */
#ifndef LEAT_TEST_SCHEMA_WALK_H
#define LEAT_TEST_SCHEMA_WALK_H

#include <jansson.h>

#include "ctrl/schema.h"

/* Params that are right, one a line of text, ended by a NULL method. */
struct valid_params {
	const char *method;
	const char *params;
};
extern const struct valid_params valid_params[];

/*
 * Call back with params in which one thing is wrong, the code that must come of it and the path it
 * must name. Returns how many cases there were.
 */
typedef void wrong_fn(
	const char *method, json_t *params, enum leat_error_code code, const char *path, void *ctx);
size_t schema_walk(const struct valid_params *valid, wrong_fn *fn, void *ctx);

#endif
