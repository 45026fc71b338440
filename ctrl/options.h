/* SPDX-License-Identifier: BSD-3-Clause */
/* leatd's command line. */
#ifndef LEAT_CTRL_OPTIONS_H
#define LEAT_CTRL_OPTIONS_H

#include <stdbool.h>

#include "lib/log.h"

#define OPTION_CPUS_MAX 1024
#define OPTION_MEMORY_DEFAULT_MB 256
#define OPTION_MEMORY_MIN_MB 64
#define OPTION_MEMORY_MAX_MB (1 << 20)

/* What leatd ends with; in the man page too. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_START_FAILED = 1, /* devices, memory, hugepages */
	EXIT_BAD_USAGE = 2,
	EXIT_ALREADY_RUNS = 3, /* another daemon holds the socket or the state folder */
	EXIT_BAD_CONFIG = 4,   /* the state or the --config file is unusable */
};

struct options {
	const char *socket;
	const char *socket_group; /* or NULL */
	const char *config_file;  /* or NULL */
	const char *state_dir;	  /* NULL with no_state */
	bool no_state;		  /* keep nothing across a restart */
	bool new_state;		  /* begin empty, keep what is there aside */
	unsigned n_workers;	  /* 0: all allowed cores but the first */
	int workers[OPTION_CPUS_MAX];
	unsigned memory_mb;
	enum log_level log_level;
	bool version; /* say which leatd this is, and end */
	int eal_argc; /* what came after "--" */
	char **eal_argv;
};

/*
 * Read the command line. True: go on. False: end with *code; a message or the help has been
 * printed.
 */
bool options_parse(int argc, char **argv, struct options *ret, int *code);

/* "1,3-5" to numbers in their order, each once; how many, or -1 for anything else. */
int cpulist_parse(const char *text, int *ret, unsigned max);

#endif
