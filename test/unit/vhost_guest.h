/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest for tests of the vhost rings: two regions that are neighbours in its address space and not
 * in ours, with unmapped pages around each, so that one byte too many ends the test; and one ring.
 */
#ifndef LEAT_TEST_VHOST_GUEST_H
#define LEAT_TEST_VHOST_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "dataplane/port/vhost.h"

#define RING 256	      /* descriptors */
#define REGION (1U << 20)     /* bytes of each region */
#define GPA 0x40000000ULL     /* where the first begins in the guest */
#define BORDER (GPA + REGION) /* where it ends and the second begins */
#define GUARD 4096U
#define DATA (GPA + 0x10000) /* where buffers begin */
#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define TABLE (GPA + 0x8000) /* an indirect table */

struct guest {
	uint8_t *host[2];
	struct vhost_mem mem;
	struct vhost_port port;
	struct vhost_ring ring;
	uint16_t seen; /* of the used ring */
	uint16_t next; /* free descriptor */
};

static inline uint8_t *region_map(void)
{
	uint8_t *p = mmap(NULL, REGION + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + GUARD, REGION, PROT_READ | PROT_WRITE), 0);
	return p + GUARD;
}

/* The byte at gpa, which must be the guest's. */
static inline uint8_t *guest_at(struct guest *g, uint64_t gpa)
{
	assert_true(gpa >= GPA && gpa - GPA < 2 * REGION);
	return gpa < BORDER ? g->host[0] + (gpa - GPA) : g->host[1] + (gpa - BORDER);
}

/* Rings empty, indices at start. */
static inline void guest_reset(struct guest *g, uint8_t hdr_len, uint16_t start)
{
	memset(g->host[0], 0, REGION);
	memset(g->host[1], 0, REGION);
	memset(&g->port, 0, sizeof(g->port));
	g->ring = (struct vhost_ring){
		.desc = (struct vring_desc *)g->host[0],
		.avail = (struct vring_avail *)(g->host[0] + 0x2000),
		.used = (struct vring_used *)(g->host[0] + 0x3000),
		.mem = &g->mem,
		.size = RING,
		.callfd = -1,
		.kickfd = -1,
		.hdr_len = hdr_len,
		.port = &g->port,
		.last_avail = start,
		.seen_avail = start,
		.last_used = start,
		.called = start,
	};
	g->ring.avail->idx = start;
	g->ring.used->idx = start;
	g->seen = start;
	g->next = 0;
}

static inline void guest_open(struct guest *g)
{
	memset(g, 0, sizeof(*g));
	g->host[0] = region_map();
	g->host[1] = region_map();
	g->mem.n = 2;
	g->mem.region[0] = (struct vhost_region){GPA, REGION, g->host[0]};
	g->mem.region[1] = (struct vhost_region){BORDER, REGION, g->host[1]};
}

static inline void guest_close(struct guest *g)
{
	munmap(g->host[0] - GUARD, REGION + 2 * GUARD);
	munmap(g->host[1] - GUARD, REGION + 2 * GUARD);
}

static inline void guest_desc(
	struct guest *g, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	g->ring.desc[i] = (struct vring_desc){addr, len, flags, next};
}

static inline void guest_offer(struct guest *g, uint16_t head)
{
	g->ring.avail->ring[g->ring.avail->idx % RING] = head;
	g->ring.avail->idx++;
}

/* n buffers of len bytes each, one after the other, to receive into. */
static inline void guest_buffers(struct guest *g, uint16_t n, uint32_t len)
{
	for (uint16_t i = 0; i < n; i++) {
		guest_desc(g, i, DATA + (uint64_t)i * len, len, WRITE, 0);
		guest_offer(g, i);
	}
}

/* The next used element; there must be one. */
static inline struct vring_used_elem guest_used(struct guest *g)
{
	assert_int_not_equal(g->seen, g->ring.used->idx);
	return g->ring.used->ring[g->seen++ % RING];
}

/* How many of len bytes from gpa on lie in its region. */
static inline uint32_t guest_room(uint64_t gpa, uint32_t len)
{
	return gpa < BORDER ? (uint32_t)RTE_MIN((uint64_t)len, BORDER - gpa) : len;
}

static inline void guest_copy_in(struct guest *g, uint64_t gpa, const uint8_t *src, uint32_t len)
{
	uint32_t room = guest_room(gpa, len);

	memcpy(guest_at(g, gpa), src, room);
	if (len != room)
		guest_copy_in(g, BORDER, src + room, len - room);
}

static inline void guest_copy_out(struct guest *g, uint64_t gpa, uint8_t *dst, uint32_t len)
{
	uint32_t room = guest_room(gpa, len);

	memcpy(dst, guest_at(g, gpa), room);
	if (len != room)
		guest_copy_out(g, BORDER, dst + room, len - room);
}

/* All bytes of a frame, head and tail. */
static inline void frame_bytes(const struct frame *f, uint8_t *out)
{
	uint32_t at = f->head_len;

	memcpy(out, f->head, f->head_len);
	for (uint16_t i = 0; i < f->n_tail; i++) {
		assert_true(at + f->tail[i].len <= f->len);
		memcpy(out + at, f->tail[i].base, f->tail[i].len);
		at += f->tail[i].len;
	}
	assert_int_equal(at, f->len);
}

static inline uint64_t drops_sum(const struct port_stats *s)
{
	uint64_t n = 0;

	for (int i = 0; i < DROP_REASON_COUNT; i++)
		n += s->drops[i];
	return n;
}

/* A repeatable sequence: the tests print its seed when they fail. */
static inline uint32_t rnd(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % n;
}

/* What every test has. */
static struct guest guest;
static struct burst burst = {.max = BURST_MAX};
static struct port_stats stats;
static uint8_t pattern[1 << 17];

static inline int setup(void **state)
{
	(void)state;
	guest_open(&guest);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	guest_close(&guest);
	return 0;
}

static inline void start(uint8_t hdr_len, uint16_t at)
{
	guest_reset(&guest, hdr_len, at);
	memset(&stats, 0, sizeof(stats));
	memset(&burst, 0xee, sizeof(burst));
	burst.stats = &stats;
}

static inline struct vring_desc *table_entry(uint16_t i)
{
	return (struct vring_desc *)guest_at(&guest, TABLE) + i;
}

#endif
