/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the guard share; for stage/guard*.c alone. Each check gives 0, or the drop. */
#ifndef LEAT_DATAPLANE_STAGE_GUARD_H
#define LEAT_DATAPLANE_STAGE_GUARD_H

#include "dataplane/stage/stage.h"

/* Neighbour discovery, RFC 4861, 4.1 to 4.5: all of its types. */
#define ND_ROUTER_SOLICIT 133
#define ND_ROUTER_ADVERT 134
#define ND_NEIGHBOR_SOLICIT 135
#define ND_NEIGHBOR_ADVERT 136
#define ND_REDIRECT 137

/* ICMP or ICMPv6 whose type lies in the head. */
static inline bool frame_has_icmp_type(const struct frame *f, uint8_t proto)
{
	return f->l4_proto == proto && (f->flags & FRAME_L4);
}

/* stage/guard.c: is the address one of the port's own? Where `ips` is empty any is. */
bool guard_may_use_ip(const struct snapshot_port *in, const struct ip *ip);

/* stage/guard_neighbor.c: the addresses that ARP and neighbour discovery claim in their payload. src: of the packet. */
uint8_t guard_arp(const struct snapshot_port *in, const struct frame *f);
uint8_t guard_nd(const struct snapshot_port *in, const struct frame *f, const struct ip *src);

/* stage/guard_role.c: does it speak as a DHCP server or as a router that it is not? */
uint8_t guard_role(const struct snapshot_port *in, const struct frame *f);

#endif
