/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions, the state as a whole, lists, and every parameter wrong. */
#include "test/unit/model_harness.h"
#include "test/unit/schema_walk.h"

static void test_config_is_typed_and_ordered(void **state)
{
	const struct config *c;

	(void)state;
	ok("txn.apply",
		"{\"ops\":["
		"{\"method\":\"rule.upsert\",\"params\":{\"id\":\"r2\",\"action\":\"allow\","
		"\"group\":\"g\",\"direction\":\"out\",\"proto\":\"udp\",\"port\":\"53-54\","
		"\"remote\":{\"cidr\":\"10.0.0.0/8\"},\"priority\":9}},"
		"{\"method\":\"rule.upsert\",\"params\":{\"id\":\"r1\",\"action\":\"deny\","
		"\"group\":\"g\",\"direction\":\"in\",\"remote\":{\"network\":\"n\"}}},"
		"{\"method\":\"endpoint.upsert\",\"params\":{\"id\":\"e\",\"network\":\"n\","
		"\"group\":\"g\",\"ips\":[\"10.0.0.2\",\"2001:db8::2\"],\"port\":{\"kind\":"
		"\"vhost-user\",\"socket\":\"/s\",\"mode\":\"server\",\"queues\":2,\"perm\":"
		"\"0660\",\"uid\":7},\"qos\":{\"tx_kbps\":5000000,\"rx_kbps\":10},\"guard\":{"
		"\"spoof\":false,\"macs\":7}}},"
		"{\"method\":\"group.upsert\",\"params\":{\"id\":\"g\",\"default_action\":\"deny\"}"
		"},"
		"{\"method\":\"network.upsert\",\"params\":{\"id\":\"n\",\"vlan\":7,\"subnet\":"
		"\"10.0.0.0/24\",\"gateway\":\"10.0.0.1\",\"mtu\":9000}},"
		"{\"method\":\"global.set\",\"params\":{\"mac_age_s\":60,\"tcp_midstream\":"
		"\"drop\"}}"
		"]}");
	c = commit_recorder.last;
	assert_int_equal(model_rev(ctx.model), 1);
	assert_int_equal(c->n_rules, 2);
	assert_string_equal(c->rules[0]->id, "r1");
	assert_int_equal(c->rules[0]->port_lo, 0);
	assert_int_equal(c->rules[0]->port_hi, 65535);
	assert_int_equal(c->rules[0]->remote_kind, REMOTE_NETWORK);
	assert_int_equal(c->rules[1]->proto, 17);
	assert_int_equal(c->rules[1]->port_lo, 53);
	assert_int_equal(c->rules[1]->port_hi, 54);
	assert_int_equal(c->rules[1]->remote_cidr.len, 8);
	assert_int_equal(c->rules[1]->direction, DIRECTION_OUT);
	assert_int_equal(c->rules[1]->action, ACTION_ALLOW);
	assert_int_equal(c->groups[0]->default_action, ACTION_DENY);
	assert_int_equal(c->networks[0]->vlan, 7);
	assert_int_equal(c->networks[0]->mtu, 9000);
	assert_int_equal(c->networks[0]->gateway.b[3], 1);
	assert_int_equal(c->endpoints[0]->n_ips, 2);
	assert_int_equal(c->endpoints[0]->ips[1].family, 6);
	assert_true(c->endpoints[0]->port.server);
	assert_int_equal(c->endpoints[0]->port.queues, 2);
	assert_int_equal(c->endpoints[0]->port.perm, 0660);
	assert_int_equal(c->endpoints[0]->port.uid, 7);
	assert_int_equal(c->endpoints[0]->port.gid, -1);
	assert_false(c->endpoints[0]->guard.spoof);
	assert_true(c->endpoints[0]->has_qos);
	assert_int_equal(c->endpoints[0]->qos.tx_burst_kbit, 1000000);
	assert_int_equal(c->endpoints[0]->qos.rx_burst_kbit, BURST_DEFAULT_MIN_KBIT);
	assert_int_equal(c->global.mac_age_s, 60);
	assert_true(c->global.tcp_midstream_drop);
}

static void test_txn(void **state)
{
	json_t *cause;

	(void)state;
	/* Nothing of it: the second op needs a network that is not there. */
	refused("txn.apply",
		"{\"ops\":[{\"method\":\"network.upsert\",\"params\":" NET(
			"blue", "10") "},"
				      "{\"method\":\"endpoint.upsert\",\"params\":" TAP(
					      "e", "nowhere", "") "}]}",
		LEAT_TXN_ABORTED);
	assert_int_equal(json_integer_value(json_object_get(failure.data, "failed_index")), 1);
	cause = json_object_get(failure.data, "cause");
	assert_int_equal(json_integer_value(json_object_get(cause, "code")), LEAT_DEPENDENCY);
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "blue"));

	/* Any order inside. */
	ok("txn.apply",
		"{\"ops\":[{\"method\":\"endpoint.upsert\",\"params\":" TAP("e", "blue",
			"") "},"
			    "{\"method\":\"network.upsert\",\"params\":" NET("blue", "10") "}]}");
	assert_int_equal(json_array_size(json_object_get(last_result, "results")), 2);
	assert_int_equal(model_rev(ctx.model), 1);
	/* Two networks change their VLANs for each other's. */
	ok("network.upsert", NET("red", "20"));
	ok("txn.apply",
		"{\"ops\":[{\"method\":\"network.upsert\",\"params\":" NET("red",
			"10") "},"
			      "{\"method\":\"network.upsert\",\"params\":" NET("blue", "20") "}]}");
	assert_int_equal(model_rev(ctx.model), 3);
	ok("txn.apply", "{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"blue\"}},"
			"{\"method\":\"endpoint.delete\",\"params\":{\"id\":\"e\"}}]}");
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "blue"));
}

