/* SPDX-License-Identifier: BSD-3-Clause */
/* leatctl: the control protocol from the command line. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/help.h"
#include "ctrl/leatctl/run.h"
#include "lib/alloc.h"

#define TIMEOUT_DEFAULT_S 60
#define TIMEOUT_MAX_S 3600
#define MS_PER_S 1000

enum option_key {
	OPTION_PLAN = 256,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"owner", required_argument, NULL, 'o'},
	{"timeout", required_argument, NULL, 't'},
	{"plan", no_argument, NULL, OPTION_PLAN},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

struct line {
	struct settings settings;
	bool help;
	bool version;
};

static int timeout_read(struct line *line, const char *text)
{
	char *end;
	long seconds;

	errno = 0;
	seconds = strtol(text, &end, 10);
	if (errno != 0 || *text == '\0' || *end != '\0' || seconds < 1 || seconds > TIMEOUT_MAX_S) {
		fprintf(stderr, "leatctl: --timeout: \"%s\" is not a number of seconds, 1..%d\n",
			text, TIMEOUT_MAX_S);
		return -1;
	}
	line->settings.timeout_ms = (int)seconds * MS_PER_S;
	return 0;
}

static int option_take(struct line *line, int key)
{
	switch (key) {
	case 's':
		line->settings.socket = optarg;
		return 0;
	case 'j':
		line->settings.json = true;
		return 0;
	case 'o':
		line->settings.owner = optarg;
		return 0;
	case 't':
		return timeout_read(line, optarg);
	case OPTION_PLAN:
		line->settings.plan = true;
		return 0;
	case 'h':
		line->help = true;
		return 0;
	case OPTION_VERSION:
		line->version = true;
		return 0;
	default:
		return -1;
	}
}

/* What getopt_long did not take: `argument` is the word it stopped at. */
static void option_refuse(int key, const char *argument)
{
	struct field fields[sizeof(long_options) / sizeof(long_options[0])] = {0};
	struct object_schema known = {.name = "options", .fields = fields};
	const char *near = NULL;
	char *name;

	if (key == ':') {
		fprintf(stderr, "leatctl: %s needs a value\n", argument);
		return;
	}
	if (strncmp(argument, "--", 2) != 0) {
		fprintf(stderr, "leatctl: there is no option -%c; leatctl --help lists them\n",
			optopt);
		return;
	}
	for (size_t i = 0; long_options[i].name != NULL; i++)
		fields[i].name = long_options[i].name;
	name = alloc_printf("%.*s", (int)strcspn(argument + 2, "="), argument + 2);
	near = schema_nearest_field(&known, name);
	if (optopt != 0)
		fprintf(stderr, "leatctl: --%s takes no value\n", name);
	else if (near != NULL)
		fprintf(stderr, "leatctl: there is no option --%s; did you mean --%s?\n", name,
			near);
	else
		fprintf(stderr, "leatctl: there is no option --%s; leatctl --help lists them\n",
			name);
	free(name);
}

static int help(char *const *words, size_t n)
{
	struct command command;
	struct error err = {0};
	size_t n_used;

	if (n == 0) {
		help_all(stdout);
		return STATUS_DONE;
	}
	if (n == 1 && command_noun_exists(words[0]) &&
		(command_find(words, n, &command, &n_used, &err) < 0)) {
		help_noun(stdout, words[0]);
		return STATUS_DONE;
	}
	if (command_find(words, n, &command, &n_used, &err) < 0) {
		fprintf(stderr, "leatctl: %s\n", err.message);
		return STATUS_USAGE;
	}
	help_command(stdout, &command);
	return STATUS_DONE;
}

static int execute(const struct line *line, char *const *words, size_t n)
{
	struct command command;
	struct error err = {0};
	size_t n_used;

	if (n == 0) {
		fputs("leatctl: what is to be done? leatctl --help tells\n", stderr);
		return STATUS_USAGE;
	}
	if (command_find(words, n, &command, &n_used, &err) < 0) {
		fprintf(stderr, "leatctl: %s\n", err.message);
		return STATUS_USAGE;
	}
	if (line->settings.plan && strcmp(command.noun, "apply") != 0) {
		fputs("leatctl: --plan goes with apply alone\n", stderr);
		return STATUS_USAGE;
	}
	return run_command(&line->settings, &command, words + n_used, n - n_used);
}

int main(int argc, char **argv)
{
	struct line line = {
		.settings = {.socket = DEFAULT_SOCKET, .timeout_ms = TIMEOUT_DEFAULT_S * MS_PER_S},
	};
	int status;
	int key;

	/* For the width of characters in tables; without a locale they are ASCII. */
	setlocale(LC_CTYPE, "");
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":s:jo:t:h", long_options, NULL)) != -1) {
		if (key == '?' || key == ':')
			option_refuse(key, argv[optind - 1]);
		if (option_take(&line, key) < 0)
			return STATUS_USAGE;
	}
	if (line.version) {
		puts("leatctl " LEAT_RELEASE);
		return STATUS_DONE;
	}
	status = line.help ? help(argv + optind, (size_t)(argc - optind))
			   : execute(&line, argv + optind, (size_t)(argc - optind));
	if (fflush(stdout) != 0 && status == STATUS_DONE) {
		perror("leatctl: standard output");
		return STATUS_USAGE;
	}
	return status;
}
