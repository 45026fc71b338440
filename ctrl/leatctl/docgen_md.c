/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>

#include "ctrl/event_types.h"
#include "ctrl/leatctl/describe.h"
#include "ctrl/leatctl/docgen.h"
#include "ctrl/limits.h"
#include "dataplane/counters.h"
#include "lib/error.h"

/* Text inside a cell of a table. */
static void cell_print(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|' || *text == '<')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void field_row(const struct described *d, void *arg)
{
	char presence[DESCRIBE_MAX];
	char type[DESCRIBE_MAX];
	FILE *out = arg;

	describe_type(d->field, type);
	describe_presence(d->field, presence);
	fprintf(out, "| `%s`", d->name);
	if (d->kind != NULL)
		fprintf(out, " (%s)", d->kind);
	fputs(" | ", out);
	cell_print(out, type);
	fputs(" | ", out);
	cell_print(out, presence);
	fputs(" | ", out);
	cell_print(out, d->field->doc);
	fputs(" |\n", out);
}

static void fields_table(FILE *out, const struct object_schema *schema)
{
	fputs("\n| field | type | | meaning |\n|---|---|---|---|\n", out);
	describe_fields(schema, field_row, out);
}

void docgen_md_objects(FILE *out)
{
	for (int type = 0; type < OBJECT_TYPES; type++) {
		const struct object_schema *schema = schema_object((enum object_type)type);

		fprintf(out, "%s### %s\n\n%s\n", type == 0 ? "" : "\n", schema->name, schema->doc);
		fields_table(out, schema);
	}
}

/* The params of one method, in a sentence where another place has them. */
static void params_print(FILE *out, const struct method *m)
{
	const struct object_schema *params = m->params;

	if (m->verb == VERB_UPSERT) {
		fprintf(out, "Params: the object, see [%s](#%s).\n", object_type_name(m->type),
			object_type_name(m->type));
	} else if (params->fields[0].name == NULL) {
		fputs("Params: none.\n", out);
	} else if (m->verb == VERB_LIST) {
		fputs("Params: filters, each a value that the field must have: ", out);
		for (const struct field *f = params->fields; f->name != NULL; f++)
			fprintf(out, "%s`%s`", f == params->fields ? "" : ", ", f->name);
		fputs(". The last two are the window.\n", out);
	} else if (m->verb == VERB_DELETE || m->verb == VERB_GET) {
		fputs("Params: `{id}`.\n", out);
	} else {
		fputs("Params:\n", out);
		fields_table(out, params);
	}
}

void docgen_md_methods(FILE *out)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	for (size_t i = 0; i < n; i++) {
		const struct method *m = &methods[i];

		fprintf(out, "%s### %s\n\n%s%s\n\n", i == 0 ? "" : "\n", m->name, m->doc,
			m->flags & METHOD_IN_TXN ? " May be an operation of `txn.apply`." : "");
		params_print(out, m);
		fprintf(out, "\nResult: `%s`\n", m->result);
	}
}

void docgen_md_errors(FILE *out)
{
	static const struct {
		enum leat_error_code code;
		const char *name;
	} errors[] = {
#define X(name, code, retryable) {LEAT_##name, #name},
		LEAT_ERRORS(X)
#undef X
	};

	fputs("| code | reason | may succeed when tried again |\n|---|---|---|\n", out);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		fprintf(out, "| %d | %s | %s |\n", errors[i].code, errors[i].name,
			error_retryable(errors[i].code) ? "yes" : "no");
}

void docgen_md_drops(FILE *out)
{
	static const char *const sides[] = {
#define X(name, side, doc) #side,
		DROP_REASONS(X)
#undef X
	};

	fputs("| reason | counted on the port | meaning |\n|---|---|---|\n", out);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		fprintf(out, "| `%s` | %s | ", drop_reason_name((enum drop_reason)i),
			strcmp(sides[i], "in") == 0 ? "it came by" : "it would have left by");
		cell_print(out, drop_reason_doc((enum drop_reason)i));
		fputs(" |\n", out);
	}
}

void docgen_md_events(FILE *out)
{
	static const struct {
		const char *name;
		const char *doc;
	} types[] = {
#define X(name, text, doc) {text, doc},
		EVENT_TYPES(X)
#undef X
	};

	fputs("| type | meaning |\n|---|---|\n", out);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		fprintf(out, "| `%s` | ", types[i].name);
		cell_print(out, types[i].doc);
		fputs(" |\n", out);
	}
}

void docgen_md_limits(FILE *out)
{
	static const struct {
		int64_t value;
		const char *what;
	} limits[] = {
		{LIMIT_LINE_BYTES, "bytes of one message, its newline included"},
		{LIMIT_NESTING, "objects and arrays inside each other, the message itself counted"},
		{LIMIT_CLIENTS, "connections at once"},
		{LIMIT_CLIENT_REQUESTS, "requests of one connection that are taken and not yet "
					"answered; more wait in the socket"},
		{LIMIT_OUTPUT_BYTES, "bytes of replies a client may leave unread before it is "
				     "dropped"},
		{LIMIT_TXN_OPS, "operations of one `txn.apply`"},
		{LIMIT_LIST_ITEMS, "items of one `list`"},
		{LIMIT_EVENTS, "events that are kept for `since`"},
		{LIMIT_ID_CHARS, "characters of an id"},
		{LIMIT_ENDPOINT_IPS, "addresses of one endpoint"},
	};

	fputs("| at most | of what |\n|---|---|\n", out);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		fprintf(out, "| %" PRId64 " | %s |\n", limits[i].value, limits[i].what);
}
