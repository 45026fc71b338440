/* SPDX-License-Identifier: BSD-3-Clause */
/* leatctl: whole commands against a socket that checks the request and has its reply ready. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/leatctl/command.h"
#include "ctrl/leatctl/run.h"
#include "lib/alloc.h"

#define WORDS_MAX 10
#define REPLY_WAIT_MS 10000

static size_t count(const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

/* One client after the other on a socket of its own; what it asks and what it is told. */
struct peer {
	char directory[32];
	char path[64];
	int fd;
	pthread_t thread;
	bool was_called;
	const char *const *dialogue; /* request, reply, request, reply ... NULL; reply "": close */
	char *wrong;		     /* the first request that was not the expected one */
};

static bool line_is(FILE *stream, const char *wanted, struct peer *peer)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length = getline(&line, &size, stream);

	if (length > 0 && line[length - 1] == '\n')
		line[length - 1] = '\0';
	if (length > 0 && strcmp(line, wanted) == 0) {
		free(line);
		return true;
	}
	peer->wrong = line;
	return false;
}

static void *peer_run(void *arg)
{
	struct peer *peer = arg;
	int fd = accept(peer->fd, NULL, NULL);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (in == NULL)
		return NULL;
	peer->was_called = true;
	for (const char *const *d = peer->dialogue; d[0] != NULL; d += 2) {
		if (!line_is(in, d[0], peer) || d[1][0] == '\0')
			break;
		for (size_t sent = 0; sent < strlen(d[1]);) {
			ssize_t n = send(fd, d[1] + sent, strlen(d[1]) - sent, MSG_NOSIGNAL);

			if (n <= 0)
				break;
			sent += (size_t)n;
		}
	}
	fclose(in);
	return NULL;
}

static void peer_start(struct peer *peer, const char *const *dialogue)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*peer = (struct peer){.directory = "/tmp/leat-cli-XXXXXX", .dialogue = dialogue};
	assert_non_null(mkdtemp(peer->directory));
	snprintf(peer->path, sizeof(peer->path), "%s/s", peer->directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->path);
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->fd, 1), 0);
	assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

static void peer_end(struct peer *peer)
{
	/* Lets a thread go that nobody connected to. */
	shutdown(peer->fd, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->fd);
	unlink(peer->path);
	rmdir(peer->directory);
}

/* Run one command against the dialogue; *output gets what it printed. */
static int command_run(struct settings settings, const char *const *words,
	const char *const *dialogue, char **output)
{
	struct command command;
	struct error err = {0};
	struct peer peer;
	FILE *real = stdout;
	size_t n_used;
	size_t size;
	int status;

	peer_start(&peer, dialogue);
	settings.socket = peer.path;
	settings.timeout_ms = REPLY_WAIT_MS;
	assert_int_equal(
		command_find((char *const *)words, count(words), &command, &n_used, &err), 0);
	stdout = open_memstream(output, &size);
	status = run_command(
		&settings, &command, (char *const *)words + n_used, count(words) - n_used);
	fclose(stdout);
	stdout = real;
	peer_end(&peer);
	if (peer.wrong != NULL)
		fail_msg("the request was %s", peer.wrong);
	/* Bad usage is found before anything is sent. */
	assert_int_equal(peer.was_called, status != STATUS_USAGE);
	return status;
}

#define REQUEST(id, method, params)                                                                \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":" params "}"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":" result "}\n"
#define REFUSAL(id, code, reason)                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"error\":{\"code\":" #code                           \
	",\"message\":\"no\",\"data\":{\"reason\":\"" reason "\"}}}\n"

#define QOS_REQUEST(id)                                                                            \
	REQUEST(id, "stats.get", "{\"kinds\":[\"endpoint\",\"uplink\"],\"ids\":[\"e\"]}")
#define QOS_REPLY(id, ts_ns, bytes, over)                                                          \
	REPLY(id, "{\"ts_ns\":" #ts_ns ",\"endpoint\":{\"e\":{\"qos\":{\"rx\":{"                   \
		  "\"kbps\":2000,\"burst_bits\":700000,"                                           \
		  "\"conforming\":{\"packets\":9,\"bytes\":" #bytes "},"                           \
		  "\"over_kbps\":{\"packets\":" #over ",\"bytes\":0},"                             \
		  "\"over_pps\":{\"packets\":0,\"bytes\":0}}}}}}")

