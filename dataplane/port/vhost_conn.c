/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections.
 *
 * A port serves its oldest connection; a later one waits until that has gone, so that a peer that
 * restarts at once is not turned away because its own end has not been noticed yet, and nobody
 * takes a port from a living peer. The library calls from its event thread, from its reconnect
 * thread and from whoever unregisters a socket; all state is under the port's lock, which workers
 * never take.
 *
 * Before the library unmaps memory, closes a kick or call descriptor or moves a ring,
 * vhost_update() has taken the ring from the workers and waited until each has passed a quiescent
 * point.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_vhost.h>

#include "dataplane/port/vhost.h"
#include "lib/fds.h"

/* How long a peer may leave the library's only event thread waiting in the middle of a message. */
#define MESSAGE_TIMEOUT_US 100000

static struct vhost_conn conns[RTE_MAX_VHOST_DEVICE];
static struct vhost_port *ports;
static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;

struct vhost_conn *vhost_conn_get(int vid)
{
	if (vid < 0 || vid >= RTE_MAX_VHOST_DEVICE ||
		__atomic_load_n(&conns[vid].port, __ATOMIC_ACQUIRE) == NULL)
		return NULL;
	return &conns[vid];
}

int vhost_conn_vid(const struct vhost_conn *conn)
{
	return (int)(conn - conns);
}

/* --- the list of ports --- */

static struct vhost_port *port_find(const char *socket)
{
	for (struct vhost_port *p = ports; p != NULL; p = p->next)
		if (strcmp(p->socket, socket) == 0)
			return p;
	return NULL;
}

int vhost_list_add(struct vhost_port *port)
{
	int ret = -1;

	pthread_mutex_lock(&ports_lock);
	if (port_find(port->socket) == NULL) {
		port->next = ports;
		ports = port;
		ret = 0;
	}
	pthread_mutex_unlock(&ports_lock);
	return ret;
}

void vhost_list_del(struct vhost_port *port)
{
	pthread_mutex_lock(&ports_lock);
	for (struct vhost_port **p = &ports; *p != NULL; p = &(*p)->next) {
		if (*p == port) {
			*p = port->next;
			break;
		}
	}
	pthread_mutex_unlock(&ports_lock);
}

/* --- connections --- */

static bool socket_named(const struct sockaddr_un *un, socklen_t len, const char *path)
{
	size_t n = strlen(path);

	return un->sun_family == AF_UNIX && len > offsetof(struct sockaddr_un, sun_path) + n - 1 &&
	       strncmp(un->sun_path, path, sizeof(un->sun_path)) == 0;
}

/* Is fd a connection of this port that none of its conns has yet? */
static bool is_new_connection(const struct vhost_port *port, int fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(un) - 1, vlen = sizeof(int);
	int listening = 1;
	struct stat st;
	int ret;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &vlen) != 0 || listening)
		return false;
	ret = port->server ? getsockname(fd, (struct sockaddr *)&un, &len)
			   : getpeername(fd, (struct sockaddr *)&un, &len);
	if (ret != 0 || !socket_named(&un, len, port->socket) || fstat(fd, &st) != 0)
		return false;
	for (unsigned i = 0; i < VHOST_PEERS_MAX && port->conn[i] != NULL; i++) {
		struct stat known;

		if (fstat(port->conn[i]->sock, &known) == 0 && known.st_ino == st.st_ino)
			return false;
	}
	return true;
}

/*
 * A duplicate of the connection that the library has just made, which it does not tell: to bound
 * its reads, and to shut it down. -1 if there is none.
 */
static int connection_find(const struct vhost_port *port)
{
	const struct timeval limit = {.tv_usec = MESSAGE_TIMEOUT_US};
	DIR *dir = fds_open();
	int sock = -1;
	int fd;

	if (dir == NULL)
		return -1;
	while (sock < 0 && (fd = fds_next(dir)) >= 0)
		if (is_new_connection(port, fd))
			sock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	closedir(dir);
	if (sock >= 0 &&
		(setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
			setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))) {
		close(sock);
		sock = -1;
	}
	return sock;
}

