/* SPDX-License-Identifier: BSD-3-Clause */
/* TAP: creation inside the container's network namespace, and removal. */
#include "dataplane/port/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/log.h"
#include "lib/netdev.h"

#define TUN_DEVICE "/dev/net/tun"
#define TAP_OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static const char *netns_name(const struct tap_params *params)
{
	return params->netns != NULL ? params->netns : "of the daemon";
}

bool tap_is_ours(struct tap_creation *c)
{
	return c->params->mark != NULL && netdev_get(c->params->name, &c->info, NULL) == 0 &&
	       strcmp(c->info.alias, c->params->mark) == 0;
}

static int tap_attach(int fd, const struct tap_params *params, bool found, struct error *err)
{
	/* Exclusive: a persistent TAP that somebody else made is not ours to take. */
	int exclusive = found ? 0 : IFF_TUN_EXCL;
	struct ifreq request = {
		.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_NAPI | exclusive),
	};

	memcpy(request.ifr_name, params->name, strlen(params->name));
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return 0;
	if (errno == EBUSY || errno == EINVAL || errno == EEXIST)
		return error_device(err, EBUSY,
			"an interface named %s exists already in network namespace %s; remove it, "
			"or "
			"take another name",
			params->name, netns_name(params));
	return error_device(err, errno, "cannot create TAP %s in network namespace %s",
		params->name, netns_name(params));
}

/* The device is born where the fd was opened. */
int tap_interface_open(struct tap_creation *c, struct error *err)
{
	int vnet_len = TAP_VNET_LEN;

	c->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return error_device(err, errno, TUN_DEVICE " (is the tun module loaded?)");
	if (tap_attach(c->fd, c->params, c->found, err) != 0)
		return -1;
	if (ioctl(c->fd, TUNSETVNETHDRSZ, &vnet_len) != 0 ||
		ioctl(c->fd, TUNSETOFFLOAD, TAP_OFFLOADS) != 0)
		return error_device(err, errno, "TAP %s: the kernel refuses vnet headers with TSO",
			c->params->name);
	return 0;
}

/* What was found stays as its container has it, up or down; what differs alone is set. */
static int tap_set_up(struct tap_creation *c, struct error *err)
{
	const struct mac *mac = &c->common->mac;
	struct netdev_change change = {.mtu = c->common->mtu, .alias = c->params->mark};

	if (!c->found)
		change.flags_set = IFF_UP;
	else if (c->info.mtu == change.mtu)
		change.mtu = 0;
	if (!mac_is_zero(mac) && !(c->found && mac_equal(mac, &c->info.mac)))
		change.mac = mac;
	return netdev_set(c->params->name, &change, err);
}

/* What is to outlive us loses its carrier at our end, and its kernel would forget by that whom it spoke with. */
static void tap_keep_neighbours(const struct tap_creation *c)
{
	struct error why = {0};

	if (!c->found && c->params->mark != NULL &&
		netdev_keep_neighbours(c->params->name, &why) != 0)
		log_debug("TAP %s: its neighbours are forgotten when the daemon ends: %s",
			c->params->name, why.message);
}

static int tap_create_inside(void *arg, struct error *err)
{
	struct tap_creation *c = arg;

	c->fd = tap_held_take(c->params, &c->info);
	c->found = c->fd >= 0 || tap_is_ours(c);
	if ((c->fd >= 0 || tap_interface_open(c, err) == 0) && tap_set_up(c, err) == 0 &&
		netdev_get(c->params->name, &c->info, err) == 0) {
		tap_keep_neighbours(c);
		return 0;
	}
	if (c->fd >= 0)
		close(c->fd);
	return -1;
}

/* Level triggered: a frame that came after the last look makes the fd readable. */
static enum port_wait tap_wait_begin(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return PORT_WAIT_FD;
}

static void tap_wait_end(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
}

static int tap_wait_fd(struct port *port, uint16_t queue)
{
	struct tap_port *tap = (struct tap_port *)port;

	return queue == 0 && port_state(port) != PORT_ERROR ? tap->fd : -1;
}

struct tap_mtu {
	char name[IFNAMSIZ];
	uint16_t mtu;
};

