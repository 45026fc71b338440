/* SPDX-License-Identifier: BSD-3-Clause */
/* Mbufs. Shared pools by node, added as ports come; a pool of its own for each AF_XDP port. */
#include "dataplane/port/ethdev.h"

#include <stdio.h>

#include <rte_errno.h>
#include <rte_mempool.h>

#include "lib/alloc.h"

#define XDP_HEADROOM 256 /* what the kernel keeps before a frame, XDP_PACKET_HEADROOM */
#define XSK_CHUNK_MIN 2048
#define XSK_CHUNK_MAX 4096
#define XSK_OVERHEAD                                                                               \
	(sizeof(struct rte_mempool_objhdr) + sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM +      \
		XDP_HEADROOM)

/* Control side only. */
struct pool {
	struct pool *next;
	struct rte_mempool *mp;
	int node;
	unsigned reserved;
};

static struct pool *pools;
static unsigned n_created; /* for names; pools of ports included */

static struct pool *pool_find(int node, unsigned mbufs)
{
	for (struct pool *p = pools; p != NULL; p = p->next)
		if (p->node == node && p->reserved + mbufs <= ETHDEV_POOL_MBUFS)
			return p;
	return NULL;
}

static struct pool *pool_add(int node, struct error *err)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *mp;
	struct pool *p;

	snprintf(name, sizeof(name), "leat_mbufs_%u", n_created++);
	mp = rte_pktmbuf_pool_create(
		name, ETHDEV_POOL_MBUFS, ETHDEV_POOL_CACHE, 0, ETHDEV_DATA_ROOM, node);
	if (mp == NULL) {
		error_set(err, LEAT_EXHAUSTED,
			"no memory for %u packet buffers (%u MB): give the daemon more with "
			"--memory",
			ETHDEV_POOL_MBUFS, ETHDEV_POOL_MBUFS * 2560U >> 20);
		return NULL;
	}
	p = alloc_zero(1, sizeof(*p));
	*p = (struct pool){.next = pools, .mp = mp, .node = node};
	pools = p;
	return p;
}

struct rte_mempool *ethdev_pool(int node, unsigned mbufs, struct error *err)
{
	struct pool *p;

	if (mbufs > ETHDEV_POOL_MBUFS) {
		error_set(err, LEAT_EXHAUSTED,
			"the device's queues take %u packet buffers, more than %u", mbufs,
			ETHDEV_POOL_MBUFS);
		return NULL;
	}
	p = pool_find(node, mbufs);
	if (p == NULL)
		p = pool_add(node, err);
	if (p == NULL)
		return NULL;
	p->reserved += mbufs;
	return p->mp;
}

void ethdev_pool_return(struct rte_mempool *pool, unsigned mbufs)
{
	for (struct pool *p = pools; p != NULL; p = p->next)
		if (p->mp == pool)
			p->reserved -= mbufs;
}

uint16_t ethdev_xsk_mtu_max(void)
{
	return XSK_CHUNK_MAX - XSK_OVERHEAD - ETHDEV_L2_OVERHEAD - VLAN_TAG_LEN;
}

/*
 * The driver computes an mbuf's place from the pool's first byte and the size of one: the mbufs have
 * to lie in one piece of memory, without gaps at page borders or spreading over memory channels.
 */
struct rte_mempool *ethdev_pool_xsk(const struct ethdev_port *p, uint16_t mtu, struct error *err)
{
	unsigned n = p->port.n_rxq * (ETHDEV_XSK_FILL + ETHDEV_RING + ETHDEV_RING / 2);
	unsigned room =
		RTE_PKTMBUF_HEADROOM + XDP_HEADROOM + mtu + ETHDEV_L2_OVERHEAD + VLAN_TAG_LEN;
	unsigned least =
		XSK_CHUNK_MIN - sizeof(struct rte_mempool_objhdr) - sizeof(struct rte_mbuf);
	struct rte_pktmbuf_pool_private priv = {0};
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *mp;

	if (room < least)
		room = least;
	priv.mbuf_data_room_size = (uint16_t)RTE_ALIGN_CEIL(room, RTE_CACHE_LINE_SIZE);
	snprintf(name, sizeof(name), "leat_xsk_%u", n_created++);
	mp = rte_mempool_create(name, n, sizeof(struct rte_mbuf) + priv.mbuf_data_room_size,
		ETHDEV_POOL_CACHE, sizeof(priv), rte_pktmbuf_pool_init, &priv, rte_pktmbuf_init,
		NULL, p->port.numa_node, RTE_MEMPOOL_F_NO_SPREAD | RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (mp != NULL && mp->nb_mem_chunks != 1) {
		rte_mempool_free(mp);
		mp = NULL;
	}
	if (mp == NULL)
		error_set(err, LEAT_EXHAUSTED,
			"no %u MB of memory in one piece for AF_XDP on %s: give the daemon more "
			"with --memory",
			(unsigned)((uint64_t)n * (priv.mbuf_data_room_size + 192U) >> 20),
			p->netdev);
	return mp;
}
