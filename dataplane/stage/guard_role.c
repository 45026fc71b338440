/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An endpoint is no DHCP server and no router unless it is said to be one: the guards of RFC 7610
 * (DHCPv6-Shield) and RFC 6105 with RFC 7113 (RA-Guard), and the same for IPv4 and for multicast routers. They look
 * behind tags and extension headers, where stage/parse.c has found the transport header or has refused the
 * frame. Whether a packet speaks for a DHCP server depends on its flow's key alone.
 */
#include <netinet/icmp6.h>
#include <netinet/igmp.h>
#include <netinet/in.h>

#include "dataplane/stage/guard.h"
#include "dataplane/stage/snoop.h"

/* UDP ports: RFC 2131, 4.1; RFC 8415, 7.2. */
#define DHCP4_SERVER 67
#define DHCP4_CLIENT 68
#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547

#define ICMP4_REDIRECT 5      /* RFC 792 */
#define ICMP4_ROUTER_ADVERT 9 /* RFC 1256 */

/*
 * By the port clients listen on, whatever it comes from: they do not look at that. By a server's port as source it
 * may be meant for a relay.
 */
static bool speaks_dhcp_server(const struct frame *f)
{
	uint16_t src;
	uint16_t dst;

	if (f->l4_proto != IPPROTO_UDP || !frame_ports(f, &src, &dst))
		return false;
	if (f->flags & FRAME_IPV4)
		return dst == DHCP4_CLIENT || src == DHCP4_SERVER;
	return dst == DHCP6_CLIENT || src == DHCP6_SERVER;
}

static bool speaks_router(const struct frame *f)
{
	uint8_t type;

	if (frame_has_icmp_type(f, IPPROTO_ICMPV6)) {
		type = f->head[f->l4_off];
		return type == ND_ROUTER_ADVERT || type == ND_REDIRECT;
	}
	if (!frame_has_icmp_type(f, IPPROTO_ICMP))
		return false;
	type = f->head[f->l4_off];
	return type == ICMP4_REDIRECT || type == ICMP4_ROUTER_ADVERT;
}

/* By what snooping knows a multicast router; see stage/snoop.c. */
static bool speaks_multicast_router(const struct frame *f)
{
	uint8_t type;

	if (f->l4_off >= f->head_len)
		return false;
	type = f->head[f->l4_off];
	switch (f->l4_proto) {
	case IPPROTO_IGMP:
		return type == IGMP_MEMBERSHIP_QUERY;
	case IPPROTO_ICMPV6:
		return type == MLD_LISTENER_QUERY;
	case IPPROTO_PIM:
		return type == PIM_HELLO;
	default:
		return false;
	}
}

/*
 * Neighbour discovery with a fragment header, of one fragment too: receivers have to ignore it (RFC 6980), those that
 * do not could be told in later fragments what nobody has checked. A later fragment alone is nothing.
 */
static bool is_nd_fragment(const struct frame *f)
{
	const uint8_t *ip = f->head + f->l3_off;
	unsigned off = f->l3_off + 40U;
	uint8_t next = ip[6];
	uint8_t type;

	if (!(f->flags & FRAME_IPV6) || !frame_has_icmp_type(f, IPPROTO_ICMPV6))
		return false;
	type = f->head[f->l4_off];
	if (type < ND_ROUTER_SOLICIT || type > ND_REDIRECT)
		return false;
	/* Parse has been this way: the headers lie in the head, and none is of another kind. */
	while (next != IPPROTO_FRAGMENT && off < f->l4_off) {
		const uint8_t *header = f->head + off;

		off += next == IPPROTO_AH ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
		next = header[0];
	}
	return next == IPPROTO_FRAGMENT;
}

uint8_t guard_role(const struct snapshot_port *in, const struct frame *f)
{
	if (in->uplink || !(f->flags & FRAME_L4))
		return 0;
	if (!in->dhcp_server && speaks_dhcp_server(f))
		return DROPPED(DROP_dhcp_guard);
	if (!in->router && speaks_router(f))
		return DROPPED(DROP_ra_guard);
	if (!in->router && speaks_multicast_router(f))
		return DROPPED(DROP_querier_guard);
	return is_nd_fragment(f) ? DROPPED(DROP_nd_fragment) : 0;
}
