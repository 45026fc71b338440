/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

#define NOUNS_MAX 48
#define VERBS_MAX_TEXT 256

static const struct command commands[] = {
	{"status", NULL, COMMAND_CALL, "system.status", NULL, NULL, false, NULL, print_status,
		NULL},
	{"stats", NULL, COMMAND_CALL, "stats.get", NULL, NULL, false, NULL, print_stats, NULL},
	{"drops", NULL, COMMAND_CALL, "stats.get", NULL, NULL, false, "kinds=port,drop",
		print_drops, "Where every dropped packet went, by port and reason."},
	{"trace", NULL, COMMAND_CALL, "policy.trace", NULL, NULL, false, NULL, print_trace, NULL},
	{"worker", "show", COMMAND_MEASURE, "stats.get", NULL, NULL, false, "kinds=worker",
		print_workers,
		"The polling cores, how busy they are and what each stage costs them, measured for "
		"a second "
		"or stages_ms."},
	{"worker", "watch", COMMAND_WATCH, "stats.get", NULL, NULL, false, "kinds=worker",
		print_workers, "The same again and again, until it is ended."},
	{"qos", "show", COMMAND_CALL, "stats.get", "[ID]", "ids", false, "kinds=endpoint,uplink",
		print_qos,
		"The rates of endpoints each way, the capacity of uplinks, and what of what was "
		"sent "
		"conformed to them; who shared an uplink."},
	{"qos", "watch", COMMAND_REPEAT, "stats.get", "[ID]", "ids", false, "kinds=endpoint,uplink",
		print_qos, "The same once a second, with the rate of now, until it is ended."},
	{"dump", NULL, COMMAND_CALL, "state.get", NULL, NULL, false, NULL, print_json, NULL},
	{"apply", NULL, COMMAND_DOCUMENT, "state.replace", "FILE", NULL, true, NULL, print_replace,
		"Replace all objects of one owner by those of the file, a document as dump prints; "
		"--plan only shows what would change, field by field."},
	{"edit", NULL, COMMAND_EDIT, NULL, "[KIND [ID]]", NULL, false, NULL, NULL,
		"Open an object, or all objects of the owner, as JSON in $VISUAL or $EDITOR, and "
		"apply "
		"what comes back unless it was changed meanwhile."},
	{"txn", NULL, COMMAND_DOCUMENT, "txn.apply", "FILE", "ops", true, NULL, print_txn,
		"Several changes, all or nothing: the file has the params of txn.apply, or its "
		"ops."},
	{"hello", NULL, COMMAND_CALL, "system.hello", NULL, NULL, false, NULL, print_fields,
		"What the switch says of itself: versions, limits, what it can do."},
	{"ping", NULL, COMMAND_CALL, "system.ping", NULL, NULL, false, NULL, print_fields, NULL},
	{"log", NULL, COMMAND_CALL, "log.set", "LEVEL", "level", true, NULL, print_fields, NULL},
	{"monitor", NULL, COMMAND_MONITOR, "events.subscribe", NULL, NULL, false, NULL, print_event,
		"Print events as they come, until it is ended."},
	{"methods", NULL, COMMAND_CALL, "system.methods", NULL, NULL, false, NULL, print_methods,
		NULL},
	{"schema", NULL, COMMAND_CALL, "system.schema", NULL, NULL, false, NULL, print_json, NULL},
	{"shutdown", NULL, COMMAND_SHUTDOWN, "system.shutdown", NULL, NULL, false, NULL,
		print_fields, NULL},
	{"ids", NULL, COMMAND_IDS, NULL, "KIND", NULL, true, NULL, print_id_lines,
		"Print the ids of all objects of a type, one a line."},
	{"call", NULL, COMMAND_RAW, NULL, "METHOD [JSON]", NULL, true, NULL, print_json,
		"Send any method with params as they are, and print the result."},
	{"completion", NULL, COMMAND_COMPLETION, NULL, "bash|zsh", NULL, true, NULL, NULL,
		"Print what makes the shell complete this command."},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static size_t noun_length(const char *method)
{
	return strcspn(method, ".");
}

/* The noun of a method in static storage: one string a noun, whatever the method. */
static const char *noun_of(const char *method)
{
	static char nouns[NOUNS_MAX][32];
	size_t length = noun_length(method);

	for (size_t i = 0; i < NOUNS_MAX; i++) {
		if (nouns[i][0] == '\0')
			snprintf(nouns[i], sizeof(nouns[i]), "%.*s", (int)length, method);
		if (strncmp(nouns[i], method, length) == 0 && nouns[i][length] == '\0')
			return nouns[i];
	}
	return method;
}

/* The short command for a method, NULL: none. */
static const struct command *short_name(const char *method)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (commands[i].method != NULL && strcmp(commands[i].method, method) == 0)
			return &commands[i];
	}
	return NULL;
}

static void print_of(struct command *c, const struct method *m)
{
	switch (m->verb) {
	case VERB_UPSERT:
	case VERB_DELETE:
		c->print = print_change;
		return;
	case VERB_LIST:
		c->kind = COMMAND_LIST;
		c->print = print_list;
		return;
	case VERB_GET:
		c->print = print_object;
		return;
	case VERB_OTHER:
		break;
	}
	c->print = print_fields;
	if (short_name(m->name) != NULL)
		c->print = short_name(m->name)->print;
}

/* The id that a command is about: the object's own, or the only one that its params begin with. */
static const struct field *operand_of(const struct method *m)
{
	const struct field *id = schema_field(m->params, "id");

	if (id == NULL)
		id = &m->params->fields[0];
	return id->name != NULL && id->type == FIELD_ID && (id->flags & FIELD_REQUIRED) ? id : NULL;
}