static void test_txn_refusals(void **state)
{
	(void)state;
	refused("txn.apply",
		"{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"a\"}},"
		"{\"method\":\"network.upsert\",\"params\":{\"id\":\"b\",\"vlan\":5000}}]}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/ops/1/params/vlan");
	refused("txn.apply", "{\"ops\":[{\"method\":\"network.get\",\"params\":{\"id\":\"a\"}}]}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/ops/0/method");
	refused("txn.apply",
		"{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"a\"}},"
		"{\"method\":\"network.upsert\",\"params\":" NET("a", "1") "}]}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/ops/1/params/id");
	refused("txn.apply", "{\"ops\":[],\"if_rev\":7}", LEAT_STALE_REVISION);
	refused("txn.apply",
		"{\"ops\":[{\"method\":\"network.upsert\",\"params\":{\"id\":\"b\","
		"\"encap\":\"vxlan\"}}]}",
		LEAT_TXN_ABORTED);
	commit_recorder.fail = LEAT_DEVICE;
	commit_recorder.fail_object = "network:b";
	refused("txn.apply",
		"{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"a\"}},"
		"{\"method\":\"network.upsert\",\"params\":" NET("b", "1") "}]}",
		LEAT_TXN_ABORTED);
	assert_int_equal(json_integer_value(json_object_get(failure.data, "failed_index")), 1);
}

static void test_dry_run_and_deadline(void **state)
{
	(void)state;
	ok("txn.apply", "{\"dry_run\":true,\"ops\":[{\"method\":\"network.upsert\",\"params\":" NET(
				"b", "1") "}]}");
	assert_int_equal(commit_recorder.applied, 0);
	assert_int_equal(model_rev(ctx.model), 0);
	ok("txn.apply",
		"{\"deadline_ms\":77,\"ops\":[{\"method\":\"network.upsert\",\"params\":" NET(
			"b", "1") "}]}");
	assert_int_equal(commit_recorder.deadline_ms, 77);
}

static json_t *state_dump(void)
{
	return json_incref(json_object_get(ok("state.get", "{}"), "objects"));
}

static void test_state_round_trip(void **state)
{
	json_t *document;
	json_t *after;

	(void)state;
	test_config_is_typed_and_ordered(NULL);
	document = json_incref(ok("state.get", "{}"));
	/* The document as it is changes nothing here... */
	if (call_json("state.replace", document) == NULL)
		fail_msg("%s %s", failure.error.path, failure.error.message);
	assert_int_equal(json_object_size(json_object_get(last_result, "added")), 0);
	assert_int_equal(json_object_size(json_object_get(last_result, "changed")), 0);
	assert_int_equal(model_rev(ctx.model), 1);
	/* ... and makes the same state elsewhere. */
	model_teardown(NULL);
	model_setup(NULL);
	assert_non_null(call_json("state.replace", document));
	after = state_dump();
	assert_true(json_equal(after, json_object_get(document, "objects")));
	json_decref(after);
	json_decref(document);
}

