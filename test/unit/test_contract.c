/* SPDX-License-Identifier: BSD-3-Clause */
/* What steers a change, to the letter of the contract: if_rev, dry_run, deadline_ms, max_removed, owners. */
#include "lib/log.h"
#include "test/unit/model_harness.h"

#define TXN(more, ops) "{" more "\"ops\":[" ops "]}"
#define PUT(type, params) "{\"method\":\"" type ".upsert\",\"params\":" params "}"
#define DELETE(type, id) "{\"method\":\"" type ".delete\",\"params\":{\"id\":\"" id "\"}}"

static json_t *result_at(size_t i)
{
	return json_array_get(json_object_get(last_result, "results"), i);
}

static json_int_t rev_told(void)
{
	return json_integer_value(json_object_get(last_result, "rev"));
}

static bool refused_retryably(void)
{
	json_t *error = failure_to_json(&failure);
	bool retryable = json_is_true(json_object_get(json_object_get(error, "data"), "retryable"));

	json_decref(error);
	return retryable;
}

static void test_if_rev(void **state)
{
	(void)state;
	ok("txn.apply", TXN("\"if_rev\":0,", PUT("network", NET("a", "1"))));
	assert_int_equal(rev_told(), 1);
	refused("txn.apply", TXN("\"if_rev\":0,", PUT("network", NET("b", "2"))),
		LEAT_STALE_REVISION);
	assert_true(refused_retryably());
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "b"));
	refused("txn.apply", TXN("\"if_rev\":2,", PUT("network", NET("b", "2"))),
		LEAT_STALE_REVISION);
	/* Stale is stale, though it would change nothing; and so it is for a plan. */
	refused("txn.apply", TXN("\"if_rev\":0,", PUT("network", NET("a", "1"))),
		LEAT_STALE_REVISION);
	refused("txn.apply", TXN("\"if_rev\":0,\"dry_run\":true,", PUT("network", NET("b", "2"))),
		LEAT_STALE_REVISION);
	ok("txn.apply", TXN("\"if_rev\":1,", PUT("network", NET("a", "1"))));
	assert_int_equal(rev_told(), 1);
	refused("txn.apply", TXN("\"if_rev\":-1,", ""), LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/if_rev");
}

static void test_dry_run(void **state)
{
	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("txn.apply", TXN("\"dry_run\":true,",
				PUT("network", NET("a", "1")) "," PUT(
					"network", NET("b", "2")) "," PUT("endpoint",
					TAP("e", "b", ",\"group\":\"late\"")) "," DELETE("network",
					"never")));
	assert_int_equal(rev_told(), 1);
	assert_false(json_is_true(json_object_get(result_at(0), "changed")));
	assert_true(json_is_true(json_object_get(result_at(1), "changed")));
	assert_true(json_is_true(json_object_get(result_at(2), "changed")));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result_at(2), "pending"), 0)),
		"group:late");
	assert_false(json_is_true(json_object_get(result_at(3), "changed")));
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "b"));
	assert_int_equal(commit_recorder.applied, 1);
	assert_int_equal(events_seq(ctx.events), 1);
	/* It fails as the change itself would. */
	refused("txn.apply", TXN("\"dry_run\":true,", PUT("network", NET("b", "1"))),
		LEAT_TXN_ABORTED);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(failure.data, "cause"), "code")),
		LEAT_CONFLICT);
	refused("txn.apply", TXN("\"dry_run\":true,", PUT("network", NET("b", "9999"))),
		LEAT_INVALID_PARAMS);
}

