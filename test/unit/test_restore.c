/* SPDX-License-Identifier: BSD-3-Clause */
/* The model over its store: what was acknowledged is there after the end of the process. */
#include "test/unit/model_harness.h"
#include "test/unit/store_harness.h"

static struct store *store;

static void restart(void)
{
	struct store_options options = {.dir = state_dir};
	struct error err = {0};

	if (store != NULL) {
		model_teardown(NULL);
		store_close(store);
		model_setup(NULL);
	}
	store = store_open(&options, &err);
	if (store == NULL || model_restore(ctx.model, store, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(model_publish(ctx.model, &err), 0);
}

static int setup(void **state)
{
	store_clean(state);
	model_setup(state);
	restart();
	return 0;
}

static int teardown(void **state)
{
	model_teardown(state);
	store_close(store);
	store = NULL;
	return store_clean(state);
}

static json_t *state_now(void)
{
	return json_deep_copy(ok("state.get", "{}"));
}

static void test_round_trip(void **state)
{
	json_t *before, *after;

	(void)state;
	ok("network.upsert", NET("n", "7"));
	ok("group.upsert", "{\"id\":\"g\",\"qos\":{\"tx_kbps\":1000},\"labels\":{\"a\":\"b\"}}");
	ok("endpoint.upsert", TAP("e", "n", ",\"group\":\"g\",\"owner\":\"somebody\""));
	ok("rule.upsert",
		"{\"id\":\"r\",\"group\":\"g\",\"direction\":\"in\",\"action\":\"deny\","
		"\"proto\":\"tcp\",\"port\":\"80-90\",\"remote\":{\"cidr\":\"10.0.0.0/8\"}}");
	ok("global.set", "{\"mac_age_s\":60}");
	ok("network.upsert", NET("gone", "8"));
	ok("network.delete", "{\"id\":\"gone\"}");
	before = state_now();
	restart();
	after = state_now();
	assert_true(json_equal(before, after));
	assert_int_equal(json_integer_value(json_object_get(after, "rev")), 7);
	/* Into the data plane before anybody asks. */
	assert_int_equal(commit_recorder.last->n_endpoints, 1);
	assert_int_equal(commit_recorder.last->global.mac_age_s, 60);
	/* Owners are as they were. */
	refused("endpoint.delete", "{\"id\":\"e\"}", LEAT_NOT_OWNER);
	ok("network.upsert", NET("n", "7"));
	assert_false(changed());
	ok("network.upsert", NET("n", "9"));
	assert_int_equal(model_rev(ctx.model), 8);
	json_decref(before);
	json_decref(after);
}

static void test_refused_is_not_kept(void **state)
{
	json_t *before, *after;

	(void)state;
	ok("network.upsert", NET("n", "7"));
	before = state_now();
	commit_recorder.fail = LEAT_DEVICE;
	refused("network.upsert", NET("m", "8"), LEAT_DEVICE);
	ok("txn.apply",
		"{\"dry_run\":true,\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":"
		"\"n\"}}]}");
	restart();
	after = state_now();
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
}

/* Published, but not confirmed in time: it stands, so it is kept. */
static void test_timeout_is_kept(void **state)
{
	(void)state;
	commit_recorder.fail = LEAT_TIMEOUT;
	assert_null(call("network.upsert", NET("n", "7")));
	assert_int_equal(failure.error.code, LEAT_TIMEOUT);
	restart();
	assert_int_equal(model_rev(ctx.model), 1);
	assert_non_null(model_find(ctx.model, OBJECT_NETWORK, "n"));
}

/* One that holds what this version refuses is not taken in part. */
static void test_unfit(void **state)
{
	static const struct {
		const char *type, *id, *json, *says;
	} unfit[] = {
		{"network", "x", "{\"id\":\"x\",\"vlan\":9999}", "vlan"},
		{"network", "x", "{\"id\":\"x\",\"vlan\":9,\"colour\":\"blue\"}", "colour"},
		{"rainbow", "x", "{\"id\":\"x\"}", "rainbow"},
		{"endpoint", "x", TAP("x", "nowhere", ""), "nowhere"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		struct store_options options = {.dir = state_dir};
		struct error err = {0};
		json_t *object = json_loads(unfit[i].json, 0, NULL);
		uint64_t rev = store_rev(store) + 1;

		assert_int_equal(store_begin(store, &err), 0);
		assert_int_equal(
			store_put(store, unfit[i].type, unfit[i].id, "local", object, &err), 0);
		assert_int_equal(store_commit(store, rev, &err), 0);
		store_close(store);
		json_decref(object);
		store = store_open(&options, &err);
		assert_non_null(store);
		assert_int_equal(model_restore(ctx.model, store, &err), -1);
		if (strstr(err.message, unfit[i].says) == NULL ||
			strstr(err.message, state_dir) == NULL)
			fail_msg("%s", err.message);
		assert_int_equal(model_rev(ctx.model), 0);
		teardown(NULL);
		setup(NULL);
	}
}

#define RESTORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESTORE_TEST(test_round_trip),
		RESTORE_TEST(test_refused_is_not_kept),
		RESTORE_TEST(test_timeout_is_kept),
		RESTORE_TEST(test_unfit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
