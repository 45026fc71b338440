/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to the memif port: an interface in memory that two processes share, with a ring each way.
 *
 * memif.c           create, close, the operations
 * memif_thread.c    the thread that sees to it that peers connect
 * memif_listener.c  the sockets of servers
 * memif_conn.c      connections
 * memif_msg.c       their messages
 * memif_mem.c       regions and rings: a client makes them, a server takes them
 * memif_ring.c      frames in and out
 *
 * The protocol is memif 2.0, as libmemif and DPDK's net_memif speak it (its layout is that of DPDK's
 * drivers/net/memif/memif.h). The server listens; the client connects, and brings the memory: rings and
 * the buffers of both. Each ring has two indices, head and tail, one moved by either side. Client to
 * server (c2s) the client fills slots up to head and the server takes them up to tail; server to client
 * (s2c) the client offers empty slots up to head, and the server fills them up to tail.
 *
 * The peer is hostile: whatever lies in the shared memory is read once, checked and used from there, and
 * memory that could be taken away again is not accepted.
 */
#ifndef LEAT_DATAPLANE_PORT_MEMIF_H
#define LEAT_DATAPLANE_PORT_MEMIF_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_spinlock.h>

#include "dataplane/frame.h"
#include "dataplane/port.h"

#define MEMIF_VERSION 0x0200
#define MEMIF_COOKIE 0x3E31F20
#define MEMIF_MASK_INT 1U	    /* memif_shm.flags: who takes from the ring needs no call */
#define MEMIF_DESC_NEXT 1U	    /* memif_desc.flags: the frame goes on in the next slot */
#define MEMIF_RING_C2S 1U	    /* add_ring.flags */
#define MEMIF_REGIONS_MAX 8	    /* of one connection */
#define MEMIF_REGION_MAX (1U << 30) /* bytes; offsets have 32 bits */
#define MEMIF_LOG2_MAX 14	    /* of a ring's slots */
#define MEMIF_LOG2_OURS 10	    /* of a ring that we make */
#define MEMIF_BUFFER 2048U	    /* bytes of a buffer that we make */
#define MEMIF_CHAIN_MAX 64	    /* slots of one frame */
#define MEMIF_SOCKET_MAX 107	    /* bytes of a socket's path */
#define MEMIF_NAME_LEN 32
#define MEMIF_MSG_LEN 128

/* --- as it lies in shared memory --- */

struct memif_desc {
	uint16_t flags;
	uint16_t region;
	uint32_t length;
	uint32_t offset;
	uint32_t metadata;
};

struct memif_shm {
	uint32_t cookie;
	uint16_t flags;
	uint16_t head;
	uint8_t pad[56];
	uint16_t tail;
	uint8_t pad2[62];
	struct memif_desc desc[];
};

/* --- as it goes over the socket --- */

enum memif_type {
	MEMIF_ACK = 1,
	MEMIF_HELLO,
	MEMIF_INIT,
	MEMIF_ADD_REGION,
	MEMIF_ADD_RING,
	MEMIF_CONNECT,
	MEMIF_CONNECTED,
	MEMIF_DISCONNECT,
};

struct memif_msg {
	uint16_t type; /* enum memif_type */
	union {
		struct {
			uint8_t name[MEMIF_NAME_LEN];
			uint16_t min_version;
			uint16_t max_version;
			uint16_t max_region;
			uint16_t max_s2c; /* the last index of a ring, as are the next */
			uint16_t max_c2s;
			uint8_t max_log2;
		} __attribute__((packed)) hello;
		struct {
			uint16_t version;
			uint32_t id;
			uint8_t mode; /* 0: Ethernet */
			uint8_t secret[24];
			uint8_t name[MEMIF_NAME_LEN];
		} __attribute__((packed)) init;
		struct {
			uint16_t index;
			uint64_t size;
		} __attribute__((packed)) add_region; /* with the memory's descriptor */
		struct {
			uint16_t flags;
			uint16_t index;
			uint16_t region;
			uint32_t offset;
			uint8_t log2;
			uint16_t private_hdr;
		} __attribute__((packed)) add_ring; /* with the eventfd of its calls */
		struct {
			uint8_t name[MEMIF_NAME_LEN];
		} __attribute__((packed)) connect; /* and connected */
		struct {
			uint32_t code;
			uint8_t text[96];
		} __attribute__((packed)) disconnect;
		uint8_t room[MEMIF_MSG_LEN - sizeof(uint16_t)];
	};
} __attribute__((packed));

/* --- ours --- */

struct memif_mem {
	uint32_t n;
	struct memif_region {
		uint8_t *base;
		uint64_t size;
	} region[MEMIF_REGIONS_MAX];
};

/*
 * One ring, of which we move the index `near` and the peer moves `far`. The first part never changes; the
 * second belongs to the one worker that uses the ring, or to the holder of lock where several transmit.
 */
struct memif_ring {
	struct memif_shm *shm;
	const struct memif_mem *mem;
	uint8_t *
		buffers; /* of our making: that of slot i at i * MEMIF_BUFFER; NULL: descriptors say */
	const uint16_t *far;
	uint16_t *near;
	uint16_t size; /* slots, a power of two; 0: there is no ring yet */
	uint16_t
		lead; /* how far a client's index is ahead: a ring full of its buffers; 0 for a server */
	int eventfd; /* ours to close, -1 none */
	struct memif_port *port;

	rte_spinlock_t lock __rte_cache_aligned;
	uint16_t next;	 /* the first slot that we have not taken or filled */
	uint16_t n_held; /* taken by receive, given back by release */
	/* Read by the thread, too, relaxed: the peer's index or descriptors make no sense; not served. */
	bool broken;
};

