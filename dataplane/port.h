/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: one interface to a container, a VM or a wire. One file (or pair) a kind in
 * dataplane/port/.
 *
 * The control side creates and closes ports; workers receive and transmit. A port reaches workers
 * by a snapshot alone, and port_close() comes only after every worker has acknowledged a snapshot
 * without it.
 */
#ifndef LEAT_DATAPLANE_PORT_H
#define LEAT_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/frame.h"
#include "lib/addr.h"
#include "lib/error.h"

#define PORTS_MAX 1024	   /* endpoints and uplinks of one daemon */
#define PORT_QUEUES_MAX 16 /* queue pairs of one port */
#define PORT_NAME_MAX 64
#define PORT_MARK_MAX 256 /* of an interface, its NUL included (IFALIASZ) */
#define WORKERS_MAX 32

/* What the far side takes as it is; what it does not, transmit's caller finishes first. */
enum port_caps {
	PORT_CAP_CSUM = 1 << 0, /* unfinished checksums */
	PORT_CAP_TSO4 = 1 << 1,
	PORT_CAP_TSO6 = 1 << 2,
	PORT_CAP_ECN = 1 << 3, /* GSO with ECN */
	PORT_CAP_PARTS =
		1 << 4, /* a large frame takes several of tx_room's descriptors; else one */
};

enum port_state { PORT_PENDING, PORT_ACTIVE, PORT_ERROR };

enum port_wait {
	PORT_WAIT_FD,	/* will signal port_ops.wait_fd; sleep on it */
	PORT_WAIT_POLL, /* cannot signal: look again after a short sleep */
	PORT_WAIT_WORK, /* something is there already: do not sleep */
};

struct port;

struct port_ops {
	const char *kind; /* as in the protocol: "tap" */

	/*
	 * Fill b (n, frames, heads, tails, n_segs) with up to b->max frames of a queue; return
	 * b->n. A queue that is not there gives 0. Count rx and what is dropped on the way in
	 * b->stats: everything rejected here counts rx and a drop. Frames are untouched but for
	 * being described.
	 */
	uint16_t (*receive)(struct port *port, uint16_t queue, struct burst *b);

	/* Give the sources of all frames of b back. Called once after each receive that returned >
	 * 0. */
	void (*release)(struct port *port, uint16_t queue, struct burst *b);

	/*
	 * Move each item to where it belongs, payload once; every item is counted in stats, sent or
	 * dropped for a reason. worker: index of the calling worker, which chooses the queue; where
	 * more workers than queues send, the queue's lock is held once a call.
	 */
	void (*transmit)(struct port *port, unsigned worker, const struct tx_item *items,
		uint16_t n, struct port_stats *stats);

	/*
	 * For how many of n frames transmit has descriptors, of which with PORT_CAP_PARTS a large frame takes several; where
	 * nobody is there that could make room, n. What a shaper holds waits for it. Workers that share a queue see the same
	 * room. NULL: not known.
	 */
	uint16_t (*tx_room)(struct port *port, unsigned worker, uint16_t n);

	/*
	 * Tell the far side, if it wants to know, what release has given back on a queue, or what
	 * transmit has moved for a worker. Not left to those two: that is a full fence, which waits for all that
	 * was just written, and costs less a while later. By the same worker, once a round. NULL:
	 * nothing to tell.
	 */
	void (*notify_rx)(struct port *port, uint16_t queue);
	void (*notify_tx)(struct port *port, unsigned worker);

	/* Ask the far side to signal new work on a queue, or stop asking (polling again). */
	enum port_wait (*wait_begin)(struct port *port, uint16_t queue);
	void (*wait_end)(struct port *port, uint16_t queue);

	/* The fd that becomes readable when there is work, or -1. It may change between waits. */
	int (*wait_fd)(struct port *port, uint16_t queue);

	/*
	 * Another MTU (layer-3 bytes) while traffic runs; the far side keeps its interface. NULL
	 * where a device takes one at birth only. Control side; -1 and err: as before.
	 */
	int (*set_mtu)(struct port *port, uint16_t mtu, struct error *err);

	/*
	 * Whether the far side's interface stays when its last user ends or closes the port; a new port is
	 * not kept. NULL where none of our making is there. Control side.
	 */
	void (*keep)(struct port *port, bool keep);

	/* Release everything, the struct too. Control side; no worker knows the port any more. */
	void (*close)(struct port *port);
};

