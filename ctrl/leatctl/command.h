/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be said after leatctl's options: a noun and a verb of the schema, or a short name. */
#ifndef LEAT_CTRL_LEATCTL_COMMAND_H
#define LEAT_CTRL_LEATCTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "ctrl/leatctl/print.h"
#include "ctrl/schema.h"
#include "lib/error.h"

enum command_kind {
	COMMAND_CALL,	    /* the operand and the arguments are the params */
	COMMAND_LIST,	    /* as CALL, page after page */
	COMMAND_DOCUMENT,   /* params from a JSON file, then the arguments */
	COMMAND_RAW,	    /* call METHOD [JSON] */
	COMMAND_SHUTDOWN,   /* asks for the boot_id first */
	COMMAND_MEASURE,    /* as CALL, with stages_ms */
	COMMAND_WATCH,	    /* as MEASURE, again and again until it is ended */
	COMMAND_REPEAT,	    /* as CALL, once a second until it is ended */
	COMMAND_MONITOR,    /* prints what comes after the reply, until it is ended */
	COMMAND_EDIT,	    /* edit [KIND [ID]] */
	COMMAND_IDS,	    /* ids KIND */
	COMMAND_COMPLETION, /* completion SHELL: needs no switch */
};

struct command {
	const char *noun;
	const char *verb; /* NULL: the noun alone */
	enum command_kind kind;
	const char *method;  /* NULL: none, or named by the operand */
	const char *operand; /* how help names it; NULL: none */
	const char
		*field; /* with CALL, REPEAT and LIST: the param it gives; with DOCUMENT: the param
				that an array in the file gives */
	bool operand_needed;
	const char *preset; /* an argument that goes without saying, or NULL */
	void (*print)(json_t *result, const struct printed *what);
	const char *doc; /* NULL: the method's */
};

/*
 * The command that the words begin with; *n_used of them belong to it. -1: there is none, with a
 * message in *err that names the nearest.
 */
int command_find(
	char *const *words, size_t n, struct command *ret, size_t *n_used, struct error *err);

/* Every command: the short names, then by the order of the schema what has none. */
void command_each(void (*each)(const struct command *c, void *arg), void *arg);

bool command_noun_exists(const char *noun);

/* The schema of its params, NULL where it has none of its own. */
const struct object_schema *command_params(const struct command *c);
const char *command_doc(const struct command *c);

#endif
