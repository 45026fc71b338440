/* SPDX-License-Identifier: BSD-3-Clause */
/* leatd's command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/options.h"
#include "ctrl/schema.h"

#define ARGS_MAX 16

static struct options options;
static int code;

/* The words of a command line, NULL-terminated. */
static bool parse(char *const *words)
{
	char *argv[ARGS_MAX] = {"leatd"};
	int argc = 1;

	while (*words != NULL)
		argv[argc++] = *words++;
	code = -1;
	return options_parse(argc, argv, &options, &code);
}

#define PARSE(...) parse((char *const[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
	(void)state;
	assert_true(PARSE(NULL));
	assert_string_equal(options.socket, DEFAULT_SOCKET);
	assert_int_equal(options.memory_mb, OPTION_MEMORY_DEFAULT_MB);
	assert_int_equal(options.n_workers, 0);
	assert_int_equal(options.eal_argc, 0);
	assert_false(options.no_state);
	assert_string_equal(options.state_dir, "/var/lib/leat");
	assert_true(PARSE("--state-dir", "/s", "--new-state"));
	assert_string_equal(options.state_dir, "/s");
	assert_true(options.new_state);
}

static void test_all(void **state)
{
	(void)state;
	assert_true(PARSE("--socket", "/s", "--socket-group", "g", "--no-state", "--workers",
		"1,3-5", "--memory=512", "--config", "f", "--log-level", "debug", "--",
		"--no-huge"));
	assert_string_equal(options.socket, "/s");
	assert_string_equal(options.socket_group, "g");
	assert_true(options.no_state);
	assert_null(options.state_dir);
	assert_int_equal(options.n_workers, 4);
	assert_int_equal(options.workers[0], 1);
	assert_int_equal(options.workers[3], 5);
	assert_int_equal(options.memory_mb, 512);
	assert_string_equal(options.config_file, "f");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(options.eal_argc, 1);
	assert_string_equal(options.eal_argv[0], "--no-huge");
}

static void assert_bad_usage(bool parsed)
{
	assert_false(parsed);
	assert_int_equal(code, EXIT_BAD_USAGE);
}

static void test_bad_usage(void **state)
{
	(void)state;
	assert_bad_usage(PARSE("--nonsense"));
	assert_bad_usage(PARSE("word"));
	assert_bad_usage(PARSE("--workers", ""));
	assert_bad_usage(PARSE("--workers", "3-1"));
	assert_bad_usage(PARSE("--workers", "1,"));
	assert_bad_usage(PARSE("--workers", "1,1"));
	assert_bad_usage(PARSE("--workers", "-1"));
	assert_bad_usage(PARSE("--memory", "0"));
	assert_bad_usage(PARSE("--memory", "12x"));
	assert_bad_usage(PARSE("--log-level", "loud"));
	assert_bad_usage(PARSE("--no-state", "--state-dir", "/s"));
	assert_bad_usage(PARSE("--no-state", "--new-state"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_bad_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
