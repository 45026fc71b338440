/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The yardstick for vhost-user ports: DPDK's vhost library, dequeue from one guest and enqueue to
 * the other, nothing in between.
 *
 *	bench-loop-library [EAL ARGUMENTS] -- SOCKET SOCKET
 */
#include <err.h>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#include "test/bench/loop_ports.h"

#define BURST 32
#define MBUFS 16383
#define MBUF_CACHE 256

static void carry(struct rte_mempool *pool, int from, int to)
{
	struct rte_mbuf *burst[BURST];
	uint16_t n = rte_vhost_dequeue_burst(from, LOOP_TX, pool, burst, BURST);

	if (n == 0)
		return;
	rte_vhost_enqueue_burst(to, LOOP_RX, burst, n);
	rte_pktmbuf_free_bulk(burst, n);
}

int main(int argc, char **argv)
{
	struct rte_mempool *pool;
	int vid[LOOP_PORTS];

	loop_ports_open(argc, argv, 0, NULL);
	pool = rte_pktmbuf_pool_create(
		"frames", MBUFS, MBUF_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		errx(1, "no memory for %d mbufs", MBUFS);
	while (loop_ports_wanted()) {
		if (loop_ports_enter(vid)) {
			carry(pool, vid[0], vid[1]);
			carry(pool, vid[1], vid[0]);
		}
		loop_ports_leave();
	}
	loop_ports_close();
	return 0;
}
