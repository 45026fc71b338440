/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/commit_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_common.h>

#include "lib/alloc.h"

#define DEVARGS_MAX 512
#define DEVICE_NAME_MAX 63 /* bytes, as DPDK has it */
#define OWN_NETNS "/proc/self/ns/net"

/* Interfaces of one namespace clash by name, by whatever path the namespace is reached. */
static void tap_resource(struct birth *b)
{
	const char *path = b->spec.netns != NULL ? b->spec.netns : OWN_NETNS;
	struct stat st;

	/* Where there is no such namespace, opening the port will say so. */
	if (stat(path, &st) == 0)
		snprintf(b->resource, sizeof(b->resource), "interface %s in netns %llu:%llu",
			b->spec.name, (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

void birth_find_resource(struct birth *b)
{
	const struct port_spec *spec = &b->spec;
	size_t size = sizeof(b->resource);

	b->resource[0] = '\0';
	switch (spec->kind) {
	case PORT_TAP:
		tap_resource(b);
		break;
	case PORT_VHOST_USER:
		snprintf(b->resource, size, "socket %s", spec->socket);
		break;
	case PORT_MEMIF:
		/* One socket carries several interfaces, told apart by their ids. */
		snprintf(b->resource, size, "memif %u on socket %s", spec->memif_id, spec->socket);
		break;
	case PORT_AF_XDP:
	case PORT_AF_PACKET:
		snprintf(b->resource, size, "interface %s", spec->netdev);
		break;
	case PORT_PCI:
		snprintf(b->resource, size, "device %s", spec->address);
		break;
	case PORT_DPDK:
		/* DPDK cuts device names off there too. */
		snprintf(b->resource, size, "device %.*s",
			(int)RTE_MIN(strcspn(spec->devargs, ","), DEVICE_NAME_MAX), spec->devargs);
		break;
	}
}

void birth_of_endpoint(struct birth *ret, const struct endpoint *e, uint16_t mtu)
{
	*ret = (struct birth){.spec = e->port, .mac = e->mac, .mtu = mtu};
}

void birth_of_uplink(struct birth *ret, const struct uplink *u)
{
	*ret = (struct birth){.spec = u->device, .uplink = true, .mtu = u->mtu};
}

void birth_mark(struct birth *b, const char *type, const char *id)
{
	/* Cut off where the id is very long: its name in its namespace tells it apart then. */
	snprintf(b->mark, sizeof(b->mark), "leat %s:%.230s", type, id);
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool spec_equal(const struct port_spec *a, const struct port_spec *b)
{
	return a->kind == b->kind && a->server == b->server && a->queues == b->queues &&
	       a->uid == b->uid && a->gid == b->gid && a->perm == b->perm &&
	       a->memif_id == b->memif_id && text_equal(a->socket, b->socket) &&
	       text_equal(a->netns, b->netns) && text_equal(a->name, b->name) &&
	       text_equal(a->netdev, b->netdev) && text_equal(a->address, b->address) &&
	       text_equal(a->devargs, b->devargs);
}

bool birth_equal(const struct birth *a, const struct birth *b)
{
	return a->mtu == b->mtu && birth_equal_but_mtu(a, b);
}

bool birth_equal_but_mtu(const struct birth *a, const struct birth *b)
{
	return a->uplink == b->uplink && spec_equal(&a->spec, &b->spec) &&
	       (a->spec.kind != PORT_TAP || mac_equal(&a->mac, &b->mac));
}

bool birth_collides(const struct birth *a, const struct birth *b)
{
	return a->resource[0] != '\0' && strcmp(a->resource, b->resource) == 0;
}

void birth_copy(struct birth *ret, const struct birth *from)
{
	*ret = *from;
	ret->spec.socket = alloc_strdup(from->spec.socket);
	ret->spec.netns = alloc_strdup(from->spec.netns);
	ret->spec.name = alloc_strdup(from->spec.name);
	ret->spec.netdev = alloc_strdup(from->spec.netdev);
	ret->spec.address = alloc_strdup(from->spec.address);
	ret->spec.devargs = alloc_strdup(from->spec.devargs);
}

void birth_free(struct birth *b)
{
	free(b->spec.socket);
	free(b->spec.netns);
	free(b->spec.name);
	free(b->spec.netdev);
	free(b->spec.address);
	free(b->spec.devargs);
	*b = (struct birth){0};
}

/* Device arguments are "key=value,..." without quoting: a value that could end early is refused. */
static int devargs_value_check(
	const struct birth *b, const char *value, const char *field, struct error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._/:@+~%-";

	if (value != NULL && value[0] != '\0' && value[strspn(value, allowed)] == '\0')
		return 0;
	if (err != NULL)
		snprintf(err->path, sizeof(err->path), "/%s/%s", b->uplink ? "device" : "port",
			field);
	return error_set(err, LEAT_INVALID_PARAMS,
		"\"%s\" cannot be handed to a DPDK device: only letters, digits and ._/:@+~%%- can",
		value != NULL ? value : "");
}

/*
 * Names of the devices made here, each used once, so that the name of a closed one is never taken
 * for that of its successor; the word keeps them apart from those that a client names in devargs.
 */
static unsigned next_device(void)
{
	static unsigned n;

	return n++;
}

static struct port *open_ethdev(const struct port_params *common, const char *kind,
	const char *devargs, const char *netdev, struct error *err)
{
	struct ethdev_params params = {.kind = kind, .devargs = devargs, .netdev = netdev};

	return port_ethdev_create(common, &params, err);
}

static struct port *open_netdev(const struct birth *b, const struct port_params *common,
	const char *kind, const char *queues_key, struct error *err)
{
	const char *netdev = b->spec.netdev;
	char devargs[DEVARGS_MAX];
	char queues[64] = "";

	if (devargs_value_check(b, netdev, "netdev", err) != 0)
		return NULL;
	if (common->queues > 1)
		snprintf(queues, sizeof(queues), ",%s=%u", queues_key, common->queues);
	snprintf(devargs, sizeof(devargs), "net_%s_leat%u,iface=%s%s", kind, next_device(), netdev,
		queues);
	return open_ethdev(common, kind, devargs, netdev, err);
}

static struct port *open_memif(
	const struct port_spec *spec, const struct port_params *common, struct error *err)
{
	struct memif_params params = {
		.socket = spec->socket, .server = spec->server, .id = spec->memif_id};

	return port_memif_create(common, &params, err);
}

static struct port *open_vhost(
	const struct port_spec *spec, const struct port_params *common, struct error *err)
{
	struct vhost_params params = {
		.socket = spec->socket,
		.server = spec->server,
		.uid = spec->uid,
		.gid = spec->gid,
		.perm = spec->perm,
	};

	return port_vhost_create(common, &params, err);
}

static struct port *open_tap(
	const struct birth *b, const struct port_params *common, struct error *err)
{
	struct tap_params params = {
		.netns = b->spec.netns,
		.name = b->spec.name,
		.mark = b->mark[0] != '\0' ? b->mark : NULL,
	};

	return port_tap_create(common, &params, err);
}

static struct port *open_any(
	const struct birth *b, const struct port_params *common, struct error *err)
{
	const struct port_spec *spec = &b->spec;

	switch (spec->kind) {
	case PORT_VHOST_USER:
		return open_vhost(spec, common, err);
	case PORT_TAP:
		return open_tap(b, common, err);
	case PORT_AF_XDP:
		return open_netdev(b, common, "af_xdp", "queue_count", err);
	case PORT_AF_PACKET:
		return open_netdev(b, common, "af_packet", "qpairs", err);
	case PORT_MEMIF:
		return open_memif(spec, common, err);
	case PORT_PCI:
		return open_ethdev(common, "pci", spec->address, NULL, err);
	case PORT_DPDK:
		return open_ethdev(common, "dpdk", spec->devargs, NULL, err);
	}
	error_set(err, LEAT_INTERNAL, "no such kind of port");
	return NULL;
}

struct port *birth_open(
	const struct birth *b, uint16_t index, unsigned n_workers, struct error *err)
{
	struct port_params common = {
		.mac = b->mac,
		.mtu = b->mtu,
		.queues = b->spec.queues > 0 ? b->spec.queues : 1,
		.workers = n_workers,
	};
	struct port *port = open_any(b, &common, err);

	if (port != NULL)
		port->index = index;
	return port;
}