static const struct {
	const char *words[WORDS_MAX];
	struct settings settings;
	const char *dialogue[7];
	int status;
	const char *prints; /* a part of it */
} commands[] = {
	{{"ping"}, {0}, {REQUEST(1, "system.ping", "{}"), REPLY(1, "{\"ts_ns\":5}")}, STATUS_DONE,
		"ts_ns 5\n"},
	{{"ping"}, {.json = true}, {REQUEST(1, "system.ping", "{}"), REPLY(1, "{ \"ts_ns\": 5 }")},
		STATUS_DONE, "{\"ts_ns\":5}\n"},
	{{"network", "add", "blue", "vlan=7"}, {0},
		{REQUEST(1, "network.upsert", "{\"id\":\"blue\",\"vlan\":7}"),
			REPLY(1, "{\"changed\":true,\"rev\":3,\"pending\":[]}")},
		STATUS_DONE, "network blue: done, revision 3\n"},
	{{"network", "upsert", "id=blue", "vlan=7"}, {0},
		{REQUEST(1, "network.upsert", "{\"id\":\"blue\",\"vlan\":7}"),
			REPLY(1, "{\"changed\":false,\"rev\":3}")},
		STATUS_DONE, "unchanged"},
	{{"network", "delete", "blue"}, {.owner = "me"},
		{REQUEST(1, "system.hello",
			 "{\"client\":\"leatctl\",\"version\":\"" LEAT_RELEASE
			 "\",\"owner\":\"me\"}"),
			REPLY(1, "{}"), REQUEST(2, "network.delete", "{\"id\":\"blue\"}"),
			REFUSAL(2, 1004, "IN_USE")},
		STATUS_REFUSED, ""},
	{{"network", "delete", "blue"}, {.json = true},
		{REQUEST(1, "network.delete", "{\"id\":\"blue\"}"), REFUSAL(1, 1004, "IN_USE")},
		STATUS_REFUSED, "{\"error\":{\"code\":1004,"},
	/* Page after page, unless limit is given. */
	{{"network", "list"}, {0},
		{REQUEST(1, "network.list", "{}"),
			REPLY(1, "{\"rev\":1,\"items\":[{\"id\":\"a\"}],\"next\":\"a\"}"),
			REQUEST(2, "network.list", "{\"after\":\"a\"}"),
			REPLY(2, "{\"rev\":1,\"items\":[{\"id\":\"b\"}],\"next\":null}")},
		STATUS_DONE, "a\nb\n"},
	{{"network", "list", "limit=1"}, {0},
		{REQUEST(1, "network.list", "{\"limit\":1}"),
			REPLY(1, "{\"rev\":1,\"items\":[{\"id\":\"a\"}],\"next\":\"a\"}")},
		STATUS_DONE, "a\n"},
	{{"drops"}, {0},
		{REQUEST(1, "stats.get", "{\"kinds\":[\"port\",\"drop\"]}"),
			REPLY(1, "{\"port\":{\"p\":{\"drops\":{\"ring_full\":4}}}}")},
		STATUS_DONE, "p    ring_full       4 the receiving port's ring or queue is full"},
	{{"drops", "ids=p"}, {0},
		{REQUEST(1, "stats.get", "{\"kinds\":[\"port\",\"drop\"],\"ids\":[\"p\"]}"),
			REPLY(1, "{\"port\":{\"p\":{\"drops\":{}}}}")},
		STATUS_DONE, "no packet was dropped"},
	{{"qos", "show", "e"}, {0}, {QOS_REQUEST(1), QOS_REPLY(1, 0, 1500, 3)}, STATUS_DONE,
		"e    rx        police 2 Mbit/s 700 kbit          9 1.50 kB         3        "
		"0\n"},
	/* Of four waits two were below 4 us, one below 8, one below 1,024. */
	{{"qos", "show", "e"}, {0},
		{QOS_REQUEST(1),
			REPLY(1, "{\"endpoint\":{\"e\":{\"qos\":{\"tx\":{\"pps\":7,\"shaper\":{"
				 "\"waiting_packets\":3,\"sent_packets\":4,\"codel_drops\":1,"
				 "\"queue_full_drops\":0,\"wait_us_max\":600,"
				 "\"waits\":[0,0,2,1,0,0,0,0,0,0,1]}}}}}}")},
		STATUS_DONE,
		"e    tx        shape   7       3      4           1          0   < 4 us "
		"< 1024 us 600 us\n"},
	{{"qos", "show", "ids=e"}, {0}, {QOS_REQUEST(1), REPLY(1, "{\"endpoint\":{\"e\":{}}}")},
		STATUS_DONE, "no rate\n"},
	{{"qos", "show", "e"}, {0}, {QOS_REQUEST(1), REPLY(1, "{\"endpoint\":{}}")}, STATUS_DONE,
		"there is no endpoint or uplink e\n"},
	/* Who has a share like all and had to wait for nothing is not named. */
	{{"qos", "show", "e"}, {0},
		{QOS_REQUEST(1),
			REPLY(1, "{\"endpoint\":{},\"uplink\":{\"e\":{\"capacity\":{\"kbps\":5000,"
				 "\"burst_bits\":9000,\"shares\":{\"a\":{\"weight\":3,"
				 "\"min_kbps\":2000,\"sent_packets\":0,\"sent_bytes\":0,"
				 "\"dropped_packets\":0},\"b\":{\"weight\":1,\"min_kbps\":0,"
				 "\"sent_packets\":8,\"sent_bytes\":90,\"dropped_packets\":1},"
				 "\"c\":{\"weight\":1,\"min_kbps\":0,\"sent_packets\":0,"
				 "\"sent_bytes\":0,\"dropped_packets\":0}}}}}}")},
		STATUS_DONE,
		"9 kbit\n\nUPLINK SENDER WEIGHT     KEPT WAITED BYTES DROPPED\n"
		"e      a           3 2 Mbit/s      0   0 B       0\n"
		"e      b           1               8  90 B       1\n"},
	/* 500 kB in two seconds. */
	{{"qos", "watch", "e"}, {0},
		{QOS_REQUEST(1), QOS_REPLY(1, 1000000000, 1500, 3), QOS_REQUEST(2),
			QOS_REPLY(2, 3000000000, 501500, 13), QOS_REQUEST(3), ""},
		STATUS_NO_CONNECTION, " 2 Mbit/s       5\n"},
	{{"shutdown"}, {0},
		{REQUEST(1, "system.hello", "{}"), REPLY(1, "{\"boot_id\":\"abc\"}"),
			REQUEST(2, "system.shutdown", "{\"confirm\":\"abc\"}"), REPLY(2, "{}")},
		STATUS_DONE, "done"},
	{{"call", "x.y", "{\"a\":[1]}"}, {0}, {REQUEST(1, "x.y", "{\"a\":[1]}"), REPLY(1, "[]")},
		STATUS_DONE, "[]"},
	{{"log", "debug"}, {0}, {REQUEST(1, "log.set", "{\"level\":\"debug\"}"), REPLY(1, "{}")},
		STATUS_DONE, "done"},
	/* A notification in between is not the answer. */
	{{"ping"}, {0},
		{REQUEST(1, "system.ping", "{}"),
			"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{}}\n" REPLY(
				1, "{\"ts_ns\":6}")},
		STATUS_DONE, "ts_ns 6\n"},
	/* Turned away before anything was read, as with too many connections. */
	{{"ping"}, {0}, {REQUEST(1, "system.ping", "{}"), REFUSAL(null, -32003, "BUSY")},
		STATUS_REFUSED, ""},
	{{"ping"}, {0}, {REQUEST(1, "system.ping", "{}"), ""}, STATUS_NO_CONNECTION, ""},
	{{"ping"}, {0}, {REQUEST(1, "system.ping", "{}"), "nonsense\n"}, STATUS_NO_CONNECTION, ""},
	{{"ids", "network"}, {0},
		{REQUEST(1, "network.list", "{}"),
			REPLY(1, "{\"items\":[{\"id\":\"a\"}],\"next\":\"a\"}"),
			REQUEST(2, "network.list", "{\"after\":\"a\"}"),
			REPLY(2, "{\"items\":[{\"id\":\"b\"}],\"next\":null}")},
		STATUS_DONE, "a\nb\n"},
	/* Nothing is sent. */
	{{"ids", "netwrk"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"edit", "netwrk"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"edit", "network"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"ping", "x=1"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"drops", "kinds=drop"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"network", "add"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"network", "add", "blue", "vlna=7"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"network", "add", "blue"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"apply", "/nonexistent/file"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"call", "x.y", "{"}, {0}, {NULL}, STATUS_USAGE, ""},
	{{"completion", "fish"}, {0}, {NULL}, STATUS_USAGE, ""},
};

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char *output = NULL;
		int status = command_run(
			commands[i].settings, commands[i].words, commands[i].dialogue, &output);

		if (status != commands[i].status || strstr(output, commands[i].prints) == NULL)
			fail_msg("%s (%zu): status %d, printed %s", commands[i].words[0], i, status,
				output);
		free(output);
	}
}