static int conn_add(struct vhost_port *port, int vid)
{
	struct vhost_conn *conn = &conns[vid];
	unsigned i = 0;
	int sock;

	while (i < VHOST_PEERS_MAX && port->conn[i] != NULL)
		i++;
	if (i == VHOST_PEERS_MAX || port->closing)
		return -1;
	sock = connection_find(port);
	if (sock < 0)
		return -1;
	if (vhost_msg_hook(vid) != 0) {
		close(sock);
		return -1;
	}
	*conn = (struct vhost_conn){.sock = sock, .serving = i == 0};
	port->conn[i] = conn;
	__atomic_store_n(&conn->port, port, __ATOMIC_RELEASE);
	return 0;
}

/* The library has told of destroy_device before, if there was one: no ring of conn is left. */
static void conn_del(struct vhost_port *port, struct vhost_conn *conn)
{
	unsigned i = 0;

	vhost_guard_set(conn, NULL);
	__atomic_store_n(&conn->port, NULL, __ATOMIC_RELEASE);
	free(conn->mem);
	conn->mem = NULL;
	close(conn->sock);
	while (port->conn[i] != conn)
		i++;
	memmove(&port->conn[i], &port->conn[i + 1],
		(VHOST_PEERS_MAX - i - 1) * sizeof(port->conn[0]));
	port->conn[VHOST_PEERS_MAX - 1] = NULL;
	if (port->conn[0] != NULL)
		__atomic_store_n(&port->conn[0]->serving, 1, __ATOMIC_RELEASE);
}

void vhost_conn_drop_all(struct vhost_port *port)
{
	while (port->conn[0] != NULL)
		conn_del(port, port->conn[0]);
}

/* --- what the library calls --- */

static int on_new_connection(int vid)
{
	char path[VHOST_SOCKET_MAX + 1];
	struct vhost_port *port;
	int ret = -1;

	if (rte_vhost_get_ifname(vid, path, sizeof(path)) != 0)
		return -1;
	pthread_mutex_lock(&ports_lock);
	port = port_find(path);
	pthread_mutex_unlock(&ports_lock);
	/* It cannot go meanwhile: unregistering its socket waits for this call. */
	if (port == NULL)
		return -1;
	pthread_mutex_lock(&port->lock);
	ret = conn_add(port, vid);
	pthread_mutex_unlock(&port->lock);
	return ret;
}

static void on_destroy_connection(int vid)
{
	struct vhost_conn *conn = vhost_conn_get(vid);
	struct vhost_port *port;

	vhost_guard_thread(NULL);
	if (conn == NULL)
		return;
	port = conn->port;
	pthread_mutex_lock(&port->lock);
	conn->running = false;
	vhost_update(port);
	conn_del(port, conn);
	vhost_update(port);
	pthread_mutex_unlock(&port->lock);
}

static int on_new_device(int vid)
{
	struct vhost_conn *conn = vhost_conn_get(vid);

	if (conn == NULL)
		return -1;
	pthread_mutex_lock(&conn->port->lock);
	rte_vhost_get_negotiated_features(vid, &conn->features);
	conn->running = true;
	if (conn == conn->port->conn[0] && !__atomic_load_n(&conn->faulted, __ATOMIC_RELAXED))
		__atomic_store_n(&conn->port->port.fault, 0, __ATOMIC_RELAXED);
	vhost_update(conn->port);
	pthread_mutex_unlock(&conn->port->lock);
	return 0;
}

static void on_destroy_device(int vid)
{
	struct vhost_conn *conn = vhost_conn_get(vid);

	if (conn == NULL)
		return;
	pthread_mutex_lock(&conn->port->lock);
	conn->running = false;
	vhost_update(conn->port);
	pthread_mutex_unlock(&conn->port->lock);
}

static int on_vring_state(int vid, uint16_t vring, int enable)
{
	struct vhost_conn *conn = vhost_conn_get(vid);

	if (conn == NULL || vring >= VHOST_VRINGS_MAX)
		return 0;
	pthread_mutex_lock(&conn->port->lock);
	if (enable)
		conn->enabled |= 1U << vring;
	else
		conn->enabled &= ~(1U << vring);
	vhost_update(conn->port);
	pthread_mutex_unlock(&conn->port->lock);
	return 0;
}

const struct rte_vhost_device_ops vhost_device_ops = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
	.vring_state_changed = on_vring_state,
	.new_connection = on_new_connection,
	.destroy_connection = on_destroy_connection,
};