static int tap_mtu_inside(void *arg, struct error *err)
{
	const struct tap_mtu *want = arg;
	struct netdev_change change = {.mtu = want->mtu};

	return netdev_set(want->name, &change, err);
}

/* By what the kernel says of the device now: the container may have renamed it or moved it on. */
static int tap_set_mtu(struct port *port, uint16_t mtu, struct error *err)
{
	struct tap_port *tap = (struct tap_port *)port;
	struct tap_mtu want = {.mtu = mtu};
	struct ifreq request = {0};
	char netns[32];
	int netns_fd;
	int rc;

	if (ioctl(tap->fd, TUNGETIFF, &request) != 0)
		return error_device(err, errno, "TAP %s is gone", port->name);
	memcpy(want.name, request.ifr_name, sizeof(want.name));
	netns_fd = ioctl(tap->fd, TUNGETDEVNETNS);
	if (netns_fd < 0)
		return error_device(err, errno, "TAP %s: its network namespace", port->name);
	snprintf(netns, sizeof(netns), "/proc/self/fd/%d", netns_fd);
	rc = netns_run(netns, tap_mtu_inside, &want, err);
	close(netns_fd);
	return rc;
}

static void tap_keep(struct port *port, bool keep)
{
	const struct tap_port *tap = (const struct tap_port *)port;

	/* Where it is lost there is nothing to keep. */
	if (ioctl(tap->fd, TUNSETPERSIST, keep ? 1 : 0) != 0 && port_state(port) != PORT_ERROR)
		log_warning("TAP %s: whether it outlives the daemon cannot be set: %s", port->name,
			strerror(errno));
}

/* The interface goes with its last fd, unless it is kept. */
static void tap_close(struct port *port)
{
	struct tap_port *tap = (struct tap_port *)port;

	close(tap->fd);
	if (tap->quiet_fd >= 0)
		close(tap->quiet_fd);
	munmap(tap->buffers, (size_t)TAP_RX_BURST * TAP_BUFFER_LEN);
	free(tap);
}

static const struct port_ops tap_ops = {
	.kind = "tap",
	.receive = tap_receive,
	.release = tap_release,
	.transmit = tap_transmit,
	.wait_begin = tap_wait_begin,
	.wait_end = tap_wait_end,
	.wait_fd = tap_wait_fd,
	.set_mtu = tap_set_mtu,
	.keep = tap_keep,
	.close = tap_close,
};

static int tap_check(
	const struct port_params *common, const struct tap_params *params, struct error *err)
{
	if (!netdev_name_valid(params->name))
		return error_set(err, LEAT_INVALID_PARAMS,
			"\"%.64s\" cannot name an interface: 1 to %d bytes, no '/' and no space",
			params->name, NETDEV_NAME_LEN - 1);
	if (common->queues > 1)
		return error_set(
			err, LEAT_UNSUPPORTED, "a TAP port has one queue, not %u", common->queues);
	return 0;
}

struct port *port_tap_create(
	const struct port_params *common, const struct tap_params *params, struct error *err)
{
	struct tap_creation c = {.common = common, .params = params, .fd = -1};
	struct tap_port *tap;
	uint8_t *buffers;

	if (tap_check(common, params, err) != 0)
		return NULL;
	buffers = mmap(NULL, (size_t)TAP_RX_BURST * TAP_BUFFER_LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buffers == MAP_FAILED) {
		error_set(err, LEAT_EXHAUSTED, "no memory for the buffers of TAP %s", params->name);
		return NULL;
	}
	if (netns_run(params->netns, tap_create_inside, &c, err) != 0) {
		munmap(buffers, (size_t)TAP_RX_BURST * TAP_BUFFER_LEN);
		return NULL;
	}
	tap = alloc_zero(1, sizeof(*tap));
	tap->fd = c.fd;
	tap->quiet_fd = -1;
	tap->buffers = buffers;
	tap->port.ops = &tap_ops;
	tap->port.n_rxq = 1;
	tap->port.rx_syscall = true;
	tap->port.rx_burst = TAP_RX_BURST;
	tap->port.numa_node = -1;
	tap->port.mac = c.info.mac;
	tap->port.caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_ECN;
	tap->port.state = PORT_ACTIVE;
	snprintf(tap->port.name, sizeof(tap->port.name), "%s", params->name);
	return &tap->port;
}
