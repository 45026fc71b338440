/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/editor.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc.h"

#define WALK_FDS 8
#define EDITOR_COMMAND "exec ${VISUAL:-${EDITOR:-editor}}"

/* What was in force before the editor took the terminal. */
struct signals {
	sigset_t mask;
	struct sigaction interrupt;
	struct sigaction quit;
};

/* What the terminal sends is the editor's; what ends this process waits until the file is gone. */
static void signals_take(struct signals *before)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGCHLD);
	sigprocmask(SIG_BLOCK, &held, &before->mask);
	sigaction(SIGINT, &ignore, &before->interrupt);
	sigaction(SIGQUIT, &ignore, &before->quit);
}

static void signals_give_back(const struct signals *before)
{
	sigaction(SIGINT, &before->interrupt, NULL);
	sigaction(SIGQUIT, &before->quit, NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static int file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "wx");

	if (file == NULL)
		return -1;
	fputs(text, file);
	return fclose(file);
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat stat;
	char *text;
	size_t n;

	if (file == NULL)
		return NULL;
	if (fstat(fileno(file), &stat) < 0 || !S_ISREG(stat.st_mode)) {
		fclose(file);
		return NULL;
	}
	text = alloc_zero((size_t)stat.st_size + 1, 1);
	n = fread(text, 1, (size_t)stat.st_size, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

/* Wait for the child; *end_by: the signal that came meanwhile to end us, else 0. */
static int child_wait(pid_t child, int *end_by)
{
	sigset_t awaited;
	int status;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGHUP);
	sigaddset(&awaited, SIGCHLD);
	*end_by = 0;
	for (;;) {
		pid_t ended = waitpid(child, &status, WNOHANG);
		int signum;

		if (ended != 0)
			return ended == child ? status : -1;
		signum = sigwaitinfo(&awaited, NULL);
		if (signum == SIGTERM || signum == SIGHUP) {
			*end_by = signum;
			kill(child, signum);
		}
	}
}

static int editor_wait(const char *path, const struct signals *before, int *end_by)
{
	pid_t child = fork();
	int status;

	*end_by = 0;
	if (child == 0) {
		signals_give_back(before);
		execl("/bin/sh", "sh", "-c", EDITOR_COMMAND " \"$1\"", "sh", path, (char *)NULL);
		_exit(127);
	}
	status = child > 0 ? child_wait(child, end_by) : -1;
	if (status == 0)
		return 0;
	if (status < 0)
		perror("leatctl: editor");
	else if (WIFEXITED(status))
		fprintf(stderr, "leatctl: the editor ended with exit code %d\n",
			WEXITSTATUS(status));
	else
		fprintf(stderr, "leatctl: the editor was ended by signal %d\n", WTERMSIG(status));
	return -1;
}

static int entry_remove(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static char *folder_make(void)
{
	static const char *const variables[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
	const char *parent = NULL;
	char *folder;

	for (size_t i = 0; i < 2 && (parent == NULL || parent[0] == '\0'); i++)
		parent = getenv(variables[i]);
	folder = alloc_printf(
		"%s/leatctl-XXXXXX", parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (mkdtemp(folder) != NULL)
		return folder;
	fprintf(stderr, "leatctl: %s: %s\n", folder, strerror(errno));
	free(folder);
	return NULL;
}

static char *file_edit(
	const char *path, const char *text, const struct signals *before, int *end_by)
{
	char *edited = NULL;

	*end_by = 0;
	if (file_write(path, text) < 0)
		fprintf(stderr, "leatctl: %s: %s\n", path, strerror(errno));
	else if (editor_wait(path, before, end_by) == 0) {
		edited = file_read(path);
		if (edited == NULL)
			fprintf(stderr, "leatctl: the editor left no file\n");
	}
	return edited;
}

char *editor_run(const char *text)
{
	struct signals before;
	char *edited = NULL;
	char *folder;
	int end_by = 0;

	fflush(NULL);
	signals_take(&before);
	folder = folder_make();
	if (folder != NULL) {
		char *path = alloc_printf("%s/leat.json", folder);

		edited = file_edit(path, text, &before, &end_by);
		nftw(folder, entry_remove, WALK_FDS, FTW_DEPTH | FTW_PHYS);
		free(path);
	}
	free(folder);
	signals_give_back(&before);
	if (end_by != 0)
		raise(end_by);
	return edited;
}
