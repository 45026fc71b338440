/* SPDX-License-Identifier: BSD-3-Clause */
/* The two vhost-user ports of a bare loop: DPDK's vhost library listens on two sockets. */
#ifndef LEAT_BENCH_LOOP_PORTS_H
#define LEAT_BENCH_LOOP_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_PORTS 2
#define LOOP_RX 0 /* a guest's receive queue, virtio 1.2, 5.1.2 */
#define LOOP_TX 1

/*
 * Start EAL by the arguments up to "--" and listen on the two sockets behind it; features in
 * `without` are not offered. Ends the program if that does not work. Says "ready" on standard
 * output.
 *
 * `up` is called on the library's thread when a port's guest is there, before the loop may use it,
 * and may be NULL.
 */
void loop_ports_open(int argc, char **argv, uint64_t without, void (*up)(int port, int vid));
void loop_ports_close(void);

/* False once SIGTERM or SIGINT has come. */
bool loop_ports_wanted(void);

/*
 * For the loop: enter gives true while both guests are there; then vid[] are theirs, and stay
 * usable until leave. Once around the loop each.
 */
bool loop_ports_enter(int vid[LOOP_PORTS]);
void loop_ports_leave(void);

#endif
