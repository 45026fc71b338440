/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's memory with two split virtqueues in it (virtio 1.2, section 2.7): what a virtio-net
 * driver lays out. Queue 0 receives, queue 1 transmits (5.1.2).
 */
#ifndef LEAT_BENCH_GUEST_H
#define LEAT_BENCH_GUEST_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_RX 0
#define GUEST_TX 1
#define GUEST_QUEUES 2
#define GUEST_HDR_LEN 12	  /* struct virtio_net_hdr_mrg_rxbuf, with VIRTIO_F_VERSION_1 */
#define GUEST_BASE 0x100000000ULL /* guest-physical address of the memory */

struct guest_queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint8_t *buffers;   /* one a descriptor */
	uint16_t size;	    /* a power of two */
	uint16_t avail_idx; /* what the switch was told last */
	uint16_t used_seen; /* used entries taken */
	int kick, call;	    /* eventfds */
};

struct guest {
	int memfd;
	uint8_t *memory;
	size_t len;
	uint8_t *store; /* the room that was asked for; begins a page */
	struct guest_queue queue[GUEST_QUEUES];
};

/* Make a guest whose queues have `size` descriptors, each with its buffer, and offer the receive
 * queue's; with `store` bytes for its own use. `huge`: in huge pages. Ends the program if there is
 * no memory. */
void guest_create(struct guest *ret, unsigned size, size_t store, bool huge);
void guest_destroy(struct guest *g);

/* Where a descriptor's frame lies, behind virtio's header. It begins a cache line. */
uint8_t *guest_frame(const struct guest_queue *q, unsigned id);

/* Have transmit descriptor `id` point at a header in the store, with a frame of `len` bytes behind. */
static inline void guest_frame_point(
	const struct guest *g, unsigned id, const uint8_t *header, unsigned len)
{
	g->queue[GUEST_TX].desc[id] = (struct vring_desc){
		.addr = GUEST_BASE + (uint64_t)(header - g->memory),
		.len = GUEST_HDR_LEN + len,
	};
}

/* How long the frame behind transmit descriptor `id` is. */
void guest_frame_len_set(struct guest_queue *q, unsigned id, unsigned len);

/*
 * Take up to `max` used entries, and put their descriptors back into the places of the available
 * ring that they came from, ready to be offered again. How many; `first` is the first one's index.
 */
static inline unsigned guest_used_take(struct guest_queue *q, unsigned max, uint16_t *first)
{
	uint16_t mask = (uint16_t)(q->size - 1);
	uint16_t n = (uint16_t)(__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) - q->used_seen);

	*first = q->used_seen;
	if (n > max)
		n = (uint16_t)max;
	for (uint16_t i = 0; i < n; i++) {
		uint16_t at = (uint16_t)(q->used_seen + i) & mask;
		uint16_t id = (uint16_t)q->used->ring[at].id;

		/* A switch that keeps the order leaves nothing to write, and the line shared. */
		if (q->avail->ring[at] != id)
			q->avail->ring[at] = id;
	}
	q->used_seen = (uint16_t)(q->used_seen + n);
	return n;
}

/* Offer the next `n` entries of the available ring, and wake the switch if it sleeps. */
void guest_offer(struct guest_queue *q, unsigned n);

#endif