static void test_state_replace(void **state)
{
	(void)state;
	ok("network.upsert", "{\"id\":\"foreign\",\"vlan\":99,\"owner\":\"x\"}");
	ok("network.upsert", NET("a", "1"));
	ok("network.upsert", NET("b", "2"));
	ok("group.upsert", "{\"id\":\"g\"}");
	refused("state.replace", "{\"objects\":{},\"max_removed\":2}", LEAT_GUARD);
	ok("state.replace", "{\"mode\":\"plan\",\"objects\":{}}");
	assert_int_equal(model_rev(ctx.model), 4);
	ok("state.replace", "{\"scope\":[\"network\"],\"objects\":{\"network\":[" NET(
				    "b", "3") "," NET("c", "4") "]}}");
	assert_int_equal(model_rev(ctx.model), 5);
	assert_string_equal(
		json_string_value(json_array_get(
			json_object_get(json_object_get(last_result, "removed"), "network"), 0)),
		"a");
	assert_non_null(model_find(ctx.model, OBJECT_NETWORK, "foreign"));
	assert_non_null(model_find(ctx.model, OBJECT_GROUP, "g"));
	refused("state.replace", "{\"objects\":{\"network\":[{\"id\":\"x\",\"vlan\":0}]}}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects/network/0/vlan");
	refused("state.replace", "{\"objects\":{\"networks\":[]}}", LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects/networks");
	refused("state.replace", "{\"scope\":[\"rule\"],\"objects\":{\"network\":[]}}",
		LEAT_INVALID_PARAMS);
	refused("state.replace", "{\"objects\":{\"network\":[" NET("foreign", "9") "]}}",
		LEAT_NOT_OWNER);
}

static void test_retain(void **state)
{
	(void)state;
	ok("network.upsert", NET("n", "1"));
	ok("endpoint.upsert", TAP("c-1", "n", ""));
	ok("endpoint.upsert", TAP("c-2", "n", ""));
	ok("endpoint.upsert", TAP("d-1", "n", ""));
	ok("endpoint.upsert", TAP("c-x", "n", ",\"owner\":\"x\""));
	ok("endpoint.retain", "{\"id_prefix\":\"c-\",\"keep\":[\"c-2\"],\"dry_run\":true}");
	assert_int_equal(json_array_size(json_object_get(last_result, "removed")), 1);
	assert_non_null(model_find(ctx.model, OBJECT_ENDPOINT, "c-1"));
	ok("endpoint.retain", "{\"id_prefix\":\"c-\",\"keep\":[\"c-2\"]}");
	assert_null(model_find(ctx.model, OBJECT_ENDPOINT, "c-1"));
	assert_non_null(model_find(ctx.model, OBJECT_ENDPOINT, "c-x"));
	assert_non_null(model_find(ctx.model, OBJECT_ENDPOINT, "d-1"));
}

static void test_list_and_get(void **state)
{
	json_t *items;

	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("network.upsert", NET("b", "2"));
	ok("network.upsert", NET("c", "3"));
	ok("endpoint.upsert", TAP("e", "a", ",\"ips\":[\"10.0.0.1\",\"10.0.0.2\"]"));
	items = json_object_get(ok("network.list", "{\"limit\":2}"), "items");
	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(json_string_value(json_object_get(last_result, "next")), "b");
	items = json_object_get(ok("network.list", "{\"limit\":2,\"after\":\"b\"}"), "items");
	assert_int_equal(json_array_size(items), 1);
	assert_true(json_is_null(json_object_get(last_result, "next")));
	items = json_object_get(ok("network.list", "{\"vlan\":2}"), "items");
	assert_int_equal(json_array_size(items), 1);
	items = json_object_get(ok("endpoint.list", "{\"ips\":\"10.0.0.2\"}"), "items");
	assert_int_equal(json_array_size(items), 1);
	assert_non_null(json_object_get(json_array_get(items, 0), "oper"));
	items = json_object_get(ok("endpoint.list", "{\"network\":\"b\"}"), "items");
	assert_int_equal(json_array_size(items), 0);
	refused("network.get", "{\"id\":\"zz\"}", LEAT_NOT_FOUND);
	assert_string_equal(failure.error.object, "network:zz");
}

static void test_other_methods(void **state)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	(void)state;
	ok("global.get", "{}");
	ok("stats.get", "{\"kinds\":[\"port\",\"drop\"]}");
	assert_null(json_object_get(last_result, "rule"));
	assert_non_null(json_object_get(last_result, "drop"));
	ok("system.status", "{}");
	ok("system.schema", "{}");
	assert_int_equal(
		json_array_size(json_object_get(ok("system.methods", "{}"), "methods")), n);
	assert_true(methods[0].params != NULL);
	refused("policy.trace", "{\"packet\":{}}", LEAT_INVALID_PARAMS);
	refused("policy.trace", "{\"endpoint\":\"zz\",\"packet\":{}}", LEAT_NOT_FOUND);
	refused("events.publish", "{}", LEAT_METHOD_NOT_FOUND);
	refused("system.shutdown", "{\"confirm\":\"no\"}", LEAT_INVALID_PARAMS);
	assert_int_equal(shutdowns, 0);
}

static void wrong(
	const char *method, json_t *params, enum leat_error_code code, const char *path, void *arg)
{
	enum leat_error_code got;

	(void)arg;
	assert_null(call_json(method, params));
	got = failure.error.code;
	/* Inside a transaction what is not enforced is the cause. */
	if (got == LEAT_TXN_ABORTED)
		got = LEAT_UNSUPPORTED;
	if (got != code || strcmp(failure.error.path, path) != 0)
		fail_msg("%s: wanted %d at %s, got %d at %s", method, code, path, got,
			failure.error.path);
	assert_int_equal(commit_recorder.applied, 0);
	assert_int_equal(model_rev(ctx.model), 0);
}

static void test_every_parameter_wrong(void **state)
{
	(void)state;
	assert_true(schema_walk(valid_params, wrong, NULL) > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODEL_TEST(test_config_is_typed_and_ordered),
		MODEL_TEST(test_txn),
		MODEL_TEST(test_txn_refusals),
		MODEL_TEST(test_dry_run_and_deadline),
		MODEL_TEST(test_state_round_trip),
		MODEL_TEST(test_state_replace),
		MODEL_TEST(test_retain),
		MODEL_TEST(test_list_and_get),
		MODEL_TEST(test_other_methods),
		MODEL_TEST(test_every_parameter_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
