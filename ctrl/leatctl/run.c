/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/args.h"
#include "ctrl/leatctl/completion.h"
#include "ctrl/leatctl/connection.h"
#include "ctrl/leatctl/document.h"
#include "ctrl/leatctl/print.h"
#include "ctrl/leatctl/run_private.h"
#include "lib/alloc.h"

#define MEASURE_DEFAULT_MS 1000

int usage_failed(const char *message)
{
	fputs("leatctl: ", stderr);
	text_print(stderr, message);
	fputc('\n', stderr);
	return STATUS_USAGE;
}

static int error_failed(const struct error *err)
{
	char *message = args_message(err);

	usage_failed(message);
	free(message);
	return err->code == LEAT_UNSUPPORTED ? STATUS_REFUSED : STATUS_USAGE;
}

char *refusal_text(json_t *error)
{
	json_t *cause = value_at(error, "data.cause");
	const char *reason = json_string_value(value_at(error, "data.reason"));
	const char *cause_reason = json_string_value(value_at(cause, "data.reason"));
	const char *message = json_string_value(json_object_get(error, "message"));
	json_t *data = json_object_get(cause != NULL ? cause : error, "data");
	const char *object = json_string_value(json_object_get(data, "object"));
	const char *path = json_string_value(json_object_get(data, "path"));
	bool has_path = path != NULL && path[0] != '\0' &&
			(message == NULL || strncmp(message, path, strlen(path)) != 0);
	bool has_place = object != NULL || has_path;

	return alloc_printf("%s%s%s%s: %s%s%s%s%s%s", reason != NULL ? reason : "ERROR",
		cause_reason != NULL ? " (" : "", cause_reason != NULL ? cause_reason : "",
		cause_reason != NULL ? ")" : "", message != NULL ? message : "",
		has_place ? " (" : "", object != NULL ? object : "",
		object != NULL && has_path ? ", " : "", has_path ? path : "", has_place ? ")" : "");
}

static void refusal_print(json_t *error)
{
	char *text = refusal_text(error);

	usage_failed(text);
	free(text);
}

int no_connection(const struct connection *connection)
{
	fprintf(stderr, "leatctl: %s\n", connection->message);
	return STATUS_NO_CONNECTION;
}

