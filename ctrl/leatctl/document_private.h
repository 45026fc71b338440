/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/leatctl/document*.c alone. */
#ifndef LEAT_CTRL_LEATCTL_DOCUMENT_PRIVATE_H
#define LEAT_CTRL_LEATCTL_DOCUMENT_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

#include "ctrl/leatctl/connection.h"

/* Is the error that a line, there or back, would be too long? */
bool is_too_large(json_t *error);

/* The result of a state.get with these params, by <type>.list. As connection_call(). */
int document_fetch(struct connection *c, json_t *params, json_t **ret);

#endif
