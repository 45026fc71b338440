/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames out of a DPDK device. One that came from a device and has no other output stays in its mbuf;
 * any other is copied, once, into mbufs of the port's pool.
 */
#include "dataplane/port/ethdev.h"

#include <rte_byteorder.h>
#include <rte_memcpy.h>

#include "lib/checksum.h"
#include "lib/spinlock.h"

#define MACS_LEN 12
#define TCP_CSUM_OFFSET 16
#define IPV4_CSUM_OFFSET 10

/* One transmit call's mbufs, no more than a burst. */
struct batch {
	uint16_t n;
	struct rte_mbuf *m[ETHDEV_BURST];
};

/* The head, with the tag behind the addresses; to has room for both. */
static void write_head(uint8_t *to, const struct tx_item *item)
{
	const struct frame *f = item->frame;
	rte_be32_t tag = rte_cpu_to_be_32(item->tag);

	if (item->tag == 0) {
		memcpy(to, f->head, f->head_len);
		return;
	}
	memcpy(to, f->head, MACS_LEN);
	memcpy(to + MACS_LEN, &tag, VLAN_TAG_LEN);
	memcpy(to + MACS_LEN + VLAN_TAG_LEN, f->head + MACS_LEN, (size_t)f->head_len - MACS_LEN);
}

/*
 * The frame's own mbuf, its head rewritten; NULL where it cannot be had: then it is copied. The head
 * may have become shorter or longer than the bytes it was copied from.
 */
static struct rte_mbuf *take_over(const struct ethdev_port *p, const struct tx_item *item)
{
	struct frame *f = item->frame;
	struct rte_mbuf *m = f->mbuf;
	uint32_t want = f->head_len + (item->tag != 0 ? VLAN_TAG_LEN : 0U);
	uint32_t had;

	if (m == NULL || !f->sole || rte_mbuf_refcnt_read(m) != 1 ||
		(m->nb_segs > 1 && !p->multi_seg))
		return NULL;
	had = m->pkt_len - (f->len - f->head_len);
	if (had > m->data_len || (want > had && rte_pktmbuf_headroom(m) < want - had))
		return NULL;
	if (want > had)
		rte_pktmbuf_prepend(m, (uint16_t)(want - had));
	else if (want < had)
		rte_pktmbuf_adj(m, (uint16_t)(had - want));
	write_head(rte_pktmbuf_mtod(m, uint8_t *), item);
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	f->mbuf = NULL;
	return m;
}

/* Append len bytes to the chain whose last mbuf is *last. false: no mbuf is free. */
static bool chain_append(struct rte_mempool *pool, struct rte_mbuf *first, struct rte_mbuf **last,
	const uint8_t *from, uint32_t len)
{
	while (len != 0) {
		uint16_t room = rte_pktmbuf_tailroom(*last);
		uint16_t part = (uint16_t)RTE_MIN(len, (uint32_t)room);

		if (part == 0) {
			struct rte_mbuf *next = rte_pktmbuf_alloc(pool);

			if (next == NULL)
				return false;
			next->data_off = 0;
			(*last)->next = next;
			*last = next;
			first->nb_segs++;
			continue;
		}
		rte_memcpy(
			rte_pktmbuf_mtod_offset(*last, uint8_t *, (*last)->data_len), from, part);
		(*last)->data_len = (uint16_t)((*last)->data_len + part);
		first->pkt_len += part;
		from += part;
		len -= part;
	}
	return true;
}

static struct rte_mbuf *copy_frame(
	const struct ethdev_port *p, const struct tx_item *item, enum drop_reason *why)
{
	const struct frame *f = item->frame;
	uint16_t head = (uint16_t)(f->head_len + (item->tag != 0 ? VLAN_TAG_LEN : 0));
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
	struct rte_mbuf *last = m;

	*why = DROP_no_memory;
	if (unlikely(m == NULL))
		return NULL;
	if (unlikely(!p->multi_seg && rte_pktmbuf_tailroom(m) < f->len - f->head_len + head)) {
		*why = DROP_too_big;
		rte_pktmbuf_free(m);
		return NULL;
	}
	write_head(rte_pktmbuf_mtod(m, uint8_t *), item);
	m->data_len = head;
	m->pkt_len = head;
	for (unsigned i = 0; i < f->n_tail; i++) {
		if (unlikely(!chain_append(p->pool, m, &last, f->tail[i].base, f->tail[i].len))) {
			rte_pktmbuf_free(m);
			return NULL;
		}
	}
	return m;
}

/*
 * DPDK wants the pseudo header's sum where the checksum goes, as virtio does; but for TSO without the
 * length in it, and with the IPv4 header's checksum 0.
 */
