/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that carry a whole document. */
#ifndef LEAT_CTRL_LEATCTL_DOCUMENT_H
#define LEAT_CTRL_LEATCTL_DOCUMENT_H

#include <jansson.h>

#include "ctrl/leatctl/connection.h"

/*
 * As connection_call(); a state.replace larger than a line may be (LIMIT_LINE_BYTES) goes as a resync,
 * with the same result and the same errors, their paths those of the document. What was refused, or
 * broke off, has changed nothing and leaves no resync behind. A state.get whose result is larger comes
 * page by page, all of one revision; -1 with a message where the state never rests for so long.
 */
int document_call(struct connection *c, const char *method, json_t *params, json_t **ret);

#endif
