/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a portable build installs as leatd: becomes the leatd-v2, leatd-v3 or leatd-v4 that is best
 * on this CPU. They are built for the x86-64-v2, -v3 and -v4 of the x86-64 psABI, and lie beside
 * this program or in LEAT_HELPER_DIR. LEAT_CPU in the environment, as "v2", takes another.
 * Compiled for plain x86-64.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LEAT_HELPER_DIR
#error "the build defines LEAT_HELPER_DIR"
#endif

#define CPU_VARIABLE "LEAT_CPU"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As leatd's own, in ctrl/options.h. */
enum { EXIT_START_FAILED = 1, EXIT_BAD_USAGE = 2 };

struct level {
	const char *name;
	bool runs; /* on this CPU, under this kernel */
};

/* Best first. The names in __builtin_cpu_supports() are the compiler's, and have to be literals. */
static void levels_find(struct level ret[3])
{
	__builtin_cpu_init();
	ret[0] = (struct level){"v4", __builtin_cpu_supports("x86-64-v4") != 0};
	ret[1] = (struct level){"v3", __builtin_cpu_supports("x86-64-v3") != 0};
	ret[2] = (struct level){"v2", __builtin_cpu_supports("x86-64-v2") != 0};
}

/* The best level, or the wanted one; NULL: neither, and a message has been printed. */
static const struct level *level_choose(const struct level *levels, size_t n, const char *wanted)
{
	for (size_t i = 0; i < n; i++) {
		if (wanted == NULL && levels[i].runs)
			return &levels[i];
		if (wanted == NULL || strcmp(wanted, levels[i].name) != 0)
			continue;
		if (levels[i].runs)
			return &levels[i];
		fprintf(stderr, "leatd: " CPU_VARIABLE "=%s: this CPU is no x86-64-%s\n", wanted,
			wanted);
		return NULL;
	}
	if (wanted == NULL)
		fputs("leatd: this CPU is older than x86-64-v2\n", stderr);
	else
		fprintf(stderr, "leatd: " CPU_VARIABLE "=%s: it takes v2, v3 or v4\n", wanted);
	return NULL;
}

/* The folder of this program, without the last slash; empty where it cannot be told. */
static void own_folder(char ret[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	char *slash;

	ret[length > 0 ? length : 0] = '\0';
	slash = strrchr(ret, '/');
	if (slash != NULL)
		*slash = '\0';
}

int main(int argc, char **argv)
{
	char own[PATH_MAX], path[PATH_MAX + sizeof("/leatd-vN")];
	const char *const folders[] = {own, LEAT_HELPER_DIR};
	const char *wanted = getenv(CPU_VARIABLE);
	const struct level *level;
	struct level levels[3];

	(void)argc;
	levels_find(levels);
	level = level_choose(levels, COUNT(levels), wanted);
	if (level == NULL)
		return wanted == NULL ? EXIT_START_FAILED : EXIT_BAD_USAGE;
	own_folder(own);
	for (size_t i = 0; i < COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/leatd-%s", folders[i], level->name);
		execv(path, argv);
		if (errno != ENOENT)
			break;
	}
	fprintf(stderr, "leatd: %s: %s\n", path, strerror(errno));
	return EXIT_START_FAILED;
}
