/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket. Two threads: the io thread owns every connection and does the transport and
 * the parsing; the executor, which is whoever calls server_run(), runs the methods one after the
 * other. So a long commit delays no ping of another connection.
 */
#ifndef LEAT_CTRL_RPC_SERVER_H
#define LEAT_CTRL_RPC_SERVER_H

#include <sys/types.h>

#include "ctrl/rpc/methods.h"
#include "lib/error.h"

struct server;

struct server_options {
	const char *socket_path; /* at most 107 bytes */
	const char *group; /* who may connect besides root and the daemon's own user, or NULL */
};

/*
 * Take the lock beside the socket, remove a stale socket, and bind; clients are refused until
 * server_run(). NULL with CONFLICT where another daemon holds the lock, DEVICE or INVALID_PARAMS
 * otherwise.
 */
struct server *server_new(const struct server_options *options, struct error *err);

/*
 * Listen, start the io thread, call ready(arg) (may be NULL), and execute until server_stop() or
 * SIGTERM or SIGINT, which the caller has blocked in all threads. Then what is still queued is
 * answered with NOT_READY, replies are flushed for at most a second, and the io thread has ended.
 */
int server_run(struct server *server, struct rpc_context *ctx, void (*ready)(void *arg), void *arg,
	struct error *err);

/* Make server_run() return. Any thread. */
void server_stop(struct server *server);

/* Connections now. Any thread. */
unsigned server_clients(const struct server *server);

/* Remove the socket, release the lock. Not while server_run() runs. */
void server_free(struct server *server);

#endif
