/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/leatctl/{run,watch,edit}.c alone. */
#ifndef LEAT_CTRL_LEATCTL_RUN_PRIVATE_H
#define LEAT_CTRL_LEATCTL_RUN_PRIVATE_H

#include <jansson.h>

#include "ctrl/leatctl/connection.h"
#include "ctrl/leatctl/run.h"

struct run {
	const struct settings *settings;
	const struct command *command;
	const char *method;
	const char *operand; /* or NULL */
	json_t *params;
};

/* STATUS_DONE with the result in *ret, else what to end with; has said what went wrong. */
int run_ask(const struct run *run, struct connection *connection, const char *method,
	json_t *params, json_t **ret);
void run_print(const struct run *run, json_t *result);
/* Says why; returns STATUS_NO_CONNECTION. */
int no_connection(const struct connection *connection);

/* watch.c: print what comes until the switch or the reader goes away. */
int monitor_run(const struct run *run, struct connection *connection);
/* The result, and those of the same call made again and again; on a terminal always in one place. */
int watch_run(const struct run *run, struct connection *connection, json_t *result);

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
