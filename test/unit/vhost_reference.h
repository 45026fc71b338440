/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor chains as the specification tells them (virtio 1.2, 2.7.5), for comparison. */
#ifndef LEAT_TEST_VHOST_REFERENCE_H
#define LEAT_TEST_VHOST_REFERENCE_H

#include "test/unit/vhost_guest.h"

struct piece {
	uint64_t gpa;
	uint32_t len;
};

struct pieces {
	uint32_t n;
	uint64_t total;
	struct piece p[2 * RING];
};

static inline bool inside(uint64_t gpa, uint64_t len)
{
	return gpa >= GPA && gpa < GPA + 2 * REGION && len <= GPA + 2 * REGION - gpa;
}

static inline bool ref_add(struct pieces *c, uint64_t gpa, uint32_t len)
{
	if (len == 0 || !inside(gpa, len))
		return false;
	c->total += len;
	if (gpa < BORDER && gpa + len > BORDER) {
		c->p[c->n++] = (struct piece){gpa, (uint32_t)(BORDER - gpa)};
		len -= (uint32_t)(BORDER - gpa);
		gpa = BORDER;
	}
	c->p[c->n++] = (struct piece){gpa, len};
	return true;
}

static inline struct vring_desc ref_desc(uint64_t gpa)
{
	struct vring_desc d;

	guest_copy_out(&guest, gpa, (uint8_t *)&d, sizeof(d));
	return d;
}

/* The chain that begins at head, appended to c; false if it is not a chain. */
static inline bool ref_walk(uint32_t head, bool write, struct pieces *c)
{
	uint64_t table = GPA;
	uint32_t size = RING, at = head, steps = 0;

	for (;;) {
		struct vring_desc d;

		if (at >= size || steps++ == size)
			return false;
		d = ref_desc(table + 16ULL * at);
		if (d.flags & INDIRECT) {
			if (table != GPA || (d.flags & NEXT) || d.len == 0 || d.len % 16 != 0 ||
				d.len > 16 * RING || !inside(d.addr, d.len) ||
				(d.addr < BORDER && d.addr + d.len > BORDER))
				return false;
			table = d.addr;
			size = d.len / 16;
			at = 0;
			steps = 0;
			continue;
		}
		if (!!(d.flags & WRITE) != write || c->n + 2 > 2 * RING ||
			!ref_add(c, d.addr, d.len))
			return false;
		if (!(d.flags & NEXT))
			return c->n <= VHOST_CHAIN_SEGS_MAX;
		at = d.next;
	}
}

static inline void ref_read(const struct pieces *c, uint8_t *dst)
{
	for (uint32_t i = 0; i < c->n; i++) {
		guest_copy_out(&guest, c->p[i].gpa, dst, c->p[i].len);
		dst += c->p[i].len;
	}
}

/* Pieces that are not used up after the first n bytes. */
static inline uint32_t ref_rest(const struct pieces *c, uint64_t n)
{
	uint32_t i = 0;

	while (i < c->n && n >= c->p[i].len)
		n -= c->p[i++].len;
	return c->n - i;
}

#endif
