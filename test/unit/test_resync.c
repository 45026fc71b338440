/* SPDX-License-Identifier: BSD-3-Clause */
/* resync.*: a whole state in several messages, one commit. */
#include "ctrl/rpc/jsonrpc.h"
#include "test/unit/model_harness.h"

#define PUT_NET(id, vlan) "{\"objects\":{\"network\":[" NET(id, vlan) "]}}"

static json_int_t objects(void)
{
	return json_integer_value(json_object_get(last_result, "objects"));
}

static bool listed(const char *fate, const char *type, const char *id)
{
	json_t *list = json_object_get(json_object_get(last_result, fate), type);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), id) == 0)
			return true;
	return false;
}

static void test_several_messages_one_commit(void **state)
{
	(void)state;
	ok("network.upsert", NET("old", "1"));
	ok("network.upsert", NET("same", "2"));
	ok("network.upsert", "{\"id\":\"else\",\"vlan\":3,\"owner\":\"somebody\"}");
	ok("resync.begin", "{}");
	/* What refers stands before what it refers to. */
	ok("resync.put", "{\"objects\":{\"endpoint\":[" TAP("e", "new", "") "]}}");
	ok("resync.put", PUT_NET("new", "4"));
	ok("resync.put", PUT_NET("same", "2"));
	assert_int_equal(objects(), 3);
	assert_int_equal(model_rev(ctx.model), 3);
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "new"));
	ok("resync.commit", "{}");
	assert_int_equal(model_rev(ctx.model), 4);
	assert_true(listed("added", "network", "new"));
	assert_true(listed("added", "endpoint", "e"));
	assert_true(listed("removed", "network", "old"));
	assert_true(listed("unchanged", "network", "same"));
	assert_non_null(model_find(ctx.model, OBJECT_NETWORK, "else"));
	assert_null(model_find(ctx.model, OBJECT_NETWORK, "old"));
	refused("resync.commit", "{}", LEAT_NOT_FOUND);
}

static void test_a_put_is_all_or_nothing(void **state)
{
	(void)state;
	ok("resync.begin", "{\"scope\":[\"network\"]}");
	ok("resync.put", PUT_NET("a", "1"));
	refused("resync.put",
		"{\"objects\":{\"network\":[" NET("b", "2") "," NET("c", "5000") "]}}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects/network/1/vlan");
	refused("resync.put", "{\"objects\":{\"network\":[" NET("b", "2") "," NET("a", "3") "]}}",
		LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects/network/1/id");
	refused("resync.put", "{\"objects\":{\"group\":[{\"id\":\"g\"}]}}", LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects/group");
	refused("resync.put", "{\"objects\":{\"nonsense\":[]}}", LEAT_INVALID_PARAMS);
	refused("resync.put", "{\"objects\":{\"network\":{}}}", LEAT_INVALID_PARAMS);
	refused("resync.put", "{\"objects\":7}", LEAT_INVALID_PARAMS);
	assert_string_equal(failure.error.path, "/objects");
	/* "b" was in refused ones alone. */
	ok("resync.put", PUT_NET("b", "2"));
	assert_int_equal(objects(), 2);
	ok("resync.commit", "{}");
	assert_int_equal(model_rev(ctx.model), 1);
}

static void test_as_state_replace(void **state)
{
	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("network.upsert", NET("b", "2"));
	ok("resync.begin", "{\"mode\":\"plan\"}");
	ok("resync.commit", "{}");
	assert_true(listed("removed", "network", "a"));
	assert_int_equal(model_rev(ctx.model), 2);
	ok("resync.begin", "{\"max_removed\":1}");
	refused("resync.commit", "{}", LEAT_GUARD);
	/* It is over with that. */
	refused("resync.put", PUT_NET("c", "3"), LEAT_NOT_FOUND);
	ok("resync.begin", "{\"max_removed\":2}");
	ok("resync.commit", "{}");
	assert_int_equal(model_rev(ctx.model), 3);
	ok("resync.begin", "{}");
	ok("resync.put", "{\"objects\":{\"endpoint\":[" TAP("e", "nowhere", "") "]}}");
	refused("resync.commit", "{}", LEAT_DEPENDENCY);
}

static void test_begin_and_abort(void **state)
{
	(void)state;
	refused("resync.put", PUT_NET("a", "1"), LEAT_NOT_FOUND);
	refused("resync.abort", "{}", LEAT_NOT_FOUND);
	ok("resync.begin", "{}");
	refused("resync.begin", "{}", LEAT_CONFLICT);
	ok("resync.put", PUT_NET("a", "1"));
	ok("resync.abort", "{}");
	refused("resync.commit", "{}", LEAT_NOT_FOUND);
	assert_int_equal(model_rev(ctx.model), 0);
}

/* Whose it is says its begin, whatever the connection calls itself afterwards. */
static void test_owner(void **state)
{
	(void)state;
	ok("network.upsert", NET("a", "1"));
	ok("system.hello", "{\"owner\":\"first\"}");
	ok("resync.begin", "{}");
	ok("system.hello", "{\"owner\":\"second\"}");
	ok("resync.put", PUT_NET("b", "2"));
	ok("resync.commit", "{}");
	assert_string_equal(model_find(ctx.model, OBJECT_NETWORK, "b")->owner, "first");
	assert_non_null(model_find(ctx.model, OBJECT_NETWORK, "a"));
	ok("resync.begin", "{\"owner\":\"first\"}");
	ok("resync.put", PUT_NET("a", "9"));
	refused("resync.commit", "{}", LEAT_NOT_OWNER);
}

/* Lists of more text than a line holds: first the differences give way to their number, then the rest. */
static void test_abridged(void **state)
{
	enum { LONG = 1 << 20 };
	char *filler = calloc(LONG + 1, 1);
	json_t *text, *three, *result;

	(void)state;
	memset(filler, 'x', LONG);
	text = json_string(filler);
	free(filler);
	three = json_pack("[O,O,O]", text, text, text);
	result = json_pack("{s:i, s:{s:O}, s:[i]}", "rev", 7, "added", "rule", three, "results", 1);
	result_abridge(result);
	assert_null(json_object_get(result, "abridged"));
	json_object_set(result, "differences", three);
	result_abridge(result);
	assert_true(json_is_true(json_object_get(result, "abridged")));
	assert_int_equal(json_integer_value(json_object_get(result, "differences")), 3);
	assert_true(json_object_get(json_object_get(result, "added"), "rule") == three);
	json_array_append(three, text);
	result_abridge(result);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(result, "added"), "rule")), 4);
	assert_int_equal(json_integer_value(json_object_get(result, "results")), 1);
	assert_int_equal(json_integer_value(json_object_get(result, "rev")), 7);
	json_decref(result);
	json_decref(three);
	json_decref(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODEL_TEST(test_several_messages_one_commit),
		MODEL_TEST(test_a_put_is_all_or_nothing),
		MODEL_TEST(test_as_state_replace),
		MODEL_TEST(test_begin_and_abort),
		MODEL_TEST(test_owner),
		MODEL_TEST(test_abridged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
