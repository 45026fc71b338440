/* SPDX-License-Identifier: BSD-3-Clause */
/* A server on a socket of its own, and clients with a bound on each wait. */
#ifndef LEAT_TEST_RPC_HARNESS_H
#define LEAT_TEST_RPC_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctrl/limits.h"
#include "ctrl/rpc/events.h"
#include "ctrl/rpc/server.h"
#include "test/unit/commit_recorder.h"

#define DEADLINE_MS 10000

extern char folder[];
extern char socket_path[64];
extern struct rpc_context ctx;
extern struct server *server;
extern int gate[2]; /* commit_recorder.gate_fd = gate[0] holds commits until gate[1] is written */

int rpc_group_setup(void **state);
int rpc_group_teardown(void **state);
int rpc_setup(void **state);
int rpc_teardown(void **state);

struct peer {
	int fd;
	char *buffer;
	size_t length, size;
};

struct peer peer_connect(void);
void peer_close(struct peer *peer);
void send_bytes(struct peer *peer, const char *bytes, size_t length);
void send_text(struct peer *peer, const char *text);
/* The next line as JSON; NULL at the end of the connection. */
json_t *receive(struct peer *peer);
/* The next reply is that error, under that id (NULL: null). */
void expect_error(struct peer *peer, int code, const char *id);
void expect_result(struct peer *peer, int id);

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"system.ping\"}\n"
#define STATUS(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"system.status\"}\n"
#define NET(id, name, vlan)                                                                        \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id                                                         \
	",\"method\":\"network.upsert\",\"params\":{\"id\":\"" name "\",\"vlan\":" #vlan "}}\n"

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

#endif
