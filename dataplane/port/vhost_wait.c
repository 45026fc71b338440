/* SPDX-License-Identifier: BSD-3-Clause */
/* Kicks (guest to us) and calls (us to guest): virtio 1.2, 2.7.7 to 2.7.10. */
#include "dataplane/port/call.h"
#include "dataplane/port/vhost.h"

void vhost_ring_notify(struct vhost_ring *r)
{
	uint16_t old_used = r->called;

	if (r->last_used == old_used)
		return;
	r->called = r->last_used;
	if (r->callfd < 0)
		return;

	/* The guest writes what it wants and then looks at used->idx; we the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->event_idx) {
		uint16_t event = vhost_read16(&r->avail->ring[r->size]);

		if (!vring_need_event(event, r->last_used, old_used))
			return;
	} else if (vhost_read16(&r->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT) {
		return;
	}
	port_call(r->callfd);
}

void vhost_notify_rx(struct port *port, uint16_t queue)
{
	struct vhost_port *vp = (struct vhost_port *)port;

	vhost_ring_notify(vp->rxq[queue].ring);
}

void vhost_notify_tx(struct port *port, unsigned worker)
{
	struct vhost_port *vp = (struct vhost_port *)port;
	struct vhost_ring *r = vp->txq[worker].ring;

	/* Also if it has been withdrawn meanwhile: the guest goes on with it, perhaps by another descriptor. */
	vp->txq[worker].ring = NULL;
	if (r == NULL)
		return;
	if (!vp->tx_lock) {
		vhost_ring_notify(r);
		return;
	}
	rte_spinlock_lock(&r->lock);
	vhost_ring_notify(r);
	rte_spinlock_unlock(&r->lock);
}

bool vhost_ring_kicks(struct vhost_ring *r, bool enable)
{
	/* With the event index there is nothing to switch off: one passed is not asked for again.
	 */
	if (r->event_idx) {
		if (enable)
			vhost_write16(&r->used->ring[r->size], r->last_avail);
	} else {
		vhost_write16(&r->used->flags, enable ? 0 : VRING_USED_F_NO_NOTIFY);
	}
	if (!enable)
		return false;

	/* The guest writes avail->idx and then looks at what we want. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vhost_read16(&r->avail->idx) != r->last_avail;
}

static struct vhost_ring *rx_ring(struct port *port, uint16_t queue)
{
	struct vhost_port *vp = (struct vhost_port *)port;
	struct vhost_live *live = __atomic_load_n(&vp->live, __ATOMIC_ACQUIRE);

	if (live == NULL || __atomic_load_n(live->faulted, __ATOMIC_RELAXED))
		return NULL;
	return live->rx[queue];
}

enum port_wait vhost_wait_begin(struct port *port, uint16_t queue)
{
	struct vhost_ring *r = rx_ring(port, queue);

	/* Nobody is there: the library's thread wakes the workers when somebody comes. */
	if (r == NULL || r->broken)
		return PORT_WAIT_FD;
	if (r->kickfd < 0)
		return vhost_read16(&r->avail->idx) != r->last_avail ? PORT_WAIT_WORK
								     : PORT_WAIT_POLL;
	port_call_drain(r->kickfd);
	if (vhost_ring_kicks(r, true)) {
		vhost_ring_kicks(r, false);
		return PORT_WAIT_WORK;
	}
	return PORT_WAIT_FD;
}

void vhost_wait_end(struct port *port, uint16_t queue)
{
	struct vhost_ring *r = rx_ring(port, queue);

	if (r == NULL || r->broken || r->kickfd < 0)
		return;
	vhost_ring_kicks(r, false);
	port_call_drain(r->kickfd);
}

int vhost_wait_fd(struct port *port, uint16_t queue)
{
	struct vhost_ring *r = rx_ring(port, queue);

	return r == NULL || r->broken ? -1 : r->kickfd;
}
