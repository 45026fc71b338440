/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread of memif ports: it listens for servers, connects clients for as long as it takes, and ends
 * what has gone. It runs while there are such ports.
 *
 * All state of connections is under one lock, taken by the thread and by the control side. Before memory is
 * unmapped the ring is taken from the workers, and each has passed a quiescent point.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "dataplane/port/memif.h"
#include "lib/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static bool stopping;
static int epoll_fd = -1;
static int wake_fd = -1;
static struct memif_port *ports;

void memif_wake(void)
{
	eventfd_write(wake_fd, 1); /* ours, and not blocking: nobody else has it */
}

int memif_watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct memif_port *memif_port_find(const struct memif_listener *listener, uint32_t id)
{
	for (struct memif_port *p = ports; p != NULL; p = p->next)
		if (p->listener == listener && p->id == id)
			return p;
	return NULL;
}

static void port_connect(struct memif_port *port, uint64_t now)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	port->retry_ms = now + MEMIF_RETRY_MS;
	memcpy(un.sun_path, port->socket, strlen(port->socket));
	if (sock >= 0 && connect(sock, (const struct sockaddr *)&un, sizeof(un)) == 0 &&
		memif_watch(sock) == 0)
		memif_conn_new(sock, NULL, port);
	else if (sock >= 0)
		close(sock);
}

static bool is_broken(const struct memif_ring *r)
{
	return __atomic_load_n(&r->broken, __ATOMIC_RELAXED);
}

/* What time brings about; whether there is something that waits for it. */
static bool look_around(void)
{
	uint64_t now = monotonic_ms();
	bool waiting = false;

	for (struct memif_conn *c = memif_conns, *next; c != NULL; c = next) {
		next = c->next;
		if (c->connected && (is_broken(&c->live->rx) || is_broken(&c->live->tx)))
			memif_conn_drop(c, "a ring or a descriptor makes no sense");
		else if (!c->connected && now >= c->deadline_ms)
			memif_conn_drop(c, "the handshake takes too long");
		else
			waiting |= !c->connected;
	}
	for (struct memif_port *p = ports; p != NULL; p = p->next) {
		if (!p->server && p->conn == NULL && now >= p->retry_ms)
			port_connect(p, now);
		waiting |= !p->server && (p->conn == NULL || !p->conn->connected);
	}
	return waiting;
}

/* False: it will be reported again at once and can as little be handled then. */
static bool handle(int fd)
{
	eventfd_t n;

	if (fd == wake_fd) {
		eventfd_read(wake_fd, &n);
		return true;
	}
	for (struct memif_listener *l = memif_listeners; l != NULL; l = l->next)
		if (l->sock == fd)
			return memif_listener_accept(l);
	for (struct memif_conn *c = memif_conns; c != NULL; c = c->next)
		if (c->sock == fd) {
			memif_conn_read(c);
			break;
		}
	return true;
}

static void *thread_main(void *arg)
{
	bool waiting = true;

	(void)arg;
	for (;;) {
		struct epoll_event event;
		int n = epoll_wait(epoll_fd, &event, 1, waiting ? MEMIF_RETRY_MS : -1);
		bool handled;

		pthread_mutex_lock(&lock);
		if (stopping)
			break;
		handled = n != 1 || handle(event.data.fd);
		waiting = look_around();
		pthread_mutex_unlock(&lock);
		if (!handled)
			rte_delay_us_sleep(MEMIF_RETRY_MS * 1000);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* Locked. */
static int thread_start(struct error *err)
{
	int rc;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	stopping = false;
	if (epoll_fd < 0 || wake_fd < 0 || memif_watch(wake_fd) != 0)
		rc = errno;
	else
		rc = pthread_create(&thread, NULL, thread_main, NULL);
	if (rc == 0) {
		pthread_setname_np(thread, "leat-memif");
		return 0;
	}
	close(epoll_fd);
	close(wake_fd);
	return error_device(err, rc, "cannot start the thread of memif ports");
}

/* Not locked: it may want the lock once more. */
static void thread_stop(void)
{
	memif_wake();
	pthread_join(thread, NULL);
	close(epoll_fd);
	close(wake_fd);
}

int memif_attach(struct memif_port *port, struct error *err)
{
	bool first, alone;

	pthread_mutex_lock(&lock);
	first = ports == NULL;
	if (first && thread_start(err) != 0) {
		pthread_mutex_unlock(&lock);
		return -1;
	}
	if (port->server)
		port->listener = memif_listener_get(port->socket, err);
	alone = port->server && port->listener == NULL;
	if (!alone) {
		port->next = ports;
		ports = port;
		memif_wake();
	}
	stopping = first && alone;
	pthread_mutex_unlock(&lock);
	if (first && alone)
		thread_stop();
	return alone ? -1 : 0;
}

void memif_detach(struct memif_port *port)
{
	struct memif_port **link = &ports;
	bool last;

	pthread_mutex_lock(&lock);
	if (port->conn != NULL)
		memif_conn_drop(port->conn, "the interface is gone");
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	if (port->server)
		memif_listener_put(port->listener);
	last = ports == NULL;
	stopping = last;
	pthread_mutex_unlock(&lock);
	if (last)
		thread_stop();
}
