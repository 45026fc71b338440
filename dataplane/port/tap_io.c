/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TAP: frames in and out, one system call a frame. The kernel copies straight into the burst's head
 * and the port's buffers, and out of wherever the tail lies.
 */
#include "dataplane/port/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#define MACS_LEN 12
/* The vnet header, the MACs, the tag, the rest of the head, the tail. */
#define TX_IOVECS (4 + FRAME_SEGS_MAX)

/*
 * The interface is gone, with its namespace or by somebody's "ip link del". Its fd would be reported
 * as ready for ever: a pipe that never says anything takes the number over, so that whoever waits for
 * it or still reads sees an idle port, and writers get EBADF.
 */
static void tap_lost(struct tap_port *tap)
{
	int quiet[2];

	__atomic_store_n(&tap->port.fault, ENODEV, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&tap->port.state, PORT_ERROR, __ATOMIC_RELAXED) == PORT_ERROR)
		return; /* another worker saw it first */
	if (pipe2(quiet, O_NONBLOCK | O_CLOEXEC) != 0)
		return;
	dup3(quiet[0], tap->fd, O_CLOEXEC);
	close(quiet[0]);
	tap->quiet_fd = quiet[1]; /* stays open: its closing would be an event, too */
}

static bool interface_is_gone(int error)
{
	return error == EBADFD || error == EBADF || error == ENODEV;
}

static void take_offload(struct frame *f, const struct virtio_net_hdr *h)
{
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		f->offload = FRAME_NEEDS_CSUM;
		f->csum_start = h->csum_start;
		f->csum_offset = h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		f->offload = FRAME_CSUM_VALID;
	}
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		f->gso_type = h->gso_type;
		f->gso_size = h->gso_size;
		f->hdr_len = h->hdr_len;
	}
}

/* The next frame of the burst; bytes in all or -1. */
static ssize_t tap_read(struct tap_port *tap, struct burst *b, struct virtio_net_hdr_mrg_rxbuf *h)
{
	const struct iovec iov[] = {
		{.iov_base = h, .iov_len = TAP_VNET_LEN},
		{.iov_base = b->head[b->n], .iov_len = FRAME_HEAD_MAX},
		{.iov_base = tap->buffers + (size_t)b->n * TAP_BUFFER_LEN,
			.iov_len = TAP_BUFFER_LEN},
	};

	return readv(tap->fd, iov, 3);
}

static void add_frame(struct tap_port *tap, struct burst *b, uint32_t len,
	const struct virtio_net_hdr_mrg_rxbuf *h)
{
	struct frame *f = &b->frame[b->n];
	struct seg *rest = &b->seg[b->n_segs];

	*f = (struct frame){
		.head = b->head[b->n],
		.tail = rest,
		.len = len,
		.head_len = (uint16_t)(len < FRAME_HEAD_MAX ? len : FRAME_HEAD_MAX),
	};
	take_offload(f, &h->hdr);
	if (len > FRAME_HEAD_MAX) {
		rest->base = tap->buffers + (size_t)b->n * TAP_BUFFER_LEN;
		rest->len = len - FRAME_HEAD_MAX;
		f->n_tail = 1;
		b->n_segs++;
	}
	b->n++;
}

uint16_t tap_receive(struct port *port, uint16_t queue, struct burst *b)
{
	struct tap_port *tap = (struct tap_port *)port;
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned most = RTE_MIN(TAP_RX_BURST, b->max);
	uint64_t packets = 0;
	uint64_t bytes = 0;

	b->n = 0;
	b->n_segs = 0;
	if (unlikely(queue != 0 || port_state(port) == PORT_ERROR))
		return 0;
	for (unsigned tries = 0; tries < most; tries++) {
		ssize_t n = tap_read(tap, b, &h);

		if (n < 0) {
			if (unlikely(interface_is_gone(errno)))
				tap_lost(tap);
			break; /* else EAGAIN: that was all */
		}
		n -= (ssize_t)TAP_VNET_LEN;
		packets++;
		if (unlikely(n < FRAME_LEN_MIN || n > FRAME_LEN_MAX)) {
			bytes += n > 0 ? (uint64_t)n : 0;
			stat_add(&b->stats->drops[DROP_malformed], 1);
			continue;
		}
		bytes += (uint64_t)n;
		add_frame(tap, b, (uint32_t)n, &h);
	}
	if (packets != 0) {
		stat_add(&b->stats->rx_packets, packets);
		stat_add(&b->stats->rx_bytes, bytes);
	}
	return b->n;
}

