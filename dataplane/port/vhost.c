/* SPDX-License-Identifier: BSD-3-Clause */
/* The vhost-user port: creation, closing, operations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_vhost.h>

#include "dataplane/port/call.h"
#include "dataplane/port/listen.h"
#include "dataplane/port/vhost.h"

/*
 * What the library offers and this port does not do: packed rings, an IOMMU, dirty
 * logging for migration, UDP fragmentation (and the old bit that implies it).
 */
#define FEATURES_OFF                                                                               \
	(1ULL << VIRTIO_F_RING_PACKED | 1ULL << VIRTIO_F_IOMMU_PLATFORM |                          \
		1ULL << VHOST_F_LOG_ALL | 1ULL << VIRTIO_NET_F_HOST_UFO |                          \
		1ULL << VIRTIO_NET_F_GUEST_UFO | 1ULL << VIRTIO_NET_F_GSO)

#define PROTOCOL_FEATURES                                                                          \
	(1ULL << VHOST_USER_PROTOCOL_F_MQ | 1ULL << VHOST_USER_PROTOCOL_F_REPLY_ACK |              \
		1ULL << VHOST_USER_PROTOCOL_F_NET_MTU | 1ULL << VHOST_USER_PROTOCOL_F_STATUS)

static void vhost_close(struct port *port)
{
	struct vhost_port *vp = (struct vhost_port *)port;

	pthread_mutex_lock(&vp->lock);
	vp->closing = true;
	vhost_update(vp);
	pthread_mutex_unlock(&vp->lock);

	/* Waits for callbacks, and removes the socket of a server. */
	rte_vhost_driver_unregister(vp->socket);

	pthread_mutex_lock(&vp->lock);
	vhost_conn_drop_all(vp);
	pthread_mutex_unlock(&vp->lock);
	vhost_list_del(vp);
	pthread_mutex_destroy(&vp->lock);
	free(vp);
}

static const struct port_ops vhost_ops = {
	.kind = "vhost-user",
	.receive = vhost_receive,
	.release = vhost_release,
	.transmit = vhost_transmit,
	.tx_room = vhost_tx_room,
	.wait_begin = vhost_wait_begin,
	.wait_end = vhost_wait_end,
	.wait_fd = vhost_wait_fd,
	.notify_rx = vhost_notify_rx,
	.notify_tx = vhost_notify_tx,
	.close = vhost_close,
};

static int params_check(
	const struct port_params *common, const struct vhost_params *params, struct error *err)
{
	size_t len = params->socket == NULL ? 0 : strlen(params->socket);

	if (len == 0 || len > VHOST_SOCKET_MAX)
		return error_set(err, LEAT_INVALID_PARAMS,
			"a socket path has 1 to %d bytes, not %zu", VHOST_SOCKET_MAX, len);
	if (common->queues < 1 || common->queues > PORT_QUEUES_MAX)
		return error_set(err, LEAT_INVALID_PARAMS, "a port has 1 to %d queues, not %u",
			PORT_QUEUES_MAX, common->queues);
	return 0;
}

/* Who may connect. The mode first: that of a file which is another's takes CAP_FOWNER. */
static int socket_grant(const struct vhost_params *params, struct error *err)
{
	if (params->perm >= 0 && chmod(params->socket, (mode_t)params->perm) != 0)
		return error_device(err, errno, "cannot set the mode of %s", params->socket);
	if ((params->uid >= 0 || params->gid >= 0) &&
		lchown(params->socket, (uid_t)params->uid, (gid_t)params->gid) != 0)
		return error_device(err, errno, "cannot give %s to its user", params->socket);
	return 0;
}

/* The library knows the socket from here on, also after a failure. */
static int driver_start(const struct vhost_params *params, struct error *err)
{
	const char *path = params->socket;

	if (rte_vhost_driver_register(path, params->server ? 0 : RTE_VHOST_USER_CLIENT) != 0)
		return error_set(err, LEAT_EXHAUSTED, "the vhost library takes no more sockets");
	errno = 0;
	if (rte_vhost_driver_disable_features(path, FEATURES_OFF) != 0 ||
		rte_vhost_driver_set_protocol_features(path, PROTOCOL_FEATURES) != 0 ||
		rte_vhost_driver_callback_register(path, &vhost_device_ops) != 0 ||
		rte_vhost_driver_start(path) != 0)
		return error_device(err, errno != 0 ? errno : EIO,
			"cannot %s the vhost-user socket %s",
			params->server ? "listen on" : "connect to", path);
	return params->server ? socket_grant(params, err) : 0;
}

static struct vhost_port *port_new(
	const struct port_params *common, const struct vhost_params *params)
{
	struct vhost_port *vp = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*vp), (size_t)RTE_CACHE_LINE_SIZE));

	if (vp == NULL)
		return NULL;
	memset(vp, 0, sizeof(*vp));
	vp->port.ops = &vhost_ops;
	vp->port.n_rxq = common->queues;
	vp->port.numa_node = -1;
	vp->port.mac = common->mac;
	vp->port.state = PORT_PENDING;
	port_name_by_path(&vp->port, params->socket);
	memcpy(vp->socket, params->socket, strlen(params->socket) + 1);
	vp->tx_lock = common->workers > 1;
	vp->server = params->server;
	vp->queues = common->queues;
	pthread_mutex_init(&vp->lock, NULL);
	return vp;
}

struct port *port_vhost_create(
	const struct port_params *common, const struct vhost_params *params, struct error *err)
{
	struct vhost_port *vp;

	if (params_check(common, params, err) != 0)
		return NULL;
	if (vhost_guard_init() != 0) {
		error_device(err, errno, "cannot handle SIGBUS");
		return NULL;
	}
	if (port_calls_init(common->workers, err) != 0)
		return NULL;
	vp = port_new(common, params);
	if (vp == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a port");
		return NULL;
	}
	if (vhost_list_add(vp) != 0) {
		error_set(err, LEAT_CONFLICT, "another port has the socket %s", params->socket);
		pthread_mutex_destroy(&vp->lock);
		free(vp);
		return NULL;
	}
	if ((params->server && listen_path_clear(params->socket, SOCK_STREAM, err) != 0) ||
		driver_start(params, err) != 0) {
		vhost_close(&vp->port);
		return NULL;
	}
	return &vp->port;
}
