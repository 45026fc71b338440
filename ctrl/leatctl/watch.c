/* SPDX-License-Identifier: BSD-3-Clause */
/* What is printed as it comes, until it is ended. */
#include <stdio.h>
#include <unistd.h>

#include "ctrl/leatctl/run_private.h"

#define REPEAT_S 1
#define CLEAR "\033[H\033[J" /* the terminal; the cursor is at its beginning */

int monitor_run(const struct run *run, struct connection *connection)
{
	json_t *message;

	while ((message = connection_next(connection)) != NULL) {
		json_t *event = json_object_get(message, "params");

		if (event != NULL)
			run_print(run, event);
		json_decref(message);
		if (fflush(stdout) != 0)
			return STATUS_DONE;
	}
	return no_connection(connection);
}

int watch_run(const struct run *run, struct connection *connection, json_t *result)
{
	bool for_people = !run->settings->json;
	bool in_place = for_people && isatty(STDOUT_FILENO);
	bool repeats = run->command->kind == COMMAND_REPEAT;
	int status = STATUS_DONE;
	json_t *former;

	json_incref(result);
	while (status == STATUS_DONE) {
		if (in_place)
			fputs(CLEAR, stdout);
		run_print(run, result);
		if (for_people && !in_place)
			putchar('\n');
		if (fflush(stdout) != 0)
			break;
		if (repeats)
			sleep(REPEAT_S);
		former = result;
		result = NULL;
		status = run_ask(run, connection, run->method, run->params, &result);
		if (for_people && repeats && status == STATUS_DONE) {
			json_object_del(former, WATCH_FORMER);
			json_object_set(result, WATCH_FORMER, former);
		}
		json_decref(former);
	}
	json_decref(result);
	return status;
}
