/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/describe.h"
#include "ctrl/leatctl/docgen.h"
#include "ctrl/leatctl/help.h"
#include "ctrl/options.h"

/* Text as roff takes it: what it would read as a request or as a typographic sign is escaped. */
static void roff_print(FILE *out, const char *text)
{
	bool line_begins = true;

	for (; *text != '\0'; text++) {
		if (line_begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		line_begins = *text == '\n';
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (*text == '`')
			fputs("\\(cq", out);
		else
			fputc(*text, out);
	}
}

static void literal_print(FILE *out, const char *text)
{
	fputs(".nf\n", out);
	roff_print(out, text);
	fputs(".fi\n", out);
}

void docgen_man_options(FILE *out)
{
	literal_print(out, help_options);
}

static void command_item(const struct command *c, void *arg)
{
	char *usage = help_usage(c);
	FILE *out = arg;

	fputs(".TP\n.B ", out);
	roff_print(out, usage);
	fputc('\n', out);
	roff_print(out, command_doc(c));
	fputc('\n', out);
	free(usage);
}

void docgen_man_commands(FILE *out)
{
	command_each(command_item, out);
}

static void field_item(const struct described *d, void *arg)
{
	char presence[DESCRIBE_MAX];
	char type[DESCRIBE_MAX];
	FILE *out = arg;

	describe_type(d->field, type);
	describe_presence(d->field, presence);
	fputs(".TP\n.BR ", out);
	roff_print(out, d->name);
	if (d->kind != NULL)
		fprintf(out, " \" (%s)\"", d->kind);
	fputc('\n', out);
	roff_print(out, type);
	fputs(presence[0] == '\0' ? "" : "; ", out);
	roff_print(out, presence);
	fputs(".\n", out);
	roff_print(out, d->field->doc);
	fputc('\n', out);
}

void docgen_man_fields(FILE *out)
{
	for (int type = 0; type < OBJECT_TYPES; type++) {
		const struct object_schema *schema = schema_object((enum object_type)type);

		fprintf(out, ".SS %s\n", schema->name);
		roff_print(out, schema->doc);
		fputc('\n', out);
		describe_fields(schema, field_item, out);
	}
}

/* leatd's own --help, which goes to stdout. */
void docgen_man_leatd_options(FILE *out)
{
	char *argv[] = {"leatd", "--help", NULL};
	static struct options options;
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	FILE *real = stdout;
	int code;

	if (memory == NULL) {
		perror("docgen");
		exit(EXIT_FAILURE);
	}
	stdout = memory;
	options_parse(2, argv, &options, &code);
	stdout = real;
	fclose(memory);
	literal_print(out, text);
	free(text);
}