/* Embedded first in each kind's own struct. */
struct port {
	const struct port_ops *ops;
	uint16_t index;	 /* 0..PORTS_MAX-1, unique while the port lives; set by the creator's caller
			  */
	uint16_t n_rxq;	 /* queues to poll, fixed at creation */
	bool rx_syscall; /* receive costs a system call: worth it only when wait_fd says so */
	uint16_t rx_burst; /* frames that a receive gives at most; 0: as many as are asked for */
	int numa_node;	   /* where its queues' memory is best taken, -1 unknown */
	struct mac mac;
	char name[PORT_NAME_MAX]; /* for people and for oper.port.name: interface or socket */

	/* Written by the control or the vhost library's thread, read by workers and control;
	 * relaxed: a worker that sees an old value finishes a checksum too many, or finds the port
	 * down. */
	uint32_t caps;	/* enum port_caps */
	uint32_t state; /* enum port_state */
	uint32_t fault; /* 0, or the errno that made it PORT_ERROR */
};

static inline uint32_t port_caps(const struct port *port)
{
	return __atomic_load_n(&port->caps, __ATOMIC_RELAXED);
}

static inline enum port_state port_state(const struct port *port)
{
	return (enum port_state)__atomic_load_n(&port->state, __ATOMIC_RELAXED);
}

static inline void port_close(struct port *port)
{
	port->ops->close(port);
}

/* As tx_room; where that is not known, n. */
static inline uint16_t port_tx_room(struct port *port, unsigned worker, uint16_t n)
{
	return port->ops->tx_room == NULL ? n : port->ops->tx_room(port, worker, n);
}

static inline bool port_has_room(struct port *port, unsigned worker, uint32_t n)
{
	if (port->ops->tx_room == NULL)
		return true;
	return n <= UINT16_MAX && port_tx_room(port, worker, (uint16_t)n) == n;
}

static inline void port_keep(struct port *port, bool keep)
{
	if (port->ops->keep != NULL)
		port->ops->keep(port, keep);
}

/* What all kinds need to know at creation. */
struct port_params {
	struct mac mac;
	uint16_t mtu;	  /* layer-3 bytes */
	uint16_t queues;  /* pairs, 1..PORT_QUEUES_MAX */
	unsigned workers; /* how many workers may transmit */
};

/*
 * Create a port of a kind. Control side; may take some milliseconds. NULL and err on failure
 * (INVALID_PARAMS, CONFLICT, EXHAUSTED, DEVICE with errno), with nothing left behind.
 */
struct vhost_params {
	const char *socket; /* at most 107 bytes */
	bool server;	    /* the switch listens; else it connects, and reconnects for ever */
	int64_t uid, gid;   /* of a server socket; -1: leave */
	int32_t perm;	    /* its mode; -1: leave */
};
struct port *port_vhost_create(
	const struct port_params *common, const struct vhost_params *params, struct error *err);

struct tap_params {
	const char *netns; /* path of a namespace, NULL: the daemon's own */
	const char *name;  /* of the interface inside, 1..15 bytes */
	/*
	 * NULL, or what the interface's alias is set to. One of that name that bears it already, and that
	 * nobody has open, is taken up as it is, but for MAC and MTU.
	 */
	const char *mark;
};
struct port *port_tap_create(
	const struct port_params *common, const struct tap_params *params, struct error *err);

/*
 * Take hold of an interface that an earlier daemon left, before there is a port for it: it has its carrier from then on, and what its
 * kernel sends waits for the port, some hundred frames at most. False: there is none that bears the mark and is free.
 * port_tap_create() with the same params goes on with it; port_tap_let_go() lets go of those that no port has
 * taken. One thread at a time.
 */
bool port_tap_hold(const struct tap_params *params);
void port_tap_let_go(void);

struct memif_params {
	const char *socket; /* at most 107 bytes */
	bool server;	    /* the switch listens; else it connects, and reconnects for ever */
	uint32_t id;	    /* of the interface on that socket */
};
struct port *port_memif_create(
	const struct port_params *common, const struct memif_params *params, struct error *err);

/*
 * Any DPDK device: devargs as for EAL's --vdev or -a ("net_af_xdp0,iface=veth1", "0000:3b:00.0",
 * "net_null0"). UNSUPPORTED for net_memif, whose listener does not survive a peer that hangs up. netdev: a kernel interface it takes over, checked and brought up
 * first, or NULL.
 */
struct ethdev_params {
	const char *kind; /* for port_ops-independent reporting: "af_xdp", "pci", ... */
	const char *devargs;
	const char *netdev;
};
struct port *port_ethdev_create(
	const struct port_params *common, const struct ethdev_params *params, struct error *err);

/* "vhost-user", "tap", "af_xdp", ...: the kind as configured. */
const char *port_kind_name(const struct port *port);

#endif
