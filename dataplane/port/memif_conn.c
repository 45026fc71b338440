/* SPDX-License-Identifier: BSD-3-Clause */
/* The connections of memif ports: what comes in by them, and how they end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/port/memif.h"
#include "dataplane/worker.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/log.h"

#define HANDSHAKE_MS 2000 /* how long a peer may take to connect */
#define FDS_MAX 4	  /* descriptors with one message; one is taken, the others are closed */

struct memif_conn *memif_conns;

/* --- what workers and the control side see --- */

static void state_set(struct memif_port *port)
{
	enum port_state state = port->live != NULL ? PORT_ACTIVE : PORT_PENDING;

	if (port->live != NULL)
		__atomic_store_n(&port->port.fault, 0, __ATOMIC_RELAXED);
	else if (__atomic_load_n(&port->port.fault, __ATOMIC_RELAXED) != 0)
		state = PORT_ERROR; /* until a peer begins anew */
	__atomic_store_n(&port->port.state, state, __ATOMIC_RELAXED);
}

void memif_connected(struct memif_conn *conn)
{
	conn->connected = true;
	__atomic_store_n(&conn->port->live, conn->live, __ATOMIC_RELEASE);
	state_set(conn->port);
	worker_wake_all();
}

/* --- connections --- */

struct memif_conn *memif_conn_new(
	int sock, struct memif_listener *listener, struct memif_port *port)
{
	struct memif_conn *conn = alloc_zero(1, sizeof(*conn));

	*conn = (struct memif_conn){
		.sock = sock,
		.listener = listener,
		.port = port,
		.region_fd = -1,
		.deadline_ms = monotonic_ms() + HANDSHAKE_MS,
		.next = memif_conns,
	};
	memif_conns = conn;
	if (port != NULL)
		port->conn = conn;
	return conn;
}

static void port_leave(struct memif_port *port)
{
	port->conn = NULL;
	port->retry_ms = monotonic_ms() + MEMIF_RETRY_MS;
	if (port->live == NULL)
		return;
	__atomic_store_n(&port->live, NULL, __ATOMIC_RELEASE);
	state_set(port);
	worker_quiesce();
	worker_wake_all();
}

void memif_conn_drop(struct memif_conn *conn, const char *reason)
{
	struct memif_conn **link = &memif_conns;

	while (*link != conn)
		link = &(*link)->next;
	*link = conn->next;
	if (reason[0] != '\0') {
		log_debug("memif %s: %s",
			conn->port != NULL ? conn->port->socket : conn->listener->path, reason);
		memif_msg_disconnect(conn, reason);
	}
	if (conn->port != NULL)
		port_leave(conn->port);
	memif_live_free(conn->live);
	if (conn->region_fd >= 0)
		close(conn->region_fd);
	close(conn->sock);
	free(conn);
}

/* The descriptors of a message: the first, or -1; the others are nobody's. */
static int fd_take(struct msghdr *msg)
{
	int fds[FDS_MAX], first = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(c), RTE_MIN(n, (size_t)FDS_MAX) * sizeof(int));
		for (size_t i = 0; i < n && i < FDS_MAX; i++) {
			if (first < 0)
				first = fds[i];
			else
				close(fds[i]);
		}
	}
	return first;
}

void memif_conn_read(struct memif_conn *conn)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct memif_msg m;
	struct iovec iov = {&m, sizeof(m)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(conn->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const char *why = "";
	int fd;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	fd = n > 0 ? fd_take(&msg) : -1;
	if (n == (ssize_t)sizeof(m) && !(msg.msg_flags & MSG_TRUNC))
		why = memif_msg_handle(conn, &m, fd);
	else if (n > 0) {
		why = "a message has 128 bytes";
		if (fd >= 0)
			close(fd);
	}
	if (why != NULL)
		memif_conn_drop(conn, why);
}

void memif_port_refresh(struct memif_port *port)
{
	uint8_t byte;

	if (port->conn != NULL && recv(port->conn->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		memif_conn_drop(port->conn, "");
}
