/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest receives: frames into its receive ring, each byte moved once.
 *
 * A run of frames of which each fits one descriptor goes through staged loops as in receive; a
 * frame that does not is written by chain_transmit() and ends the run.
 */
#include <rte_byteorder.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include "dataplane/offload.h"
#include "dataplane/port/segs.h"
#include "dataplane/port/vhost.h"

struct tx_tally {
	uint32_t packets;
	uint64_t bytes;
};

/* The caller has finished what port_caps() did not promise; a peer that takes less has just come. */
static inline bool offload_taken(uint32_t caps, const struct frame *f)
{
	uint32_t need;

	if (likely((f->offload | f->gso_type) == 0))
		return true;
	need = offload_gso_caps(f);
	if (f->offload & FRAME_NEEDS_CSUM)
		need |= PORT_CAP_CSUM;
	return (need & ~caps) == 0;
}

/* virtio 1.2, 5.1.6: offsets move by the tag that is put in. */
static void hdr_make(const struct vhost_ring *r, const struct tx_item *it, uint16_t buffers,
	struct virtio_net_hdr_mrg_rxbuf *h)
{
	const struct frame *f = it->frame;
	uint16_t shift = it->tag != 0 ? VLAN_TAG_LEN : 0;

	*h = (struct virtio_net_hdr_mrg_rxbuf){.num_buffers = buffers};
	if (f->offload & FRAME_NEEDS_CSUM) {
		h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->hdr.csum_start = f->csum_start + shift;
		h->hdr.csum_offset = f->csum_offset;
	} else if ((f->offload & FRAME_CSUM_VALID) && (r->caps & PORT_CAP_CSUM)) {
		h->hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (f->gso_type != FRAME_GSO_NONE) {
		h->hdr.gso_type = f->gso_type;
		h->hdr.gso_size = f->gso_size;
		h->hdr.hdr_len = f->hdr_len != 0 ? f->hdr_len + shift : 0;
	}
}

/* Write header and frame to one piece of guest memory that is long enough. */
static inline void single_write(
	const struct vhost_ring *r, uint32_t hdr_len, const struct tx_item *it, uint8_t *dst)
{
	const struct frame *f = it->frame;
	uint32_t left = f->len - f->head_len;

	if (likely((f->offload | f->gso_type) == 0)) {
		vhost_write64(dst, 0);
		if (hdr_len == VHOST_HDR_MRG_LEN)
			vhost_write32(dst + 8, 1U << 16);
		else
			vhost_write16(dst + 8, 0);
	} else {
		struct virtio_net_hdr_mrg_rxbuf h;

		hdr_make(r, it, 1, &h);
		memcpy(dst, &h, hdr_len);
	}
	dst += hdr_len;
	if (it->tag == 0) {
		vhost_copy_head(dst, f->head, f->head_len);
		dst += f->head_len;
	} else {
		tag_make(it, dst);
		dst += MAC_ADDRS_LEN + VLAN_TAG_LEN;
		vhost_copy_head(dst, f->head + MAC_ADDRS_LEN, f->head_len - MAC_ADDRS_LEN);
		dst += f->head_len - MAC_ADDRS_LEN;
	}
	for (const struct seg *s = f->tail; left != 0; s++) {
		uint32_t piece = RTE_MIN(left, s->len);

		rte_memcpy(dst, s->base, piece);
		dst += piece;
		left -= piece;
	}
}

static inline bool entry_single(const struct vhost_ring *r, uint32_t id, struct vring_desc *d)
{
	*d = vhost_desc_read(&r->desc[id & (r->size - 1)]);
	return id < r->size && d->flags == VRING_DESC_F_WRITE;
}

/* Entries and descriptors for n items. host[i] NULL: not one descriptor that item i fits. */
static inline void tx_gather(const struct vhost_ring *r, const struct tx_item *items, uint16_t n,
	uint32_t *id, uint32_t *len, uint8_t **host)
{
	const struct vhost_mem *mem = r->mem;
	const uint32_t mask = r->size - 1, hdr_len = r->hdr_len;

	for (uint16_t i = 0; i < n; i++) {
		id[i] = vhost_read16(&r->avail->ring[(r->last_avail + i) & mask]);
		rte_prefetch0(&r->desc[id[i] & mask]);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc d;

		len[i] = hdr_len + item_len(&items[i]);
		host[i] = NULL;
		if (unlikely(!entry_single(r, id[i], &d) || d.len < len[i]))
			continue;
		host[i] = vhost_host(mem, d.addr, d.len);
		if (unlikely(host[i] == NULL))
			continue;
		rte_prefetch0_write(host[i]);
		rte_prefetch0_write(host[i] + RTE_CACHE_LINE_SIZE);
	}
}

/* As many of the items, from the first on, as fit a single descriptor each; at most BURST_MAX. */
static uint16_t run_transmit(
	struct vhost_ring *r, const struct tx_item *items, uint16_t n, struct tx_tally *t)
{
	const uint32_t hdr_len = r->hdr_len, caps = r->caps;
	const uint16_t used = r->last_used;
	uint32_t id[BURST_MAX], len[BURST_MAX];
	uint8_t *host[BURST_MAX];
	uint64_t bytes = 0;
	uint16_t i;