static struct command command_of(const struct method *m)
{
	struct command c = {
		.noun = noun_of(m->name),
		.verb = m->name + noun_length(m->name) + 1,
		.method = m->name,
	};
	const struct field *id = operand_of(m);

	print_of(&c, m);
	if (m->verb == VERB_UPSERT && m->type != OBJECT_GLOBAL)
		c.verb = "add";
	if (id != NULL) {
		c.operand = "ID";
		c.field = id->name;
		c.operand_needed = true;
	}
	return c;
}

static bool same_noun(const char *method, const char *other)
{
	size_t length = noun_length(method);

	return strncmp(method, other, length + 1) == 0;
}

/* Those of one noun together: first the verbs that every type of objects has. */
static void noun_each(
	const char *noun_of_method, void (*each)(const struct command *c, void *arg), void *arg)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	for (int others = 0; others <= 1; others++) {
		for (size_t i = 0; i < n; i++) {
			const struct method *m = &methods[i];
			struct command c;

			if (!same_noun(noun_of_method, m->name) ||
				(m->verb == VERB_OTHER) != (others == 1) ||
				short_name(m->name) != NULL)
				continue;
			c = command_of(m);
			each(&c, arg);
		}
	}
}

void command_each(void (*each)(const struct command *c, void *arg), void *arg)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	for (size_t i = 0; i < N_COMMANDS; i++)
		each(&commands[i], arg);
	for (size_t i = 0; i < n; i++) {
		size_t before = 0;

		while (before < i && !same_noun(methods[i].name, methods[before].name))
			before++;
		if (before == i)
			noun_each(methods[i].name, each, arg);
	}
}

struct noun_search {
	const char *noun;
	bool found;
	char verbs[VERBS_MAX_TEXT];
};

static void noun_match(const struct command *c, void *arg)
{
	struct noun_search *search = arg;
	size_t length = strlen(search->verbs);

	if (strcmp(c->noun, search->noun) != 0)
		return;
	search->found = true;
	if (c->verb != NULL)
		snprintf(search->verbs + length, sizeof(search->verbs) - length, "%s%s",
			length == 0 ? "" : ", ", c->verb);
}

bool command_noun_exists(const char *noun)
{
	struct noun_search search = {.noun = noun};

	command_each(noun_match, &search);
	return search.found;
}

struct noun_table {
	struct field fields[2 * NOUNS_MAX];
	size_t n;
};

static void noun_collect(const struct command *c, void *arg)
{
	struct noun_table *table = arg;

	if (table->n < 2 * NOUNS_MAX - 1)
		table->fields[table->n++].name = c->noun;
}

static int noun_unknown(const char *noun, struct error *err)
{
	struct noun_table table = {0};
	struct object_schema nouns = {.name = "nouns", .fields = table.fields};
	const char *near;

	command_each(noun_collect, &table);
	near = schema_nearest_field(&nouns, noun);
	if (near != NULL)
		return error_set(err, LEAT_INVALID_PARAMS,
			"there is no command \"%s\"; did you mean \"%s\"?", noun, near);
	return error_set(err, LEAT_INVALID_PARAMS,
		"there is no command \"%s\"; leatctl --help lists them", noun);
}

struct verb_table {
	const char *noun;
	struct noun_table table;
};

static void verb_collect(const struct command *c, void *arg)
{
	struct verb_table *verbs = arg;

	if (c->verb != NULL && strcmp(c->noun, verbs->noun) == 0 &&
		verbs->table.n < 2 * NOUNS_MAX - 1)
		verbs->table.fields[verbs->table.n++].name = c->verb;
}

/* The verb of the noun that was meant, in static storage; NULL: none is near. */
static const char *verb_nearest(const char *noun, const char *verb)
{
	struct verb_table verbs = {.noun = noun};
	struct object_schema known = {.name = "verbs", .fields = verbs.table.fields};

	command_each(verb_collect, &verbs);
	return schema_nearest_field(&known, verb);
}

static int verb_unknown(const char *noun, const char *verb, struct error *err)
{
	struct noun_search search = {.noun = noun};
	const char *near;

	command_each(noun_match, &search);
	if (!search.found)
		return noun_unknown(noun, err);
	if (verb == NULL)
		return error_set(
			err, LEAT_INVALID_PARAMS, "%s needs a verb: %s", noun, search.verbs);
	near = verb_nearest(noun, verb);
	return error_set(err, LEAT_INVALID_PARAMS, "%s has no verb \"%s\"; %s%s%sthere are %s",
		noun, verb, near != NULL ? "did you mean \"" : "", near != NULL ? near : "",
		near != NULL ? "\"? " : "", search.verbs);
}

static const struct method *method_of(const char *noun, const char *verb)
{
	char *name = alloc_printf("%s.%s", noun, strcmp(verb, "add") == 0 ? "upsert" : verb);
	const struct method *method = schema_method(name);

	free(name);
	return method;
}

int command_find(
	char *const *words, size_t n, struct command *ret, size_t *n_used, struct error *err)
{
	const char *verb = n > 1 ? words[1] : NULL;
	const struct method *method = verb != NULL ? method_of(words[0], verb) : NULL;

	if (method != NULL) {
		*ret = command_of(method);
		*n_used = 2;
		return 0;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->noun, words[0]) != 0 ||
			(c->verb != NULL && (verb == NULL || strcmp(c->verb, verb) != 0)))
			continue;
		*ret = *c;
		*n_used = c->verb != NULL ? 2 : 1;
		return 0;
	}
	return verb_unknown(words[0], verb, err);
}

const struct object_schema *command_params(const struct command *c)
{
	return c->method != NULL ? schema_method(c->method)->params : NULL;
}

const char *command_doc(const struct command *c)
{
	return c->doc != NULL || c->method == NULL ? c->doc : schema_method(c->method)->doc;
}
