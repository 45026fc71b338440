/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a memif connection.
 *
 * A server takes a client's memory only if the client cannot take it away again (F_SEAL_SHRINK, which
 * libmemif and DPDK's driver set): an access to a page that has gone is SIGBUS. Nor may it be pages
 * whose arrival somebody else decides (FUSE), or that may be missing (hugetlbfs).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dataplane/port/call.h"
#include "dataplane/port/memif.h"

struct memif_live *memif_live_new(struct memif_port *port)
{
	struct memif_live *live = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*live), (size_t)RTE_CACHE_LINE_SIZE));

	if (live == NULL)
		return NULL;
	*live = (struct memif_live){
		.rx = {.mem = &live->mem, .eventfd = -1, .port = port},
		.tx = {.mem = &live->mem, .eventfd = -1, .port = port},
	};
	return live;
}

void memif_live_free(struct memif_live *live)
{
	if (live == NULL)
		return;
	for (uint32_t i = 0; i < live->mem.n; i++)
		munmap(live->mem.region[i].base, live->mem.region[i].size);
	if (live->rx.eventfd >= 0)
		close(live->rx.eventfd);
	if (live->tx.eventfd >= 0)
		close(live->tx.eventfd);
	free(live);
}

static const char *region_map(struct memif_live *live, uint64_t size, int fd)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return "the memory region cannot be mapped";
	live->mem.region[live->mem.n++] = (struct memif_region){base, size};
	return NULL;
}

static const char *region_refusal(uint64_t size, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (size == 0 || size > MEMIF_REGION_MAX)
		return "a memory region has 1 byte to 1 GB";
	if (fstatfs(fd, &fs) != 0 || fs.f_type != TMPFS_MAGIC)
		return "a memory region comes without a memfd of ordinary pages";
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return "a memory region is not sealed against shrinking";
	/* Sealed: it stays as large as it is now. */
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < size)
		return "a memory region is smaller than its message says";
	return NULL;
}

const char *memif_region_take(struct memif_live *live, uint16_t index, uint64_t size, int fd)
{
	const char *why;

	if (index != live->mem.n || index >= MEMIF_REGIONS_MAX)
		why = "regions come one after the other, eight at most";
	else if (fd < 0)
		why = "a memory region comes without a memfd";
	else
		why = region_refusal(size, fd);
	if (why == NULL)
		why = region_map(live, size, fd);
	if (fd >= 0)
		close(fd);
	return why;
}

static size_t shm_size(uint8_t log2)
{
	return sizeof(struct memif_shm) + sizeof(struct memif_desc) * (1UL << log2);
}

/* ours: who moves head. */
static void ring_place(struct memif_ring *r, void *at, uint8_t log2, bool ours, int fd)
{
	r->shm = at;
	r->size = (uint16_t)(1U << log2);
	r->near = ours ? &r->shm->head : &r->shm->tail;
	r->far = ours ? &r->shm->tail : &r->shm->head;
	r->eventfd = fd;
	rte_spinlock_init(&r->lock);
}

static const char *ring_refusal(const struct memif_live *live, const struct memif_ring *r,
	const struct memif_msg *m, int fd)
{
	const struct memif_region *region;

	if (m->add_ring.index != 0 || r->size != 0)
		return "this interface has one ring each way";
	if (m->add_ring.log2 > MEMIF_LOG2_MAX)
		return "a ring has 16384 slots at most";
	if (m->add_ring.private_hdr != 0)
		return "private headers are not known here";
	if (m->add_ring.region >= live->mem.n)
		return "a ring lies in a region that is not there";
	region = &live->mem.region[m->add_ring.region];
	if (m->add_ring.offset % RTE_CACHE_LINE_SIZE != 0 || m->add_ring.offset >= region->size ||
		shm_size(m->add_ring.log2) > region->size - m->add_ring.offset)
		return "a ring does not lie inside its region";
	return port_is_eventfd(fd) ? NULL : "a ring comes without an eventfd";
}

const char *memif_ring_take(struct memif_live *live, const struct memif_msg *m, int fd)
{
	struct memif_ring *r = m->add_ring.flags & MEMIF_RING_C2S ? &live->rx : &live->tx;
	const char *why = ring_refusal(live, r, m, fd);

	if (why == NULL)
		ring_place(r, live->mem.region[m->add_ring.region].base + m->add_ring.offset,
			m->add_ring.log2, false, fd);
	else if (fd >= 0)
		close(fd);
	return why;
}

const char *memif_live_check(struct memif_live *live)
{
	if (live->rx.size == 0 || live->tx.size == 0)
		return "a ring is missing";
	if (live->rx.shm->cookie != MEMIF_COOKIE || live->tx.shm->cookie != MEMIF_COOKIE)
		return "a ring does not begin with its cookie";
	memif_ring_ask_not(&live->rx);
	return NULL;
}

/* --- what a client makes: both rings, then the buffers of both --- */

uint32_t memif_ring_offset(uint8_t log2, bool c2s)
{
	return c2s ? 0 : (uint32_t)shm_size(log2);
}

static size_t buffers_size(uint8_t log2)
{
	return (size_t)MEMIF_BUFFER << log2;
}

uint64_t memif_region_size(uint8_t log2)
{
	return 2 * (shm_size(log2) + buffers_size(log2));
}

static void ring_make(struct memif_live *live, struct memif_ring *r, uint8_t log2, bool c2s)
{
	uint8_t *base = live->mem.region[0].base;
	size_t buffers = 2 * shm_size(log2) + (c2s ? 0 : buffers_size(log2));

	ring_place(r, base + memif_ring_offset(log2, c2s), log2, true,
		eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	r->lead = r->size;
	r->buffers = base + buffers;
	r->shm->cookie = MEMIF_COOKIE;
	for (uint16_t i = 0; i < r->size; i++)
		r->shm->desc[i] = (struct memif_desc){
			.length = MEMIF_BUFFER,
			.offset = (uint32_t)(buffers + (size_t)i * MEMIF_BUFFER),
		};
}

int memif_region_make(struct memif_live *live, uint8_t log2)
{
	int fd = memfd_create("memif", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t size = memif_region_size(log2);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) != 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
		region_map(live, size, fd) != NULL) {
		close(fd);
		return -1;
	}
	ring_make(live, &live->tx, log2, true);
	ring_make(live, &live->rx, log2, false);
	if (live->tx.eventfd < 0 || live->rx.eventfd < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void memif_live_begin(struct memif_live *live)
{
	memif_ring_ask_not(&live->rx);
	__atomic_store_n(live->rx.near, live->rx.lead, __ATOMIC_RELEASE);
}
