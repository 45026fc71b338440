/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to the vhost-user port.
 *
 * vhost.c        create, close, the operations
 * vhost_conn.c   connections
 * vhost_live.c   what workers see of one
 * vhost_msg.c    which messages a peer may send
 * vhost_mem.c    guest addresses, descriptor chains
 * vhost_rx.c     a guest's transmit ring into a burst
 * vhost_tx.c     frames into a guest's receive ring
 * vhost_wait.c   kicks and calls
 * vhost_sigbus.c memory that goes away
 *
 * DPDK's vhost library does the socket, the handshake and the memory mapping; the split rings
 * (virtio 1.2, section 2.7) are walked here. The peer is hostile: whatever lies in its memory is
 * read once into private memory, checked there and used from there.
 */
#ifndef LEAT_DATAPLANE_PORT_VHOST_H
#define LEAT_DATAPLANE_PORT_VHOST_H

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_spinlock.h>

#include "dataplane/frame.h"
#include "dataplane/port.h"

#define VHOST_REGIONS_MAX 8	  /* memory regions of one peer; the library's own limit */
#define VHOST_RING_SIZE_MAX 32768 /* virtio 1.2, 2.7 */
#define VHOST_VRINGS_MAX (2 * PORT_QUEUES_MAX)
#define VHOST_CHAIN_SEGS_MAX 256 /* host pieces of the chains for one frame */
#define VHOST_CHAINS_MAX 128	 /* chains for one frame, with mergeable buffers */
#define VHOST_SOCKET_MAX 107	 /* bytes of a socket's path */
#define VHOST_PEERS_MAX 4	 /* connections of one port: the one served, and what waits */
#define VHOST_HDR_LEN 10	 /* struct virtio_net_hdr */
#define VHOST_HDR_MRG_LEN 12	 /* with num_buffers */

struct rte_vhost_memory;

/* A stretch of guest memory that is contiguous here. */
struct vhost_region {
	uint64_t gpa; /* guest physical */
	uint64_t size;
	uint8_t *host;
};

/* A peer's memory, immutable while any ring points at it. */
struct vhost_mem {
	uint32_t n;
	struct vhost_region region[VHOST_REGIONS_MAX];
};

/*
 * One virtqueue. Made and freed by whoever holds vhost_port.lock; freed after all workers have
 * passed a quiescent point. The first part never changes; the second belongs to the one worker that
 * uses the queue, or to the holder of lock where several transmit.
 */
struct vhost_ring {
	struct vring_desc *desc; /* guest memory, these three */
	struct vring_avail *avail;
	struct vring_used *used;
	const struct vhost_mem *mem;
	uint32_t size; /* a power of two */
	uint32_t caps; /* enum port_caps the peer takes */
	int callfd;    /* to signal the guest, -1 none */
	int kickfd;    /* ours to close; -1 none */
	uint16_t vring;
	uint8_t hdr_len; /* VHOST_HDR_LEN or VHOST_HDR_MRG_LEN */
	bool event_idx;
	bool mergeable;
	struct vhost_port *port;

	rte_spinlock_t lock __rte_cache_aligned;
	uint16_t last_avail; /* next entry of the available ring to take */
	uint16_t seen_avail; /* the guest's index when last read: what is offered for certain */
	uint16_t last_used;  /* next entry of the used ring to write */
	uint16_t called;     /* last_used when it was last seen to that the guest knows */
	uint16_t n_held;     /* taken by receive, given back by release */
	bool broken;	     /* the guest's indices make no sense: not served any more */
	uint32_t held[BURST_MAX];
};

/* What workers see of a port: replaced as a whole, never changed. NULL: nobody is there. */
struct vhost_live {
	const uint32_t *faulted; /* vhost_conn.faulted */
	struct vhost_ring
		*rx[PORT_QUEUES_MAX]; /* what the guest sends, by queue; NULL: not enabled */
	struct vhost_ring
		*tx[WORKERS_MAX]; /* what it receives, by worker; all NULL: none enabled */
	struct vhost_ring *vring[VHOST_VRINGS_MAX];
};

/* One connection; static, one for each device number of the library. Guarded by port->lock but for:
 */
struct vhost_conn {
	struct vhost_port *port; /* NULL: free. Changed under the lock of the list of ports too */
	struct vhost_mem *mem;	 /* NULL until the peer has told */
	uint64_t features;
	uint32_t enabled;  /* bit per vring, by vring_state_changed */
	uint32_t changing; /* bit per vring: a message about it is being handled */
	bool running;	   /* between new_device and destroy_device */
	int sock;	   /* a duplicate of the connection, to shut it down */
	uint32_t faulted;  /* set by the SIGBUS handler; read by workers; relaxed */
	uint32_t serving;  /* this is the one its port serves; read by the SIGBUS handler */
};

