/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket's file, the lock beside it, and who may connect. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctrl/limits.h"
#include "ctrl/rpc/peer.h"
#include "ctrl/rpc/server_internal.h"
#include "lib/alloc.h"

#define SOCKET_MODE 0660
#define FOLDER_MODE 0755

/* Other daemons look for the same name; it stays there when we end. */
static int lock_take(struct server *server, struct error *err)
{
	char *path = alloc_printf("%s.lock", server->path);
	int result = 0;

	server->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (server->lock_fd < 0)
		result = error_device(err, errno,
			"cannot open %s; make its folder, or give another --socket", path);
	else if (flock(server->lock_fd, LOCK_EX | LOCK_NB) == 0)
		result = 0;
	else if (errno == EWOULDBLOCK)
		result = error_set(err, LEAT_CONFLICT,
			"another daemon runs with the socket %s (it holds %s): give this one "
			"another --socket",
			server->path, path);
	else
		result = error_device(err, errno, "cannot lock %s", path);
	free(path);
	return result;
}

static int stale_remove(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_device(err, errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_device(err, EEXIST,
			"%s is not a socket and is left alone: move it, or give another --socket",
			path);
	if (unlink(path) < 0)
		return error_device(err, errno, "cannot remove the stale socket %s", path);
	return 0;
}

static int group_find(struct server *server, const char *name, struct error *err)
{
	server->group = (gid_t)-1;
	if (name == NULL)
		return 0;
	if (peer_group_find(name, &server->group) < 0)
		return error_set(err, LEAT_INVALID_PARAMS, "there is no group \"%s\"", name);
	return 0;
}

static void folder_make(const char *path)
{
	char *copy = alloc_strdup(path);

	/* One level, as /run/leat; where it fails, opening the lock says why. */
	mkdir(dirname(copy), FOLDER_MODE);
	free(copy);
}

static int socket_bind(struct server *server, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, server->path, strlen(server->path));
	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listen_fd < 0)
		return error_device(err, errno, "cannot make a socket");
	if (bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_device(err, errno, "cannot bind %s", server->path);
	/* Nobody can connect before listen(), so the mode is right in time. */
	if (server->group != (gid_t)-1 && chown(server->path, (uid_t)-1, server->group) < 0)
		return error_device(err, errno, "cannot give %s to the group", server->path);
	if (chmod(server->path, SOCKET_MODE) < 0)
		return error_device(err, errno, "cannot set the mode of %s", server->path);
	return 0;
}

int listen_open(struct server *server, const struct server_options *options, struct error *err)
{
	server->lock_fd = -1;
	server->listen_fd = -1;
	if (strlen(options->socket_path) > LIMIT_SOCKET_BYTES)
		return error_set(err, LEAT_INVALID_PARAMS,
			"the socket's path is %zu bytes long, %d are allowed",
			strlen(options->socket_path), LIMIT_SOCKET_BYTES);
	server->path = alloc_strdup(options->socket_path);
	folder_make(server->path);
	if (group_find(server, options->group, err) < 0 || lock_take(server, err) < 0 ||
		stale_remove(server->path, err) < 0)
		return -1;
	return socket_bind(server, err);
}

void listen_close(struct server *server)
{
	/* Bound by us alone: the lock is still held. */
	if (server->listen_fd >= 0) {
		close(server->listen_fd);
		unlink(server->path);
	}
	if (server->lock_fd >= 0)
		close(server->lock_fd);
	free(server->path);
}

bool peer_allowed(const struct server *server, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	return server->group != (gid_t)-1 && peer_in_group(peer.uid, peer.gid, server->group);
}
