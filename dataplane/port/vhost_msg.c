/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of a peer, before and after the library handles them.
 *
 * Before: what this port has not offered is refused, and the connection with it; the number of
 * queues is answered here; memory that is not shared memory is refused; the rings that a message is
 * about are taken from the workers, because the library changes them without telling anybody (it
 * does tell of SET_VRING_KICK and SET_VRING_CALL). After: they come back, as they are now.
 *
 * The layout of a message is the wire's (vhost-user protocol, "Message structure"); that of the
 * file descriptors behind it is the library's, which keeps it for handlers like these.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <rte_vhost.h>

#include "dataplane/port/vhost.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	NET_SET_MTU = 20,
	SET_STATUS = 39,
	GET_STATUS = 40,
};

#define VRING_FD_INDEX_MASK 0xff
#define FLAG_NEED_REPLY (1U << 3)
#define ALL_VRINGS UINT32_MAX

/* The largest payload the library has room for, which is never sent to us, sets the size. */
#define PAYLOAD_MAX 632

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
	union {
		uint64_t u64;
		uint32_t index;
		uint32_t n_regions;
		uint8_t room[PAYLOAD_MAX];
	} payload;
	int fds[VHOST_REGIONS_MAX];
	int n_fds;
} __attribute__((packed));

/* The vrings a message is about, and whether they must rest while it is handled. -1: refused. */
static int64_t vrings_of(const struct vhost_port *port, const struct message *m, bool *rest)
{
	uint32_t index = m->payload.index;

	*rest = true;
	switch (m->request) {
	case RESET_OWNER:
	case SET_MEM_TABLE:
	case SET_FEATURES:
		return ALL_VRINGS;
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
		index = m->payload.u64 & VRING_FD_INDEX_MASK;
		break;
	case SET_VRING_NUM:
	case SET_VRING_ADDR:
	case SET_VRING_BASE:
		break;
	case GET_VRING_BASE: /* destroy_device, and vring_state_changed for the enabled bit */
	case SET_VRING_ENABLE:
		*rest = false;
		break;
	case GET_FEATURES:
	case SET_OWNER:
	case GET_PROTOCOL_FEATURES:
	case SET_PROTOCOL_FEATURES:
	case GET_QUEUE_NUM:
	case NET_SET_MTU:
	case SET_STATUS:
	case GET_STATUS:
		*rest = false;
		return 0;
	default:
		return -1;
	}
	return index < 2U * port->queues ? (int64_t)1 << index : -1;
}

static void fds_close(struct message *m)
{
	for (int i = 0; i < RTE_MIN(m->n_fds, VHOST_REGIONS_MAX); i++) {
		if (m->fds[i] >= 0)
			close(m->fds[i]);
		m->fds[i] = -1;
	}
	m->n_fds = 0;
}

/* Refuse, and have the library drop the connection rather than answer. */
static enum rte_vhost_msg_result refuse(struct message *m)
{
	fds_close(m);
	m->flags &= ~FLAG_NEED_REPLY;
	return RTE_VHOST_MSG_RESULT_ERR;
}

/*
 * A page of any other file may take its owner's pleasure to arrive (FUSE), and a worker would wait
 * for it.
 */
static bool memory_acceptable(const struct message *m)
{
	for (int i = 0; i < RTE_MIN(m->n_fds, VHOST_REGIONS_MAX); i++) {
		struct statfs fs;

		if (fstatfs(m->fds[i], &fs) != 0 ||
			(fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC))
			return false;
	}
	return true;
}

/* The library is about to unmap or replace a peer's memory. Locked; no worker uses it. */
static void memory_forget(struct vhost_conn *conn)
{
	vhost_guard_set(conn, NULL);
	free(conn->mem);
	conn->mem = NULL;
}

static void memory_learn(struct vhost_conn *conn, int vid)
{
	struct rte_vhost_memory *table;

	if (rte_vhost_get_mem_table(vid, &table) != 0)
		return;
	vhost_guard_set(conn, table);
	conn->mem = vhost_mem_new(table);
	free(table);
}

static enum rte_vhost_msg_result pre(int vid, void *msg)
{
	struct vhost_conn *conn = vhost_conn_get(vid);
	struct message *m = msg;
	int64_t vrings;
	bool rest;

	if (conn == NULL)
		return refuse(m);
	vhost_guard_thread(conn);
	vrings = vrings_of(conn->port, m, &rest);
	if (vrings < 0 || __atomic_load_n(&conn->faulted, __ATOMIC_RELAXED))
		return refuse(m);
	if (m->request == GET_QUEUE_NUM && m->n_fds == 0) {
		m->payload.u64 = conn->port->queues;
		m->size = sizeof(m->payload.u64);
		return RTE_VHOST_MSG_RESULT_REPLY;
	}
	if (m->request == SET_MEM_TABLE && !memory_acceptable(m))
		return refuse(m);

	pthread_mutex_lock(&conn->port->lock);
	/* A failed message before this one has had no after: this ends it, too. */
	conn->changing = rest ? (uint32_t)vrings : 0;
	vhost_update(conn->port);
	if (m->request == SET_MEM_TABLE || m->request == RESET_OWNER)
		memory_forget(conn);
	pthread_mutex_unlock(&conn->port->lock);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static enum rte_vhost_msg_result post(int vid, void *msg)
{
	struct vhost_conn *conn = vhost_conn_get(vid);
	const struct message *m = msg;

	if (conn == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	pthread_mutex_lock(&conn->port->lock);
	if (m->request == SET_MEM_TABLE && !conn->port->closing)
		memory_learn(conn, vid);
	conn->changing = 0;
	vhost_update(conn->port);
	pthread_mutex_unlock(&conn->port->lock);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static const struct rte_vhost_user_extern_ops hooks = {
	.pre_msg_handle = pre,
	.post_msg_handle = post,
};

int vhost_msg_hook(int vid)
{
	return rte_vhost_extern_callback_register(vid, &hooks, NULL);
}
