/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls (us to a peer) by an eventfd that is the peer's: a worker never blocks on one, whatever the peer
 * has done to it.
 */
#ifndef LEAT_DATAPLANE_PORT_CALL_H
#define LEAT_DATAPLANE_PORT_CALL_H

#include <stdbool.h>

#include "lib/error.h"

/*
 * Room for as many threads to make calls. Control side, before the first; more often does no harm. -1
 * and err (DEVICE) where the host has no more of fs.aio-max-nr, or a kernel without CONFIG_AIO.
 */
int port_calls_init(unsigned threads, struct error *err);

/* Add 1 to an eventfd without blocking. Worker. 0, or -EINVAL: fd is none. */
int port_call(int fd);

/* Empty an eventfd without blocking. Worker. */
void port_call_drain(int fd);

/* A peer may send any descriptor as one. */
bool port_is_eventfd(int fd);

#endif
