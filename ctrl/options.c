/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/schema.h"
#include "ctrl/store.h"

enum option_key {
	OPTION_SOCKET = 256,
	OPTION_SOCKET_GROUP,
	OPTION_STATE_DIR,
	OPTION_NO_STATE,
	OPTION_NEW_STATE,
	OPTION_WORKERS,
	OPTION_MEMORY,
	OPTION_CONFIG,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"socket-group", required_argument, NULL, OPTION_SOCKET_GROUP},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"no-state", no_argument, NULL, OPTION_NO_STATE},
	{"new-state", no_argument, NULL, OPTION_NEW_STATE},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: leatd [OPTIONS] [-- EAL ARGUMENTS]\n"
	"\n"
	"A switch for containers and VMs. Stays in the foreground and logs to standard error.\n"
	"\n"
	"  --socket PATH         control socket (default " DEFAULT_SOCKET ")\n"
	"  --socket-group GROUP  who may use it besides root and the daemon's own user\n"
	"  --state-dir DIR       keep the state there (default " STORE_DEFAULT_DIR ")\n"
	"  --no-state            keep nothing across a restart: begin with an empty state\n"
	"  --new-state           begin with an empty state, and keep the one there is aside\n"
	"  --workers CPULIST     cores that poll, as 1,3-5 (default: all allowed but the first)\n"
	"  --memory MB           taken of hugepages at the start (default 256)\n"
	"  --config FILE         apply this state.get document at the start, as owner \"config\"\n"
	"  --log-level LEVEL     error, warning, info (default) or debug\n"
	"  --version, --help\n"
	"\n"
	"After -- come arguments of DPDK's environment; --no-huge does without hugepages, which "
	"is\n"
	"enough for TAP and AF_XDP ports.\n"
	"\n"
	"Exit codes: 0 ended when told to, 1 start failed, 2 bad usage, 3 another daemon has the\n"
	"socket or the state folder, 4 the state or the --config file is unusable.\n";

static int number_read(const char **text)
{
	long value = 0;

	if (!isdigit((unsigned char)**text))
		return -1;
	for (; isdigit((unsigned char)**text); (*text)++) {
		value = value * 10 + (**text - '0');
		if (value >= OPTION_CPUS_MAX)
			return -1;
	}
	return (int)value;
}

static int cpu_add(int *list, int n, unsigned max, int cpu)
{
	for (int i = 0; i < n; i++) {
		if (list[i] == cpu)
			return -1;
	}
	if ((unsigned)n >= max)
		return -1;
	list[n] = cpu;
	return n + 1;
}

int cpulist_parse(const char *text, int *ret, unsigned max)
{
	int n = 0;

	do {
		int low = number_read(&text);
		int high = low;

		if (low >= 0 && *text == '-') {
			text++;
			high = number_read(&text);
		}
		if (low < 0 || high < low)
			return -1;
		for (int cpu = low; cpu <= high; cpu++) {
			n = cpu_add(ret, n, max, cpu);
			if (n < 0)
				return -1;
		}
	} while (*text++ == ',');
	return text[-1] == '\0' ? n : -1;
}

static bool bad_usage(int *code)
{
	fputs("leatd --help tells what can be said\n", stderr);
	*code = EXIT_BAD_USAGE;
	return false;
}

static bool workers_read(struct options *ret, const char *text, int *code)
{
	int n = cpulist_parse(text, ret->workers, OPTION_CPUS_MAX);

	if (n <= 0) {
		fprintf(stderr, "leatd: --workers: \"%s\" is not a list of cores as 1,3-5\n", text);
		return bad_usage(code);
	}
	ret->n_workers = (unsigned)n;
	return true;
}

static bool memory_read(struct options *ret, const char *text, int *code)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || *text == '\0' || *end != '\0' || value < OPTION_MEMORY_MIN_MB ||
		value > OPTION_MEMORY_MAX_MB) {
		fprintf(stderr, "leatd: --memory: \"%s\" is not a number of MB, %d..%d\n", text,
			OPTION_MEMORY_MIN_MB, OPTION_MEMORY_MAX_MB);
		return bad_usage(code);
	}
	ret->memory_mb = (unsigned)value;
	return true;
}

static bool level_read(struct options *ret, const char *text, int *code)
{
	int level = log_level_find(text);

	if (level < 0) {
		fprintf(stderr, "leatd: --log-level: \"%s\" is not error, warning, info or debug\n",
			text);
		return bad_usage(code);
	}
	ret->log_level = (enum log_level)level;
	return true;
}

/* One option; false: end with *code. */
static bool option_take(struct options *ret, int key, int *code)
{
	switch (key) {
	case OPTION_SOCKET:
		ret->socket = optarg;
		return true;
	case OPTION_SOCKET_GROUP:
		ret->socket_group = optarg;
		return true;
	case OPTION_STATE_DIR:
		ret->state_dir = optarg;
		return true;
	case OPTION_NO_STATE:
		ret->no_state = true;
		return true;
	case OPTION_NEW_STATE:
		ret->new_state = true;
		return true;
	case OPTION_WORKERS:
		return workers_read(ret, optarg, code);
	case OPTION_MEMORY:
		return memory_read(ret, optarg, code);
	case OPTION_CONFIG:
		ret->config_file = optarg;
		return true;
	case OPTION_LOG_LEVEL:
		return level_read(ret, optarg, code);
	case OPTION_VERSION:
		ret->version = true;
		return true;
	case OPTION_HELP:
		fputs(usage, stdout);
		*code = EXIT_DONE;
		return false;
	default:
		return bad_usage(code);
	}
}

bool options_parse(int argc, char **argv, struct options *ret, int *code)
{
	int key;

	memset(ret, 0, sizeof(*ret));
	ret->socket = DEFAULT_SOCKET;
	ret->memory_mb = OPTION_MEMORY_DEFAULT_MB;
	ret->log_level = LOG_LEVEL_INFO;
	optind = 1;
	while ((key = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		if (!option_take(ret, key, code))
			return false;
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr, "leatd: \"%s\" is not an option\n", argv[optind]);
		return bad_usage(code);
	}
	if (ret->no_state && (ret->state_dir != NULL || ret->new_state)) {
		fputs("leatd: --no-state goes with neither --state-dir nor --new-state\n", stderr);
		return bad_usage(code);
	}
	if (!ret->no_state && ret->state_dir == NULL)
		ret->state_dir = STORE_DEFAULT_DIR;
	ret->eal_argc = argc - optind;
	ret->eal_argv = argv + optind;
	return true;
}
