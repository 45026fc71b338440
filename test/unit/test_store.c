/* SPDX-License-Identifier: BSD-3-Clause */
/* The state on disk: kept whole, or refused. */
#include "test/unit/store_harness.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMITS 12
#define STATE_FILES 4 /* names that --new-state moves */

/* In the place of the library's: where a child is to end instead of renaming once more. */
static unsigned renames_left = UINT_MAX;

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renames_left-- == 0)
		_exit(0);
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

static void assert_state(
	const char *dir, enum store_source source, uint64_t rev, unsigned objects_of)
{
	json_t *objects;
	json_t *expected = expected_at(objects_of);
	struct store *store = must_read(dir, &objects);

	assert_int_equal(store_source(store), source);
	assert_int_equal(store_rev(store), rev);
	assert_true(json_equal(objects, expected));
	json_decref(objects);
	json_decref(expected);
	store_close(store);
}

static void test_empty_then_kept(void **state)
{
	struct error err = {0};
	json_t *objects;
	struct store *store;

	(void)state;
	store = must_read(state_dir, &objects);
	assert_int_equal(store_source(store), STORE_EMPTY);
	assert_int_equal(store_rev(store), 0);
	assert_int_equal(store_boots(store), 1);
	json_decref(objects);
	assert_int_equal(put_one(store, 1, "a", "{\"x\":1}", &err), 0);
	assert_int_equal(put_one(store, 2, "a", "{\"x\":2}", &err), 0);
	assert_int_equal(put_one(store, 3, "b", "{}", &err), 0);
	assert_int_equal(store_begin(store, &err), 0);
	assert_int_equal(store_delete(store, "rule", "b", &err), 0);
	assert_int_equal(store_delete(store, "rule", "never was", &err), 0);
	assert_int_equal(store_commit(store, 4, &err), 0);
	store_close(store);

	store = must_read(state_dir, &objects);
	assert_int_equal(store_source(store), STORE_SNAPSHOT);
	assert_int_equal(store_rev(store), 4);
	assert_int_equal(store_boots(store), 2);
	assert_int_equal(json_object_size(objects), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(objects, "rule:a"), "x")), 2);
	json_decref(objects);
	store_close(store);
}

static void test_abort_changes_nothing(void **state)
{
	struct error err = {0};
	json_t *objects;
	json_t *object = json_object();
	struct store *store;

	(void)state;
	store = must_read(state_dir, &objects);
	json_decref(objects);
	assert_int_equal(put_one(store, 1, "a", "{}", &err), 0);
	assert_int_equal(store_begin(store, &err), 0);
	assert_int_equal(store_put(store, "rule", "b", "local", object, &err), 0);
	assert_int_equal(store_delete(store, "rule", "a", &err), 0);
	store_abort(store);
	json_decref(object);
	assert_int_equal(put_one(store, 2, "c", "{}", &err), 0);
	store_close(store);
	store = must_read(state_dir, &objects);
	assert_int_equal(json_object_size(objects), 2);
	assert_non_null(json_object_get(objects, "rule:a"));
	assert_non_null(json_object_get(objects, "rule:c"));
	json_decref(objects);
	store_close(store);
}

static void test_kill_loses_nothing(void **state)
{
	(void)state;
	killed_after(state_dir, COMMITS);
	assert_true(size_of(in(state_dir, WAL)) > 0);
	assert_state(state_dir, STORE_SNAPSHOT, COMMITS, COMMITS);
}

static void test_log_gone(void **state)
{
	(void)state;
	killed_after(state_dir, COMMITS);
	assert_int_equal(unlink(in(state_dir, WAL)), 0);
	assert_state(state_dir, STORE_RECOVERED, COMMITS + 1, 0);
	/* It is said once: the state is what it is from then on. */
	assert_state(state_dir, STORE_SNAPSHOT, COMMITS + 1, 0);
}

/* A byte of the database or its log changed, anywhere: the same state, a former one that is said, or a
 * refusal. */
