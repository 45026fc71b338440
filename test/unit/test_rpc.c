/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport over a real socket: framing, errors, order, limits of a line. */
#include "test/unit/rpc_harness.h"

static void test_malformed_lines(void **state)
{
	static const struct {
		const char *line;
		int code;
		const char *id;
	} cases[] = {
		{"\n", LEAT_PARSE, NULL},
		{"garbage\n", LEAT_PARSE, NULL},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\n", LEAT_PARSE, NULL},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n", LEAT_PARSE, NULL},
		{"{} {}\n", LEAT_PARSE, NULL},
		{"[]\n", LEAT_INVALID_REQUEST, NULL},
		{"["
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping\"}]\n",
			LEAT_INVALID_REQUEST, NULL},
		{"1\n", LEAT_PARSE, NULL},
		{"{}\n", LEAT_INVALID_REQUEST, NULL},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"system.ping\"}\n",
			LEAT_INVALID_REQUEST, "1"},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"system.ping\"}\n",
			LEAT_INVALID_REQUEST, NULL},
		{"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":3}\n", LEAT_INVALID_REQUEST, "2"},
		{"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"system.ping\",\"more\":1}\n",
			LEAT_INVALID_REQUEST, "2"},
		{"{\"jsonrpc\":\"2.0\",\"id\":3,\"id\":3,\"method\":\"system.ping\"}\n",
			LEAT_INVALID_REQUEST, "3"},
		{"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"network.delete\","
		 "\"params\":{\"id\":\"a\",\"id\":\"b\"}}\n",
			LEAT_INVALID_REQUEST, "4"},
		{"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"network.upsert\","
		 "\"params\":{\"id\":\"a\",\"vlan\":99999999999999999999}}\n",
			LEAT_INVALID_PARAMS, "5"},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"x\",\"params\":"
		 "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}\n",
			LEAT_INVALID_REQUEST, "6"},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"method\":\"no.such\"}\n",
			LEAT_METHOD_NOT_FOUND, "\"7\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"system.ping\",\"params\":[1]}\n",
			LEAT_INVALID_PARAMS, "8"},
		{"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"system.ping\",\"params\":{\"x\":1}}\n",
			LEAT_INVALID_PARAMS, "9"},
	};
	struct peer peer = peer_connect();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_text(&peer, cases[i].line);
		expect_error(&peer, cases[i].code, cases[i].id);
		/* The connection stays open. */
		send_text(&peer, PING(77));
		expect_result(&peer, 77);
	}
	assert_int_equal(model_rev(ctx.model), 0);
	peer_close(&peer);
}

static void test_nesting_at_the_limit(void **state)
{
	struct peer peer = peer_connect();

	(void)state;
	/* 16 levels with the message itself: refused as params, not as nesting. */
	send_text(&peer, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"system.ping\",\"params\":"
			 "[[[[[[[[[[[[[[[\"[[[\\\"[\"]]]]]]]]]]]]]]]}\n");
	expect_error(&peer, LEAT_INVALID_PARAMS, "6");
	peer_close(&peer);
}

static void test_long_lines(void **state)
{
	struct peer peer = peer_connect();
	size_t length = LIMIT_LINE_BYTES;
	char *line = malloc(length + 1);
	int head;

	(void)state;
	/* Exactly as long as allowed. */
	head = snprintf(line, length, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping\"");
	memset(line + head, ' ', length - (size_t)head);
	line[length - 2] = '}';
	line[length - 1] = '\n';
	send_bytes(&peer, line, length);
	expect_result(&peer, 1);
	/* One more. */
	line[length - 2] = ' ';
	line[length - 1] = '}';
	line[length] = '\n';
	send_bytes(&peer, line, length + 1);
	expect_error(&peer, LEAT_MESSAGE_TOO_LARGE, NULL);
	/* Very much more: answered before it ends, and its rest is skipped. */
	memset(line, 'x', length);
	for (int i = 0; i < 3; i++)
		send_bytes(&peer, line, length);
	expect_error(&peer, LEAT_MESSAGE_TOO_LARGE, NULL);
	send_text(&peer, "\n" PING(2));
	expect_result(&peer, 2);
	free(line);
	peer_close(&peer);
}

static void test_bytewise_and_many_at_once(void **state)
{
	static const char line[] = STATUS(5);
	struct peer peer = peer_connect();

	(void)state;
	for (size_t i = 0; line[i] != '\0'; i++)
		send_bytes(&peer, &line[i], 1);
	expect_result(&peer, 5);
	/* More than are taken at once, answered in their order, errors among them. */
	for (int i = 0; i < 100; i++) {
		send_text(&peer, STATUS(1) PING(2) "nonsense\n");
	}
	for (int i = 0; i < 100; i++) {
		expect_result(&peer, 1);
		expect_result(&peer, 2);
		expect_error(&peer, LEAT_PARSE, NULL);
	}
	peer_close(&peer);
}

static void test_no_id_no_answer(void **state)
{
	struct peer peer = peer_connect();

	(void)state;
	send_text(&peer, "{\"jsonrpc\":\"2.0\",\"method\":\"network.upsert\",\"params\":{\"id\":"
			 "\"a\",\"vlan\":1}}\n"
			 "{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}\n" STATUS(3));
	expect_result(&peer, 3);
	peer_close(&peer);
	assert_int_equal(commit_recorder.applied, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RPC_TEST(test_malformed_lines),
		RPC_TEST(test_nesting_at_the_limit),
		RPC_TEST(test_long_lines),
		RPC_TEST(test_bytewise_and_many_at_once),
		RPC_TEST(test_no_id_no_answer),
	};

	return cmocka_run_group_tests(tests, rpc_group_setup, rpc_group_teardown);
}
