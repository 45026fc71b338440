/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of a memif connection.
 *
 * A server says HELLO and acknowledges each of INIT, ADD_REGION and ADD_RING; CONNECT it answers by
 * CONNECTED. A client sends them one at a time, the next when it has its answer. Either may send
 * DISCONNECT.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/port/memif.h"

/* What a client sends, in this order; a connection's step is the last one sent. */
enum step { STEP_NONE, STEP_INIT, STEP_REGION, STEP_C2S, STEP_S2C, STEP_CONNECT };

static const char out_of_order[] = "a message comes out of its order";
static const char no_memory[] = "no memory";
static const char no_answer[] = "";

static void name_set(uint8_t name[MEMIF_NAME_LEN], const char *text)
{
	size_t len = strlen(text);

	memcpy(name, text, RTE_MIN(len, (size_t)MEMIF_NAME_LEN - 1));
}

/* With fd, if that is not -1. A peer that does not take a few hundred bytes is none. */
static const char *send_msg(const struct memif_conn *conn, struct memif_msg *m, int fd)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(conn->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(*m)
		       ? NULL
		       : no_answer;
}

static const char *send_type(const struct memif_conn *conn, enum memif_type type)
{
	struct memif_msg m = {.type = type};

	return send_msg(conn, &m, -1);
}

void memif_msg_disconnect(struct memif_conn *conn, const char *reason)
{
	struct memif_msg m = {.type = MEMIF_DISCONNECT};

	memcpy(m.disconnect.text, reason, RTE_MIN(strlen(reason), sizeof(m.disconnect.text) - 1));
	send_msg(conn, &m, -1);
}

/* --- server --- */

const char *memif_msg_hello(struct memif_conn *conn)
{
	struct memif_msg m = {
		.type = MEMIF_HELLO,
		.hello = {.min_version = MEMIF_VERSION,
			.max_version = MEMIF_VERSION,
			.max_region = MEMIF_REGIONS_MAX - 1,
			.max_log2 = MEMIF_LOG2_MAX},
	};

	name_set(m.hello.name, "leat");
	return send_msg(conn, &m, -1);
}

static const char *on_init(struct memif_conn *conn, const struct memif_msg *m)
{
	struct memif_port *port;

	if (conn->port != NULL)
		return out_of_order;
	if (m->init.version != MEMIF_VERSION)
		return "this is memif 2.0";
	if (m->init.mode != 0)
		return "only Ethernet mode is known here";
	port = memif_port_find(conn->listener, m->init.id);
	if (port == NULL)
		return "no interface has that id";
	memif_port_refresh(port);
	if (port->conn != NULL)
		return "the interface is connected already";
	conn->live = memif_live_new(port);
	if (conn->live == NULL)
		return no_memory;
	conn->port = port;
	port->conn = conn;
	return NULL;
}

static const char *on_connect(struct memif_conn *conn)
{
	const char *why = memif_live_check(conn->live);
	struct memif_msg m = {.type = MEMIF_CONNECTED};

	if (why != NULL)
		return why;
	name_set(m.connect.name, "leat");
	/* Before the peer hears of it: from then on nothing is dropped. */
	memif_connected(conn);
	return send_msg(conn, &m, -1);
}

static const char *serve(struct memif_conn *conn, const struct memif_msg *m, int *fd)
{
	const char *why;
	int took = *fd;

	if (m->type != MEMIF_INIT && (conn->port == NULL || conn->connected))
		return out_of_order;
	switch (m->type) {
	case MEMIF_INIT:
		why = on_init(conn, m);
		break;
	case MEMIF_ADD_REGION:
		*fd = -1;
		why = memif_region_take(conn->live, m->add_region.index, m->add_region.size, took);
		break;
	case MEMIF_ADD_RING:
		*fd = -1;
		why = memif_ring_take(conn->live, m, took);
		break;
	case MEMIF_CONNECT:
		return on_connect(conn);
	default:
		return "no such message from a client";
	}
	return why != NULL ? why : send_type(conn, MEMIF_ACK);
}

/* --- client --- */

static const char *send_region(struct memif_conn *conn)
{
	struct memif_msg m = {
		.type = MEMIF_ADD_REGION,
		.add_region = {.index = 0, .size = memif_region_size(conn->log2)},
	};
	const char *why = send_msg(conn, &m, conn->region_fd);

	close(conn->region_fd);
	conn->region_fd = -1;
	return why;
}

static const char *send_ring(const struct memif_conn *conn, bool c2s)
{
	struct memif_msg m = {
		.type = MEMIF_ADD_RING,
		.add_ring = {.flags = c2s ? MEMIF_RING_C2S : 0,
			.offset = memif_ring_offset(conn->log2, c2s),
			.log2 = conn->log2},
	};

	return send_msg(conn, &m, c2s ? conn->live->tx.eventfd : conn->live->rx.eventfd);
}

static const char *send_init(const struct memif_conn *conn)
{
	struct memif_msg m = {
		.type = MEMIF_INIT, .init = {.version = MEMIF_VERSION, .id = conn->port->id}};

	name_set(m.init.name, "leat");
	return send_msg(conn, &m, -1);
}

static const char *on_hello(struct memif_conn *conn, const struct memif_msg *m)
{
	if (conn->step != STEP_NONE)
		return out_of_order;
	if (m->hello.min_version > MEMIF_VERSION || m->hello.max_version < MEMIF_VERSION)
		return "this is memif 2.0";
	conn->log2 = RTE_MIN(m->hello.max_log2, (uint8_t)MEMIF_LOG2_OURS);
	conn->live = memif_live_new(conn->port);
	if (conn->live == NULL)
		return no_memory;
	conn->region_fd = memif_region_make(conn->live, conn->log2);
	if (conn->region_fd < 0)
		return no_memory;
	conn->step = STEP_INIT;
	return send_init(conn);
}

static const char *on_ack(struct memif_conn *conn)
{
	struct memif_msg m = {.type = MEMIF_CONNECT};

	switch ((enum step)conn->step) {
	case STEP_INIT:
		conn->step = STEP_REGION;
		return send_region(conn);
	case STEP_REGION:
		conn->step = STEP_C2S;
		return send_ring(conn, true);
	case STEP_C2S:
		conn->step = STEP_S2C;
		return send_ring(conn, false);
	case STEP_S2C:
		conn->step = STEP_CONNECT;
		name_set(m.connect.name, "leat");
		return send_msg(conn, &m, -1);
	default:
		return out_of_order;
	}
}

static const char *on_connected(struct memif_conn *conn)
{
	if (conn->step != STEP_CONNECT || conn->connected)
		return out_of_order;
	memif_live_begin(conn->live);
	memif_connected(conn);
	return NULL;
}

static const char *use(struct memif_conn *conn, const struct memif_msg *m)
{
	switch (m->type) {
	case MEMIF_HELLO:
		return on_hello(conn, m);
	case MEMIF_ACK:
		return on_ack(conn);
	case MEMIF_CONNECTED:
		return on_connected(conn);
	default:
		return "no such message from a server";
	}
}

const char *memif_msg_handle(struct memif_conn *conn, const struct memif_msg *m, int fd)
{
	const char *why;

	if (m->type == MEMIF_DISCONNECT)
		why = no_answer;
	else
		why = conn->listener != NULL ? serve(conn, m, &fd) : use(conn, m);
	if (fd >= 0)
		close(fd);
	return why;
}
