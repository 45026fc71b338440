/* SPDX-License-Identifier: BSD-3-Clause */
/* What of the kernel's lies behind a device: its interface, and whether that is up. */
#include "dataplane/port/ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#define RESTORED_FLAGS (IFF_UP | IFF_PROMISC)

int ethdev_kernel_take(struct ethdev_port *p, struct error *err)
{
	struct netdev_change up = {.flags_set = IFF_UP};

	if (p->netdev[0] == '\0')
		return 0;
	for (const struct ethdev_port *other = ethdev_live(); other != NULL; other = other->next)
		if (strcmp(other->netdev, p->netdev) == 0)
			return error_device(
				err, EBUSY, "interface %s is another port's", p->netdev);
	if (netdev_get(p->netdev, &p->found, err) != 0)
		return -1;
	if (ethdev_is(p, "af_xdp") && ethdev_xdp_check(p, err) != 0)
		return -1;
	if (!(p->found.flags & IFF_UP) && netdev_set(p->netdev, &up, err) != 0)
		return -1;
	return 0;
}

void ethdev_kernel_restore(struct ethdev_port *p)
{
	struct netdev_info now;
	struct netdev_change back = {
		.mtu = p->found.mtu,
		.flags_set = p->found.flags & RESTORED_FLAGS,
		.flags_clear = ~p->found.flags & RESTORED_FLAGS,
	};

	/* By then it may be gone, or another one may have its name. */
	if (p->netdev[0] == '\0' || netdev_get(p->netdev, &now, NULL) != 0 ||
		now.ifindex != p->found.ifindex)
		return;
	netdev_set(p->netdev, &back, NULL);
}

static void state_set(struct ethdev_port *p, enum port_state state, int fault)
{
	if (port_state(&p->port) == state)
		return;
	__atomic_store_n(&p->port.fault, (uint32_t)fault, __ATOMIC_RELAXED);
	__atomic_store_n(&p->port.state, state, __ATOMIC_RELAXED);
}

void ethdev_kernel_link(struct ethdev_port *p)
{
	struct rte_eth_link link;
	uint64_t now = rte_rdtsc();

	if (now - __atomic_load_n(&p->link_tsc, __ATOMIC_RELAXED) <
		rte_get_tsc_hz() / 1000 * ETHDEV_LINK_MS)
		return;
	__atomic_store_n(&p->link_tsc, now, __ATOMIC_RELAXED);
	if (p->netdev[0] != '\0' && (int)if_nametoindex(p->netdev) != p->found.ifindex)
		state_set(p, PORT_ERROR, ENODEV);
	else if (rte_eth_link_get_nowait(p->dev_id, &link) == 0)
		state_set(p, link.link_status == RTE_ETH_LINK_UP ? PORT_ACTIVE : PORT_PENDING, 0);
}
