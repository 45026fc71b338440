/* SPDX-License-Identifier: BSD-3-Clause */
/* References, owners, conflicts, revisions, and what the data plane is handed. */
#include "test/unit/model_harness.h"

static void test_put_again_changes_nothing(void **state)
{
	(void)state;
	ok("network.upsert", NET("blue", "10"));
	assert_true(changed());
	assert_int_equal(model_rev(ctx.model), 1);
	assert_int_equal(commit_recorder.applied, 1);
	ok("network.upsert", NET("blue", "10"));
	assert_false(changed());
	ok("network.upsert", "{\"vlan\":10,\"mtu\":1500,\"id\":\"blue\",\"owner\":\"local\"}");
	assert_false(changed());
	assert_int_equal(model_rev(ctx.model), 1);
	assert_int_equal(commit_recorder.applied, 1);
	ok("network.upsert", NET("blue", "11"));
	assert_true(changed());
	ok("network.delete", "{\"id\":\"nothing\"}");
	assert_false(changed());
	assert_int_equal(model_rev(ctx.model), 2);
}

static void test_references(void **state)
{
	(void)state;
	refused("endpoint.upsert", TAP("e", "blue", ""), LEAT_DEPENDENCY);
	assert_string_equal(failure.error.object, "endpoint:e");
	ok("network.upsert", NET("blue", "10"));
	ok("endpoint.upsert", TAP("e", "blue", ",\"group\":\"web\""));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(last_result, "pending"), 0)),
		"group:web");
	assert_string_equal(json_string_value(json_object_get(last_result, "state")), "pending");
	refused("network.delete", "{\"id\":\"blue\"}", LEAT_IN_USE);
	assert_string_equal(failure.error.object, "network:blue");
	ok("group.upsert", "{\"id\":\"web\"}");
	ok("endpoint.upsert", TAP("e", "blue", ",\"group\":\"web\""));
	assert_int_equal(json_array_size(json_object_get(last_result, "pending")), 0);
	ok("group.delete", "{\"id\":\"web\"}");
	ok("endpoint.get", "{\"id\":\"e\"}");
	ok("endpoint.delete", "{\"id\":\"e\"}");
	ok("network.delete", "{\"id\":\"blue\"}");
	assert_true(changed());
}

#define LEG(id, num)                                                                               \
	"{\"method\":\"rule.upsert\",\"params\":{\"id\":\"" id                                     \
	"\",\"leg\":\"inRx\",\"action\":\"deny\",\"dst_group\":" num "}}"
#define GROUP(id, num)                                                                             \
	"{\"method\":\"group.upsert\",\"params\":{\"id\":\"" id "\",\"num\":" num "}}"

/* How much the n-th op's object waits for. */
static size_t waits_for(size_t op)
{
	json_t *result = json_array_get(json_object_get(last_result, "results"), op);

	return json_array_size(json_object_get(result, "pending"));
}

/* What a rule waits for is that of the outcome, wherever in the transaction the group stands. */
static void test_numbers_of_groups(void **state)
{
	(void)state;
	ok("txn.apply",
		"{\"ops\":[" LEG("a", "5") "," GROUP("five", "5") "," GROUP("six", "6") "]}");
	assert_int_equal(waits_for(0), 0);
	ok("txn.apply", "{\"ops\":[" LEG("a", "5") "," LEG("b", "6") "," LEG("c", "65535") "," LEG(
				"d", "7") "," GROUP("five", "7") "]}");
	assert_int_equal(waits_for(0), 1);
	assert_int_equal(waits_for(1), 0);
	assert_int_equal(waits_for(2), 1);
	assert_int_equal(waits_for(3), 0);
	ok("txn.apply", "{\"ops\":[{\"method\":\"group.delete\",\"params\":{\"id\":\"six\"}}," LEG(
				"b", "6") "]}");
	assert_int_equal(waits_for(1), 1);
}

static void test_owners(void **state)
{
	(void)state;
	ok("system.hello", "{\"owner\":\"contiv\"}");
	ok("network.upsert", NET("blue", "10"));
	ok("system.hello", "{\"owner\":\"cni\"}");
	refused("network.upsert", NET("blue", "11"), LEAT_NOT_OWNER);
	refused("network.upsert", NET("blue", "10"), LEAT_NOT_OWNER);
	refused("network.delete", "{\"id\":\"blue\"}", LEAT_NOT_OWNER);
	ok("network.upsert", "{\"id\":\"blue\",\"vlan\":12,\"owner\":\"contiv\"}");
	refused("system.hello", "{\"api\":{\"min\":2,\"max\":3}}", LEAT_VERSION);
}

