/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets on which memif servers listen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/port/listen.h"
#include "dataplane/port/memif.h"
#include "lib/alloc.h"

#define BACKLOG 16
#define GREETED_MAX 16 /* connections of one listener that are in their handshake */

struct memif_listener *memif_listeners;

static unsigned greeted(const struct memif_listener *listener)
{
	unsigned n = 0;

	for (const struct memif_conn *c = memif_conns; c != NULL; c = c->next)
		n += c->listener == listener && !c->connected;
	return n;
}

bool memif_listener_accept(struct memif_listener *listener)
{
	int sock = accept4(listener->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct memif_conn *conn;

	if (sock < 0)
		return errno != EMFILE && errno != ENFILE;
	if (greeted(listener) >= GREETED_MAX || memif_watch(sock) != 0) {
		close(sock);
		return true;
	}
	conn = memif_conn_new(sock, listener, NULL);
	if (memif_msg_hello(conn) != NULL)
		memif_conn_drop(conn, "");
	return true;
}

static int listener_open(struct memif_listener *listener, struct error *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (listen_path_clear(listener->path, SOCK_SEQPACKET, err) != 0)
		return -1;
	listener->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(un.sun_path, listener->path, strlen(listener->path));
	if (listener->sock >= 0 &&
		bind(listener->sock, (const struct sockaddr *)&un, sizeof(un)) == 0 &&
		listen(listener->sock, BACKLOG) == 0 && memif_watch(listener->sock) == 0)
		return 0;
	error_device(err, errno, "cannot listen on %s", listener->path);
	if (listener->sock >= 0)
		close(listener->sock);
	return -1;
}

struct memif_listener *memif_listener_get(const char *path, struct error *err)
{
	struct memif_listener *l;

	for (l = memif_listeners; l != NULL; l = l->next)
		if (strcmp(l->path, path) == 0) {
			l->ports++;
			return l;
		}
	l = alloc_zero(1, sizeof(*l));
	memcpy(l->path, path, strlen(path));
	if (listener_open(l, err) != 0) {
		free(l);
		return NULL;
	}
	l->ports = 1;
	l->next = memif_listeners;
	memif_listeners = l;
	return l;
}

void memif_listener_put(struct memif_listener *listener)
{
	struct memif_listener **link = &memif_listeners;

	if (--listener->ports != 0)
		return;
	for (struct memif_conn *c = memif_conns, *next; c != NULL; c = next) {
		next = c->next;
		if (c->listener == listener)
			memif_conn_drop(c, "the interface is gone");
	}
	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
	close(listener->sock);
	unlink(listener->path);
	free(listener);
}
