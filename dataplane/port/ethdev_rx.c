/* SPDX-License-Identifier: BSD-3-Clause */
/* What a DPDK device received: heads copied, tails where they are, in the mbufs. */
#include "dataplane/port/ethdev.h"

#include <rte_prefetch.h>

#define PREFETCH_AHEAD 4

/* A seg for each piece of the chain behind its first skip bytes. false: too many of them. */
static bool add_tail(struct burst *b, struct frame *f, const struct rte_mbuf *m, uint32_t skip)
{
	for (; m != NULL; m = m->next) {
		if (m->data_len <= skip) {
			skip -= m->data_len;
			continue;
		}
		if (f->n_tail == FRAME_SEGS_MAX || b->n_segs == BURST_SEGS_MAX) {
			b->n_segs = (uint16_t)(b->n_segs - f->n_tail);
			return false;
		}
		b->seg[b->n_segs++] = (struct seg){
			.base = rte_pktmbuf_mtod_offset(m, const uint8_t *, skip),
			.len = m->data_len - skip,
		};
		f->n_tail++;
		skip = 0;
	}
	return true;
}

static void copy_head(uint8_t *head, const struct rte_mbuf *m, uint16_t len)
{
	const uint8_t *data;

	/* A fixed size is a few vector moves; what lies behind the frame is the buffer's own. */
	if (likely(m->data_len >= len && m->buf_len - m->data_off >= FRAME_HEAD_MAX)) {
		memcpy(head, rte_pktmbuf_mtod(m, const uint8_t *), FRAME_HEAD_MAX);
		return;
	}
	data = rte_pktmbuf_read(m, 0, len, head);
	if (data != NULL && data != head)
		memcpy(head, data, len);
}

static bool add_frame(const struct ethdev_port *p, struct burst *b, struct rte_mbuf *m)
{
	struct frame *f = &b->frame[b->n];
	uint16_t head_len = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)FRAME_HEAD_MAX);

	if (unlikely(m->pkt_len < FRAME_LEN_MIN || m->pkt_len > FRAME_LEN_MAX))
		return false;
	*f = (struct frame){
		.head = b->head[b->n],
		.tail = &b->seg[b->n_segs],
		.mbuf = p->lends ? m : NULL,
		.len = m->pkt_len,
		.head_len = head_len,
		.cookie = b->n,
	};
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		f->offload = FRAME_CSUM_VALID;
	copy_head(f->head, m, head_len);
	return m->pkt_len == head_len || add_tail(b, f, m, head_len);
}

uint16_t ethdev_receive(struct port *port, uint16_t queue, struct burst *b)
{
	struct ethdev_port *p = (struct ethdev_port *)port;
	struct rte_mbuf *m[ETHDEV_BURST];
	uint64_t bytes = 0;
	uint16_t n;

	b->n = 0;
	b->n_segs = 0;
	if (unlikely(queue >= port->n_rxq))
		return 0;
	n = rte_eth_rx_burst(p->dev_id, queue, m, RTE_MIN(b->max, (uint16_t)ETHDEV_BURST));
	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (uint16_t i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH_AHEAD], void *));
		bytes += m[i]->pkt_len;
		p->rx[queue][b->n] = m[i];
		if (likely(add_frame(p, b, m[i]))) {
			b->n++;
			continue;
		}
		stat_add(&b->stats->drops[DROP_malformed], 1);
		rte_pktmbuf_free(m[i]);
	}
	stat_add(&b->stats->rx_packets, n);
	stat_add(&b->stats->rx_bytes, bytes);
	return b->n;
}

void ethdev_release(struct port *port, uint16_t queue, struct burst *b)
{
	struct ethdev_port *p = (struct ethdev_port *)port;
	struct rte_mbuf *done[ETHDEV_BURST];
	unsigned n = 0;

	for (uint16_t i = 0; i < b->n; i++)
		if (!p->lends || b->frame[i].mbuf != NULL)
			done[n++] = p->rx[queue][b->frame[i].cookie];
	rte_pktmbuf_free_bulk(done, n);
}
