/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/guest.h"

#include <err.h>
#include <linux/memfd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096U
#define HUGE_PAGE (2U << 20)
#define CACHE_LINE 64
/*
 * A buffer takes an odd number of cache lines, so that buffers spread over the sets of a cache; its
 * header ends where a cache line begins, as in the mbufs of a DPDK guest.
 */
#define BUFFER_STRIDE (33 * CACHE_LINE)
#define BUFFER_SKIP (CACHE_LINE - GUEST_HDR_LEN)
#define BUFFER_LEN (BUFFER_STRIDE - BUFFER_SKIP)

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static size_t queue_len(unsigned size)
{
	return round_up(size * sizeof(struct vring_desc), PAGE) +
	       round_up(sizeof(struct vring_avail) + size * sizeof(__virtio16) + 2, PAGE) +
	       round_up(sizeof(struct vring_used) + size * sizeof(struct vring_used_elem) + 2,
		       PAGE) +
	       round_up((size_t)size * BUFFER_STRIDE, PAGE);
}

static void memory_make(struct guest *g, size_t len, bool huge)
{
	g->len = round_up(len, huge ? HUGE_PAGE : PAGE);
	g->memfd =
		memfd_create("leat-bench", MFD_CLOEXEC | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0));
	if (g->memfd < 0 || ftruncate(g->memfd, (off_t)g->len) != 0)
		err(1, "memfd of %zu bytes", g->len);
	g->memory =
		mmap(NULL, g->len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, g->memfd, 0);
	if (g->memory == MAP_FAILED)
		err(1, "%zu bytes%s", g->len, huge ? " of huge pages" : "");
}

static uint8_t *queue_place(struct guest_queue *q, uint8_t *at, unsigned size)
{
	q->size = (uint16_t)size;
	q->desc = (void *)at;
	at += round_up(size * sizeof(struct vring_desc), PAGE);
	q->avail = (void *)at;
	at += round_up(sizeof(struct vring_avail) + size * sizeof(__virtio16) + 2, PAGE);
	q->used = (void *)at;
	at += round_up(sizeof(struct vring_used) + size * sizeof(struct vring_used_elem) + 2, PAGE);
	q->buffers = at;
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick < 0 || q->call < 0)
		err(1, "eventfd");
	return at + round_up((size_t)size * BUFFER_STRIDE, PAGE);
}

static void descriptors_write(const struct guest *g, struct guest_queue *q, bool device_writes)
{
	for (uint16_t id = 0; id < q->size; id++) {
		const uint8_t *buffer = q->buffers + (size_t)id * BUFFER_STRIDE + BUFFER_SKIP;

		q->desc[id] = (struct vring_desc){
			.addr = GUEST_BASE + (uint64_t)(buffer - g->memory),
			.len = BUFFER_LEN,
			.flags = device_writes ? VRING_DESC_F_WRITE : 0,
		};
		q->avail->ring[id] = id;
	}
	q->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
}

void guest_create(struct guest *ret, unsigned size, size_t store, bool huge)
{
	uint8_t *at;

	*ret = (struct guest){.memfd = -1};
	memory_make(ret, GUEST_QUEUES * queue_len(size) + store, huge);
	at = ret->memory;
	for (unsigned i = 0; i < GUEST_QUEUES; i++) {
		at = queue_place(&ret->queue[i], at, size);
		descriptors_write(ret, &ret->queue[i], i == GUEST_RX);
	}
	ret->store = at;
	guest_offer(&ret->queue[GUEST_RX], size);
}

void guest_destroy(struct guest *g)
{
	for (unsigned i = 0; i < GUEST_QUEUES; i++) {
		close(g->queue[i].kick);
		close(g->queue[i].call);
	}
	munmap(g->memory, g->len);
	close(g->memfd);
}

uint8_t *guest_frame(const struct guest_queue *q, unsigned id)
{
	return q->buffers + (size_t)id * BUFFER_STRIDE + CACHE_LINE;
}

void guest_frame_len_set(struct guest_queue *q, unsigned id, unsigned len)
{
	q->desc[id].len = GUEST_HDR_LEN + len;
}

void guest_offer(struct guest_queue *q, unsigned n)
{
	static const uint64_t one = 1;

	if (n == 0)
		return;
	q->avail_idx = (uint16_t)(q->avail_idx + n);
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
	/* The switch says whether it wants a kick, then looks at idx again: see virtio 1.2, 2.7.13.4.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY)
		return;
	if (write(q->kick, &one, sizeof(one)) != sizeof(one))
		return; /* the counter is full: it has been kicked */
}
