/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workers see of a connection: its rings, as the library knows them now.
 *
 * Before the library unmaps memory, closes a kick or call descriptor or moves a ring, vhost_update()
 * has taken the ring from the workers and waited until each has passed a quiescent point.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_malloc.h>
#include <rte_vhost.h>

#include "dataplane/port/call.h"
#include "dataplane/port/vhost.h"
#include "dataplane/worker.h"

/* --- rings --- */

/* The library has looked at the addresses once, with the size of then; the workers rely on this. */
static bool ring_inside(const struct vhost_ring *r)
{
	uint64_t event = r->event_idx ? sizeof(uint16_t) : 0;

	if (r->desc == NULL || r->avail == NULL || r->used == NULL)
		return false;
	if ((uintptr_t)r->desc % 16 != 0 || (uintptr_t)r->avail % 2 != 0 ||
		(uintptr_t)r->used % 4 != 0)
		return false;
	return vhost_mem_holds(r->mem, r->desc, r->size * sizeof(struct vring_desc)) &&
	       vhost_mem_holds(
		       r->mem, r->avail, sizeof(struct vring_avail) + 2UL * r->size + event) &&
	       vhost_mem_holds(r->mem, r->used,
		       sizeof(struct vring_used) + r->size * sizeof(struct vring_used_elem) +
			       event);
}

static uint32_t caps_of(uint64_t features)
{
	static const struct {
		unsigned bit;
		uint32_t cap;
	} map[] = {
		{VIRTIO_NET_F_GUEST_CSUM, PORT_CAP_CSUM},
		{VIRTIO_NET_F_GUEST_TSO4, PORT_CAP_TSO4},
		{VIRTIO_NET_F_GUEST_TSO6, PORT_CAP_TSO6},
		{VIRTIO_NET_F_GUEST_ECN, PORT_CAP_ECN},
		{VIRTIO_NET_F_MRG_RXBUF, PORT_CAP_PARTS},
	};
	uint32_t caps = 0;

	for (size_t i = 0; i < RTE_DIM(map); i++)
		if (features >> map[i].bit & 1)
			caps |= map[i].cap;
	return caps;
}

static void ring_features(struct vhost_ring *r, uint64_t features)
{
	r->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	r->mergeable = features >> VIRTIO_NET_F_MRG_RXBUF & 1;
	r->hdr_len = r->mergeable || (features >> VIRTIO_F_VERSION_1 & 1) ? VHOST_HDR_MRG_LEN
									  : VHOST_HDR_LEN;
	r->caps = caps_of(features);
}

static struct vhost_ring *ring_new(struct vhost_conn *conn, uint16_t vring)
{
	int vid = vhost_conn_vid(conn);
	struct rte_vhost_vring v;
	struct vhost_ring *r;

	if (rte_vhost_get_vhost_vring(vid, vring, &v) != 0 || v.size == 0 ||
		v.size > VHOST_RING_SIZE_MAX || (v.size & (v.size - 1)) != 0)
		return NULL;
	r = rte_zmalloc_socket(
		"vhost_ring", sizeof(*r), RTE_CACHE_LINE_SIZE, rte_vhost_get_numa_node(vid));
	if (r == NULL)
		return NULL;
	r->desc = v.desc;
	r->avail = v.avail;
	r->used = v.used;
	r->size = v.size;
	r->mem = conn->mem;
	r->vring = vring;
	r->port = conn->port;
	rte_spinlock_init(&r->lock);
	ring_features(r, conn->features);
	if (!ring_inside(r) ||
		rte_vhost_get_vring_base(vid, vring, &r->last_avail, &r->last_used) != 0) {
		rte_free(r);
		return NULL;
	}
	r->seen_avail = r->last_avail;
	r->called = r->last_used;
	/* A peer may send any descriptor as these; only an eventfd behaves like one. */
	r->callfd = port_is_eventfd(v.callfd) ? v.callfd : -1;
	/* A sleeping worker may still poll it when the library closes its own. */
	r->kickfd = port_is_eventfd(v.kickfd) ? fcntl(v.kickfd, F_DUPFD_CLOEXEC, 0) : -1;
	vhost_ring_kicks(r, false);
	return r;
}

/* No worker uses it any more: hand the indices back, for a reconnect to go on from. */
static void ring_free(struct vhost_conn *conn, struct vhost_ring *r)
{
	rte_vhost_set_vring_base(vhost_conn_vid(conn), r->vring, r->last_avail, r->last_used);
	if (r->kickfd >= 0)
		close(r->kickfd);
	rte_free(r);
}

/* --- the live state --- */

static bool vring_wanted(const struct vhost_conn *conn, uint16_t vring)
{
	return conn != NULL && conn->running && conn->mem != NULL &&
	       (conn->enabled & ~conn->changing) >> vring & 1;
}

/* The rings of conn as they should be: those of old where they go on, new ones, or none: NULL. */
static struct vhost_live *live_new(
	struct vhost_port *port, struct vhost_conn *conn, const struct vhost_live *old)
{
	struct vhost_ring *tx[PORT_QUEUES_MAX];
	struct vhost_live *live;
	unsigned n_tx = 0, n = 0;

	live = calloc(1, sizeof(*live));
	if (live == NULL)
		return NULL;
	for (uint16_t v = 0; v < 2 * port->queues; v++) {
		struct vhost_ring *r;

		if (!vring_wanted(conn, v))
			continue;
		r = old != NULL && old->vring[v] != NULL ? old->vring[v] : ring_new(conn, v);
		live->vring[v] = r;
		if (r == NULL)
			continue;
		n++;
		if (v % 2 == 0)
			tx[n_tx++] = r;
		else
			live->rx[v / 2] = r;
	}
	if (n == 0) {
		free(live);
		return NULL;
	}
	live->faulted = &conn->faulted;
	for (unsigned w = 0; n_tx != 0 && w < WORKERS_MAX; w++)
		live->tx[w] = tx[w % n_tx];
	return live;
}

static bool live_same(const struct vhost_live *a, const struct vhost_live *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return memcmp(a->vring, b->vring, sizeof(a->vring)) == 0;
}

static void state_publish(struct vhost_port *port, const struct vhost_conn *conn)
{
	struct port *p = &port->port;
	bool up = port->live != NULL && conn != NULL;
	enum port_state state = up ? PORT_ACTIVE : PORT_PENDING;

	if (up) {
		__atomic_store_n(&p->caps, caps_of(conn->features), __ATOMIC_RELAXED);
		__atomic_store_n(&p->numa_node, rte_vhost_get_numa_node(vhost_conn_vid(conn)),
			__ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&p->fault, __ATOMIC_RELAXED) != 0)
		state = PORT_ERROR; /* until a peer begins anew */
	__atomic_store_n(&p->state, state, __ATOMIC_RELAXED);
}

void vhost_update(struct vhost_port *port)
{
	struct vhost_conn *conn = port->closing ? NULL : port->conn[0];
	struct vhost_live *old = port->live;
	struct vhost_live *live = live_new(port, conn, old);

	if (live_same(old, live)) {
		free(live);
		return;
	}
	__atomic_store_n(&port->live, live, __ATOMIC_RELEASE);
	state_publish(port, conn);
	if (old != NULL) {
		worker_quiesce();
		for (uint16_t v = 0; v < VHOST_VRINGS_MAX; v++)
			if (old->vring[v] != NULL && (live == NULL || live->vring[v] == NULL))
				ring_free(port->conn[0], old->vring[v]);
		free(old);
	}
	worker_wake_all();
}
