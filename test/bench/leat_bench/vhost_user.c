/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/vhost_user.h"

#include <err.h>
#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define VERSION 1U /* the header's flags */
#define REPLY 4U
#define F_PROTOCOL_FEATURES 30
#define RETRY_NS 5000000
#define RETRIES (VHOST_USER_PATIENCE_S * (1000000000LL / RETRY_NS))

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

struct memory_table {
	uint32_t n;
	uint32_t padding;
	uint64_t guest_address;
	uint64_t size;
	uint64_t user_address;
	uint64_t offset;
};

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct memory_table memory;
	} payload;
} __attribute__((packed));

#define MESSAGE_HEADER offsetof(struct message, payload)

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		errx(1, "%s: a socket's path is at most %zu bytes", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

static int socket_make(void)
{
	const struct timeval patience = {.tv_sec = VHOST_USER_PATIENCE_S};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		err(1, "socket");
	return sock;
}

int vhost_user_listen(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int sock = socket_make();

	unlink(path);
	if (bind(sock, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(sock, 1) != 0)
		err(1, "%s", path);
	return sock;
}

int vhost_user_connect(int listener, const char *path)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	struct sockaddr_un address = address_of(path);
	int sock;

	if (listener >= 0) {
		sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (sock < 0)
			err(1, "%s: the switch has not connected", path);
		return sock;
	}
	sock = socket_make();
	for (int i = 0; connect(sock, (const struct sockaddr *)&address, sizeof(address)) != 0;
		i++) {
		if (i == RETRIES || (errno != ENOENT && errno != ECONNREFUSED))
			err(1, "%s", path);
		nanosleep(&pause, NULL);
	}
	return sock;
}

/* Send `m` with a payload of `size` bytes, and a descriptor unless `fd` is -1. */
static void tell(int sock, struct message *m, uint32_t size, int fd)
{
	struct iovec part = {.iov_base = m, .iov_len = MESSAGE_HEADER + size};
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};

	m->flags = VERSION;
	m->size = size;
	if (fd >= 0) {
		h.msg_control = control.room;
		h.msg_controllen = sizeof(control.room);
		CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &h, MSG_NOSIGNAL) != (ssize_t)part.iov_len)
		err(1, "vhost-user request %u", m->request);
}

static void tell_u64(int sock, uint32_t request, uint64_t value, int fd)
{
	struct message m = {.request = request, .payload.u64 = value};

	tell(sock, &m, sizeof(m.payload.u64), fd);
}

static void tell_state(int sock, uint32_t request, unsigned queue, unsigned value)
{
	struct message m = {.request = request, .payload.state = {queue, value}};

	tell(sock, &m, sizeof(m.payload.state), -1);
}

static uint64_t ask_u64(int sock, const char *path, uint32_t request)
{
	struct message m = {.request = request};
	const size_t len = MESSAGE_HEADER + sizeof(m.payload.u64);

	tell(sock, &m, 0, -1);
	if (recv(sock, &m, len, MSG_WAITALL) != (ssize_t)len)
		errx(1, "%s: no answer to vhost-user request %u", path, request);
	if (m.request != request || !(m.flags & REPLY) || m.size != sizeof(m.payload.u64))
		errx(1, "%s: a wrong answer to vhost-user request %u", path, request);
	return m.payload.u64;
}

static void memory_show(int sock, const struct guest *g)
{
	struct message m = {.request = SET_MEM_TABLE,
		.payload.memory = {.n = 1,
			.guest_address = GUEST_BASE,
			.size = g->len,
			.user_address = (uintptr_t)g->memory}};

	tell(sock, &m, sizeof(m.payload.memory), g->memfd);
}

static void queue_show(int sock, const struct guest_queue *q, unsigned index)
{
	struct message m = {.request = SET_VRING_ADDR,
		.payload.addr = {.index = index,
			.desc_user_addr = (uintptr_t)q->desc,
			.used_user_addr = (uintptr_t)q->used,
			.avail_user_addr = (uintptr_t)q->avail}};

	tell_state(sock, SET_VRING_NUM, index, q->size);
	tell_state(sock, SET_VRING_BASE, index, 0);
	tell(sock, &m, sizeof(m.payload.addr), -1);
	tell_u64(sock, SET_VRING_CALL, index, q->call);
	tell_u64(sock, SET_VRING_KICK, index, q->kick);
}

void vhost_user_start(int sock, const char *path, const struct guest *g)
{
	const uint64_t wanted = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << F_PROTOCOL_FEATURES;
	uint64_t offered = ask_u64(sock, path, GET_FEATURES);

	if ((offered & wanted) != wanted)
		errx(1,
			"%s: the switch offers features %#jx, without virtio 1 or protocol "
			"features",
			path, (uintmax_t)offered);
	tell_u64(sock, SET_FEATURES, wanted, -1);
	ask_u64(sock, path, GET_PROTOCOL_FEATURES);
	tell_u64(sock, SET_PROTOCOL_FEATURES, 0, -1);
	tell(sock, &(struct message){.request = SET_OWNER}, 0, -1);
	memory_show(sock, g);
	for (unsigned i = 0; i < GUEST_QUEUES; i++)
		queue_show(sock, &g->queue[i], i);
	for (unsigned i = 0; i < GUEST_QUEUES; i++)
		tell_state(sock, SET_VRING_ENABLE, i, 1);
	ask_u64(sock, path, GET_FEATURES); /* answered in order: all of it has arrived */
}

bool vhost_user_gone(int sock)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	char byte;

	return poll(&p, 1, 0) > 0 && recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}
