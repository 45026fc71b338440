/* SPDX-License-Identifier: BSD-3-Clause */
/* Disks that do not sync, and what has to be synced. */
#include "test/unit/store_harness.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the place of the library's: a disk that takes writes and does not sync them, and then takes none. */
static bool sync_fails;
static bool disk_is_gone;
static ino_t synced[8]; /* folders, in a ring */
static unsigned n_synced;

int fdatasync(int fildes)
{
	if (sync_fails) {
		disk_is_gone = true;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fildes);
}

int fsync(int fd)
{
	struct stat st;

	if (sync_fails)
		return fdatasync(fd);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		synced[n_synced++ % 8] = st.st_ino;
	return (int)syscall(SYS_fsync, fd);
}

static ssize_t write_or_not(int fd, const void *bytes, size_t n, off_t at)
{
	if (disk_is_gone) {
		errno = EIO;
		return -1;
	}
	return pwrite(fd, bytes, n, at);
}

static int64_t written_ns(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mtim.tv_sec * (int64_t)1000000000 + st.st_mtim.tv_nsec;
}

/* A child: the commit after `n` of them, or after the log was copied, is refused for its sync. */
static int killed_after_refusal(unsigned n)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct error err = {0};
	json_t *objects;
	struct store *store = store_read(state_dir, &objects, &err);
	int64_t fresh = written_ns(in(state_dir, DB));
	uint64_t rev = 0;

	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)write_or_not);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_or_not);
	if (store == NULL)
		return 1;
	while (n > 0 ? rev < n : written_ns(in(state_dir, DB)) == fresh) {
		if (put_one(store, ++rev, "kept", "{}", &err) < 0)
			return 2;
	}
	sync_fails = true;
	if (put_one(store, rev + 1, "refused", "{}", &err) == 0 || err.code != LEAT_DEVICE)
		return 3;
	return disk_is_gone ? 0 : 4;
}

/* What was refused is not there after a kill, though the disk took nothing any more that would undo it. */
static void test_refused_and_killed(void **state)
{
	for (unsigned n = 0; n < 3; n++) {
		json_t *objects;
		struct store *store;
		int status;
		pid_t child;

		store_clean(state);
		child = fork();
		if (child == 0)
			_exit(killed_after_refusal(n));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		store = must_read(state_dir, &objects);
		assert_int_equal(store_source(store), STORE_SNAPSHOT);
		assert_int_equal(json_object_size(objects), 1);
		assert_non_null(json_object_get(objects, "rule:kept"));
		json_decref(objects);
		store_close(store);
	}
}

/* A state folder that was made lasts only when the folder above has been synced. */
static void test_made_folder_lasts(void **state)
{
	struct store_options options = {.dir = state_dir};
	struct error err = {0};
	struct store *store;
	struct stat above;
	bool found = false;

	(void)state;
	memset(synced, 0, sizeof(synced));
	store = store_open(&options, &err);
	assert_non_null(store);
	store_close(store);
	assert_int_equal(stat(in(state_dir, ".."), &above), 0);
	for (size_t i = 0; i < sizeof(synced) / sizeof(synced[0]); i++)
		found |= synced[i] == above.st_ino;
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_refused_and_killed),
		STORE_TEST(test_made_folder_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
