/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel network interfaces: look at one, change its address, MTU and state, and do so in another
 * network namespace. Control side, any thread; each call takes microseconds to some milliseconds.
 */
#ifndef LEAT_LIB_NETDEV_H
#define LEAT_LIB_NETDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/error.h"

#define NETDEV_NAME_LEN 16   /* IFNAMSIZ, the NUL included */
#define NETDEV_ALIAS_LEN 256 /* IFALIASZ, the same */

struct netdev_info {
	int ifindex;
	uint32_t flags; /* IFF_UP, IFF_PROMISC, ... */
	uint32_t mtu;	/* layer-3 bytes */
	struct mac mac;
	char alias[NETDEV_ALIAS_LEN]; /* "": none */
	uint32_t xdp_prog;	      /* id of the XDP program attached, 0: none */
};

/* What to change; what is 0 or NULL stays as it is. */
struct netdev_change {
	const struct mac *mac;
	const char *alias; /* a text for people and programs that the kernel keeps */
	uint32_t mtu;
	uint32_t flags_set;   /* IFF_UP, IFF_PROMISC */
	uint32_t flags_clear; /* the same */
};

/* As the kernel takes it: 1 to 15 bytes, no '/', no white space, neither "." nor "..". */
bool netdev_name_valid(const char *name);

/* Both work in the calling thread's namespace. -1 and DEVICE with the kernel's errno; ENODEV: no such. */
int netdev_get(const char *name, struct netdev_info *ret, struct error *err);
int netdev_set(const char *name, const struct netdev_change *change, struct error *err);

/*
 * The kernel is not to forget the interface's neighbours when it loses its carrier (arp_evict_nocarrier and
 * ndisc_evict_nocarrier, since Linux 5.16; else -1). IPv6 is left out without a word where the interface has none or
 * /proc/sys cannot be written.
 */
int netdev_keep_neighbours(const char *name, struct error *err);

/*
 * Call run(arg, err) inside the network namespace at path, NULL: the caller's own. It runs in a
 * thread of its own, so that the caller's namespace cannot be lost; the call returns when it is done.
 * -1 and DEVICE where the namespace cannot be entered, else what run returned.
 */
int netns_run(
	const char *path, int (*run)(void *arg, struct error *err), void *arg, struct error *err);

#endif
