/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any DPDK device as a port. ethdev.c creates and closes it, ethdev_setup.c configures its queues,
 * ethdev_pool.c has its mbufs, ethdev_kernel.c the kernel interface behind it, ethdev_rx.c
 * and ethdev_tx.c move frames.
 */
#ifndef LEAT_DATAPLANE_PORT_ETHDEV_H
#define LEAT_DATAPLANE_PORT_ETHDEV_H

/* DPDK's header includes <netinet/ip.h>, whose struct ip is another than lib/addr.h's. */
#define ip netinet_ip
#include <rte_ethdev.h>
#undef ip
#include <rte_mbuf.h>

#include "dataplane/port.h"
#include "lib/netdev.h"

#define ETHDEV_KIND_MAX 16
#define ETHDEV_DEVARGS_MAX 256
#define ETHDEV_RING 1024	/* descriptors of a queue, where the device leaves it to us */
#define ETHDEV_POOL_MBUFS 16383 /* of one shared pool; about 40 MB */
#define ETHDEV_POOL_CACHE 64	/* mbufs that each lcore keeps at hand */
#define ETHDEV_DATA_ROOM RTE_MBUF_DEFAULT_BUF_SIZE
#define ETHDEV_XSK_FILL 2048 /* mbufs that the AF_XDP driver gives the kernel, a queue */
#define ETHDEV_BUSY_MS 500   /* how long a queue may take to become free */
#define ETHDEV_RETRY_US 5000
#define ETHDEV_FDS_MAX 128 /* noted of one device */
#define ETHDEV_LINK_MS 20  /* how often an idle or stuck port looks at its link */
#define ETHDEV_L2_OVERHEAD (RTE_ETHER_HDR_LEN + VLAN_TAG_LEN) /* what a frame has besides its MTU */

/* What an fd number stood for: a socket's cookie, or the id of a BPF map or program. */
struct ethdev_fd {
	int fd;
	uint64_t id;
};

/* Those met while one AF_XDP device was set up; the first n_before were there before it. */
struct ethdev_fds {
	unsigned n;
	unsigned n_before;
	struct ethdev_fd fd[ETHDEV_FDS_MAX];
};

struct ethdev_lock {
	uint8_t lock; /* lib/spinlock.h */
} __attribute__((aligned(64)));

#define ETHDEV_BURST 32 /* mbufs of a call to a driver: each worker may hold two of these */

struct ethdev_port {
	struct port port;

	/* Fixed at creation. */
	struct port_ops ops; /* of this port: its kind is as configured */
	char kind[ETHDEV_KIND_MAX];
	char devargs[ETHDEV_DEVARGS_MAX];
	uint16_t dev_id;
	uint16_t n_txq;
	bool tx_locked;	 /* more workers than queues */
	bool multi_seg;	 /* transmits chains */
	bool tx_offload; /* finishes checksums; its frames go through rte_eth_tx_prepare() */
	bool busy;	 /* setup failed in a way that may pass in a moment */
	bool lends;	 /* received mbufs may go out by another device */
	uint32_t frame_max;
	struct rte_mempool *pool;
	unsigned reserved;	      /* mbufs of a shared pool; 0: the pool is the port's own */
	int xsk_fd[PORT_QUEUES_MAX];  /* the AF_XDP socket of each queue, -1: none */
	struct ethdev_fds fds;	      /* control side only */
	char netdev[NETDEV_NAME_LEN]; /* "" without a kernel interface */
	struct netdev_info found;     /* how it was before */
	struct ethdev_port *next;     /* of the live ones; ethdev.c's lock */

	/* The worker that polls the queue. */
	struct rte_mbuf *rx[PORT_QUEUES_MAX][ETHDEV_BURST];

	/* When the link was last looked at. Any worker, relaxed: looking twice does no harm. */
	uint64_t link_tsc;
	struct ethdev_lock tx_lock[PORT_QUEUES_MAX];
};

/*
 * A pool on that node (-1: any) with room for so many mbufs more, made where there is none yet. Shared
 * pools are never freed, since mbufs wander from device to device. Control side. NULL: EXHAUSTED.
 */
struct rte_mempool *ethdev_pool(int node, unsigned mbufs, struct error *err);
void ethdev_pool_return(struct rte_mempool *pool, unsigned mbufs);
/*
 * A pool for one AF_XDP port. The driver maps it for the kernel as a whole, and never gives back
 * what lies in the fill ring, so it ends with the port.
 */
struct rte_mempool *ethdev_pool_xsk(const struct ethdev_port *p, uint16_t mtu, struct error *err);
/* The largest MTU for which a frame and what the kernel puts before it fit one page. */
uint16_t ethdev_xsk_mtu_max(void);

bool ethdev_is(const struct ethdev_port *p, const char *kind);

/* Configure, queues, MTU, start. -1 and err; the caller closes the device. */
int ethdev_setup(struct ethdev_port *p, const struct port_params *common, struct error *err);

/* Is the interface there and up? Keeps how it was found in p. */
int ethdev_kernel_take(struct ethdev_port *p, struct error *err);
/* And put it back as it was. */
void ethdev_kernel_restore(struct ethdev_port *p);
/* Is the interface free for an AF_XDP port? A program that a killed process left behind is no hindrance. */
int ethdev_xdp_check(const struct ethdev_port *p, struct error *err);
/* Bring port.state up to date, at most every ETHDEV_LINK_MS. Any thread. */
void ethdev_kernel_link(struct ethdev_port *p);

/* Add the AF_XDP sockets, BPF maps and programs of this process that are neither in fds nor a live port's. */
void ethdev_fds_note(struct ethdev_fds *fds);
/* The first socket noted as the from-th or later, or -1. */
int ethdev_fds_socket(const struct ethdev_fds *fds, unsigned from);
/* Close what was noted as the from-th up to before the to-th and is still the same. */
void ethdev_fds_close(struct ethdev_fds *fds, unsigned from, unsigned to);

/* The ports that are open. Control side. */
struct ethdev_port *ethdev_live(void);

uint16_t ethdev_receive(struct port *port, uint16_t queue, struct burst *b);
void ethdev_release(struct port *port, uint16_t queue, struct burst *b);
void ethdev_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats);

#endif
