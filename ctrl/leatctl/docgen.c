/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * docgen TEMPLATE: print the template, with each line that is @PART@ replaced by that part made of
 * the tables. An unknown part is an error, so that a page cannot miss one unnoticed.
 */
#include "ctrl/leatctl/docgen.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *line;
	void (*print)(FILE *out);
} parts[] = {
	{"@MD-OBJECTS@\n", docgen_md_objects},
	{"@MD-METHODS@\n", docgen_md_methods},
	{"@MD-ERRORS@\n", docgen_md_errors},
	{"@MD-DROPS@\n", docgen_md_drops},
	{"@MD-EVENTS@\n", docgen_md_events},
	{"@MD-LIMITS@\n", docgen_md_limits},
	{"@MAN-OPTIONS@\n", docgen_man_options},
	{"@MAN-COMMANDS@\n", docgen_man_commands},
	{"@MAN-FIELDS@\n", docgen_man_fields},
	{"@MAN-LEATD-OPTIONS@\n", docgen_man_leatd_options},
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static int line_print(const char *line)
{
	if (line[0] != '@') {
		fputs(line, stdout);
		return 0;
	}
	for (size_t i = 0; i < N_PARTS; i++) {
		if (strcmp(line, parts[i].line) == 0) {
			parts[i].print(stdout);
			return 0;
		}
	}
	fprintf(stderr, "docgen: there is no part %s", line);
	return -1;
}

int main(int argc, char **argv)
{
	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (template == NULL) {
		fputs("usage: docgen TEMPLATE\n", stderr);
		return EXIT_FAILURE;
	}
	while (result == 0 && getline(&line, &size, template) > 0)
		result = line_print(line);
	free(line);
	if (ferror(template) != 0)
		result = -1;
	fclose(template);
	return result == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
