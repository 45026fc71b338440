/* SPDX-License-Identifier: BSD-3-Clause */
/* The memif port: creation, closing, operations. */
#include "dataplane/port/memif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/port/call.h"
#include "dataplane/port/listen.h"

static struct memif_live *live_get(struct port *port)
{
	return __atomic_load_n(&((struct memif_port *)port)->live, __ATOMIC_ACQUIRE);
}

static uint16_t receive(struct port *port, uint16_t queue, struct burst *b)
{
	struct memif_live *live = live_get(port);

	b->n = 0;
	if (live == NULL || queue != 0)
		return 0;
	/* release gives back to this ring even if the peer has been withdrawn meanwhile. */
	((struct memif_port *)port)->held = &live->rx;
	return memif_ring_receive(&live->rx, b);
}

static void release(struct port *port, uint16_t queue, struct burst *b)
{
	(void)queue;
	(void)b;
	memif_ring_release(((struct memif_port *)port)->held);
}

static void transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats)
{
	struct memif_live *live = live_get(port);

	(void)worker;
	if (unlikely(live == NULL)) {
		stat_add(&stats->drops[DROP_port_down], n);
		return;
	}
	if (!((struct memif_port *)port)->tx_lock) {
		memif_ring_transmit(&live->tx, items, n, stats);
		return;
	}
	rte_spinlock_lock(&live->tx.lock);
	memif_ring_transmit(&live->tx, items, n, stats);
	rte_spinlock_unlock(&live->tx.lock);
}

static uint16_t tx_room(struct port *port, unsigned worker, uint16_t n)
{
	struct memif_live *live = live_get(port);
	uint16_t room;

	(void)worker;
	if (live == NULL)
		return n;
	if (!((struct memif_port *)port)->tx_lock)
		return memif_ring_room(&live->tx, n);
	rte_spinlock_lock(&live->tx.lock);
	room = memif_ring_room(&live->tx, n);
	rte_spinlock_unlock(&live->tx.lock);
	return room;
}

/* Nobody is there: the thread wakes the workers when somebody comes. */
static enum port_wait wait_begin(struct port *port, uint16_t queue)
{
	struct memif_live *live = live_get(port);

	(void)queue;
	if (live == NULL || live->rx.broken)
		return PORT_WAIT_FD;
	port_call_drain(live->rx.eventfd);
	return memif_ring_ask(&live->rx) ? PORT_WAIT_WORK : PORT_WAIT_FD;
}

static void wait_end(struct port *port, uint16_t queue)
{
	struct memif_live *live = live_get(port);

	(void)queue;
	if (live == NULL || live->rx.broken)
		return;
	memif_ring_ask_not(&live->rx);
	port_call_drain(live->rx.eventfd);
}

static int wait_fd(struct port *port, uint16_t queue)
{
	struct memif_live *live = live_get(port);

	(void)queue;
	return live == NULL || live->rx.broken ? -1 : live->rx.eventfd;
}

/* A frame takes as many buffers as it needs. */
static int set_mtu(struct port *port, uint16_t mtu, struct error *err)
{
	(void)port;
	(void)mtu;
	(void)err;
	return 0;
}

static void memif_close(struct port *port)
{
	memif_detach((struct memif_port *)port);
	free(port);
}

static const struct port_ops memif_ops = {
	.kind = "memif",
	.receive = receive,
	.release = release,
	.transmit = transmit,
	.tx_room = tx_room,
	.wait_begin = wait_begin,
	.wait_end = wait_end,
	.wait_fd = wait_fd,
	.set_mtu = set_mtu,
	.close = memif_close,
};

struct port *port_memif_create(
	const struct port_params *common, const struct memif_params *params, struct error *err)
{
	size_t len = params->socket == NULL ? 0 : strlen(params->socket);
	struct memif_port *mp;

	if (len == 0 || len > MEMIF_SOCKET_MAX) {
		error_set(err, LEAT_INVALID_PARAMS, "a socket path has 1 to %d bytes, not %zu",
			MEMIF_SOCKET_MAX, len);
		return NULL;
	}
	if (common->queues != 1) {
		error_set(err, LEAT_UNSUPPORTED, "a memif port has one queue, not %u",
			common->queues);
		return NULL;
	}
	if (port_calls_init(common->workers, err) != 0)
		return NULL;
	mp = calloc(1, sizeof(*mp));
	if (mp == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a port");
		return NULL;
	}
	mp->port.ops = &memif_ops;
	mp->port.n_rxq = 1;
	mp->port.caps = PORT_CAP_PARTS;
	mp->port.numa_node = -1;
	mp->port.mac = common->mac;
	mp->port.state = PORT_PENDING;
	port_name_by_path(&mp->port, params->socket);
	memcpy(mp->socket, params->socket, len + 1);
	mp->tx_lock = common->workers > 1;
	mp->server = params->server;
	mp->id = params->id;
	if (memif_attach(mp, err) != 0) {
		free(mp);
		return NULL;
	}
	return &mp->port;
}
