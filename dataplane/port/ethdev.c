/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK devices as ports: creation by devargs, waiting, removal. */
#include "dataplane/port/ethdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_malloc.h>

#define DEVICE_NAME_MAX RTE_DEV_NAME_MAX_LEN
#define MEMIF_DRIVER "net_memif"

/* The ports that are open. One thread of the control side creates and closes ports. */
static struct ethdev_port *live;

struct ethdev_port *ethdev_live(void)
{
	return live;
}

bool ethdev_is(const struct ethdev_port *p, const char *kind)
{
	return strcmp(p->kind, kind) == 0;
}

/*
 * An AF_XDP socket is readable when its ring has a frame. Other drivers have no such fd, or one that
 * cannot be waited for without taking its contents.
 */
static enum port_wait wait_begin(struct port *port, uint16_t queue)
{
	struct ethdev_port *p = (struct ethdev_port *)port;

	ethdev_kernel_link(p);
	if (port_state(port) == PORT_ERROR)
		return PORT_WAIT_FD; /* nothing will come, and there is no fd that could say so */
	return p->xsk_fd[queue] >= 0 ? PORT_WAIT_FD : PORT_WAIT_POLL;
}

static void wait_end(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
}

static int wait_fd(struct port *port, uint16_t queue)
{
	const struct ethdev_port *p = (const struct ethdev_port *)port;

	return port_state(port) == PORT_ERROR ? -1 : p->xsk_fd[queue];
}

/* "net_null0" of "net_null0,no-rx=1": the name the device gets. */
static int device_name(const char *devargs, char name[DEVICE_NAME_MAX], struct error *err)
{
	size_t len = strcspn(devargs, ",");

	if (len == 0 || len >= DEVICE_NAME_MAX || strlen(devargs) >= ETHDEV_DEVARGS_MAX)
		return error_set(err, LEAT_INVALID_PARAMS,
			"\"%.80s\" does not begin with a device's name, or is longer than %d bytes",
			devargs, ETHDEV_DEVARGS_MAX - 1);
	memcpy(name, devargs, len);
	name[len] = '\0';
	return 0;
}

static int probe(struct ethdev_port *p, struct error *err)
{
	char name[DEVICE_NAME_MAX];
	int rc;

	if (device_name(p->devargs, name, err) != 0)
		return -1;
	if (rte_eth_dev_get_port_by_name(name, &p->dev_id) == 0) {
		for (const struct ethdev_port *other = live; other != NULL; other = other->next)
			if (other->dev_id == p->dev_id)
				return error_device(
					err, EBUSY, "device %s is another port's", name);
		return 0; /* probed by EAL at the start */
	}
	rc = rte_dev_probe(p->devargs);
	if (rc == -EFAULT) /* EAL's word for a name that no driver knows */
		return error_device(err, ENODEV, "DPDK has no driver for \"%s\"", p->devargs);
	if (rc != 0) /* drivers say -1 for anything; the reason is in DPDK's log alone */
		return error_device(err, rc == -1 ? EIO : -rc,
			"DPDK cannot open device \"%s\"; the log says more", p->devargs);
	if (rte_eth_dev_get_port_by_name(name, &p->dev_id) == 0)
		return 0;
	return error_device(err, ENODEV, "\"%s\" is no network device of DPDK's", p->devargs);
}

/* What the driver opened while it set up, and what it opened to close, is not to stay. */
static void close_device(struct ethdev_port *p)
{
	unsigned own = p->fds.n;
	unsigned met;

	if (!ethdev_is(p, "af_xdp")) {
		rte_eth_dev_close(p->dev_id);
		return;
	}
	ethdev_fds_note(&p->fds);
	met = p->fds.n;
	rte_eth_dev_close(p->dev_id);
	ethdev_fds_note(&p->fds);
	ethdev_fds_close(&p->fds, p->fds.n_before, own);
	ethdev_fds_close(&p->fds, met, p->fds.n);
	p->fds.n = 0;
}

/* Remove the DPDK device; dev_id is a probed one. */
static void remove_device(struct ethdev_port *p)
{
	struct rte_eth_dev_info info = {0};

	rte_eth_dev_info_get(p->dev_id, &info);
	rte_eth_dev_stop(p->dev_id);
	close_device(p);
	if (info.device != NULL)
		rte_dev_remove(info.device);
}

static void give_pool_back(struct ethdev_port *p)
{
	if (p->reserved != 0)
		ethdev_pool_return(p->pool, p->reserved);
	else
		rte_mempool_free(p->pool);
	p->pool = NULL;
	p->reserved = 0;
}

