/* SPDX-License-Identifier: BSD-3-Clause */
/* Damage anywhere in the store: the state, a former one and a word about it, or a refusal. */
#include "test/unit/store_harness.h"

#define COMMITS 12
#define STEP 331 /* bytes between damages: no part of a page or frame is missed for long */

/* Which revision the log holds when it is cut there: the oracle is the damage test's own memory. */
static unsigned whole_commits(
	const char *dir, json_t **objects, enum store_source *source, uint64_t *rev)
{
	struct store *store = must_read(dir, objects);
	unsigned n = (unsigned)json_object_size(*objects);

	*source = store_source(store);
	*rev = store_rev(store);
	store_close(store);
	return n;
}

static void test_log_cut_anywhere(void **state)
{
	char damaged[80];
	unsigned last = 0;
	long size;

	(void)state;
	killed_after(state_dir, COMMITS);
	size = size_of(in(state_dir, WAL));
	snprintf(damaged, sizeof(damaged), "%s-cut", state_dir);
	for (long cut = 0; cut <= size; cut = cut < size && cut + STEP > size ? size : cut + STEP) {
		enum store_source source;
		uint64_t rev;
		json_t *objects, *expected;
		unsigned n;

		copy_folder(state_dir, damaged);
		cut_to(in(damaged, WAL), cut);
		n = whole_commits(damaged, &objects, &source, &rev);
		expected = expected_at(n);
		assert_true(json_equal(objects, expected));
		assert_true(n >= last);
		last = n;
		/* What is lost is said, and its revisions are not given out again. */
		assert_int_equal(source, n < COMMITS ? STORE_RECOVERED : STORE_SNAPSHOT);
		assert_int_equal(rev, n < COMMITS ? COMMITS + 1 : COMMITS);
		json_decref(objects);
		json_decref(expected);
	}
	assert_int_equal(last, COMMITS);
}

static void byte_change(const char *name, long offset)
{
	char damaged[80];
	struct error err = {0};
	unsigned char byte = 0xa5;
	json_t *objects;
	struct store *store;

	snprintf(damaged, sizeof(damaged), "%s-byte", state_dir);
	copy_folder(state_dir, damaged);
	overwrite(in(damaged, name), offset, &byte, 1);
	store = store_read(damaged, &objects, &err);
	if (store == NULL) {
		if (strstr(err.message, damaged) == NULL)
			fail_msg("%s, byte %ld: \"%s\"", name, offset, err.message);
		return;
	}
	for (unsigned n = 0; n <= COMMITS; n++) {
		json_t *expected = expected_at(n);
		bool same = json_equal(objects, expected);

		json_decref(expected);
		if (!same)
			continue;
		assert_int_equal(
			store_source(store), n < COMMITS ? STORE_RECOVERED : STORE_SNAPSHOT);
		json_decref(objects);
		store_close(store);
		return;
	}
	fail_msg("%s, byte %ld: a state that never was", name, offset);
}

static void test_byte_changed_in_log(void **state)
{
	(void)state;
	killed_after(state_dir, COMMITS);
	for (long i = 0; i < size_of(in(state_dir, WAL)); i += 487)
		byte_change(WAL, i);
}

static void test_byte_changed_in_database(void **state)
{
	json_t *objects;

	(void)state;
	killed_after(state_dir, COMMITS);
	store_close(must_read(state_dir, &objects)); /* brings the log into the database */
	json_decref(objects);
	assert_int_equal(size_of(in(state_dir, WAL)), -1);
	for (long i = 0; i < size_of(in(state_dir, DB)); i += i < 100 ? 1 : 197)
		byte_change(DB, i);
}

static void test_database_cut_anywhere(void **state)
{
	char damaged[80];
	json_t *objects;
	long size;

	(void)state;
	killed_after(state_dir, COMMITS);
	store_close(must_read(state_dir, &objects));
	json_decref(objects);
	size = size_of(in(state_dir, DB));
	snprintf(damaged, sizeof(damaged), "%s-cut", state_dir);
	for (long cut = 0; cut < size; cut += 1021) {
		copy_folder(state_dir, damaged);
		cut_to(in(damaged, DB), cut);
		assert_refused(damaged, "cannot be used");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_log_cut_anywhere),
		STORE_TEST(test_byte_changed_in_log),
		STORE_TEST(test_byte_changed_in_database),
		STORE_TEST(test_database_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
