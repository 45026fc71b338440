/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest sends: its transmit ring into a burst.
 *
 * A burst goes through three loops, each of which prefetches what the next one reads: available
 * entries, descriptors, data. Nearly every frame is one descriptor; the others take
 * chain_receive().
 */
#include <errno.h>

#include <rte_prefetch.h>

#include "dataplane/port/segs.h"
#include "dataplane/port/vhost.h"

static void rx_count(struct burst *b, uint64_t packets, uint64_t bytes)
{
	stat_add(&b->stats->rx_packets, packets);
	stat_add(&b->stats->rx_bytes, bytes);
}

static void __rte_noinline __rte_cold rx_drop(
	struct burst *b, uint64_t bytes, enum drop_reason reason)
{
	rx_count(b, 1, bytes);
	stat_add(&b->stats->drops[reason], 1);
}

/* The offload request of a header, already private. false: a kind of segmentation nobody offered.
 */
static inline bool offload_take(struct frame *f, const struct virtio_net_hdr *h)
{
	uint8_t kind = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		f->offload = FRAME_NEEDS_CSUM;
		f->csum_start = h->csum_start;
		f->csum_offset = h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		f->offload = FRAME_CSUM_VALID;
	}
	if (likely(h->gso_type == VIRTIO_NET_HDR_GSO_NONE))
		return true;
	f->gso_type = h->gso_type;
	f->gso_size = h->gso_size;
	f->hdr_len = h->hdr_len;
	return kind == VIRTIO_NET_HDR_GSO_TCPV4 || kind == VIRTIO_NET_HDR_GSO_TCPV6;
}

static inline bool length_valid(uint64_t len)
{
	return len >= FRAME_LEN_MIN && len <= FRAME_LEN_MAX;
}

/*
 * Frame i of the burst is one descriptor of hdr_len + len bytes at host. false: its offload request
 * is none that was offered.
 */
static inline bool single_receive(
	struct burst *b, uint16_t i, const uint8_t *host, uint32_t hdr_len, uint32_t len)
{
	struct frame *f = &b->frame[i];
	uint8_t *head = b->head[i];
	uint64_t first = vhost_read64(host);

	*f = (struct frame){
		.head = head,
		.len = len,
		.head_len = (uint16_t)RTE_MIN(len, (uint32_t)FRAME_HEAD_MAX),
		.cookie = i,
	};
	if (unlikely((uint16_t)first != 0)) {
		struct virtio_net_hdr h;

		memcpy(&h, &first, sizeof(first));
		h.csum_offset = vhost_read16(host + sizeof(first));
		if (!offload_take(f, &h))
			return false;
	}
	host += hdr_len;
	if (len > FRAME_HEAD_MAX) {
		memcpy(head, host, FRAME_HEAD_MAX);
		f->tail = &b->seg[b->n_segs];
		f->n_tail = 1;
		b->seg[b->n_segs++] = (struct seg){host + FRAME_HEAD_MAX, len - FRAME_HEAD_MAX};
	} else {
		vhost_copy_head(head, host, len);
	}
	return true;
}

/* As single_receive, from any chain: appends to the burst, or counts why not. */
static void __rte_noinline chain_receive(struct vhost_ring *r, struct burst *b, uint32_t id)
{
	struct vhost_chain c;
	struct seg *seg = c.seg;
	uint8_t hdr[VHOST_HDR_MRG_LEN] __rte_aligned(2) = {0};
	struct frame *f = &b->frame[b->n];
	uint64_t len;

	c.n = 0;
	c.total = 0;
	if (id >= r->size || vhost_chain_walk(r, (uint16_t)id, false, &c) != 0) {
		rx_drop(b, 0, DROP_bad_descriptor);
		return;
	}
	len = c.total < r->hdr_len ? 0 : c.total - r->hdr_len;
	if (!length_valid(len)) {
		rx_drop(b, len, DROP_malformed);
		return;
	}
	*f = (struct frame){
		.head = b->head[b->n],
		.len = (uint32_t)len,
		.head_len = (uint16_t)RTE_MIN(len, (uint64_t)FRAME_HEAD_MAX),
		.cookie = b->n,
	};
	segs_pull(&seg, hdr, r->hdr_len);
	rte_compiler_barrier();
	if (!offload_take(f, (const struct virtio_net_hdr *)hdr)) {
		rx_drop(b, len, DROP_bad_offload);
		return;
	}
	segs_pull(&seg, f->head, f->head_len);
	f->tail = &b->seg[b->n_segs];
	f->n_tail = (uint16_t)(c.seg + c.n - seg);
	if (f->n_tail > FRAME_SEGS_MAX) {
		rx_drop(b, len, DROP_bad_descriptor);
		return;
	}
	memcpy(&b->seg[b->n_segs], seg, f->n_tail * sizeof(*seg));
	b->n_segs += f->n_tail;
	b->n++;
	rx_count(b, 1, len);
}