int run_ask(const struct run *run, struct connection *connection, const char *method,
	json_t *params, json_t **ret)
{
	json_t *answer = NULL;
	int asked = run->command->kind == COMMAND_RAW
			    ? connection_call(connection, method, params, &answer)
			    : document_call(connection, method, params, &answer);

	if (asked < 0)
		return no_connection(connection);
	if (asked == 0) {
		*ret = answer;
		return STATUS_DONE;
	}
	if (run->settings->json) {
		json_t *wrapped = json_pack("{s:O}", "error", answer);

		json_dumpf(wrapped, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(wrapped);
	}
	refusal_print(answer);
	json_decref(answer);
	return STATUS_REFUSED;
}

json_t *owner_params(const char *owner)
{
	return json_pack(
		"{s:s, s:s, s:s}", "client", "leatctl", "version", LEAT_RELEASE, "owner", owner);
}

static int owner_say(const struct run *run, struct connection *connection)
{
	json_t *params;
	json_t *result = NULL;
	int status;

	if (run->settings->owner == NULL)
		return STATUS_DONE;
	params = owner_params(run->settings->owner);
	if (params == NULL)
		return usage_failed("the owner is not UTF-8");
	status = run_ask(run, connection, "system.hello", params, &result);
	json_decref(params);
	json_decref(result);
	return status;
}

/* The pages after the first one, put behind its items. */
static int pages_ask(const struct run *run, struct connection *connection, json_t *result)
{
	json_t *next = json_object_get(result, "next");

	while (json_is_string(next)) {
		json_t *page = NULL;
		int status;

		json_object_set(run->params, "after", next);
		status = run_ask(run, connection, run->method, run->params, &page);
		if (status != STATUS_DONE)
			return status;
		json_array_extend(json_object_get(result, "items"), json_object_get(page, "items"));
		json_object_set(result, "next", json_object_get(page, "next"));
		json_decref(page);
		next = json_object_get(result, "next");
	}
	return STATUS_DONE;
}

static int ask_all(const struct run *run, struct connection *connection, json_t **ret)
{
	bool one_page = json_object_get(run->params, "limit") != NULL;
	int status = owner_say(run, connection);

	if (status == STATUS_DONE && run->command->kind == COMMAND_SHUTDOWN) {
		json_t *hello = NULL;
		json_t *nothing = json_object();

		status = run_ask(run, connection, "system.hello", nothing, &hello);
		json_object_set(run->params, "confirm", json_object_get(hello, "boot_id"));
		json_decref(hello);
		json_decref(nothing);
	}
	if (status == STATUS_DONE)
		status = run_ask(run, connection, run->method, run->params, ret);
	if (status == STATUS_DONE && run->command->kind == COMMAND_LIST && !one_page)
		status = pages_ask(run, connection, *ret);
	return status;
}

void run_print(const struct run *run, json_t *result)
{
	struct printed what = {
		.noun = run->command->noun,
		.verb = run->command->verb,
		.id = run->operand,
	};

	if (run->settings->json) {
		json_dumpf(result, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
		putchar('\n');
	} else {
		(run->settings->plan ? print_plan : run->command->print)(result, &what);
	}
}

static int talk(const struct run *run)
{
	const struct settings *settings = run->settings;
	struct connection connection;
	json_t *result = NULL;
	int status;

	if (connection_open(&connection, settings->socket, settings->timeout_ms) < 0)
		return no_connection(&connection);
	status = ask_all(run, &connection, &result);
	if (status == STATUS_DONE && run->command->kind == COMMAND_MONITOR)
		status = monitor_run(run, &connection);
	else if (status == STATUS_DONE &&
		 (run->command->kind == COMMAND_WATCH || run->command->kind == COMMAND_REPEAT))
		status = watch_run(run, &connection, result);
	else if (status == STATUS_DONE)
		run_print(run, result);
	connection_close(&connection);
	if (status == STATUS_DONE && settings->plan &&
		list_length(json_object_get(result, "differences")) > 0)
		status = STATUS_WOULD_CHANGE;
	json_decref(result);
	return status;
}

static int json_failed(const char *what, const json_error_t *error)
{
	fprintf(stderr, "leatctl: %s: line %d, column %d: %s\n", what, error->line, error->column,
		error->text);
	return STATUS_USAGE;
}

/* The params of a file, "-" for standard input; an array alone is the command's field. */
static int document_read(struct run *run, const char *path)
{
	const char *field = run->command->field;
	json_error_t error;
	json_t *document = strcmp(path, "-") == 0
				   ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
				   : json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (document == NULL)
		return error.line < 0 ? usage_failed(error.text) : json_failed(path, &error);
	if (field != NULL && json_is_array(document))
		json_object_set(run->params, field, document);
	else
		json_object_update(run->params, document);
	json_decref(document);
	if (run->settings->plan) {
		json_object_set_new(run->params, "mode", json_string("plan"));
		json_object_set_new(run->params, "diff", json_true());
	}
	return STATUS_DONE;
}

static int raw_run(struct run *run, char *const *words, size_t n)
{
	json_error_t error;

	if (n > 1)
		return usage_failed("call METHOD [JSON] takes no more than that");
	run->method = run->operand;
	if (n == 1) {
		json_decref(run->params);
		run->params = json_loads(words[0], JSON_REJECT_DUPLICATES, &error);
		if (run->params == NULL)
			return json_failed("params", &error);
	}
	return talk(run);
}

/* As KIND list, with another way to print. */
static int ids_run(struct run *run, size_t n)
{
	int type = object_type_find(run->operand);
	const struct command *command = run->command;
	struct command list = *command;
	char *method;
	int status;

	if (n > 0 || type < 0 || type == OBJECT_GLOBAL)
		return usage_failed("ids KIND, a type of objects that have ids, as network");
	method = alloc_printf("%s.list", run->operand);
	list.kind = COMMAND_LIST;
	run->command = &list;
	run->method = method;
	status = talk(run);
	run->command = command;
	free(method);
	return status;
}

static int params_fill(struct run *run, char *const *words, size_t n, struct error *err)
{
	const struct object_schema *schema = command_params(run->command);
	const struct command *c = run->command;
	int result = 0;

	if (c->preset != NULL)
		result = args_put(schema, run->params, (char *const[]){(char *)c->preset}, 1, err);
	if (result == 0 && c->kind != COMMAND_DOCUMENT && c->field != NULL && run->operand != NULL)
		result = args_put_one(schema, run->params, c->field, run->operand, err);
	if (result == 0)
		result = args_put(schema, run->params, words, n, err);
	if (result == 0 && (c->kind == COMMAND_MEASURE || c->kind == COMMAND_WATCH) &&
		json_object_get(run->params, "stages_ms") == NULL)
		json_object_set_new(run->params, "stages_ms", json_integer(MEASURE_DEFAULT_MS));
	if (result == 0 && c->kind != COMMAND_SHUTDOWN)
		result = args_check(schema, run->params, err);
	return result;
}

static int params_run(struct run *run, char *const *words, size_t n)
{
	struct error err = {0};
	int status;

	if (run->command->kind == COMMAND_DOCUMENT && run->operand != NULL) {
		status = document_read(run, run->operand);
		if (status != STATUS_DONE)
			return status;
	}
	if (params_fill(run, words, n, &err) < 0)
		return error_failed(&err);
	return talk(run);
}

static int operand_take(struct run *run, char *const **words, size_t *n)
{
	const struct command *c = run->command;
	bool by_name = c->field != NULL && (c->kind == COMMAND_CALL || c->kind == COMMAND_REPEAT);

	if (c->operand == NULL || c->kind == COMMAND_EDIT)
		return STATUS_DONE;
	/* What the operand gives may be given by its name as well. */
	if (*n > 0 && (!by_name || strchr((*words)[0], '=') == NULL)) {
		run->operand = *(*words)++;
		(*n)--;
		return STATUS_DONE;
	}
	if (!c->operand_needed || (by_name && *n > 0))
		return STATUS_DONE;
	fprintf(stderr, "leatctl: %s%s%s needs %s\n", c->noun, c->verb != NULL ? " " : "",
		c->verb != NULL ? c->verb : "", c->operand);
	return STATUS_USAGE;
}

int run_command(
	const struct settings *settings, const struct command *c, char *const *words, size_t n)
{
	struct run run = {
		.settings = settings, .command = c, .method = c->method, .params = json_object()};
	int status = operand_take(&run, &words, &n);

	if (status != STATUS_DONE) {
		json_decref(run.params);
		return status;
	}
	switch (c->kind) {
	case COMMAND_COMPLETION:
		status = completion_print(stdout, run.operand) < 0
				 ? usage_failed("completion is there for bash and zsh")
				 : STATUS_DONE;
		break;
	case COMMAND_IDS:
		status = ids_run(&run, n);
		break;
	case COMMAND_EDIT:
		status = edit_run(settings, words, n);
		break;
	case COMMAND_RAW:
		status = raw_run(&run, words, n);
		break;
	default:
		status = params_run(&run, words, n);
		break;
	}
	json_decref(run.params);
	return status;
}
