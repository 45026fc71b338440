/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/loop_ports.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_pause.h>
#include <rte_vhost.h>

#define SOCKET_MAX 256

static const char *sockets[LOOP_PORTS];
static void (*guest_up)(int port, int vid);
/* Written by the library's threads, read by the loop; -1: nobody there. */
static int vids[LOOP_PORTS] = {-1, -1};
/* Odd while the loop is between enter and leave; written by the loop, read by the library's thread,
 * which has taken a vid away before it looks. */
static uint64_t turn;
static volatile sig_atomic_t unwanted;

static int port_of(int vid)
{
	char name[SOCKET_MAX];

	if (rte_vhost_get_ifname(vid, name, sizeof(name)) != 0)
		return -1;
	for (int port = 0; port < LOOP_PORTS; port++) {
		if (strcmp(name, sockets[port]) == 0)
			return port;
	}
	return -1;
}

static int device_new(int vid)
{
	int port = port_of(vid);

	if (port < 0)
		return -1;
	rte_vhost_enable_guest_notification(vid, LOOP_RX, 0);
	rte_vhost_enable_guest_notification(vid, LOOP_TX, 0);
	if (guest_up != NULL)
		guest_up(port, vid);
	__atomic_store_n(&vids[port], vid, __ATOMIC_SEQ_CST);
	return 0;
}

static void device_destroy(int vid)
{
	int port = port_of(vid);
	uint64_t seen;

	if (port < 0)
		return;
	__atomic_store_n(&vids[port], -1, __ATOMIC_SEQ_CST);
	seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
	while ((seen & 1) && __atomic_load_n(&turn, __ATOMIC_ACQUIRE) == seen)
		rte_pause();
}

static const struct rte_vhost_device_ops ops = {
	.new_device = device_new,
	.destroy_device = device_destroy,
};

static void on_signal(int number)
{
	(void)number;
	unwanted = 1;
}

void loop_ports_open(int argc, char **argv, uint64_t without, void (*up)(int port, int vid))
{
	int taken = rte_eal_init(argc, argv);

	if (taken < 0 || argc - taken != LOOP_PORTS + 1)
		errx(2, "usage: %s [EAL ARGUMENTS] -- SOCKET SOCKET", argv[0]);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	guest_up = up;
	for (int port = 0; port < LOOP_PORTS; port++) {
		sockets[port] = argv[taken + 1 + port];
		unlink(sockets[port]);
		if (rte_vhost_driver_register(sockets[port], 0) != 0 ||
			rte_vhost_driver_disable_features(sockets[port], without) != 0 ||
			rte_vhost_driver_callback_register(sockets[port], &ops) != 0 ||
			rte_vhost_driver_start(sockets[port]) != 0)
			errx(1, "%s: cannot listen", sockets[port]);
	}
	puts("ready");
	fflush(stdout);
}

void loop_ports_close(void)
{
	for (int port = 0; port < LOOP_PORTS; port++)
		rte_vhost_driver_unregister(sockets[port]);
	rte_eal_cleanup();
}

bool loop_ports_wanted(void)
{
	return !unwanted;
}

bool loop_ports_enter(int vid[LOOP_PORTS])
{
	__atomic_store_n(&turn, turn + 1, __ATOMIC_SEQ_CST);
	for (int port = 0; port < LOOP_PORTS; port++)
		vid[port] = __atomic_load_n(&vids[port], __ATOMIC_ACQUIRE);
	return vid[0] >= 0 && vid[1] >= 0;
}

void loop_ports_leave(void)
{
	__atomic_store_n(&turn, turn + 1, __ATOMIC_RELEASE);
}
