/* SPDX-License-Identifier: BSD-3-Clause */
/* The state folder: its lock, and what lies in it, looked at before SQLite touches it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/store_internal.h"
#include "lib/alloc.h"
#include "lib/log.h"

#define DIR_MODE 0700
#define KEPT_NAME_MAX 96

/* The database's header (SQLite file format 1.3): what of it is looked at. */
#define HEADER_LEN 100
#define HEADER_MAGIC "SQLite format 3" /* and its NUL */
#define HEADER_USER_VERSION 60
#define HEADER_APPLICATION_ID 68

static const char *const names[] = {"state.db", "state.db-wal", "state.db-journal", "state.rev"};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* Make the name of the folder itself last, which is in the one above. */
static int parent_sync(const struct store *store, struct error *err)
{
	int fd = openat(store->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd >= 0 ? fsync(fd) : -1;

	if (result < 0)
		error_device(
			err, errno, "cannot sync the folder above the state folder %s", store->dir);
	if (fd >= 0)
		close(fd);
	return result;
}

int store_lock(struct store *store, struct error *err)
{
	bool made = mkdir(store->dir, DIR_MODE) == 0;

	if (!made && errno != EEXIST)
		return error_device(err, errno, "cannot make the state folder %s", store->dir);
	store->dir_fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return error_device(err, errno, "cannot open the state folder %s", store->dir);
	if (made && parent_sync(store, err) < 0)
		return -1;
	if (flock(store->dir_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_set(err, LEAT_CONFLICT,
			"another daemon runs with the state folder %s: give this one another "
			"--state-dir",
			store->dir);
	return error_device(err, errno, "cannot lock the state folder %s", store->dir);
}

int store_resolve(struct store *store, struct error *err)
{
	char *real = realpath(store->dir, NULL);

	if (real == NULL)
		return error_device(err, errno, "cannot resolve the state folder %s", store->dir);
	free(store->dir);
	free(store->path);
	store->dir = real;
	store->path = alloc_printf("%s/state.db", real);
	return 0;
}

int store_sync_dir(const struct store *store, struct error *err)
{
	if (fsync(store->dir_fd) == 0)
		return 0;
	return error_device(err, errno, "cannot sync the state folder %s", store->dir);
}

static int header_check(const struct store *store, const unsigned char *header, struct error *err)
{
	uint32_t version = big_endian(header + HEADER_USER_VERSION);

	if (memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
		return store_damaged(store, err, "it is no SQLite database");
	if (big_endian(header + HEADER_APPLICATION_ID) != STORE_APPLICATION_ID)
		return store_damaged(store, err, "it is a database of another program");
	if (version > STORE_VERSION)
		return error_device(err, EPROTO,
			"%s is of version %u and this leatd knows up to %d: run the newer leatd, "
			"or "
			"begin with an empty state by --new-state, which keeps the file aside",
			store->path, version, STORE_VERSION);
	if (version == 0)
		return store_damaged(store, err, "its header has no version");
	return 0;
}

/* Without its database a log would be thrown away by SQLite as the rest of something finished. */
static int orphans_check(const struct store *store, struct error *err)
{
	struct stat st;

	for (size_t i = 1; i < N_NAMES; i++) {
		if (fstatat(store->dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_size > 0)
			return error_device(err, ENOENT,
				"%s is missing, but %s/%s is there: begin with an empty state by "
				"--new-state, which keeps it aside",
				store->path, store->dir, names[i]);
	}
	return 0;
}

int store_look(const struct store *store, struct error *err)
{
	unsigned char header[HEADER_LEN];
	ssize_t n;
	int fd = openat(store->dir_fd, names[0], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return orphans_check(store, err);
	if (fd < 0)
		return error_device(err, errno, "cannot open %s", store->path);
	n = read(fd, header, sizeof(header));
	close(fd);
	if (n < 0)
		return error_device(err, errno, "cannot read %s", store->path);
	if (n < HEADER_LEN)
		return store_damaged(store, err, "it is cut off");
	return header_check(store, header, err) < 0 ? -1 : 1;
}

/* A suffix that nothing in the folder has yet. */
static void suffix_find(const struct store *store, char suffix[static KEPT_NAME_MAX])
{
	time_t now = time(NULL);
	char stamp[32];
	char name[2 * KEPT_NAME_MAX];
	struct stat st;
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0;; i++) {
		snprintf(suffix, KEPT_NAME_MAX, i == 0 ? "kept-%s" : "kept-%s-%u", stamp, i);
		snprintf(name, sizeof(name), "%s-state.db", suffix);
		if (fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return;
	}
}

/*
 * The database first, for us to end at any instant: without it what is left is refused, but a database that
 * has lost its log would be taken, and look older than it is.
 */
int store_keep_aside(const struct store *store, struct error *err)
{
	char suffix[KEPT_NAME_MAX];

	suffix_find(store, suffix);
	for (size_t i = 0; i < N_NAMES; i++) {
		char to[2 * KEPT_NAME_MAX];

		snprintf(to, sizeof(to), "%s-%s", suffix, names[i]);
		if (renameat(store->dir_fd, names[i], store->dir_fd, to) == 0)
			log_warning("%s/%s is kept aside as %s", store->dir, names[i], to);
		else if (errno != ENOENT)
			return error_device(
				err, errno, "cannot rename %s/%s to %s", store->dir, names[i], to);
	}
	return store_sync_dir(store, err);
}
