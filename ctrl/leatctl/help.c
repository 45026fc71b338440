/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/help.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/describe.h"
#include "lib/alloc.h"

const char help_options[] =
	"  -s, --socket PATH      control socket (default " DEFAULT_SOCKET ")\n"
	"  -j, --json             print the result as JSON, as it came\n"
	"  -o, --owner NAME       act as this owner (default \"" DEFAULT_OWNER "\")\n"
	"  -t, --timeout SECONDS  wait at most so long for a reply (default 60)\n"
	"      --plan             with apply: change nothing, tell what would\n"
	"  -h, --help             this, or of the command before it\n"
	"      --version\n";

static bool has_fields(const struct command *c)
{
	const struct object_schema *params = command_params(c);
	size_t n = 0;

	if (params == NULL || c->kind == COMMAND_SHUTDOWN)
		return false;
	for (const struct field *f = params->fields; f->name != NULL; f++)
		n += c->field == NULL || strcmp(f->name, c->field) != 0;
	return n > 0;
}

char *help_usage(const struct command *c)
{
	return alloc_printf("%s%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
		c->verb != NULL ? c->verb : "", c->operand != NULL ? " " : "",
		c->operand != NULL ? c->operand : "", has_fields(c) ? " [field=value ...]" : "");
}

struct listing {
	FILE *out;
	const char *noun; /* NULL: all */
};

static void command_line(const struct command *c, void *arg)
{
	const struct listing *listing = arg;
	char *usage;

	if (listing->noun != NULL && strcmp(c->noun, listing->noun) != 0)
		return;
	usage = help_usage(c);
	fprintf(listing->out, "  %-46s  %s\n", usage, command_doc(c));
	free(usage);
}

void help_all(FILE *out)
{
	struct listing listing = {.out = out};

	fprintf(out,
		"usage: leatctl [OPTIONS] NOUN [VERB] [ID] [field=value ...]\n"
		"\n"
		"Drive a running leatd.\n"
		"\n"
		"%s"
		"\n"
		"Fields inside an object have dotted names (port.kind=tap), lists have commas\n"
		"(ips=10.1.0.1,2001:db8::1). \"leatctl NOUN --help\" tells the fields of a noun.\n"
		"\n"
		"Exit codes: 0 done, 1 refused by the switch, 2 bad usage, 3 no connection; of\n"
		"apply --plan 4: it would change something, 0: nothing.\n"
		"\n"
		"Commands:\n",
		help_options);
	command_each(command_line, &listing);
}

static void field_print(const struct described *d, void *arg)
{
	FILE *out = arg;
	char presence[DESCRIBE_MAX];
	char type[DESCRIBE_MAX];

	describe_type(d->field, type);
	describe_presence(d->field, presence);
	fprintf(out, "  %s", d->name);
	if (d->kind != NULL)
		fprintf(out, " (%s)", d->kind);
	fprintf(out, ": %s%s%s\n      %s\n", type, presence[0] == '\0' ? "" : "; ", presence,
		d->field->doc);
}

void help_command(FILE *out, const struct command *c)
{
	const struct object_schema *params = command_params(c);
	char *usage = help_usage(c);

	fprintf(out, "usage: leatctl [OPTIONS] %s\n\n%s\n", usage, command_doc(c));
	free(usage);
	if (!has_fields(c))
		return;
	fputs("\nFields:\n", out);
	describe_fields(params, field_print, out);
}

void help_noun(FILE *out, const char *noun)
{
	struct listing listing = {.out = out, .noun = noun};
	int type = object_type_find(noun);

	fprintf(out, "usage: leatctl [OPTIONS] %s ...\n\n", noun);
	if (type >= 0)
		fprintf(out, "%s\n\n", schema_object((enum object_type)type)->doc);
	fputs("Commands:\n", out);
	command_each(command_line, &listing);
	if (type < 0)
		return;
	fputs("\nFields:\n", out);
	describe_fields(schema_object((enum object_type)type), field_print, out);
}
