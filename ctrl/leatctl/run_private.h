/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/leatctl/{run,edit}.c alone. */
#ifndef LEAT_CTRL_LEATCTL_RUN_PRIVATE_H
#define LEAT_CTRL_LEATCTL_RUN_PRIVATE_H

#include <jansson.h>

#include "ctrl/leatctl/connection.h"
#include "ctrl/leatctl/run.h"

/* Says the message; returns STATUS_USAGE. */
int usage_failed(const char *message);

/* "CONFLICT: message (endpoint:web2, /mac)" of an error object. Freed by the caller. */
char *refusal_text(json_t *error);

/* The params of system.hello that name the owner; NULL: it is not UTF-8. */
json_t *owner_params(const char *owner);

/*
 * edit [KIND [ID]]: what is asked for in the user's editor, and back to the switch if nobody has changed
 * it meanwhile; what is refused comes to the editor again.
 */
int edit_run(const struct settings *settings, char *const *words, size_t n);

#endif
