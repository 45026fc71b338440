/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file descriptors of an AF_XDP driver. It keeps them to itself, but a worker sleeps on its
 * sockets; and versions of it and of libxdp (DPDK 22.11 with libxdp 1.3 among them) leave some open when
 * the device is closed: the queue stays taken and the process fills up. So those that come up while a
 * device is set up are noted, and those still open after its end are closed.
 *
 * One thread of the control side opens devices, and nobody else in the process AF_XDP sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/port/ethdev.h"
#include "lib/fds.h"

#define BPF_ID (1ULL << 62) /* tells an id of the BPF kind from a socket's cookie */
#define BPF_PROG (1ULL << 61)

static uint64_t socket_identity(int fd)
{
	uint64_t cookie = 0;
	int domain = 0;
	socklen_t domain_len = sizeof(domain);
	socklen_t cookie_len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) != 0 || domain != AF_XDP ||
		getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &cookie_len) != 0)
		return 0;
	return cookie & ~BPF_ID;
}

static uint64_t bpf_identity(int fd)
{
	char path[64];
	char line[128];
	static const char map[] = "map_id:";
	static const char prog[] = "prog_id:";
	uint64_t identity = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	if (info == NULL)
		return 0;
	while (identity == 0 && fgets(line, sizeof(line), info) != NULL) {
		if (strncmp(line, map, strlen(map)) == 0)
			identity = BPF_ID | strtoul(line + strlen(map), NULL, 10);
		else if (strncmp(line, prog, strlen(prog)) == 0)
			identity = BPF_ID | BPF_PROG | strtoul(line + strlen(prog), NULL, 10);
	}
	fclose(info);
	return identity;
}

/* What an fd is, in a way that outlives the number: 0 for anything we do not look after. */
static uint64_t identity(int fd)
{
	uint64_t id = socket_identity(fd);

	return id != 0 ? id : bpf_identity(fd);
}

static bool is_noted(const struct ethdev_fds *fds, int fd, uint64_t id)
{
	for (unsigned i = 0; i < fds->n; i++)
		if (fds->fd[i].fd == fd && fds->fd[i].id == id)
			return true;
	return false;
}

static bool is_others(int fd, uint64_t id)
{
	for (const struct ethdev_port *p = ethdev_live(); p != NULL; p = p->next)
		if (is_noted(&p->fds, fd, id))
			return true;
	return false;
}

void ethdev_fds_note(struct ethdev_fds *fds)
{
	DIR *dir = fds_open();
	int fd;

	if (dir == NULL)
		return;
	while (fds->n < ETHDEV_FDS_MAX && (fd = fds_next(dir)) >= 0) {
		uint64_t id = identity(fd);

		if (id != 0 && !is_noted(fds, fd, id) && !is_others(fd, id))
			fds->fd[fds->n++] = (struct ethdev_fd){.fd = fd, .id = id};
	}
	closedir(dir);
}

int ethdev_fds_socket(const struct ethdev_fds *fds, unsigned from)
{
	for (unsigned i = from; i < fds->n; i++)
		if (!(fds->fd[i].id & BPF_ID))
			return fds->fd[i].fd;
	return -1;
}

void ethdev_fds_close(struct ethdev_fds *fds, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (identity(fds->fd[i].fd) == fds->fd[i].id)
			close(fds->fd[i].fd);
}