/* What workers see of a port: published when a peer is connected, never changed but by them. */
struct memif_live {
	struct memif_ring rx;
	struct memif_ring tx;
	struct memif_mem mem;
};

#define MEMIF_RETRY_MS 100 /* between two attempts of a client */

struct memif_conn;

/* A socket that servers with different ids share. Guarded by the lock of memif_thread.c, as what follows. */
struct memif_listener {
	int sock;
	char path[MEMIF_SOCKET_MAX + 1];
	unsigned ports;
	struct memif_listener *next;
};

struct memif_port {
	struct port port;
	struct memif_live
		*live; /* published with release under the lock of memif_thread.c, taken with
				    acquire by workers; NULL: nobody is there */
	bool tx_lock;  /* more than one worker */
	struct memif_ring *held; /* of the burst between receive and release; the worker's own */

	/* Fixed at creation. */
	bool server;
	uint32_t id;
	char socket[MEMIF_SOCKET_MAX + 1];

	/* Guarded by the lock of memif_thread.c. */
	struct memif_conn *conn;	 /* that has named this port; NULL none */
	struct memif_listener *listener; /* of a server */
	uint64_t retry_ms;		 /* when a client tries again */
	struct memif_port *next;
};

/* One connection. */
struct memif_conn {
	int sock;
	struct memif_listener *listener; /* NULL: we are the client */
	struct memif_port *port;	 /* NULL: it has not yet said which */
	struct memif_live *live;	 /* what is agreed on so far; NULL: nothing */
	int region_fd;			 /* a client's, until it is sent; else -1 */
	uint8_t log2;			 /* a client's ring size */
	unsigned step;			 /* a client's: what it has sent last, see memif_msg.c */
	bool connected;
	uint64_t deadline_ms; /* of the handshake */
	struct memif_conn *next;
};

/* --- memif_ring.c: what port_ops do, on one ring; worker --- */

uint16_t memif_ring_receive(struct memif_ring *r, struct burst *b);
void memif_ring_release(struct memif_ring *r);
void memif_ring_transmit(
	struct memif_ring *r, const struct tx_item *items, uint16_t n, struct port_stats *stats);
/* For how many of n frames there are slots; of a broken one, n. */
uint16_t memif_ring_room(struct memif_ring *r, uint16_t n);

/* Ask for calls; true: something is there already, and none is asked for. */
bool memif_ring_ask(struct memif_ring *r);
void memif_ring_ask_not(struct memif_ring *r);

/* --- memif_mem.c; the thread --- */

/* NULL without memory. */
struct memif_live *memif_live_new(struct memif_port *port);
/* No worker uses it any more. */
void memif_live_free(struct memif_live *live);

/*
 * A server takes what a client brings; each returns NULL, or why not. fd becomes theirs in any case
 * (-1: there was none).
 */
const char *memif_region_take(struct memif_live *live, uint16_t index, uint64_t size, int fd);
const char *memif_ring_take(struct memif_live *live, const struct memif_msg *m, int fd);
/* Is all there? The indices are then as at the beginning. */
const char *memif_live_check(struct memif_live *live);

/* A client makes a region with both rings and their buffers; a descriptor of it to send, or -1. */
int memif_region_make(struct memif_live *live, uint8_t log2);
uint64_t memif_region_size(uint8_t log2);
/* Where a ring lies in it. */
uint32_t memif_ring_offset(uint8_t log2, bool c2s);
/* The server has all: offer it the buffers. */
void memif_live_begin(struct memif_live *live);

/* --- memif_msg.c; the thread --- */

/*
 * Handle one message; fd came with it or is -1, and becomes theirs. NULL, or the reason to tell the peer
 * and end the connection; "" to end it without a word.
 */
const char *memif_msg_handle(struct memif_conn *conn, const struct memif_msg *m, int fd);
/* A server's first word. */
const char *memif_msg_hello(struct memif_conn *conn);
/* The last word of either. */
void memif_msg_disconnect(struct memif_conn *conn, const char *reason);

/* --- memif_conn.c; the thread --- */

extern struct memif_conn *memif_conns;

/* listener: of a server; port: of a client. Owns sock. */
struct memif_conn *memif_conn_new(
	int sock, struct memif_listener *listener, struct memif_port *port);
/* End and free it; reason: what the peer is told, "" for nothing. */
void memif_conn_drop(struct memif_conn *conn, const char *reason);
/* Handle what came. It may be gone after this. */
void memif_conn_read(struct memif_conn *conn);
/* The handshake is over: workers may use conn->live. */
void memif_connected(struct memif_conn *conn);
/* A port's connection that has ended without our having noticed yet is gone after this. */
void memif_port_refresh(struct memif_port *port);

/* --- memif_listener.c; the thread and the control side --- */

extern struct memif_listener *memif_listeners;

/* The one for a path, which a port more uses from now on; NULL and err. */
struct memif_listener *memif_listener_get(const char *path, struct error *err);
/* A port fewer. The last one takes its peers with it that have not said which port they want. */
void memif_listener_put(struct memif_listener *listener);
/* False: there is no descriptor for a peer that waits. */
bool memif_listener_accept(struct memif_listener *listener);

/* --- memif_thread.c --- */

/* Have the thread see to a port from now on. Control side. -1 and err. */
int memif_attach(struct memif_port *port, struct error *err);
/* Control side; no worker knows the port any more. */
void memif_detach(struct memif_port *port);

/* The port of that number behind a listener, NULL if there is none. The thread. */
struct memif_port *memif_port_find(const struct memif_listener *listener, uint32_t id);
/* Have the thread told when fd is readable. 0 or -1 with errno. */
int memif_watch(int fd);

/* Have the thread look at rings that broke. Any thread. */
void memif_wake(void);

#endif