static void test_deadline(void **state)
{
	(void)state;
	ok("txn.apply", TXN("", PUT("network", NET("a", "1"))));
	assert_int_equal(commit_recorder.deadline_ms, 0);
	ok("txn.apply", TXN("\"deadline_ms\":600000,", PUT("network", NET("a", "2"))));
	assert_int_equal(commit_recorder.deadline_ms, 600000);
	refused("txn.apply", TXN("\"deadline_ms\":0,", ""), LEAT_INVALID_PARAMS);
	refused("txn.apply", TXN("\"deadline_ms\":600001,", ""), LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/deadline_ms");
	/* Late is not refused: it stands, and is an event. */
	commit_recorder.fail = LEAT_TIMEOUT;
	assert_null(call("txn.apply", TXN("\"deadline_ms\":1,", PUT("network", NET("a", "3")))));
	assert_int_equal(failure.error.code, LEAT_TIMEOUT);
	assert_true(refused_retryably());
	assert_int_equal(model_rev(ctx.model), 3);
	assert_int_equal(events_seq(ctx.events), 3);
	ok("txn.apply", TXN("", PUT("network", NET("a", "3"))));
	assert_int_equal(rev_told(), 3);
}

static void test_max_removed(void **state)
{
	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("network.upsert", NET("b", "2"));
	ok("group.upsert", "{\"id\":\"g\"}");
	/* Changed and added ones do not count. */
	refused("state.replace",
		"{\"max_removed\":1,\"objects\":{\"network\":[" NET("a", "7") "," NET(
			"c", "8") "]}}",
		LEAT_GUARD);
	assert_int_equal(model_rev(ctx.model), 3);
	refused("state.replace", "{\"mode\":\"plan\",\"max_removed\":2,\"objects\":{}}",
		LEAT_GUARD);
	ok("state.replace", "{\"mode\":\"plan\",\"max_removed\":3,\"objects\":{}}");
	refused("state.replace", "{\"max_removed\":0,\"scope\":[\"group\"],\"objects\":{}}",
		LEAT_GUARD);
	ok("state.replace", "{\"max_removed\":0,\"scope\":[\"rule\"],\"objects\":{}}");
	ok("state.replace", "{\"max_removed\":2,\"objects\":{\"network\":[" NET("a", "7") "," NET(
				    "c", "8") "]}}");
	assert_int_equal(model_rev(ctx.model), 4);
}

/* A plan with what is before and after; its revision holds the replacement to it. */
static void test_plan_is_what_is_done(void **state)
{
	json_t *list;

	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("network.upsert", NET("b", "2"));
	ok("state.replace",
		"{\"mode\":\"plan\",\"diff\":true,\"if_rev\":2,\"objects\":{\"network\":[" NET(
			"a", "7") "," NET("c", "8") "]}}");
	assert_int_equal(rev_told(), 2);
	list = json_object_get(last_result, "differences");
	assert_int_equal(json_array_size(list), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *item = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(item, "object"));
		json_t *before = json_object_get(item, "before");
		json_t *after = json_object_get(item, "after");

		assert_int_equal(json_is_null(before), strcmp(id, "network:c") == 0);
		assert_int_equal(json_is_null(after), strcmp(id, "network:b") == 0);
		if (strcmp(id, "network:a") == 0) {
			assert_int_equal(json_integer_value(json_object_get(before, "vlan")), 1);
			assert_int_equal(json_integer_value(json_object_get(after, "vlan")), 7);
		}
	}
	ok("network.upsert", NET("d", "9"));
	refused("state.replace", "{\"if_rev\":2,\"objects\":{}}", LEAT_STALE_REVISION);
	assert_true(refused_retryably());
	ok("resync.begin", "{\"if_rev\":2}");
	refused("resync.commit", "{}", LEAT_STALE_REVISION);
	assert_int_equal(model_rev(ctx.model), 3);
	ok("state.replace", "{\"if_rev\":3,\"objects\":{}}");
	assert_null(json_object_get(last_result, "differences"));
}

/* Every way to change what somebody else owns. */
static void test_owners_keep_apart(void **state)
{
	static const struct {
		const char *method, *params;
	} tries[] = {
		{"network.upsert", NET("n", "2")},
		{"network.upsert", NET("n", "1")},
		{"network.upsert", "{\"id\":\"n\",\"vlan\":1,\"owner\":\"third\"}"},
		{"network.delete", "{\"id\":\"n\"}"},
		{"endpoint.delete", "{\"id\":\"e\"}"},
		{"endpoint.upsert",
			TAP("f", "n", ",\"mac\":\"02:00:00:00:00:01\",\"takeover\":true")},
		{"global.set", "{\"mac_age_s\":70}"},
		{"state.replace", "{\"objects\":{\"network\":[" NET("n", "2") "]}}"},
	};
	json_t *before;

	(void)state;
	ok("system.hello", "{\"owner\":\"first\"}");
	ok("network.upsert", NET("n", "1"));
	ok("endpoint.upsert", TAP("e", "n", ",\"mac\":\"02:00:00:00:00:01\""));
	ok("global.set", "{\"mac_age_s\":60}");
	before = json_deep_copy(ok("state.get", "{}"));
	ok("system.hello", "{\"owner\":\"second\"}");
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		refused(tries[i].method, tries[i].params, LEAT_NOT_OWNER);
	/* Nor by a transaction, which says which op. */
	refused("txn.apply", TXN("", PUT("network", NET("m", "5")) "," DELETE("endpoint", "e")),
		LEAT_TXN_ABORTED);
	assert_int_equal(json_integer_value(json_object_get(failure.data, "failed_index")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(failure.data, "cause"), "code")),
		LEAT_NOT_OWNER);
	/* What takes all away takes its own alone. */
	ok("state.replace", "{\"objects\":{}}");
	ok("endpoint.retain", "{\"keep\":[]}");
	assert_true(json_equal(ok("state.get", "{}"), before));
	json_decref(before);
	/* Its own are its own, also where it names another as their owner from the beginning. */
	ok("network.upsert", NET("mine", "9"));
	refused("network.upsert", "{\"id\":\"mine\",\"vlan\":9,\"owner\":\"first\"}",
		LEAT_NOT_OWNER);
	ok("network.upsert", "{\"id\":\"theirs\",\"vlan\":10,\"owner\":\"third\"}");
	refused("network.delete", "{\"id\":\"theirs\"}", LEAT_NOT_OWNER);
	ok("state.get", "{\"owner\":\"second\",\"types\":[\"network\"]}");
	assert_int_equal(json_array_size(json_object_get(
				 json_object_get(last_result, "objects"), "network")),
		1);
}