static void request_offload(struct rte_mbuf *m, const struct frame *f, uint32_t shift)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, f->l3_off + shift);
	uint8_t *l4 = rte_pktmbuf_mtod_offset(m, uint8_t *, f->csum_start + shift);
	bool ipv4 = (f->flags & FRAME_IPV4) != 0;
	uint16_t seed;

	m->l2_len = f->l3_off + shift;
	m->l3_len = f->csum_start - f->l3_off;
	m->ol_flags |= ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	if (f->csum_offset != TCP_CSUM_OFFSET) {
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
		return;
	}
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	if (f->gso_type == FRAME_GSO_NONE)
		return;
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->l4_len = (l4[12] >> 4) * 4U;
	m->tso_segsz = f->gso_size;
	memcpy(&seed, l4 + TCP_CSUM_OFFSET, sizeof(seed));
	seed = checksum_fold((uint64_t)seed +
			     (uint16_t)~rte_cpu_to_be_16(checksum_fold(f->len - f->csum_start)));
	memcpy(l4 + TCP_CSUM_OFFSET, &seed, sizeof(seed));
	if (ipv4) {
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
		memset(l3 + IPV4_CSUM_OFFSET, 0, sizeof(uint16_t));
	}
}

/* The mbuf of an item, or NULL and why there is none. */
static struct rte_mbuf *to_mbuf(
	const struct ethdev_port *p, const struct tx_item *item, enum drop_reason *why)
{
	struct frame *f = item->frame;
	struct rte_mbuf *m;

	*why = DROP_too_big;
	if (unlikely(f->gso_type == FRAME_GSO_NONE && f->len > p->frame_max))
		return NULL;
	m = take_over(p, item);
	if (m == NULL)
		m = copy_frame(p, item, why);
	if (m != NULL && (f->offload & FRAME_NEEDS_CSUM))
		request_offload(m, f, item->tag != 0 ? VLAN_TAG_LEN : 0);
	return m;
}

/* What the driver does not accept is left out. */
static void prepare(
	const struct ethdev_port *p, uint16_t queue, struct batch *batch, struct port_stats *stats)
{
	uint16_t done = 0;

	while (done < batch->n) {
		done = (uint16_t)(done + rte_eth_tx_prepare(p->dev_id, queue, batch->m + done,
						 (uint16_t)(batch->n - done)));
		if (done == batch->n)
			break;
		rte_pktmbuf_free(batch->m[done]);
		stat_add(&stats->drops[DROP_device_error], 1);
		batch->n--;
		memmove(&batch->m[done], &batch->m[done + 1],
			(size_t)(batch->n - done) * sizeof(batch->m[0]));
	}
}

static void send_batch(
	struct ethdev_port *p, uint16_t queue, struct batch *batch, struct port_stats *stats)
{
	uint64_t bytes = 0;
	uint16_t sent = 0;
	uint16_t taken;

	if (p->tx_offload)
		prepare(p, queue, batch, stats);
	for (uint16_t i = 0; i < batch->n; i++)
		bytes += batch->m[i]->pkt_len;
	do {
		taken = rte_eth_tx_burst(
			p->dev_id, queue, batch->m + sent, (uint16_t)(batch->n - sent));
		sent = (uint16_t)(sent + taken);
	} while (taken != 0 && sent < batch->n);
	for (uint16_t i = sent; i < batch->n; i++)
		bytes -= batch->m[i]->pkt_len;
	stat_add(&stats->tx_packets, sent);
	stat_add(&stats->tx_bytes, bytes);
	if (likely(sent == batch->n))
		return;
	ethdev_kernel_link(p);
	stat_add(&stats->drops[port_state(&p->port) == PORT_ACTIVE ? DROP_ring_full
								   : DROP_port_down],
		batch->n - sent);
	rte_pktmbuf_free_bulk(batch->m + sent, batch->n - sent);
}

void ethdev_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats)
{
	struct ethdev_port *p = (struct ethdev_port *)port;
	uint16_t queue = (uint16_t)(worker % p->n_txq);
	struct batch batch = {.n = 0};
	enum drop_reason why;

	if (p->tx_locked)
		spin_lock(&p->tx_lock[queue].lock);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = to_mbuf(p, &items[i], &why);

		if (unlikely(m == NULL)) {
			stat_add(&stats->drops[why], 1);
			continue;
		}
		batch.m[batch.n++] = m;
		if (batch.n == ETHDEV_BURST) {
			send_batch(p, queue, &batch, stats);
			batch.n = 0;
		}
	}
	if (batch.n != 0)
		send_batch(p, queue, &batch, stats);
	if (p->tx_locked)
		spin_unlock(&p->tx_lock[queue].lock);
}
