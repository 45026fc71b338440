/* SPDX-License-Identifier: BSD-3-Clause */
/* What of the kernel's lies behind a device: its interface, an AF_XDP driver's sockets, a memif socket. */
#include "dataplane/port/ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_cycles.h>

#define RESTORED_FLAGS (IFF_UP | IFF_PROMISC)

int ethdev_kernel_take(struct ethdev_port *p, struct error *err)
{
	struct netdev_change up = {.flags_set = IFF_UP};

	if (p->netdev[0] == '\0')
		return 0;
	for (const struct ethdev_port *other = ethdev_live(); other != NULL; other = other->next)
		if (strcmp(other->netdev, p->netdev) == 0)
			return error_device(
				err, EBUSY, "interface %s is another port's", p->netdev);
	if (netdev_get(p->netdev, &p->found, err) != 0)
		return -1;
	if (ethdev_is(p, "af_xdp") && ethdev_xdp_check(p, err) != 0)
		return -1;
	if (!(p->found.flags & IFF_UP) && netdev_set(p->netdev, &up, err) != 0)
		return -1;
	return 0;
}

void ethdev_kernel_restore(struct ethdev_port *p)
{
	struct netdev_info now;
	struct netdev_change back = {
		.mtu = p->found.mtu,
		.flags_set = p->found.flags & RESTORED_FLAGS,
		.flags_clear = ~p->found.flags & RESTORED_FLAGS,
	};

	/* By then it may be gone, or another one may have its name. */
	if (p->netdev[0] == '\0' || netdev_get(p->netdev, &now, NULL) != 0 ||
		now.ifindex != p->found.ifindex)
		return;
	netdev_set(p->netdev, &back, NULL);
}

/* The value of a key in "net_memif0,role=server,socket=/x", or false. */
static bool devargs_get(const char *devargs, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key);
	const char *at = strchr(devargs, ',');

	for (; at != NULL; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, key_len) == 0 && at[key_len] == '=') {
			at += key_len + 1;
			snprintf(value, size, "%.*s", (int)strcspn(at, ","), at);
			return true;
		}
	}
	return false;
}

/*
 * Does a living socket have that path? Asked with the wrong type, so that the kernel says no, and how:
 * the driver's listener (22.11) does not survive a connection that is closed at once.
 */
static bool socket_is_alive(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	alive = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno != ECONNREFUSED;
	close(fd);
	return alive;
}

/* The driver shares one listening socket between all of a process' ports that name its path. */
static bool socket_is_ours(const char *path)
{
	char other[sizeof(((struct sockaddr_un *)0)->sun_path)];

	for (const struct ethdev_port *p = ethdev_live(); p != NULL; p = p->next)
		if (ethdev_is(p, "memif") &&
			devargs_get(p->devargs, "socket", other, sizeof(other)) &&
			strcmp(other, path) == 0)
			return true;
	return false;
}

int ethdev_kernel_memif(const struct ethdev_port *p, struct error *err)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char role[16];
	struct stat st;

	if (!devargs_get(p->devargs, "socket", path, sizeof(path)) ||
		!devargs_get(p->devargs, "role", role, sizeof(role)) ||
		(strcmp(role, "server") != 0 && strcmp(role, "master") != 0) ||
		socket_is_ours(path) || lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_device(err, EEXIST, "%s is there and is not a socket", path);
	if (socket_is_alive(path))
		return error_device(err, EADDRINUSE, "somebody else listens at %s", path);
	if (unlink(path) != 0)
		return error_device(err, errno, "cannot remove the stale socket %s", path);
	return 0;
}

static void state_set(struct ethdev_port *p, enum port_state state, int fault)
{
	if (port_state(&p->port) == state)
		return;
	__atomic_store_n(&p->port.fault, (uint32_t)fault, __ATOMIC_RELAXED);
	__atomic_store_n(&p->port.state, state, __ATOMIC_RELAXED);
}

void ethdev_kernel_link(struct ethdev_port *p)
{
	struct rte_eth_link link;
	uint64_t now = rte_rdtsc();

	if (now - __atomic_load_n(&p->link_tsc, __ATOMIC_RELAXED) <
		rte_get_tsc_hz() / 1000 * ETHDEV_LINK_MS)
		return;
	__atomic_store_n(&p->link_tsc, now, __ATOMIC_RELAXED);
	if (p->netdev[0] != '\0' && (int)if_nametoindex(p->netdev) != p->found.ifindex)
		state_set(p, PORT_ERROR, ENODEV);
	else if (rte_eth_link_get_nowait(p->dev_id, &link) == 0)
		state_set(p, link.link_status == RTE_ETH_LINK_UP ? PORT_ACTIVE : PORT_PENDING, 0);
}
