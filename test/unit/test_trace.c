/* SPDX-License-Identifier: BSD-3-Clause */
/* policy.trace by a published snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "test/unit/commit_harness.h"

static char web[] = "web";

static json_t *trace(const char *params, struct error *err)
{
	json_t *json = json_loads(params, 0, NULL);
	json_t *ret = NULL;

	assert_non_null(json);
	memset(err, 0, sizeof(*err));
	if (trace_run(json, &ret, err) != 0)
		assert_int_not_equal(err->code, LEAT_OK);
	json_decref(json);
	return ret;
}

static void assert_trace(const char *params, const char *verdict, const char *rule, const char *out)
{
	struct error err;
	json_t *ret = trace(params, &err);
	json_t *first;

	assert_non_null(ret);
	first = json_array_get(json_object_get(ret, "out"), 0);
	assert_string_equal(json_string_value(json_object_get(ret, "verdict")), verdict);
	if (rule != NULL)
		assert_string_equal(json_string_value(json_object_get(ret, "rule")), rule);
	else
		assert_true(json_is_null(json_object_get(ret, "rule")));
	if (out != NULL)
		assert_string_equal(json_string_value(first), out);
	else
		assert_null(first);
	assert_true(json_array_size(json_object_get(ret, "steps")) > 0);
	json_decref(ret);
}

static void assert_reason(const char *packet, const char *reason)
{
	char params[512];
	struct error err;
	json_t *ret;
	const char *said;

	snprintf(params, sizeof(params), "{\"endpoint\":\"e1\",\"packet\":{%s}}", packet);
	ret = trace(params, &err);
	assert_non_null(ret);
	said = json_string_value(json_object_get(ret, "reason"));
	if (reason == NULL)
		assert_null(said);
	else
		assert_string_equal(said, reason);
	json_decref(ret);
}

/* ARP and neighbour discovery, honest and not. */
static void assert_claims(void)
{
	struct error err;

	assert_reason("\"arp\":\"request\",\"dst_ip\":\"10.0.0.2\"", NULL);
	assert_reason("\"arp\":\"reply\",\"dst_ip\":\"10.0.0.2\"", NULL);
	assert_reason(
		"\"arp\":\"reply\",\"src_ip\":\"10.0.0.9\",\"dst_ip\":\"10.0.0.2\"", "spoofed_arp");
	assert_reason("\"arp\":\"request\",\"dst_ip\":\"10.0.0.2\","
		      "\"sender_mac\":\"02:00:00:00:00:99\"",
		"spoofed_arp");
	assert_reason("\"arp\":\"request\",\"dst_ip\":\"10.0.0.2\","
		      "\"target_mac\":\"02:00:00:00:00:02\"",
		NULL);
	assert_null(
		trace("{\"endpoint\":\"e1\",\"packet\":{\"arp\":\"reply\",\"src_ip\":\"fd00::1\","
		      "\"dst_ip\":\"fd00::2\"}}",
			&err));
	assert_string_equal(err.path, "/packet/dst_ip");
	assert_null(
		trace("{\"endpoint\":\"e1\",\"packet\":{\"arp\":\"reply\",\"dst_ip\":\"10.0.0.2\","
		      "\"resolve\":true}}",
			&err));
	assert_string_equal(err.path, "/packet/arp");
}

static void test_trace(void **state)
{
	struct wanted w = wanted_empty();
	struct error err;

	(void)state;
	add_tap(&w, 1, "lt1");
	add_tap(&w, 2, "lt2");
	w.config.n_rules = 1;
	w.rules[0] = (struct rule){.id = "no-web",
		.priority = 1,
		.action = ACTION_DENY,
		.group = web,
		.direction = DIRECTION_IN,
		.proto = IPPROTO_TCP,
		.port_lo = 80,
		.port_hi = 80};
	commit(&w);
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"dst_port\":81}}",
		"forward", NULL, "e2");
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"dst_port\":80}}",
		"drop", "no-web", NULL);
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"src_ip\":\"10.9.9.9\",\"dst_port\":81}}",
		"drop", NULL, NULL);
	assert_trace("{\"endpoint\":\"e2\",\"packet\":{\"dst_mac\":\"ff:ff:ff:ff:ff:ff\"}}",
		"flood", NULL, "e1");
	assert_claims();
	assert_null(trace("{\"endpoint\":\"e9\",\"packet\":{}}", &err));
	assert_int_equal(err.code, LEAT_NOT_FOUND);
	assert_null(trace("{\"packet\":{}}", &err));
	assert_int_equal(err.code, LEAT_INVALID_PARAMS);
	assert_null(trace("{\"endpoint\":\"e1\",\"packet\":{\"src_ip\":\"10.0.0.1\"}}", &err));
	assert_string_equal(err.path, "/packet/dst_ip");
	assert_null(trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"fd00::1\"}}", &err));
	assert_string_equal(err.path, "/packet/src_ip");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_trace, harness_clean),
	};

	return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
