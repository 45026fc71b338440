/* SPDX-License-Identifier: BSD-3-Clause */
/* --help, made of the schema. */
#ifndef LEAT_CTRL_LEATCTL_HELP_H
#define LEAT_CTRL_LEATCTL_HELP_H

#include <stdio.h>

#include "ctrl/leatctl/command.h"

void help_all(FILE *out);			       /* leatctl --help */
void help_noun(FILE *out, const char *noun);	       /* its verbs, and an object's fields */
void help_command(FILE *out, const struct command *c); /* one command with its fields */

/* "endpoint add ID [field=value ...]"; freed by the caller. */
char *help_usage(const struct command *c);

extern const char help_options[];

#endif
