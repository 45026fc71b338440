/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For LD_PRELOAD: ends the process, as SIGKILL does, at the n-th point at which it changes something that
 * outlives it. Points are writes, syncs, truncations, renames and removals below LEAT_KILL_DIR, and
 * whether a TAP is persistent. LEAT_KILL_AT names the point, from 1; LEAT_KILL_HOW whether it happens
 * before the call, after it, or ("half") after the first half of what is written.
 */
/* Both names of each call are to be there, not one under two names. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static atomic_long points;

static bool is_below(const char *path)
{
	const char *dir = getenv("LEAT_KILL_DIR");

	return dir != NULL && strncmp(path, dir, strlen(dir)) == 0;
}

static bool fd_is_below(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return is_below(path);
}

static bool how_is(const char *how)
{
	const char *text = getenv("LEAT_KILL_HOW");

	return text != NULL && strcmp(text, how) == 0;
}

/* Is this the point at which the process is to end? */
static bool point_is_reached(bool counts)
{
	const char *at = getenv("LEAT_KILL_AT");

	return counts && at != NULL && atomic_fetch_add(&points, 1) + 1 == strtol(at, NULL, 10);
}

static void end(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call that is a point where `counts`; `half` is what it does when it ends half way. */
#define POINT(counts, call, half)                                                                  \
	do {                                                                                       \
		bool last = point_is_reached(counts);                                              \
		__typeof__(call) result;                                                           \
		if (last && how_is("half"))                                                        \
			half;                                                                      \
		if (last && !how_is("after"))                                                      \
			end();                                                                     \
		result = call;                                                                     \
		if (last)                                                                          \
			end();                                                                     \
		return result;                                                                     \
	} while (0)

ssize_t write(int fd, const void *bytes, size_t n)
{
	POINT(fd_is_below(fd), REAL(write)(fd, bytes, n), REAL(write)(fd, bytes, n / 2));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	POINT(fd_is_below(fd), REAL(pwrite)(fd, bytes, n, at), REAL(pwrite)(fd, bytes, n / 2, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	POINT(fd_is_below(fd), REAL(pwrite64)(fd, bytes, n, at),
		REAL(pwrite64)(fd, bytes, n / 2, at));
}

int fsync(int fd)
{
	POINT(fd_is_below(fd), REAL(fsync)(fd), (void)0);
}

int fdatasync(int fd)
{
	POINT(fd_is_below(fd), REAL(fdatasync)(fd), (void)0);
}

int ftruncate(int fd, off_t size)
{
	POINT(fd_is_below(fd), REAL(ftruncate)(fd, size), (void)0);
}

int ftruncate64(int fd, off64_t size)
{
	POINT(fd_is_below(fd), REAL(ftruncate64)(fd, size), (void)0);
}

int rename(const char *from, const char *to)
{
	POINT(is_below(from), REAL(rename)(from, to), (void)0);
}

int unlink(const char *path)
{
	POINT(is_below(path), REAL(unlink)(path), (void)0);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	POINT(request == TUNSETPERSIST, REAL(ioctl)(fd, request, arg), (void)0);
}