static void test_database_gone(void **state)
{
	(void)state;
	killed_after(state_dir, 2);
	assert_int_equal(unlink(in(state_dir, DB)), 0);
	assert_refused(state_dir, "is missing, but");
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in(state_dir, DB), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_foreign(void **state)
{
	(void)state;
	assert_int_equal(mkdir(state_dir, 0700), 0);
	sql("CREATE TABLE somebody(s INTEGER); PRAGMA user_version=1;");
	assert_refused(state_dir, "another program");
	sql("PRAGMA application_id=0x6c656174;");
	assert_refused(state_dir, "tables are not those");
	assert_int_equal(unlink(in(state_dir, DB)), 0);
	assert_int_equal(mkdir(in(state_dir, DB), 0700), 0);
	assert_refused(state_dir, DB);
}

static void test_newer(void **state)
{
	(void)state;
	killed_after(state_dir, 1);
	sql("PRAGMA journal_mode=DELETE; PRAGMA user_version=2;");
	assert_refused(state_dir, "version 2");
}

static void test_changed_by_hand(void **state)
{
	static const char *const changes[] = {
		"DELETE FROM object WHERE id = 'r2'",
		"UPDATE object SET json = '{}' WHERE id = 'r1'",
		"UPDATE object SET owner = 'else' WHERE id = 'r1'",
		"UPDATE head SET rev = 1",
		"UPDATE object SET json = '{' WHERE id = 'r1'",
		"DELETE FROM head",
		"CREATE TRIGGER t AFTER INSERT ON object BEGIN DELETE FROM head; END",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		store_clean(NULL);
		killed_after(state_dir, 3);
		sql(changes[i]);
		assert_refused(state_dir, "cannot be used");
	}
}

static void test_lock(void **state)
{
	struct store_options options = {.dir = state_dir};
	struct error err = {0};
	json_t *objects;
	struct store *first;

	(void)state;
	first = must_read(state_dir, &objects);
	json_decref(objects);
	assert_null(store_open(&options, &err));
	assert_int_equal(err.code, LEAT_CONFLICT);
	assert_non_null(strstr(err.message, state_dir));
	store_close(first);
}

static void test_folder_out_of_reach(void **state)
{
	struct store_options options = {.dir = "/proc/no/such/folder"};
	struct error err = {0};

	(void)state;
	assert_null(store_open(&options, &err));
	assert_int_equal(err.code, LEAT_DEVICE);
	assert_non_null(strstr(err.message, options.dir));
}

static void test_folder_by_symbolic_link(void **state)
{
	struct error err = {0};
	json_t *objects;
	struct store *store;
	char *link = in(state_dir, "../link");

	(void)state;
	killed_after(state_dir, COMMITS);
	assert_int_equal(symlink(state_dir, link), 0);
	store = must_read(link, &objects);
	json_decref(objects);
	assert_int_equal(put_one(store, COMMITS + 1, "a", "{}", &err), 0);
	store_close(store);
	store = must_read(state_dir, &objects);
	assert_int_equal(json_object_size(objects), COMMITS + 1);
	assert_int_equal(store_source(store), STORE_SNAPSHOT);
	json_decref(objects);
	store_close(store);
}

static unsigned kept_files(void)
{
	char command[160];
	unsigned n = 0;
	FILE *list;

	snprintf(command, sizeof(command), "ls %s", state_dir);
	list = popen(command, "r");
	while (list != NULL && fgets(command, sizeof(command), list) != NULL)
		n += strncmp(command, "kept-", 5) == 0 && strstr(command, "state.db\n") != NULL;
	pclose(list);
	return n;
}

static void test_renew_keeps_aside(void **state)
{
	struct store_options options = {.dir = state_dir, .renew = true};
	struct error err = {0};
	struct store *store;

	(void)state;
	killed_after(state_dir, 3);
	overwrite(in(state_dir, DB), 0, "garbage", 7);
	for (unsigned i = 1; i <= 2; i++) {
		store = store_open(&options, &err);
		assert_non_null(store);
		assert_int_equal(store_source(store), STORE_EMPTY);
		store_close(store);
		assert_int_equal(kept_files(), i);
	}
}

/* Ended at any instant of it: what is there is whole, or refused; no former state, and none that is empty. */
static void test_renew_killed(void **state)
{
	struct store_options options = {.dir = state_dir, .renew = true};
	struct error err = {0};
	struct store *store;
	int status;

	(void)state;
	for (unsigned done = 0; done < STATE_FILES; done++) {
		pid_t child;

		store_clean(NULL);
		killed_after(state_dir, COMMITS);
		child = fork();
		if (child == 0) {
			renames_left = done;
			store_open(&options, &err);
			_exit(1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		if (done == 0)
			assert_state(state_dir, STORE_SNAPSHOT, COMMITS, COMMITS);
		else
			assert_refused(state_dir, "is missing, but");
		store = store_open(&options, &err);
		assert_non_null(store);
		store_close(store);
		assert_int_equal(kept_files(), 1);
	}
}

/* A child, for the limit is the process's: no file may grow beyond what the log has. */
static int commits_when_full(void)
{
	struct rlimit limit;
	struct error err = {0};
	json_t *objects;
	struct store *store = store_read(state_dir, &objects, &err);
	static char text[40000];

	if (store == NULL || put_one(store, 1, "small", "{}", &err) < 0)
		return 1;
	memset(text, ' ', sizeof(text) - 1);
	text[0] = '[';
	for (size_t i = 1; i + 4 < sizeof(text); i += 2)
		memcpy(text + i, "1,", 2);
	memcpy(text + sizeof(text) - 4, "1] ", 4);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = (rlim_t)size_of(in(state_dir, WAL)) + 5000;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (put_one(store, 2, "large", text, &err) == 0 || err.code != LEAT_DEVICE ||
		err.sys_errno == 0 || strstr(err.message, state_dir) == NULL)
		return 2;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (put_one(store, 2, "after", "{}", &err) < 0)
		return 3;
	return 0;
}

static void test_disk_full(void **state)
{
	json_t *objects;
	struct store *store;
	pid_t child;
	int status;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	child = fork();
	if (child == 0)
		_exit(commits_when_full());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	store = must_read(state_dir, &objects);
	assert_int_equal(store_source(store), STORE_SNAPSHOT);
	assert_int_equal(store_rev(store), 2);
	assert_int_equal(json_object_size(objects), 2);
	assert_null(json_object_get(objects, "rule:large"));
	json_decref(objects);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_empty_then_kept),
		STORE_TEST(test_abort_changes_nothing),
		STORE_TEST(test_kill_loses_nothing),
		STORE_TEST(test_log_gone),
		STORE_TEST(test_database_gone),
		STORE_TEST(test_foreign),
		STORE_TEST(test_newer),
		STORE_TEST(test_changed_by_hand),
		STORE_TEST(test_lock),
		STORE_TEST(test_folder_out_of_reach),
		STORE_TEST(test_folder_by_symbolic_link),
		STORE_TEST(test_renew_keeps_aside),
		STORE_TEST(test_renew_killed),
		STORE_TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