	n = RTE_MIN(n, (uint16_t)BURST_MAX);
	tx_gather(r, items, n, id, len, host);
	for (i = 0; i < n; i++) {
		if (unlikely(host[i] == NULL || !offload_taken(caps, items[i].frame)))
			break;
		single_write(r, hdr_len, &items[i], host[i]);
		bytes += len[i];
	}
	for (uint16_t k = 0; k < i; k++)
		vhost_used_put(r, used + k, id[k], len[k]);
	r->last_used = used + i;
	r->last_avail += i;
	t->packets += i;
	t->bytes += bytes - (uint64_t)i * hdr_len;
	return i;
}

/* Room in the guest for one frame: the chains, their ids, and where each ends in total. */
struct tx_room {
	struct vhost_chain chain;
	uint16_t n;
	uint32_t id[VHOST_CHAINS_MAX];
	uint64_t end[VHOST_CHAINS_MAX];
};

/* room_find() has seen that there is room for all. */
static void room_fill(const struct vhost_ring *r, struct tx_room *room, const struct tx_item *it)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	struct seg *seg = room->chain.seg;

	hdr_make(r, it, room->n, &h);
	segs_push(&seg, (const uint8_t *)&h, r->hdr_len);
	segs_push_item(&seg, it);
}

/*
 * Take chains, of the ready ones, until they hold need bytes. Returns DROP_REASON_COUNT when they
 * do; else why not, with room->n chains seen, of which the last one is the bad one.
 */
static enum drop_reason room_find(
	const struct vhost_ring *r, uint16_t ready, uint64_t need, struct tx_room *room)
{
	room->n = 0;
	room->chain.n = 0;
	room->chain.total = 0;
	while (room->chain.total < need) {
		uint32_t id;

		if (room->n == VHOST_CHAINS_MAX || (room->n == 1 && !r->mergeable))
			return DROP_too_big;
		if (room->n == ready)
			return ready == r->size ? DROP_too_big : DROP_ring_full;
		id = vhost_read16(&r->avail->ring[(r->last_avail + room->n) & (r->size - 1)]);
		room->id[room->n++] = id;
		if (id >= r->size || vhost_chain_walk(r, (uint16_t)id, true, &room->chain) != 0)
			return DROP_bad_descriptor;
		room->end[room->n - 1] = room->chain.total;
	}
	return DROP_REASON_COUNT;
}

/* One item by any chains. What is too big leaves the descriptors for the next. */
static void __rte_noinline chain_transmit(struct vhost_ring *r, const struct tx_item *it,
	uint16_t ready, struct port_stats *stats, struct tx_tally *t)
{
	struct tx_room room;
	uint32_t need = r->hdr_len + item_len(it);
	uint64_t begin = 0;
	enum drop_reason why;

	if (!offload_taken(r->caps, it->frame)) {
		stat_add(&stats->drops[DROP_port_down], 1);
		return;
	}
	why = room_find(r, ready, need, &room);
	if (why == DROP_REASON_COUNT) {
		room_fill(r, &room, it);
		t->packets++;
		t->bytes += need - r->hdr_len;
	} else {
		stat_add(&stats->drops[why], 1);
		if (why != DROP_bad_descriptor)
			return;
		/* Back with all of them, unused: the bad one would be in the way for ever. */
		need = 0;
	}
	r->last_avail += room.n;
	for (uint16_t i = 0; i < room.n; i++) {
		uint64_t end = need == 0 ? 0 : RTE_MIN(room.end[i], (uint64_t)need);

		vhost_used_put(
			r, r->last_used++, room.id[i], need == 0 ? 0 : (uint32_t)(end - begin));
		begin = end;
	}
}