/* Each thing that is there, once; of kinds and modes those that the schema has. */
static void test_capabilities(void **state)
{
	static const char *const wanted[] = {"vhost-user", "tap", "af_xdp", "memif", "dpdk", "pci",
		"af_packet", "policy-strict", "policy-contiv", "vlan", "ipv6-policy", "qos-police",
		"spoof-guard", "rule-log", "trace", "events", "resync", "garp", "stages"};
	json_t *list = json_object_get(ok("system.hello", "{}"), "capabilities");

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		unsigned times = 0;

		for (size_t j = 0; j < json_array_size(list); j++)
			times += strcmp(json_string_value(json_array_get(list, j)), wanted[i]) == 0;
		if (times != 1)
			fail_msg("%s is there %u times", wanted[i], times);
	}
}

static int dpdk_level = -1;

static void dpdk_level_note(enum log_level level)
{
	dpdk_level = (int)level;
}

/* Each module has a level of its own; without one it is the switch's. */
static void test_log_levels(void **state)
{
	enum log_level was = log_level_get();

	(void)state;
	ctx.dpdk_log_level = dpdk_level_note;
	ok("log.set", "{\"level\":\"error\"}");
	assert_int_equal(log_level_get(), LOG_LEVEL_ERROR);
	assert_int_equal(dpdk_level, -1);
	ok("log.set", "{\"level\":\"debug\",\"module\":\"dpdk\"}");
	assert_int_equal(log_level_get(), LOG_LEVEL_ERROR);
	assert_int_equal(dpdk_level, LOG_LEVEL_DEBUG);
	ok("log.set", "{\"level\":\"warning\",\"module\":\"leat\"}");
	assert_int_equal(log_level_get(), LOG_LEVEL_WARNING);
	assert_int_equal(dpdk_level, LOG_LEVEL_DEBUG);
	refused("log.set", "{\"level\":\"info\",\"module\":\"eal\"}", LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/module");
	log_level_set(was);
}

/* A letter too many in any field of any method: the error says which was meant, and where. */
static void test_nearest_field(void **state)
{
	size_t n;
	const struct method *methods = schema_methods(&n);
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (const struct field *f = methods[i].params->fields; f->name != NULL; f++) {
			json_t *params = json_object();
			char wrong[64], path[80], hint[96];

			snprintf(wrong, sizeof(wrong), "%sx", f->name);
			snprintf(path, sizeof(path), "/%s", wrong);
			snprintf(hint, sizeof(hint), "did you mean \"%s\"?", f->name);
			json_object_set_new(params, wrong, json_null());
			assert_null(call_json(methods[i].name, params));
			json_decref(params);
			assert_int_equal(failure.error.code, LEAT_INVALID_PARAMS);
			assert_string_equal(failure.error.path, path);
			if (strstr(failure.error.message, hint) == NULL)
				fail_msg("%s: %s", methods[i].name, failure.error.message);
			tried++;
		}
	}
	assert_true(tried > 100);
	refused("endpoint.upsert", TAP("e", "n", ",\"qos\":{\"tx_kbsp\":1}"), LEAT_INVALID_PARAMS);
	assert_non_null(strstr(failure.error.message, "tx_kbps"));
	assert_string_equal(failure.error.path, "/qos/tx_kbsp");
	refused("network.upserts", "{}", LEAT_METHOD_NOT_FOUND);
	assert_non_null(strstr(failure.error.message, "network.upsert"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODEL_TEST(test_if_rev),
		MODEL_TEST(test_dry_run),
		MODEL_TEST(test_deadline),
		MODEL_TEST(test_max_removed),
		MODEL_TEST(test_plan_is_what_is_done),
		MODEL_TEST(test_owners_keep_apart),
		MODEL_TEST(test_capabilities),
		MODEL_TEST(test_log_levels),
		MODEL_TEST(test_nearest_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
