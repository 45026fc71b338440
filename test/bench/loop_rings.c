/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit for vhost-user ports: each frame is copied from ring to ring, once, and nobody looks at
 * it. The vhost library does the handshake alone. Guests are trusted: only addresses are checked,
 * and a frame in more than one descriptor is not carried.
 *
 *	bench-loop-rings [EAL ARGUMENTS] -- SOCKET SOCKET
 */
#include <err.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>
#include <rte_vhost.h>

#include "test/bench/loop_ports.h"

#define BURST 32
#define HDR_LEN 12 /* struct virtio_net_hdr_mrg_rxbuf */
#define LINE 64
#define COPY_MIN (HDR_LEN + LINE) /* a shorter frame is copied with what lies behind it */

struct ring {
	struct rte_vhost_vring v;
	const struct rte_vhost_memory *memory;
	uint16_t next;
};

/* A frame's place in a guest's memory. */
struct place {
	uint8_t *at; /* NULL: not to be carried */
	uint32_t len;
	uint16_t id;
};

static struct ring rings[LOOP_PORTS][2];
static struct rte_vhost_memory *memory[LOOP_PORTS];

static void guest_up(int port, int vid)
{
	free(memory[port]);
	if (rte_vhost_get_mem_table(vid, &memory[port]) != 0)
		errx(1, "port %d has no memory", port);
	for (uint16_t q = 0; q < 2; q++) {
		struct ring *r = &rings[port][q];
		uint16_t avail;

		if (rte_vhost_get_vhost_vring(vid, q, &r->v) != 0 ||
			rte_vhost_get_vring_base(vid, q, &avail, &r->next) != 0)
			errx(1, "port %d has no ring %u", port, q);
		r->memory = memory[port];
	}
}

static inline uint8_t *host_of(const struct ring *r, uint64_t gpa, uint64_t len)
{
	for (uint32_t i = 0; i < r->memory->nregions; i++) {
		const struct rte_vhost_mem_region *region = &r->memory->regions[i];
		uint64_t offset = gpa - region->guest_phys_addr;

		if (offset < region->size && len <= region->size - offset)
			return (uint8_t *)(uintptr_t)(region->host_user_addr + offset);
	}
	return NULL;
}

static inline uint16_t waiting(const struct ring *r)
{
	uint16_t n = (uint16_t)(__atomic_load_n(&r->v.avail->idx, __ATOMIC_ACQUIRE) - r->next);

	return n < BURST ? n : BURST;
}

/* The next n descriptors, and the beginnings of their buffers on their way to the cache. */
static inline void gather(const struct ring *r, struct place *p, uint16_t n)
{
	const uint16_t mask = (uint16_t)(r->v.size - 1);

	for (uint16_t i = 0; i < n; i++) {
		p[i].id = r->v.avail->ring[(uint16_t)(r->next + i) & mask] & mask;
		rte_prefetch0(&r->v.desc[p[i].id]);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc d = r->v.desc[p[i].id];

		p[i].len = d.len;
		p[i].at = d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)
				  ? NULL
				  : host_of(r, d.addr, RTE_MAX(d.len, COPY_MIN));
		if (p[i].at == NULL)
			continue;
		rte_prefetch0(p[i].at);
		rte_prefetch0(p[i].at + LINE);
	}
}

static inline void copy(const struct place *from, const struct place *to)
{
	struct virtio_net_hdr_mrg_rxbuf h = {.num_buffers = 1};

	memcpy(to->at, &h, HDR_LEN);
	if (from->len <= COPY_MIN)
		memcpy(to->at + HDR_LEN, from->at + HDR_LEN, LINE);
	else
		rte_memcpy(to->at + HDR_LEN, from->at + HDR_LEN, from->len - HDR_LEN);
}

static inline void give_back(struct ring *r, const struct place *p, uint16_t n)
{
	const uint16_t mask = (uint16_t)(r->v.size - 1);

	for (uint16_t i = 0; i < n; i++)
		r->v.used->ring[(uint16_t)(r->next + i) & mask] =
			(struct vring_used_elem){.id = p[i].id, .len = p[i].len};
	r->next = (uint16_t)(r->next + n);
	__atomic_store_n(&r->v.used->idx, r->next, __ATOMIC_RELEASE);
}

/* What the receiver has no room for is lost, as on any wire. */
static void carry(struct ring *tx, struct ring *rx)
{
	struct place from[BURST], to[BURST];
	uint16_t n = waiting(tx), room = n != 0 ? waiting(rx) : 0;

	if (n == 0)
		return;
	if (room > n)
		room = n;
	gather(tx, from, n);
	gather(rx, to, room);
	for (uint16_t i = 0; i < room; i++) {
		bool fits = from[i].at != NULL && to[i].at != NULL && from[i].len > HDR_LEN &&
			    from[i].len <= to[i].len && to[i].len >= COPY_MIN;

		if (fits)
			copy(&from[i], &to[i]);
		to[i].len = fits ? from[i].len : 0;
	}
	give_back(rx, to, room);
	give_back(tx, from, n);
}

int main(int argc, char **argv)
{
	const uint64_t without = 1ULL << VIRTIO_F_RING_PACKED |
				 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
				 1ULL << VIRTIO_RING_F_EVENT_IDX;
	int vid[LOOP_PORTS];

	loop_ports_open(argc, argv, without, guest_up);
	while (loop_ports_wanted()) {
		if (loop_ports_enter(vid)) {
			carry(&rings[0][LOOP_TX], &rings[1][LOOP_RX]);
			carry(&rings[1][LOOP_TX], &rings[0][LOOP_RX]);
		}
		loop_ports_leave();
	}
	loop_ports_close();
	return 0;
}
