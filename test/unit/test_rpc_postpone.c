/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that are answered later: in their order, while others go on, and whatever becomes of the client. */
#include "lib/clock.h"
#include "test/unit/rpc_harness.h"

#define STAGES(id, ms)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id                                                         \
	",\"method\":\"stats.get\",\"params\":{\"stages_ms\":" #ms "}}\n"
#define STAGES_NO_ID(ms)                                                                           \
	"{\"jsonrpc\":\"2.0\",\"method\":\"stats.get\",\"params\":{\"stages_ms\":" #ms "}}\n"
#define LONG_MS 10000 /* LIMIT_STAGES_MS */
#define PIPELINED 20

/* The next reply is that of a stats.get with stages_ms. */
static void expect_stages(struct peer *peer, int id, int ms)
{
	json_t *reply = receive(peer);
	json_t *workers = json_object_get(json_object_get(reply, "result"), "worker");

	assert_int_equal(json_integer_value(json_object_get(reply, "id")), id);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(workers, 0), "ms")), ms);
	json_decref(reply);
}

static bool has_answer(struct peer *peer)
{
	struct pollfd p = {peer->fd, POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

static void wait_answer(struct peer *peer)
{
	struct pollfd p = {peer->fd, POLLIN, 0};

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static void test_others_go_on(void **state)
{
	struct peer slow = peer_connect();
	struct peer quick = peer_connect();
	uint64_t begin = monotonic_ms();

	(void)state;
	send_text(&slow, STAGES(1, 4500) PING(2) NET(3, "b", 2) "nonsense\n" STATUS(4));
	send_text(&quick, NET(5, "a", 1) PING(6) STATUS(7) STAGES(8, 50));
	for (int id = 5; id <= 7; id++)
		expect_result(&quick, id);
	expect_stages(&quick, 8, 50);
	assert_true(monotonic_ms() - begin < 4500);
	assert_false(has_answer(&slow));
	expect_stages(&slow, 1, 4500);
	assert_true(monotonic_ms() - begin >= 4500);
	expect_result(&slow, 2);
	expect_result(&slow, 3);
	expect_error(&slow, LEAT_PARSE, NULL);
	expect_result(&slow, 4);
	assert_int_equal(model_rev(ctx.model), 2);
	peer_close(&slow);
	peer_close(&quick);
}

static void test_several_of_one_connection(void **state)
{
	struct peer peer = peer_connect();
	uint64_t begin = monotonic_ms();

	(void)state;
	for (int i = 0; i < PIPELINED; i++)
		send_text(&peer, STAGES(1, 10) STAGES_NO_ID(10) STATUS(2));
	for (int i = 0; i < PIPELINED; i++) {
		expect_stages(&peer, 1, 10);
		expect_result(&peer, 2);
	}
	assert_true(monotonic_ms() - begin >= PIPELINED * 2 * 10);
	peer_close(&peer);
}

static json_int_t rev_of(struct peer *peer)
{
	json_t *reply;
	json_int_t rev;

	send_text(peer, STATUS(9));
	reply = receive(peer);
	rev = json_integer_value(json_object_get(json_object_get(reply, "result"), "rev"));
	json_decref(reply);
	return rev;
}

/* Who hangs up is not waited for: what it asked for behind that is done soon. */
static void test_gone_client(void **state)
{
	struct peer other = peer_connect();
	uint64_t begin = monotonic_ms();

	(void)state;
	for (int i = 1; i <= 5; i++) {
		struct peer peer = peer_connect();
		char line[512];

		snprintf(line, sizeof(line),
			STATUS(1) STAGES(2, 10000)
				STAGES(3, 10000) "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":"
						 "\"network.upsert\","
						 "\"params\":{\"id\":\"n%d\",\"vlan\":%d}}\n",
			i, i);
		send_text(&peer, line);
		/* A socket that is closed with an answer unread tells the other side that it is gone. */
		wait_answer(&peer);
		peer_close(&peer);
		while (rev_of(&other) < i && monotonic_ms() - begin < LONG_MS)
			poll(NULL, 0, 1);
		assert_int_equal(rev_of(&other), i);
	}
	assert_true(monotonic_ms() - begin < LONG_MS);
	peer_close(&other);
}

static void test_half_closed_client(void **state)
{
	struct peer peer = peer_connect();

	(void)state;
	send_text(&peer, STAGES(1, 100) STATUS(2));
	shutdown(peer.fd, SHUT_WR);
	expect_stages(&peer, 1, 100);
	expect_result(&peer, 2);
	assert_null(receive(&peer));
	peer_close(&peer);
}

/* The daemon ends: who waits is told so. */
static void test_end(void **state)
{
	struct peer peer = peer_connect();
	struct peer other = peer_connect();
	uint64_t begin = monotonic_ms();

	(void)state;
	send_text(&peer, STATUS(1) STAGES(2, 10000) STATUS(3));
	expect_result(&peer, 1);
	/* Of another connection: answered after what came before it has begun. */
	send_text(&other, STATUS(1));
	expect_result(&other, 1);
	server_stop(server);
	expect_error(&peer, LEAT_NOT_READY, "2");
	expect_error(&peer, LEAT_NOT_READY, "3");
	assert_null(receive(&peer));
	assert_true(monotonic_ms() - begin < LONG_MS);
	peer_close(&peer);
	peer_close(&other);
}

static void test_wrong_params(void **state)
{
	static const char *const wrong[] = {"0", "-1", "10001", "\"x\"", "1.5", "null", "[]",
		"99999999999999999999", "100,\"kinds\":[\"port\",\"rule\"]", "100,\"kinds\":[]"};
	struct peer peer = peer_connect();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[256];
		json_t *reply;
		json_t *data;

		snprintf(line, sizeof(line),
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats.get\","
			"\"params\":{\"stages_ms\":%s}}\n",
			wrong[i]);
		send_text(&peer, line);
		reply = receive(&peer);
		assert_int_equal(json_integer_value(
					 json_object_get(json_object_get(reply, "error"), "code")),
			LEAT_INVALID_PARAMS);
		data = json_object_get(json_object_get(reply, "error"), "data");
		/* A number that no JSON reader here can hold has no place yet. */
		if (wrong[i][0] != '9')
			assert_string_equal(
				json_string_value(json_object_get(data, "path")), "/stages_ms");
		json_decref(reply);
	}
	peer_close(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RPC_TEST(test_others_go_on),
		RPC_TEST(test_several_of_one_connection),
		RPC_TEST(test_gone_client),
		RPC_TEST(test_half_closed_client),
		RPC_TEST(test_end),
		RPC_TEST(test_wrong_params),
	};

	return cmocka_run_group_tests(tests, rpc_group_setup, rpc_group_teardown);
}
