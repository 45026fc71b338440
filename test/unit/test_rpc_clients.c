/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients beside each other: none harms another, nor the daemon. */
#include "test/unit/rpc_harness.h"

/* While a commit is slow, a ping of another connection is answered, and of the same one it waits. */
static void test_ping_overtakes_others_commits(void **state)
{
	struct peer slow = peer_connect();
	struct peer quick = peer_connect();
	struct pollfd p = {slow.fd, POLLIN, 0};

	(void)state;
	commit_recorder.gate_fd = gate[0];
	send_text(&slow, NET(1, "a", 1) PING(2));
	send_text(&quick, PING(3));
	expect_result(&quick, 3);
	assert_int_equal(poll(&p, 1, 50), 0);
	assert_int_equal(write(gate[1], "x", 1), 1);
	expect_result(&slow, 1);
	expect_result(&slow, 2);
	peer_close(&slow);
	peer_close(&quick);
}

static void test_half_closed_client_gets_answers(void **state)
{
	struct peer peer = peer_connect();

	(void)state;
	send_text(&peer, STATUS(1) STATUS(2));
	shutdown(peer.fd, SHUT_WR);
	expect_result(&peer, 1);
	expect_result(&peer, 2);
	assert_null(receive(&peer));
	peer_close(&peer);
}

static void test_gone_client_harms_nobody(void **state)
{
	struct peer other = peer_connect();

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct peer peer = peer_connect();

		send_text(&peer, STATUS(1) STATUS(2) "{\"half");
		peer_close(&peer);
	}
	send_text(&other, STATUS(9));
	expect_result(&other, 9);
	peer_close(&other);
}

static void test_client_that_does_not_read(void **state)
{
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.schema\"}\n";
	struct peer deaf = peer_connect();
	struct peer other = peer_connect();
	struct pollfd p = {deaf.fd, POLLOUT, 0};
	size_t sent = 0;

	(void)state;
	/* It asks for more than anybody should keep for it; either we stop reading, or drop it. */
	while (poll(&p, 1, 200) == 1 && !(p.revents & (POLLHUP | POLLERR))) {
		ssize_t n =
			send(deaf.fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < 64u << 20);
	}
	send_text(&other, STATUS(9));
	expect_result(&other, 9);
	peer_close(&deaf);
	peer_close(&other);
}

/* Replies too large to be kept for one that does not take them. */
static void test_deaf_client_is_dropped(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state.get\"}\n";
	struct peer deaf = peer_connect();
	struct peer other = peer_connect();
	json_t *ops = json_array();
	json_t *txn;
	char *text;
	unsigned waited;

	(void)state;
	for (int i = 0; i < 8000; i++)
		json_array_append_new(
			ops, json_pack("{s:s, s:{s:o, s:{s:s}}}", "method", "group.upsert",
				     "params", "id", json_sprintf("group-%d", i), "labels", "what",
				     "a label of some length, so that the state becomes large"));
	txn = json_pack("{s:s, s:i, s:s, s:{s:o}}", "jsonrpc", "2.0", "id", 1, "method",
		"txn.apply", "params", "ops", ops);
	text = json_dumps(txn, JSON_COMPACT);
	send_text(&other, text);
	send_text(&other, "\n");
	expect_result(&other, 1);
	free(text);
	json_decref(txn);
	assert_int_equal(server_clients(server), 2);
	for (int i = 0; i < LIMIT_CLIENT_REQUESTS; i++)
		send_text(&deaf, request);
	for (waited = 0; waited < DEADLINE_MS && server_clients(server) > 1; waited++)
		poll(NULL, 0, 1);
	assert_int_equal(server_clients(server), 1);
	send_text(&other, STATUS(9));
	expect_result(&other, 9);
	peer_close(&deaf);
	peer_close(&other);
}

static void test_client_limit(void **state)
{
	static struct peer peers[LIMIT_CLIENTS];
	struct peer extra;

	(void)state;
	for (size_t i = 0; i < LIMIT_CLIENTS; i++) {
		peers[i] = peer_connect();
		send_text(&peers[i], PING(1));
		expect_result(&peers[i], 1);
	}
	assert_int_equal(server_clients(server), LIMIT_CLIENTS);
	extra = peer_connect();
	expect_error(&extra, LEAT_BUSY, NULL);
	assert_null(receive(&extra));
	peer_close(&extra);
	for (size_t i = 0; i < LIMIT_CLIENTS; i++)
		peer_close(&peers[i]);
}

static void test_second_daemon_and_strange_files(void **state)
{
	struct server_options options = {socket_path, NULL};
	char path[160];
	struct error err = {0};
	struct stat st;
	FILE *file;

	(void)state;
	assert_null(server_new(&options, &err));
	assert_int_equal(err.code, LEAT_CONFLICT);
	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	/* A file that is no socket is left alone. */
	snprintf(path, sizeof(path), "%s/file", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	options.socket_path = path;
	assert_null(server_new(&options, &err));
	assert_int_equal(err.code, LEAT_DEVICE);
	assert_int_equal(access(path, F_OK), 0);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_null(server_new(&options, &err));
	assert_int_equal(err.code, LEAT_INVALID_PARAMS);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[128];
	struct server_options options = {path, NULL};
	struct error err = {0};
	struct server *second;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(path, sizeof(path), "%.100s/stale.sock", folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	second = server_new(&options, &err);
	if (second == NULL)
		fail_msg("%s", err.message);
	server_free(second);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_owner_lasts_for_the_connection(void **state)
{
	struct peer a = peer_connect();
	struct peer b = peer_connect();

	(void)state;
	send_text(&a, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.hello\",\"params\":{"
		      "\"owner\":\"contiv\"}}\n" NET(2, "a", 1));
	expect_result(&a, 1);
	expect_result(&a, 2);
	send_text(&b, NET(3, "a", 2));
	expect_error(&b, LEAT_NOT_OWNER, "3");
	peer_close(&a);
	peer_close(&b);
}

static void test_shutdown_by_a_client(void **state)
{
	struct peer peer = peer_connect();
	char line[256];

	(void)state;
	snprintf(line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.shutdown\",\"params\":{"
		"\"confirm\":\"%s\"}}\n" STATUS(2),
		ctx.boot_id);
	send_text(&peer, line);
	expect_result(&peer, 1);
	expect_error(&peer, LEAT_NOT_READY, "2");
	assert_null(receive(&peer));
	peer_close(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RPC_TEST(test_ping_overtakes_others_commits),
		RPC_TEST(test_half_closed_client_gets_answers),
		RPC_TEST(test_gone_client_harms_nobody),
		RPC_TEST(test_client_that_does_not_read),
		RPC_TEST(test_deaf_client_is_dropped),
		RPC_TEST(test_client_limit),
		RPC_TEST(test_second_daemon_and_strange_files),
		RPC_TEST(test_stale_socket_is_replaced),
		RPC_TEST(test_owner_lasts_for_the_connection),
		RPC_TEST(test_shutdown_by_a_client),
	};

	return cmocka_run_group_tests(tests, rpc_group_setup, rpc_group_teardown);
}
