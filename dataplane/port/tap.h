/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP interface with vnet headers (virtio 1.2, 5.1.6): 64 KB segments and unfinished checksums cross
 * whole. tap.c makes and removes it, tap_hold.c holds what is there already, tap_io.c moves frames.
 */
#ifndef LEAT_DATAPLANE_PORT_TAP_H
#define LEAT_DATAPLANE_PORT_TAP_H

#include <linux/virtio_net.h>

#include "dataplane/port.h"
#include "lib/netdev.h"

/*
 * Frames of one receive. Each costs a system call of microseconds, and those that were read wait for the
 * rest: many at once save little and delay much.
 */
#define TAP_RX_BURST 4
#define TAP_BUFFER_LEN 65536 /* what follows the head of the largest frame */
#define TAP_VNET_LEN sizeof(struct virtio_net_hdr_mrg_rxbuf)

struct tap_port {
	struct port port;
	int fd;
	int quiet_fd; /* -1, or what keeps a lost interface's fd silent; set by the worker that saw it */
	/*
	 * TAP_RX_BURST buffers, one a frame of a burst. Mapped and not touched before the first frame comes,
	 * so that they cost nothing until then and lie on the node of the worker that polls.
	 */
	uint8_t *buffers;
};

/* An interface that is being opened. */
struct tap_creation {
	const struct port_params *common;
	const struct tap_params *params;
	struct netdev_info info;
	bool found; /* an earlier daemon left it */
	int fd;
};

/*
 * tap.c, both in the interface's namespace. tap_is_ours: is there one of that name that bears our mark? Fills in info.
 * tap_interface_open: make it or, where it was found, attach to it. -1 and err; fd is the caller's to close if it is not negative.
 */
bool tap_is_ours(struct tap_creation *c);
int tap_interface_open(struct tap_creation *c, struct error *err);

/* Hand over what is held of these params: its fd, and what was known of the interface then. -1: nothing. */
int tap_held_take(const struct tap_params *params, struct netdev_info *ret);

uint16_t tap_receive(struct port *port, uint16_t queue, struct burst *b);
void tap_release(struct port *port, uint16_t queue, struct burst *b);
void tap_transmit(struct port *port, unsigned worker, const struct tx_item *items, uint16_t n,
	struct port_stats *stats);

#endif