void tap_release(struct port *port, uint16_t queue, struct burst *b)
{
	(void)port;
	(void)queue;
	(void)b; /* the buffers are the port's own and free for the next burst */
}

/*
 * The frame's request as the far kernel reads it. Offsets move by the tag that is put in. The header
 * length is our own figure where we checked one: it says how much the kernel makes linear.
 */
static void fill_vnet(struct virtio_net_hdr *h, const struct frame *f, uint32_t shift)
{
	if (f->offload & FRAME_NEEDS_CSUM) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = (uint16_t)(f->csum_start + shift);
		h->csum_offset = f->csum_offset;
	} else if (f->offload & FRAME_CSUM_VALID) {
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (f->gso_type != FRAME_GSO_NONE) {
		uint32_t tcp_len = (f->head[f->csum_start + 12] >> 4) * 4U;

		h->gso_type = f->gso_type;
		h->gso_size = f->gso_size;
		h->hdr_len = (uint16_t)(f->csum_start + tcp_len + shift);
	}
}

static int fill_iov(
	struct iovec iov[TX_IOVECS], const struct frame *f, uint8_t tag[VLAN_TAG_LEN], bool tagged)
{
	int n = 1; /* the vnet header is there */

	if (tagged) {
		iov[n++] = (struct iovec){f->head, MACS_LEN};
		iov[n++] = (struct iovec){tag, VLAN_TAG_LEN};
		iov[n++] = (struct iovec){f->head + MACS_LEN, (size_t)f->head_len - MACS_LEN};
	} else {
		iov[n++] = (struct iovec){f->head, f->head_len};
	}
	for (unsigned i = 0; i < f->n_tail; i++)
		iov[n++] = (struct iovec){(void *)(uintptr_t)f->tail[i].base, f->tail[i].len};
	return n;
}

static enum drop_reason why_not(struct tap_port *tap, int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		return DROP_ring_full;
	case ENOMEM:
		return DROP_no_memory;
	case EIO: /* the interface is down */
		return DROP_port_down;
	default:
		if (!interface_is_gone(error))
			return DROP_device_error;
		tap_lost(tap);
		return DROP_port_down;
	}
}

/* 0, or the errno of a frame that was not taken. */
static int tap_write(struct tap_port *tap, const struct tx_item *item)
{
	struct virtio_net_hdr_mrg_rxbuf h = {0};
	uint32_t tag = rte_cpu_to_be_32(item->tag);
	struct iovec iov[TX_IOVECS];
	int n;

	fill_vnet(&h.hdr, item->frame, item->tag != 0 ? VLAN_TAG_LEN : 0);
	iov[0] = (struct iovec){&h, TAP_VNET_LEN};
	n = fill_iov(iov, item->frame, (uint8_t *)&tag, item->tag != 0);
	return writev(tap->fd, iov, n) >= 0 ? 0 : errno;
}

void tap_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats)
{
	struct tap_port *tap = (struct tap_port *)port;
	uint64_t packets = 0;
	uint64_t bytes = 0;

	(void)worker; /* the kernel takes frames of several threads one by one */
	if (unlikely(port_state(port) == PORT_ERROR)) {
		stat_add(&stats->drops[DROP_port_down], n);
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		int error = tap_write(tap, &items[i]);

		if (unlikely(error != 0)) {
			stat_add(&stats->drops[why_not(tap, error)], 1);
			continue;
		}
		packets++;
		bytes += items[i].frame->len + (items[i].tag != 0 ? VLAN_TAG_LEN : 0);
	}
	if (packets != 0) {
		stat_add(&stats->tx_packets, packets);
		stat_add(&stats->tx_bytes, bytes);
	}
}
