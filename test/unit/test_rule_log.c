/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's ring of what rules logged: nothing gets lost that is not counted, whoever is faster. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/rule_log.h"

#define RULES 40
#define RECORDS 200000
#define RECORDS_A_MS 20
#define WINDOW_MS (1U << RULE_LOG_WINDOW_SHIFT)

static bool put(struct rule_log *log, uint32_t rule, uint16_t port, uint64_t now_ms)
{
	struct rule_log_record *record = rule_log_begin(log, rule, now_ms);

	if (record == NULL)
		return false;
	*record = (struct rule_log_record){.rule = rule, .src_port = port};
	rule_log_end(log);
	return true;
}

static void test_a_rule_has_its_share(void **state)
{
	struct rule_log *log = rule_log_create();
	struct rule_log_record record;
	unsigned n = 0;

	(void)state;
	assert_non_null(log);
	assert_false(rule_log_take(log, &record));
	for (unsigned i = 0; i < 100; i++)
		n += put(log, 7, (uint16_t)i, 5 * WINDOW_MS + i);
	assert_int_equal(n, RULE_LOG_BURST);
	assert_int_equal(rule_log_left_out(log, 7), 100 - RULE_LOG_BURST);
	assert_true(put(log, 8, 1, 5 * WINDOW_MS + 99));
	assert_int_equal(rule_log_left_out(log, 8), 0);
	assert_true(put(log, 7, 100, 6 * WINDOW_MS));
	for (unsigned i = 0; i < RULE_LOG_BURST; i++) {
		assert_true(rule_log_take(log, &record));
		assert_int_equal(record.src_port, i);
	}
	assert_true(rule_log_take(log, &record));
	assert_int_equal(record.rule, 8);
	assert_true(rule_log_take(log, &record));
	assert_int_equal(record.src_port, 100);
	assert_false(rule_log_take(log, &record));
	rule_log_forget(log, 7);
	assert_int_equal(rule_log_left_out(log, 7), 0);
	rule_log_free(log);
}

static void test_a_full_ring(void **state)
{
	struct rule_log *log = rule_log_create();
	struct rule_log_record record;

	(void)state;
	for (uint32_t rule = 1; rule <= RULE_LOG_RECORDS; rule++)
		assert_true(put(log, rule, 0, 0));
	assert_false(put(log, 1000, 0, 0));
	assert_int_equal(rule_log_left_out(log, 1000), 1);
	assert_true(rule_log_take(log, &record));
	assert_int_equal(record.rule, 1);
	assert_true(put(log, 1000, 0, 0));
	assert_false(put(log, 1000, 0, 0));
	rule_log_free(log);
}

static void *worker(void *arg)
{
	struct rule_log *log = arg;

	for (unsigned i = 0; i < RECORDS; i++)
		put(log, 1 + i % RULES, (uint16_t)(i / RULES), i / RECORDS_A_MS);
	return NULL;
}

static void test_two_threads(void **state)
{
	struct rule_log *log = rule_log_create();
	struct rule_log_record record;
	uint16_t last[RULES + 1] = {0};
	uint64_t taken[RULES + 1] = {0};
	pthread_t thread;
	bool ended = false;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, worker, log), 0);
	for (;;) {
		if (rule_log_take(log, &record)) {
			assert_in_range(record.rule, 1, RULES);
			assert_true(record.src_port >= last[record.rule]);
			last[record.rule] = record.src_port;
			taken[record.rule]++;
		} else if (ended) {
			break;
		} else {
			ended = pthread_tryjoin_np(thread, NULL) == 0;
		}
	}
	for (uint32_t rule = 1; rule <= RULES; rule++) {
		assert_true(taken[rule] > 0);
		assert_int_equal(taken[rule] + rule_log_left_out(log, rule), RECORDS / RULES);
	}
	rule_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rule_has_its_share),
		cmocka_unit_test(test_a_full_ring),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
