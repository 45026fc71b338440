/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/rpc_harness.h"

#include <pthread.h>
#include <signal.h>

char folder[] = "/tmp/leat-test-rpc-XXXXXX";
char socket_path[64];
struct rpc_context ctx;
struct server *server;
static pthread_t thread;
int gate[2];

static void ctx_shutdown(void *arg)
{
	(void)arg;
	server_stop(server);
}

static unsigned ctx_clients(void *arg)
{
	(void)arg;
	return server_clients(server);
}

static void *run(void *arg)
{
	struct error err = {0};

	(void)arg;
	if (server_run(server, &ctx, NULL, NULL, &err) < 0)
		fprintf(stderr, "%s\n", err.message);
	return NULL;
}

int rpc_setup(void **state)
{
	struct server_options options = {socket_path, NULL};
	struct error err = {0};

	(void)state;
	memset(&commit_recorder, 0, sizeof(commit_recorder));
	memset(&ctx, 0, sizeof(ctx));
	assert_int_equal(pipe(gate), 0);
	ctx.model = model_new();
	boot_id_make(ctx.boot_id);
	ctx.events = events_new(ctx.boot_id);
	model_observe(ctx.model, commit_note, &ctx);
	ctx.dpdk_version = "none";
	ctx.config_source = "empty";
	ctx.shutdown = ctx_shutdown;
	ctx.clients = ctx_clients;
	server = server_new(&options, &err);
	if (server == NULL)
		fail_msg("%s", err.message);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	return 0;
}

int rpc_teardown(void **state)
{
	(void)state;
	server_stop(server);
	pthread_join(thread, NULL);
	server_free(server);
	model_free(ctx.model);
	events_free(ctx.events);
	close(gate[0]);
	close(gate[1]);
	/* The socket goes with the daemon. */
	assert_int_equal(access(socket_path, F_OK), -1);
	return 0;
}

struct peer peer_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	/* Bound already; it listens as soon as its thread runs. */
	for (unsigned waited = 0; waited < DEADLINE_MS; waited++) {
		if (connect(peer.fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return peer;
		assert_int_equal(errno, ECONNREFUSED);
		poll(NULL, 0, 1);
	}
	fail_msg("no connection");
	return peer;
}

void peer_close(struct peer *peer)
{
	close(peer->fd);
	free(peer->buffer);
}

void send_bytes(struct peer *peer, const char *bytes, size_t length)
{
	while (length > 0) {
		struct pollfd p = {peer->fd, POLLOUT, 0};
		ssize_t n;

		assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
		n = send(peer->fd, bytes, length, MSG_NOSIGNAL);
		assert_true(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

void send_text(struct peer *peer, const char *text)
{
	send_bytes(peer, text, strlen(text));
}

/* The next line as JSON; NULL at the end of the connection. */
json_t *receive(struct peer *peer)
{
	for (;;) {
		char *newline = peer->length > 0 ? memchr(peer->buffer, '\n', peer->length) : NULL;
		struct pollfd p = {peer->fd, POLLIN, 0};
		ssize_t n;

		if (newline != NULL) {
			size_t length = (size_t)(newline - peer->buffer);
			json_t *reply = json_loadb(peer->buffer, length, 0, NULL);

			assert_non_null(reply);
			peer->length -= length + 1;
			memmove(peer->buffer, newline + 1, peer->length);
			return reply;
		}
		if (peer->size - peer->length < 65536) {
			peer->size += 65536;
			peer->buffer = realloc(peer->buffer, peer->size);
		}
		if (poll(&p, 1, DEADLINE_MS) != 1)
			fail_msg("no reply in time");
		n = recv(peer->fd, peer->buffer + peer->length, peer->size - peer->length, 0);
		if (n <= 0)
			return NULL;
		peer->length += (size_t)n;
	}
}

static int code_of(json_t *reply)
{
	return (int)json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));
}

/* The next reply is that error, under that id (NULL: null). */
void expect_error(struct peer *peer, int code, const char *id)
{
	json_t *reply = receive(peer);
	json_t *got = json_object_get(reply, "id");
	json_t *want = id != NULL ? json_loads(id, JSON_DECODE_ANY, NULL) : json_null();

	assert_non_null(reply);
	assert_int_equal(code_of(reply), code);
	assert_true(json_equal(got, want));
	assert_non_null(json_object_get(
		json_object_get(json_object_get(reply, "error"), "data"), "reason"));
	json_decref(want);
	json_decref(reply);
}

void expect_result(struct peer *peer, int id)
{
	json_t *reply = receive(peer);

	assert_non_null(reply);
	assert_int_equal(json_integer_value(json_object_get(reply, "id")), id);
	assert_non_null(json_object_get(reply, "result"));
	json_decref(reply);
}

int rpc_group_setup(void **state)
{
	sigset_t blocked;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/leatd.sock", folder);
	return 0;
}

int rpc_group_teardown(void **state)
{
	static const char *const left[] = {
		"leatd.sock.lock", "file", "file.lock", "stale.sock.lock"};
	char path[160];

	(void)state;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, left[i]);
		unlink(path);
	}
	return rmdir(folder);
}
