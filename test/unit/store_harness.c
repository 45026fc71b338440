/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/store_harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/dev/shm/leat-test-store-XXXXXX";
char state_dir[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

__attribute__((constructor)) static void root_make(void)
{
	if (mkdtemp(root) == NULL)
		abort();
	snprintf(state_dir, sizeof(state_dir), "%s/state", root);
}

__attribute__((destructor)) static void root_remove(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int store_clean(void **state)
{
	(void)state;
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return mkdir(root, 0700);
}

char *in(const char *folder, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

void cut_to(const char *path, long size)
{
	assert_int_equal(truncate(path, size), 0);
}

void overwrite(const char *path, long offset, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, offset), n);
	close(fd);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *in_file = fopen(from, "rb");
	FILE *out_file = fopen(to, "wb");
	size_t n;

	assert_non_null(in_file);
	assert_non_null(out_file);
	while ((n = fread(bytes, 1, sizeof(bytes), in_file)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out_file), n);
	fclose(in_file);
	fclose(out_file);
}

void copy_folder(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *entry;

	assert_non_null(dir);
	nftw(to, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(mkdir(to, 0700), 0);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			copy_file(in(from, entry->d_name), in(to, entry->d_name));
	}
	closedir(dir);
}

static int note_object(
	const char *type, const char *id, json_t *object, void *arg, struct error *err)
{
	char name[128];

	snprintf(name, sizeof(name), "%s:%s", type, id);
	if (json_object_set(arg, name, object) < 0)
		return error_set(err, LEAT_INTERNAL, "not to be had: %s", name);
	return 0;
}

struct store *store_read(const char *dir, json_t **objects, struct error *err)
{
	struct store_options options = {.dir = dir};
	struct store *store = store_open(&options, err);

	if (store == NULL)
		return NULL;
	*objects = json_object();
	if (store_load(store, note_object, *objects, err) == 0)
		return store;
	json_decref(*objects);
	store_close(store);
	return NULL;
}

/* Long enough for several of them to need pages of their own. */
static json_t *object_of(unsigned rev)
{
	json_t *object = json_object();
	char name[16];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "member%u", i);
		json_object_set_new(object, name, json_integer(rev));
	}
	return object;
}

json_t *expected_at(unsigned rev)
{
	json_t *objects = json_object();
	char name[32];

	for (unsigned i = 1; i <= rev; i++) {
		snprintf(name, sizeof(name), "rule:r%u", i);
		json_object_set_new(objects, name, object_of(i));
	}
	return objects;
}

int put_one(struct store *store, uint64_t rev, const char *id, const char *json, struct error *err)
{
	json_t *object = json_loads(json, 0, NULL);
	int result = store_begin(store, err);

	if (result == 0)
		result = store_put(store, "rule", id, "local", object, err);
	if (result == 0)
		result = store_commit(store, rev, err);
	if (result < 0)
		store_abort(store);
	json_decref(object);
	return result;
}

static void commits_make(const char *dir, unsigned n)
{
	struct error err = {0};
	json_t *objects;
	struct store *store = store_read(dir, &objects, &err);

	if (store == NULL)
		_exit(1);
	for (unsigned rev = 1; rev <= n; rev++) {
		json_t *object = object_of(rev);
		char *text = json_dumps(object, 0);
		char id[16];

		snprintf(id, sizeof(id), "r%u", rev);
		if (put_one(store, rev, id, text, &err) < 0)
			_exit(2);
		free(text);
		json_decref(object);
	}
	_exit(0);
}

void killed_after(const char *dir, unsigned n)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		commits_make(dir, n);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct store *must_read(const char *dir, json_t **objects)
{
	struct error err = {0};
	struct store *store = store_read(dir, objects, &err);

	if (store == NULL)
		fail_msg("%s", err.message);
	return store;
}

void assert_refused(const char *dir, const char *why)
{
	struct error err = {0};
	json_t *objects;
	struct store *store = store_read(dir, &objects, &err);

	if (store != NULL)
		fail_msg("taken, where it should be refused: %s", why);
	assert_int_equal(err.code, LEAT_DEVICE);
	if (strstr(err.message, dir) == NULL || strstr(err.message, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.message, why);
}
