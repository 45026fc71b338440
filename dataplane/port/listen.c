/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Nobody answers at path: 0; somebody does: EADDRINUSE; else why not. */
static int socket_probe(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return errno;
	memcpy(un.sun_path, path, strlen(path));
	ret = connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0 ? EADDRINUSE : errno;
	close(fd);
	if (ret == EAGAIN || ret == EPROTOTYPE)
		return EADDRINUSE; /* its backlog is full; it is a socket of another type */
	return ret == ECONNREFUSED ? 0 : ret;
}

/*
 * Can the library bind its socket? It closes its descriptor twice when it cannot, which may hit one
 * that another thread has just opened.
 */
static int socket_rehearse(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return errno;
	memcpy(un.sun_path, path, strlen(path));
	if (bind(fd, (const struct sockaddr *)&un, sizeof(un)) != 0)
		ret = errno;
	else
		unlink(path);
	close(fd);
	return ret;
}

int listen_path_clear(const char *path, int type, struct error *err)
{
	struct stat st;
	int busy;

	if (lstat(path, &st) != 0) {
		busy = errno == ENOENT ? socket_rehearse(path, type) : errno;
		if (busy == 0)
			return 0;
		return error_device(err, busy, "cannot listen on %s%s", path,
			busy == ENOENT ? "; make its folder" : "");
	}
	if (!S_ISSOCK(st.st_mode))
		return error_device(
			err, EEXIST, "%s is there and is not a socket; remove it", path);
	busy = socket_probe(path, type);
	if (busy == EADDRINUSE)
		return error_set(err, LEAT_CONFLICT,
			"somebody else listens on %s; end that, or take another path", path);
	if (busy != 0)
		return error_device(err, busy, "%s", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return error_device(err, errno, "cannot remove the stale socket %s", path);
	return 0;
}

void port_name_by_path(struct port *port, const char *path)
{
	size_t len = strlen(path);

	snprintf(port->name, sizeof(port->name), "%s",
		path + (len < PORT_NAME_MAX ? 0 : len - (PORT_NAME_MAX - 1)));
}