struct vhost_port {
	struct port port;
	struct vhost_live
		*live; /* published with release under lock, taken with acquire by workers */
	bool tx_lock;  /* more than one worker: they may meet on one ring */

	struct {
		struct vhost_ring
			*ring; /* of the burst between receive and release; the worker's own */
	} __rte_cache_aligned rxq[PORT_QUEUES_MAX];

	struct {
		struct vhost_ring
			*ring; /* that transmit used since the last notice; the worker's own */
	} __rte_cache_aligned txq[WORKERS_MAX];

	pthread_mutex_t lock; /* control side and the library's threads; never workers */
	struct vhost_conn *conn[VHOST_PEERS_MAX]; /* by age; [0] is served */
	bool closing;
	bool server;
	uint16_t queues;
	char socket[VHOST_SOCKET_MAX + 1];
	struct vhost_port *next; /* list of all vhost ports, see vhost_conn.c */
};

/* A descriptor chain as pieces of host memory, built by vhost_chain_walk(). */
struct vhost_chain {
	uint32_t n;
	uint64_t total; /* bytes */
	struct seg seg[VHOST_CHAIN_SEGS_MAX];
};

/* --- reading and writing guest memory --- */

struct vhost_u64 {
	uint64_t v;
} __attribute__((packed, may_alias));
struct vhost_u32 {
	uint32_t v;
} __attribute__((packed, may_alias));
struct vhost_u16 {
	uint16_t v;
} __attribute__((packed, may_alias));

/* One read each, that the compiler may not repeat. */
static inline uint64_t vhost_read64(const void *p)
{
	return ((const volatile struct vhost_u64 *)p)->v;
}

static inline uint16_t vhost_read16(const void *p)
{
	return ((const volatile struct vhost_u16 *)p)->v;
}

static inline void vhost_write64(void *p, uint64_t v)
{
	((struct vhost_u64 *)p)->v = v;
}

static inline void vhost_write32(void *p, uint32_t v)
{
	((struct vhost_u32 *)p)->v = v;
}

static inline void vhost_write16(void *p, uint16_t v)
{
	((struct vhost_u16 *)p)->v = v;
}

/* p: a struct vring_desc, at any address: an indirect table has no alignment. */
static inline struct vring_desc vhost_desc_read(const void *p)
{
	uint64_t rest = vhost_read64((const uint8_t *)p + offsetof(struct vring_desc, len));

	return (struct vring_desc){
		.addr = vhost_read64(p),
		.len = (uint32_t)rest,
		.flags = (uint16_t)(rest >> 32),
		.next = (uint16_t)(rest >> 48),
	};
}

/* Where len bytes from gpa on lie, or NULL if they are not in one region. */
static inline uint8_t *vhost_host(const struct vhost_mem *mem, uint64_t gpa, uint64_t len)
{
	for (uint32_t i = 0; i < mem->n; i++) {
		const struct vhost_region *r = &mem->region[i];
		uint64_t off = gpa - r->gpa;

		if (off < r->size && len <= r->size - off)
			return r->host + off;
	}
	return NULL;
}

/*
 * Copy len bytes, at most FRAME_HEAD_MAX, touching no others on either side. Two moves of a fixed
 * size that overlap: no loop and no call for the sizes that matter.
 */
static inline void vhost_copy_head(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	if (likely(len >= 64)) {
		memcpy(dst, src, 64);
		if (len > 64)
			memcpy(dst + len - 64, src + len - 64, 64);
	} else if (len >= 32) {
		memcpy(dst, src, 32);
		memcpy(dst + len - 32, src + len - 32, 32);
	} else if (len >= 16) {
		memcpy(dst, src, 16);
		memcpy(dst + len - 16, src + len - 16, 16);
	} else if (len >= 8) {
		memcpy(dst, src, 8);
		memcpy(dst + len - 8, src + len - 8, 8);
	} else {
		for (uint32_t i = 0; i < len; i++)
			dst[i] = src[i];
	}
}

/* Used entry at index: not yet the guest's, see vhost_used_publish(). */
static inline void vhost_used_put(struct vhost_ring *r, uint16_t index, uint32_t id, uint32_t len)
{
	vhost_write64(&r->used->ring[index & (r->size - 1)], id | (uint64_t)len << 32);
}