static int open_once(struct ethdev_port *p, const struct port_params *common, struct error *err)
{
	p->busy = false;
	if (ethdev_is(p, "af_xdp"))
		ethdev_fds_note(&p->fds);
	p->fds.n_before = p->fds.n;
	if (probe(p, err) != 0)
		return -1;
	if (ethdev_setup(p, common, err) == 0)
		return 0;
	remove_device(p);
	give_pool_back(p);
	return -1;
}

/*
 * The kernel lets go of an AF_XDP socket's queue some time after the socket was closed, so a port that
 * is made again at once finds it busy.
 */
static int open_device(struct ethdev_port *p, const struct port_params *common, struct error *err)
{
	uint64_t deadline = rte_get_timer_cycles() + rte_get_timer_hz() / 1000 * ETHDEV_BUSY_MS;

	while (open_once(p, common, err) != 0) {
		if (!p->busy || rte_get_timer_cycles() > deadline)
			return -1;
		rte_delay_us_sleep(ETHDEV_RETRY_US);
	}
	return 0;
}

static void ethdev_close(struct port *port)
{
	struct ethdev_port *p = (struct ethdev_port *)port;
	struct ethdev_port **link = &live;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	rte_eth_promiscuous_disable(p->dev_id);
	remove_device(p);
	ethdev_kernel_restore(p);
	give_pool_back(p);
	rte_free(p);
}

static struct ethdev_port *alloc_port(
	const struct port_params *common, const struct ethdev_params *params, struct error *err)
{
	struct ethdev_port *p = rte_zmalloc("ethdev_port", sizeof(*p), RTE_CACHE_LINE_SIZE);

	if (p == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a port");
		return NULL;
	}
	snprintf(p->kind, sizeof(p->kind), "%s", params->kind);
	snprintf(p->devargs, sizeof(p->devargs), "%s", params->devargs);
	if (params->netdev != NULL)
		snprintf(p->netdev, sizeof(p->netdev), "%s", params->netdev);
	p->ops = (struct port_ops){
		.kind = p->kind,
		.receive = ethdev_receive,
		.release = ethdev_release,
		.transmit = ethdev_transmit,
		.wait_begin = wait_begin,
		.wait_end = wait_end,
		.wait_fd = wait_fd,
		.close = ethdev_close,
	};
	p->port.ops = &p->ops;
	p->port.mac = common->mac;
	p->port.numa_node = -1;
	for (unsigned q = 0; q < PORT_QUEUES_MAX; q++)
		p->xsk_fd[q] = -1;
	return p;
}

static int params_check(
	const struct port_params *common, const struct ethdev_params *params, struct error *err)
{
	if (common->queues == 0 || common->queues > PORT_QUEUES_MAX)
		return error_set(err, LEAT_INVALID_PARAMS, "1 to %d queues, not %u",
			PORT_QUEUES_MAX, common->queues);
	if (strcmp(params->kind, "af_xdp") == 0 && common->queues > 1)
		return error_set(err, LEAT_UNSUPPORTED, "an AF_XDP port has one queue, not %u",
			common->queues);
	if (strncmp(params->devargs, MEMIF_DRIVER, strlen(MEMIF_DRIVER)) == 0)
		return error_set(err, LEAT_UNSUPPORTED,
			"DPDK's memif driver ends the process when a peer hangs up early: take a "
			"port of "
			"kind memif");
	if (params->netdev != NULL && !netdev_name_valid(params->netdev))
		return error_device(
			err, ENODEV, "\"%.64s\" is no name of an interface", params->netdev);
	if (strlen(params->devargs) >= ETHDEV_DEVARGS_MAX)
		return error_set(err, LEAT_INVALID_PARAMS, "device arguments of more than %d bytes",
			ETHDEV_DEVARGS_MAX - 1);
	return 0;
}

struct port *port_ethdev_create(
	const struct port_params *common, const struct ethdev_params *params, struct error *err)
{
	struct ethdev_port *p;
	const char *shown;

	if (params_check(common, params, err) != 0)
		return NULL;
	p = alloc_port(common, params, err);
	if (p == NULL)
		return NULL;
	if (ethdev_kernel_take(p, err) != 0) {
		rte_free(p);
		return NULL;
	}
	if (open_device(p, common, err) != 0) {
		ethdev_kernel_restore(p);
		rte_free(p);
		return NULL;
	}
	/* The AF_XDP driver asks the kernel to poll each time it finds its ring empty. */
	p->port.rx_syscall = p->xsk_fd[0] >= 0;
	p->port.rx_burst = ETHDEV_BURST;
	p->next = live;
	live = p;
	ethdev_kernel_link(p);
	shown = params->netdev != NULL ? params->netdev : p->devargs;
	snprintf(p->port.name, sizeof(p->port.name), "%.*s",
		(int)RTE_MIN(strcspn(shown, ","), (size_t)PORT_NAME_MAX - 1), shown);
	return &p->port;
}