static void test_conflicts(void **state)
{
	(void)state;
	ok("network.upsert", NET("blue", "10"));
	ok("network.upsert", NET("red", "20"));
	refused("network.upsert", NET("green", "10"), LEAT_CONFLICT);
	ok("endpoint.upsert",
		TAP("a", "blue", ",\"mac\":\"02:00:00:00:00:01\",\"ips\":[\"10.0.0.1\"]"));
	/* The same addresses in another network are another tenant's. */
	ok("endpoint.upsert",
		TAP("b", "red", ",\"mac\":\"02:00:00:00:00:01\",\"ips\":[\"10.0.0.1\"]"));
	refused("endpoint.upsert", TAP("c", "blue", ",\"mac\":\"02:00:00:00:00:01\""),
		LEAT_CONFLICT);
	assert_string_equal(failure.error.object, "endpoint:c");
	assert_non_null(strstr(failure.error.message, "endpoint:a"));
	refused("endpoint.upsert", TAP("c", "blue", ",\"ips\":[\"10.0.0.1\"]"), LEAT_CONFLICT);
	refused("remote_endpoint.upsert",
		"{\"id\":\"r\",\"network\":\"blue\",\"mac\":\"02:00:00:00:00:01\"}", LEAT_CONFLICT);
	refused("endpoint.upsert",
		"{\"id\":\"c\",\"network\":\"blue\",\"port\":{\"kind\":\"tap\",\"name\":\"a\"}}",
		LEAT_CONFLICT);
	refused("uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"tap\",\"name\":\"a\"}}",
		LEAT_CONFLICT);
	refused("uplink.upsert", "{\"id\":\"a\",\"device\":{\"kind\":\"tap\",\"name\":\"up\"}}",
		LEAT_CONFLICT);
	ok("group.upsert", "{\"id\":\"g\",\"num\":5}");
	refused("group.upsert", "{\"id\":\"h\",\"num\":5}", LEAT_CONFLICT);
	ok("group.upsert", "{\"id\":\"h\",\"num\":5,\"tenant\":\"other\"}");
}

static void test_untagged_networks(void **state)
{
	(void)state;
	ok("network.upsert", "{\"id\":\"a\",\"encap\":\"none\"}");
	ok("network.upsert", "{\"id\":\"b\",\"encap\":\"none\"}");
	refused("uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"tap\",\"name\":\"up\"}}",
		LEAT_CONFLICT);
	ok("network.delete", "{\"id\":\"b\"}");
	ok("uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"tap\",\"name\":\"up\"}}");
	refused("network.upsert", "{\"id\":\"b\",\"encap\":\"none\"}", LEAT_CONFLICT);
	ok("network.upsert", NET("b", "3"));
}

#define TAP_UPLINK(id, more)                                                                       \
	"{\"id\":\"" id "\",\"device\":{\"kind\":\"tap\",\"name\":\"" id "\"}" more "}"
#define KEEPS(kbps) ",\"qos\":{\"min_kbps\":" kbps "}"

/* What is kept for endpoints is at most what each uplink has, by whatever change it would be more. */
static void test_capacity(void **state)
{
	(void)state;
	ok("network.upsert", NET("blue", "10"));
	refused("endpoint.upsert", TAP("a", "blue", KEEPS("1")), LEAT_DEPENDENCY);
	ok("group.upsert", "{\"id\":\"g\"" KEEPS("300") "}");
	refused("endpoint.upsert", TAP("a", "blue", ",\"group\":\"g\""), LEAT_DEPENDENCY);
	ok("uplink.upsert", TAP_UPLINK("up", ",\"capacity_kbps\":1000"));
	ok("endpoint.upsert", TAP("a", "blue", ",\"group\":\"g\""));
	ok("endpoint.upsert", TAP("b", "blue", KEEPS("700")));
	refused("endpoint.upsert", TAP("c", "blue", KEEPS("1")), LEAT_EXHAUSTED);
	refused("group.upsert", "{\"id\":\"g\"" KEEPS("301") "}", LEAT_EXHAUSTED);
	refused("uplink.upsert", TAP_UPLINK("up", ",\"capacity_kbps\":999"), LEAT_EXHAUSTED);
	refused("uplink.upsert", TAP_UPLINK("up", ""), LEAT_DEPENDENCY);
	refused("uplink.upsert", TAP_UPLINK("other", ""), LEAT_DEPENDENCY);
	refused("uplink.delete", "{\"id\":\"up\"}", LEAT_IN_USE);
	/* Its own values replace its group's, so they make room; and all in one go is as good. */
	ok("endpoint.upsert", TAP("a", "blue", ",\"group\":\"g\"" KEEPS("0")));
	ok("endpoint.upsert", TAP("c", "blue", KEEPS("300")));
	ok("txn.apply", "{\"ops\":[{\"method\":\"uplink.upsert\",\"params\":" TAP_UPLINK(
				"up", ",\"capacity_kbps\":300") "},"
								"{\"method\":\"endpoint.delete\","
								"\"params\":{\"id\":\"b\"}}]}");
}

