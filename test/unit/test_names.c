/* SPDX-License-Identifier: BSD-3-Clause */
/* Indexes that an object keeps, and the pool they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "ctrl/compile_names.h"
#include "lib/id_pool.h"

static uint64_t seed = 0x1eaf;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

static void test_id_pool(void **state)
{
	enum { FIRST = 5, N = 200 };
	struct id_pool *pool = id_pool_create(FIRST, N);
	bool taken[N] = {false};
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t id = FIRST + rnd(N);

		if (rnd(100) < (i / 2000 % 2 ? 30U : 70U)) {
			uint32_t lowest = 0;

			while (lowest < N && taken[lowest])
				lowest++;
			id = id_pool_take(pool);
			assert_int_equal(id, lowest < N ? FIRST + lowest : ID_POOL_NONE);
			if (lowest == N)
				continue;
			taken[lowest] = true;
			n++;
		} else if (id_pool_taken(pool, id)) {
			assert_true(taken[id - FIRST]);
			id_pool_release(pool, id);
			taken[id - FIRST] = false;
			n--;
		} else {
			assert_false(taken[id - FIRST]);
		}
		assert_int_equal(id_pool_count(pool), n);
	}
	assert_false(id_pool_taken(pool, FIRST - 1));
	assert_false(id_pool_taken(pool, FIRST + N));
	id_pool_free(pool);
}

static struct names next_names(
	const struct names *old, struct id_pool *pool, const char *const *ids, size_t n)
{
	struct names next;

	assert_int_equal(names_next(old, (const void *const *)ids, n, pool, &next), 0);
	return next;
}

static void test_names_keep_their_index(void **state)
{
	struct id_pool *pool = id_pool_create(1, 4);
	struct names none = {0};
	const char *abc[] = {"a", "b", "c"};
	const char *acd[] = {"a", "c", "d"};
	const char *abcde[] = {"a", "b", "c", "d", "e"};
	struct names one = next_names(&none, pool, abc, 3);
	struct names two = next_names(&one, pool, acd, 3);
	struct names three;
	uint32_t gone[3];

	(void)state;
	assert_int_equal(names_index(&two, "a"), names_index(&one, "a"));
	assert_int_equal(names_index(&two, "c"), names_index(&one, "c"));
	/* b's index is not free before someone releases it. */
	assert_int_equal(names_index(&two, "d"), 4);
	assert_int_equal(names_index(&two, "b"), NAME_NONE);
	assert_int_equal(names_index(&two, NULL), NAME_NONE);
	assert_string_equal(names_id(&two, 4), "d");
	assert_null(names_id(&two, 2));
	assert_int_equal(names_gone(&one, &two, gone), 1);
	assert_int_equal(gone[0], names_index(&one, "b"));

	assert_int_equal(names_next(&two, (const void *const *)abcde, 5, pool, &three), -ENOSPC);
	assert_int_equal(id_pool_count(pool), 4);
	id_pool_release(pool, gone[0]);
	assert_int_equal(names_next(&two, (const void *const *)abcde, 5, pool, &three), -ENOSPC);
	assert_int_equal(id_pool_count(pool), 3);
	three = next_names(&two, pool, abcde, 4);
	assert_int_equal(names_index(&three, "b"), 2);
	names_undo(&two, &three, pool);
	assert_int_equal(id_pool_count(pool), 3);
	names_free(&one);
	names_free(&two);
	id_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_pool),
		cmocka_unit_test(test_names_keep_their_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
