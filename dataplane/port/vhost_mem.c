/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest addresses and descriptor chains (virtio 1.2, 2.7.5). The slow form, for everything but a
 * single descriptor inside one region.
 */
#include <stdlib.h>

#include <rte_vhost.h>

#include "dataplane/port/vhost.h"

struct vhost_mem *vhost_mem_new(const struct rte_vhost_memory *table)
{
	struct vhost_mem *mem;

	if (table->nregions == 0 || table->nregions > VHOST_REGIONS_MAX)
		return NULL;
	mem = calloc(1, sizeof(*mem));
	if (mem == NULL)
		return NULL;
	for (uint32_t i = 0; i < table->nregions; i++) {
		mem->region[i].gpa = table->regions[i].guest_phys_addr;
		mem->region[i].size = table->regions[i].size;
		mem->region[i].host = (uint8_t *)(uintptr_t)table->regions[i].host_user_addr;
	}
	mem->n = table->nregions;
	return mem;
}

bool vhost_mem_holds(const struct vhost_mem *mem, const void *host, uint64_t len)
{
	for (uint32_t i = 0; i < mem->n; i++) {
		uint64_t off = (uintptr_t)host - (uintptr_t)mem->region[i].host;

		if (off < mem->region[i].size && len <= mem->region[i].size - off)
			return true;
	}
	return false;
}

/* Where gpa lies, and how many bytes from there on; NULL if nowhere. */
static uint8_t *region_of(const struct vhost_mem *mem, uint64_t gpa, uint64_t *room)
{
	for (uint32_t i = 0; i < mem->n; i++) {
		uint64_t off = gpa - mem->region[i].gpa;

		if (off < mem->region[i].size) {
			*room = mem->region[i].size - off;
			return mem->region[i].host + off;
		}
	}
	return NULL;
}

/* Append a range that may go on in the next region: contiguous there, not here. */
static int chain_add(const struct vhost_mem *mem, uint64_t gpa, uint32_t len, struct vhost_chain *c)
{
	if (len == 0 || gpa + len < gpa)
		return -1;
	c->total += len;
	while (len != 0) {
		uint64_t room = 0;
		uint8_t *host = region_of(mem, gpa, &room);
		uint32_t piece = (uint32_t)RTE_MIN((uint64_t)len, room);

		if (host == NULL || c->n == VHOST_CHAIN_SEGS_MAX)
			return -1;
		c->seg[c->n++] = (struct seg){host, piece};
		gpa += piece;
		len -= piece;
	}
	return 0;
}

/*
 * Follow n_table descriptors at most: a chain that is longer than its table has a loop. indirect:
 * the table is one, and may not lead to another.
 */
static int table_walk(const struct vhost_ring *r, const uint8_t *table, uint32_t n_table,
	uint32_t at, bool writable, bool indirect, struct vhost_chain *c)
{
	for (uint32_t left = n_table; left != 0; left--) {
		struct vring_desc d;

		if (at >= n_table)
			return -1;
		d = vhost_desc_read(table + at * sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			const uint8_t *inner;

			if (indirect || (d.flags & VRING_DESC_F_NEXT) || d.len == 0 ||
				d.len % sizeof(d) != 0 || d.len / sizeof(d) > r->size)
				return -1;
			inner = vhost_host(r->mem, d.addr, d.len);
			if (inner == NULL)
				return -1;
			return table_walk(r, inner, d.len / sizeof(d), 0, writable, true, c);
		}
		if (!!(d.flags & VRING_DESC_F_WRITE) != writable ||
			chain_add(r->mem, d.addr, d.len, c) != 0)
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		at = d.next;
	}
	return -1;
}

int vhost_chain_walk(
	const struct vhost_ring *r, uint16_t head, bool writable, struct vhost_chain *c)
{
	return table_walk(r, (const uint8_t *)r->desc, r->size, head, writable, false, c);
}
