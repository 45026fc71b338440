/* SPDX-License-Identifier: BSD-3-Clause */
/* Carry out one command. */
#ifndef LEAT_CTRL_LEATCTL_RUN_H
#define LEAT_CTRL_LEATCTL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "ctrl/leatctl/command.h"

enum exit_status {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1, /* by the switch */
	STATUS_USAGE = 2,
	STATUS_NO_CONNECTION = 3,
	STATUS_WOULD_CHANGE = 4, /* apply --plan */
};

struct settings {
	const char *socket;
	const char *owner; /* NULL: the switch's default */
	int timeout_ms;
	bool json;
	bool plan;
};

/* `words`: what follows the command's own. Returns enum exit_status; has said what went wrong. */
int run_command(
	const struct settings *settings, const struct command *c, char *const *words, size_t n);

#endif