/* vhost_rx.c: the guest's indices make no sense: serve this queue no more and say so on the port. */
void vhost_ring_break(struct vhost_ring *r);

/* The entries up to last_used are the guest's now. */
static inline void vhost_used_publish(struct vhost_ring *r)
{
	__atomic_store_n(&r->used->idx, r->last_used, __ATOMIC_RELEASE);
}

/*
 * How many entries the guest offers. Its index lies in a line that it writes, so it is read only
 * when what was seen before does not reach `want`. A ring whose index makes no sense is broken, and has
 * none.
 */
static inline uint16_t vhost_avail(struct vhost_ring *r, uint16_t want)
{
	uint16_t n = r->seen_avail - r->last_avail;

	if (n >= want)
		return n;
	r->seen_avail = __atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE);
	n = r->seen_avail - r->last_avail;
	if (likely(n <= r->size))
		return n;
	r->seen_avail = r->last_avail;
	vhost_ring_break(r);
	return 0;
}

/* --- vhost_mem.c --- */

/*
 * Append the chain that begins at descriptor head to c. writable: all of it must be for the device
 * to write, else all of it to read. -1 if it is out of the guest's memory, looped, empty or too
 * long; c is then useless.
 */
int vhost_chain_walk(
	const struct vhost_ring *r, uint16_t head, bool writable, struct vhost_chain *c);

/* Copy what the library knows of a peer's memory; NULL without memory. Free with free(). */
struct vhost_mem *vhost_mem_new(const struct rte_vhost_memory *table);

/* Do len bytes at host all lie in one region? */
bool vhost_mem_holds(const struct vhost_mem *mem, const void *host, uint64_t len);

/* --- vhost_rx.c, vhost_tx.c: what port_ops do, on one ring; worker --- */

uint16_t vhost_ring_receive(struct vhost_ring *r, struct burst *b);
void vhost_ring_release(struct vhost_ring *r);
void vhost_ring_transmit(
	struct vhost_ring *r, const struct tx_item *items, uint16_t n, struct port_stats *stats);
uint16_t vhost_receive(struct port *port, uint16_t queue, struct burst *b);
void vhost_release(struct port *port, uint16_t queue, struct burst *b);
void vhost_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats);
uint16_t vhost_tx_room(struct port *port, unsigned worker, uint16_t n);

/* --- vhost_wait.c; worker --- */

/* Signal the guest, if it wants to know, what was given to it since the last time. */
void vhost_ring_notify(struct vhost_ring *r);
void vhost_notify_rx(struct port *port, uint16_t queue);
void vhost_notify_tx(struct port *port, unsigned worker);

/* Tell the guest whether to kick; enabling returns true when there is work already. */
bool vhost_ring_kicks(struct vhost_ring *r, bool enable);

enum port_wait vhost_wait_begin(struct port *port, uint16_t queue);
void vhost_wait_end(struct port *port, uint16_t queue);
int vhost_wait_fd(struct port *port, uint16_t queue);

/* --- vhost_conn.c; control side and the library's threads --- */

struct rte_vhost_device_ops;
extern const struct rte_vhost_device_ops vhost_device_ops;

/* Put a port on the list by which connections find it; -1 if its socket is on it already. */
int vhost_list_add(struct vhost_port *port);
void vhost_list_del(struct vhost_port *port);

/* Of a device number; NULL if it is none of ours. */
struct vhost_conn *vhost_conn_get(int vid);
int vhost_conn_vid(const struct vhost_conn *conn);

/* Forget all connections; the library no longer knows them, or will not call again. Locked. */
void vhost_conn_drop_all(struct vhost_port *port);

/* --- vhost_live.c; the same threads --- */

/* Make what workers see follow port->conn[0]; no worker uses what went, on return. Locked. */
void vhost_update(struct vhost_port *port);

/* --- vhost_msg.c: hooks of the library's message handler --- */

int vhost_msg_hook(int vid);

/* --- vhost_sigbus.c --- */

/* Install the handler, once a process. Returns 0 or -1 with errno. */
int vhost_guard_init(void);

/* From now on a fault in these mappings is the fault of conn alone; NULL: there are none. */
void vhost_guard_set(struct vhost_conn *conn, const struct rte_vhost_memory *table);

/* This thread handles a message of conn, and may touch what it has just mapped; NULL: no more. */
void vhost_guard_thread(struct vhost_conn *conn);

#endif