static void test_takeover(void **state)
{
	(void)state;
	ok("network.upsert", NET("blue", "10"));
	ok("endpoint.upsert", TAP("old", "blue", ",\"ips\":[\"10.0.0.1\"]"));
	ok("endpoint.upsert", TAP("new", "blue", ",\"ips\":[\"10.0.0.1\"],\"takeover\":true"));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(last_result, "removed"), 0)),
		"endpoint:old");
	assert_int_equal(model_rev(ctx.model), 3);
	assert_int_equal(commit_recorder.last->n_endpoints, 1);
	assert_string_equal(commit_recorder.last->endpoints[0]->id, "new");
	assert_null(
		json_object_get(model_find(ctx.model, OBJECT_ENDPOINT, "new")->body, "takeover"));
	refused("endpoint.upsert",
		TAP("other", "blue", ",\"ips\":[\"10.0.0.1\"],\"takeover\":true,\"owner\":\"x\""),
		LEAT_NOT_OWNER);
}

static void test_mac_of_id(void **state)
{
	const struct mac *mac;
	struct mac before;

	(void)state;
	ok("network.upsert", NET("blue", "10"));
	ok("endpoint.upsert", TAP("e1", "blue", ""));
	mac = &commit_recorder.last->endpoints[0]->mac;
	before = *mac;
	assert_int_equal(mac->b[0], 0x02);
	ok("endpoint.upsert", TAP("e1", "blue", ""));
	assert_false(changed());
	ok("endpoint.upsert", TAP("e2", "blue", ""));
	assert_false(mac_equal(&before, &commit_recorder.last->endpoints[1]->mac));
	ok("endpoint.get", "{\"id\":\"e1\"}");
	assert_non_null(json_object_get(json_object_get(last_result, "endpoint"), "mac"));
}

/* What did not change is the same pointer in both configs. */
static void test_unchanged_items_stay(void **state)
{
	const struct network *blue;

	(void)state;
	ok("network.upsert", NET("blue", "10"));
	blue = commit_recorder.last->networks[0];
	ok("network.upsert", NET("azure", "11"));
	assert_ptr_equal(commit_recorder.last->networks[1], blue);
	ok("network.upsert", NET("blue", "12"));
	assert_ptr_not_equal(commit_recorder.last->networks[1], blue);
}

static void test_failed_commit_changes_nothing(void **state)
{
	(void)state;
	ok("network.upsert", NET("blue", "10"));
	commit_recorder.fail = LEAT_DEVICE;
	commit_recorder.fail_object = "endpoint:e";
	refused("endpoint.upsert", TAP("e", "blue", ""), LEAT_DEVICE);
	assert_string_equal(failure.error.object, "endpoint:e");
	assert_int_equal(failure.error.sys_errno, 19);
	assert_null(model_find(ctx.model, OBJECT_ENDPOINT, "e"));
	assert_int_equal(commit_recorder.last->n_endpoints, 0);
	ok("endpoint.upsert", TAP("e", "blue", ""));
}

/* After a TIMEOUT the new state stands, and its predecessor lives until a commit succeeds. */
static void test_timeout_stands(void **state)
{
	const struct config *first;

	(void)state;
	ok("network.upsert", NET("blue", "10"));
	first = commit_recorder.last;
	commit_recorder.fail = LEAT_TIMEOUT;
	assert_null(call("network.upsert", NET("red", "20")));
	assert_int_equal(failure.error.code, LEAT_TIMEOUT);
	assert_int_equal(model_rev(ctx.model), 2);
	assert_non_null(model_find(ctx.model, OBJECT_NETWORK, "red"));
	assert_string_equal(first->networks[0]->id, "blue");
	ok("network.upsert", NET("green", "30"));
	assert_int_equal(commit_recorder.last->n_networks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODEL_TEST(test_put_again_changes_nothing),
		MODEL_TEST(test_references),
		MODEL_TEST(test_numbers_of_groups),
		MODEL_TEST(test_owners),
		MODEL_TEST(test_conflicts),
		MODEL_TEST(test_untagged_networks),
		MODEL_TEST(test_capacity),
		MODEL_TEST(test_takeover),
		MODEL_TEST(test_mac_of_id),
		MODEL_TEST(test_unchanged_items_stay),
		MODEL_TEST(test_failed_commit_changes_nothing),
		MODEL_TEST(test_timeout_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