static void test_document(void **state)
{
	static const char *const dialogue[] = {
		REQUEST(1, "state.replace",
			"{\"rev\":4,\"objects\":{\"network\":[]},\"mode\":\"plan\","
			"\"diff\":true,\"scope\":[\"network\"]}"),
		REPLY(1, "{\"rev\":4,\"added\":{},\"changed\":{},\"removed\":{\"network\":["
			 "\"blue\"]},\"unchanged\":{},\"differences\":[{\"object\":\"network:"
			 "blue\",\"before\":{\"vlan\":1},\"after\":null}]}"),
		NULL};
	char path[] = "/tmp/leat-doc-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	char *output = NULL;
	const char *words[] = {"apply", path, "scope=network", NULL};

	(void)state;
	fputs("{\"rev\":4,\"objects\":{\"network\":[]}}", file);
	fclose(file);
	assert_int_equal(command_run((struct settings){.plan = true}, words, dialogue, &output),
		STATUS_WOULD_CHANGE);
	assert_string_equal(output, "- network blue\n"
				    "to add: 0, to change: 0, to remove: 1\n"
				    "if_rev=4 in the place of --plan does this and nothing else\n");
	free(output);
	unlink(path);
}

/* An edit whose connection ends without an answer says so, though it is closed by then. */
static void test_edit_without_answer(void **state)
{
	static const char *const dialogue[] = {
		REQUEST(1, "network.get", "{\"id\":\"a\"}"), "", NULL};
	static const char *const words[] = {"edit", "network", "a", NULL};
	FILE *real = stderr;
	char *output = NULL;
	char *errors = NULL;
	size_t size;
	int status;

	(void)state;
	stderr = open_memstream(&errors, &size);
	status = command_run((struct settings){.json = false}, words, dialogue, &output);
	fclose(stderr);
	stderr = real;
	assert_int_equal(status, STATUS_NO_CONNECTION);
	assert_string_equal(
		errors, "leatctl: the switch closed the connection without an answer\n");
	free(errors);
	free(output);
}

/* A reply of several megabytes is read whole. */
static void test_long_reply(void **state)
{
	enum { LONG = 12 << 20 };
	char *filler = alloc_zero(LONG + 1, 1);
	static const char *const words[] = {"ping", NULL};
	const char *dialogue[] = {REQUEST(1, "system.ping", "{}"), NULL, NULL};
	char *output = NULL;
	char *reply;

	(void)state;
	memset(filler, 'x', LONG);
	reply = alloc_printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\"}}\n", filler);
	dialogue[1] = reply;
	assert_int_equal(command_run((struct settings){.json = true}, words, dialogue, &output), 0);
	assert_int_equal(strlen(output), LONG + strlen("{\"a\":\"\"}\n"));
	free(output);
	free(reply);
	free(filler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_edit_without_answer),
		cmocka_unit_test(test_long_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