void vhost_ring_break(struct vhost_ring *r)
{
	uint32_t none = 0;

	r->broken = true;
	/* Memory that has gone away reads as zeros: then EFAULT is what happened. */
	if (__atomic_compare_exchange_n(
		    &r->port->port.fault, &none, EPROTO, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&r->port->port.state, PORT_ERROR, __ATOMIC_RELAXED);
}

/* Entries and descriptors of n frames. host[i] NULL: not a plain one. */
static inline void rx_gather(struct vhost_ring *r, uint16_t n, const uint8_t **host, uint32_t *len)
{
	const struct vhost_mem *mem = r->mem;
	const uint32_t mask = r->size - 1, hdr_len = r->hdr_len;

	for (uint16_t i = 0; i < n; i++) {
		r->held[i] = vhost_read16(&r->avail->ring[(r->last_avail + i) & mask]);
		rte_prefetch0(&r->desc[r->held[i] & mask]);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc d = vhost_desc_read(&r->desc[r->held[i] & mask]);

		host[i] = NULL;
		len[i] = d.len - hdr_len;
		/* One comparison for both ends: too short wraps around. */
		if (unlikely(r->held[i] > mask || d.flags != 0 ||
			     len[i] - FRAME_LEN_MIN > FRAME_LEN_MAX - FRAME_LEN_MIN))
			continue;
		host[i] = vhost_host(mem, d.addr, d.len);
		if (unlikely(host[i] == NULL))
			continue;
		rte_prefetch0(host[i]);
		rte_prefetch0(host[i] + RTE_CACHE_LINE_SIZE);
	}
}

uint16_t vhost_ring_receive(struct vhost_ring *r, struct burst *b)
{
	const uint32_t hdr_len = r->hdr_len;
	const uint8_t *host[BURST_MAX];
	uint32_t len[BURST_MAX];
	uint16_t n, i, out = 0, plain = 0;
	uint64_t bytes = 0;

	b->n = 0;
	b->n_segs = 0;
	if (unlikely(r->broken))
		return 0;
	n = RTE_MIN(vhost_avail(r, b->max), b->max);
	if (n == 0)
		return 0;
	rx_gather(r, n, host, len);
	/* Counters of the fast path in registers: guest memory may alias anything. */
	for (i = 0; i < n; i++) {
		if (likely(host[i] != NULL)) {
			if (likely(single_receive(b, out, host[i], hdr_len, len[i]))) {
				out++;
				plain++;
				bytes += len[i];
			} else {
				rx_drop(b, len[i], DROP_bad_offload);
			}
			continue;
		}
		if (unlikely(b->n_segs > BURST_SEGS_MAX - FRAME_SEGS_MAX - BURST_MAX))
			break; /* no room for the longest chain and the rest: next time */
		b->n = out;
		chain_receive(r, b, r->held[i]);
		out = b->n;
	}
	/* The heads are now what was read once, also to a compiler that sees both ends. */
	rte_compiler_barrier();

	b->n = out;
	b->taken = i;
	r->last_avail += i;
	r->n_held = i;
	rx_count(b, plain, bytes);
	if (unlikely(out == 0)) {
		vhost_ring_release(r);
		vhost_ring_notify(r); /* who gets no frame does not come back for that */
	}
	return out;
}

void vhost_ring_release(struct vhost_ring *r)
{
	uint16_t old = r->last_used;

	for (uint16_t i = 0; i < r->n_held; i++)
		vhost_used_put(r, old + i, r->held[i], 0);
	r->last_used = old + r->n_held;
	r->n_held = 0;
	vhost_used_publish(r);
}

uint16_t vhost_receive(struct port *port, uint16_t queue, struct burst *b)
{
	struct vhost_port *vp = (struct vhost_port *)port;
	struct vhost_live *live = __atomic_load_n(&vp->live, __ATOMIC_ACQUIRE);
	struct vhost_ring *r;

	b->n = 0;
	if (live == NULL || __atomic_load_n(live->faulted, __ATOMIC_RELAXED))
		return 0;
	r = live->rx[queue];
	if (r == NULL)
		return 0;
	/* release gives back to this ring even if the peer has been withdrawn meanwhile. */
	vp->rxq[queue].ring = r;
	return vhost_ring_receive(r, b);
}

void vhost_release(struct port *port, uint16_t queue, struct burst *b)
{
	struct vhost_port *vp = (struct vhost_port *)port;

	(void)b;
	vhost_ring_release(vp->rxq[queue].ring);
}