/* The next descriptor would do for this item: back to the fast run. */
static bool item_single(const struct vhost_ring *r, const struct tx_item *it)
{
	struct vring_desc d;
	uint32_t id = vhost_read16(&r->avail->ring[r->last_avail & (r->size - 1)]);

	return entry_single(r, id, &d) && d.len >= r->hdr_len + item_len(it);
}

void vhost_ring_transmit(
	struct vhost_ring *r, const struct tx_item *items, uint16_t n, struct port_stats *stats)
{
	uint16_t old = r->last_used;
	struct tx_tally t = {0, 0};
	uint16_t done = 0;

	if (unlikely(r->broken)) {
		stat_add(&stats->drops[DROP_port_down], n);
		return;
	}
	while (done < n) {
		uint16_t left = vhost_avail(r, n - done);
		uint16_t run, sent;

		if (unlikely(left == 0)) {
			stat_add(&stats->drops[r->broken ? DROP_port_down : DROP_ring_full],
				n - done);
			break;
		}
		run = RTE_MIN((uint16_t)(n - done), left);
		sent = run_transmit(r, items + done, run, &t);
		done += sent;
		if (likely(sent == RTE_MIN(run, (uint16_t)BURST_MAX)))
			continue;
		do {
			left = vhost_avail(r, VHOST_CHAINS_MAX);
			if (left == 0)
				break;
			chain_transmit(r, &items[done++], left, stats, &t);
		} while (done < n && vhost_avail(r, 1) != 0 && !item_single(r, &items[done]));
	}
	stat_add(&stats->tx_packets, t.packets);
	stat_add(&stats->tx_bytes, t.bytes);
	if (r->last_used != old)
		vhost_used_publish(r);
}

/* The ring that this worker transmits by; NULL: nobody is there. */
static struct vhost_ring *tx_ring(const struct vhost_port *vp, unsigned worker)
{
	struct vhost_live *live = __atomic_load_n(&vp->live, __ATOMIC_ACQUIRE);

	if (unlikely(live == NULL || __atomic_load_n(live->faulted, __ATOMIC_RELAXED)))
		return NULL;
	return live->tx[worker];
}

void vhost_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats)
{
	struct vhost_port *vp = (struct vhost_port *)port;
	struct vhost_ring *r = tx_ring(vp, worker);

	if (unlikely(r == NULL)) {
		stat_add(&stats->drops[DROP_port_down], n);
		return;
	}
	/* The peer's rings were made anew within this round: what it was given before is there, too. */
	if (unlikely(vp->txq[worker].ring != NULL && vp->txq[worker].ring != r))
		vhost_notify_tx(port, worker);
	vp->txq[worker].ring = r;
	if (!vp->tx_lock) {
		vhost_ring_transmit(r, items, n, stats);
		return;
	}
	rte_spinlock_lock(&r->lock);
	vhost_ring_transmit(r, items, n, stats);
	rte_spinlock_unlock(&r->lock);
}

uint16_t vhost_tx_room(struct port *port, unsigned worker, uint16_t n)
{
	struct vhost_port *vp = (struct vhost_port *)port;
	struct vhost_ring *r = tx_ring(vp, worker);
	uint16_t room = n;

	if (r == NULL)
		return n;
	if (vp->tx_lock)
		rte_spinlock_lock(&r->lock);
	if (!r->broken) {
		room = RTE_MIN(vhost_avail(r, n), n);
		room = r->broken ? n : room;
	}
	if (vp->tx_lock)
		rte_spinlock_unlock(&r->lock);
	return room;
}
