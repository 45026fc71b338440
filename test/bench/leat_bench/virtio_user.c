/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's virtio-user ports, as a guest with a DPDK application has them. Frames lie ready in the
 * mbufs of a pool that nothing else writes to.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* DPDK's header includes <netinet/ip.h>, whose struct ip is another than lib/addr.h's. */
#define ip netinet_ip
#include <rte_ethdev.h>
#undef ip
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "test/bench/leat_bench/port.h"

#define RECEIVE_BURST 32
#define POOL_CACHE 256
#define MEMORY_MB "128"
#define ARGUMENT_MAX 256

struct virtio_port {
	struct rte_mempool *frames; /* to send; one buffer number each */
	bool changes;
};

static void start_eal(const struct bench_options *o)
{
	char lcores[ARGUMENT_MAX], device[BENCH_SIDES][ARGUMENT_MAX], mac[MAC_TEXT_LEN];
	char *argv[] = {"leat-bench", "--in-memory", "--single-file-segments", "-m", MEMORY_MB,
		"--no-pci", "--no-telemetry", "--log-level=error", "--lcores", lcores, "--vdev",
		device[0], "--vdev", device[1], NULL};

	snprintf(lcores, sizeof(lcores), "0@%d", o->cpu);
	for (int side = 0; side < BENCH_SIDES; side++) {
		mac_format(&o->mac[side], mac);
		snprintf(device[side], sizeof(device[side]),
			"net_virtio_user%d,path=%s,mac=%s,queue_size=%u,server=%d", side,
			o->socket[side], mac, o->ring_size, o->server);
	}
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		errx(1, "DPDK did not start: %s", rte_strerror(rte_errno));
}

static void frame_make(struct rte_mempool *pool, void *out, void *object, unsigned number)
{
	struct rte_mbuf *m = object;

	(void)pool;
	rte_pktmbuf_reset(m);
	stream_frame_make(out, number, rte_pktmbuf_mtod(m, uint8_t *));
}

static struct rte_mempool *pool_make(const char *what, int side, unsigned n)
{
	char name[ARGUMENT_MAX];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "%s%d", what, side);
	pool = rte_pktmbuf_pool_create(
		name, n, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		errx(1, "no memory for %u mbufs", n);
	return pool;
}

static void port_start(struct port *p, int side, const struct bench_options *o)
{
	struct virtio_port *v = calloc(1, sizeof(*v));
	unsigned mbufs = 2 * o->ring_size + BENCH_BURST_MAX + POOL_CACHE;
	struct rte_eth_conf conf = {0};
	char name[ARGUMENT_MAX];

	if (v == NULL)
		err(1, "a port");
	snprintf(name, sizeof(name), "net_virtio_user%d", side);
	v->frames = pool_make("frames", side, mbufs);
	rte_mempool_obj_iter(v->frames, frame_make, p->out);
	v->changes = stream_changes(p->out, mbufs);
	p->state = v;
	if (rte_eth_dev_get_port_by_name(name, &p->number) != 0 ||
		rte_eth_dev_configure(p->number, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(p->number, 0, (uint16_t)o->ring_size, SOCKET_ID_ANY, NULL,
			pool_make("receive", side, mbufs)) != 0 ||
		rte_eth_tx_queue_setup(p->number, 0, (uint16_t)o->ring_size, SOCKET_ID_ANY, NULL) !=
			0 ||
		rte_eth_dev_start(p->number) != 0)
		errx(1, "%s: the port does not start", o->socket[side]);
}

static void virtio_open(struct port ports[BENCH_SIDES], const struct bench_options *o)
{
	if (o->n_idle != 0)
		errx(2, "--idle: not together with --virtio-user");
	start_eal(o);
	for (int side = 0; side < BENCH_SIDES; side++)
		port_start(&ports[side], side, o);
}

static unsigned virtio_send(struct port *p, unsigned n)
{
	struct virtio_port *v = p->state;
	struct rte_mbuf *burst[BENCH_BURST_MAX];
	unsigned sent;

	if (rte_pktmbuf_alloc_bulk(v->frames, burst, n) != 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(burst[i], uint8_t *);
		/* IPv4's total length, which the frame was made with */
		unsigned len = (unsigned)(frame[16] << 8 | frame[17]) + RTE_ETHER_HDR_LEN;

		burst[i]->pkt_len = len;
		burst[i]->data_len = (uint16_t)len;
		if (v->changes)
			stream_next(p->out, frame);
	}
	sent = rte_eth_tx_burst(p->number, 0, burst, (uint16_t)n);
	rte_pktmbuf_free_bulk(burst + sent, n - sent);
	p->out->count.sent += sent;
	return sent;
}

static unsigned virtio_receive(struct port *p)
{
	struct rte_mbuf *burst[RECEIVE_BURST];
	unsigned n = rte_eth_rx_burst(p->number, 0, burst, RECEIVE_BURST);

	for (unsigned i = 0; i < n; i++)
		p->in->count.bytes += burst[i]->pkt_len;
	for (unsigned i = 0; p->in->marks && i < n; i++)
		stream_arrived(p->in, rte_pktmbuf_mtod(burst[i], uint8_t *), burst[i]->data_len);
	rte_pktmbuf_free_bulk(burst, n);
	p->in->count.received += n;
	return n;
}

static enum port_backlog virtio_backlog(struct port *p)
{
	(void)p; /* the driver does not say */
	return BACKLOG_UNKNOWN;
}

static bool virtio_gone(const struct port *p)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(p->number, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_DOWN;
}

static void virtio_close(struct port ports[BENCH_SIDES])
{
	for (int side = 0; side < BENCH_SIDES; side++) {
		if (rte_eth_dev_stop(ports[side].number) == 0)
			rte_eth_dev_close(ports[side].number);
		free(ports[side].state);
	}
	rte_eal_cleanup();
}

const struct front_end front_end_virtio_user = {
	.name = "virtio-user",
	.open = virtio_open,
	.send = virtio_send,
	.receive = virtio_receive,
	.backlog = virtio_backlog,
	.gone = virtio_gone,
	.close = virtio_close,
};
