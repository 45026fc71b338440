/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which source addresses a port may use. The answer depends on the flow's key alone, but for ARP,
 * neighbour discovery (RFC 826, RFC 4861) and what else ICMP tells of routes; those are never
 * cached.
 */
#include <netinet/in.h>

#include "dataplane/stage/guard.h"

#define MLD_REPORT_V1 131
#define MLD_DONE_V1 132
#define MLD_REPORT_V2 143

static bool is_own_ip(const struct snapshot_port *in, const struct ip *ip)
{
	for (unsigned i = 0; i < in->n_ips; i++)
		if (ip_equal(&in->ips[i], ip))
			return true;
	return false;
}

/* fe80::/64 with the interface identifier made of the port's MAC (RFC 4291, appendix A). */
static bool is_own_link_local(const struct snapshot_port *in, const struct ip *ip)
{
	const uint8_t *m = in->mac.b;
	const uint8_t own[16] = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};

	return ip->family == 6 && memcmp(ip->b, own, sizeof(own)) == 0;
}

bool guard_may_use_ip(const struct snapshot_port *in, const struct ip *ip)
{
	return in->n_ips == 0 || is_own_ip(in, ip) || is_own_link_local(in, ip);
}

static bool may_be_unspecified(const struct frame *f)
{
	uint8_t type;

	if (!frame_has_icmp_type(f, IPPROTO_ICMPV6))
		return false;
	type = f->head[f->l4_off];
	return type == ND_NEIGHBOR_SOLICIT || type == ND_ROUTER_SOLICIT || type == MLD_REPORT_V1 ||
	       type == MLD_DONE_V1 || type == MLD_REPORT_V2;
}

static uint8_t guard_ip(const struct snapshot_port *in, const struct frame *f)
{
	struct ip src;
	struct ip dst;

	frame_ips(f, &src, &dst);
	if (!guard_may_use_ip(in, &src) &&
		!(src.family == 6 && ip_is_zero(&src) && may_be_unspecified(f)))
		return DROPPED(DROP_spoofed_ip);
	if (frame_has_icmp_type(f, IPPROTO_ICMPV6))
		return guard_nd(in, f, &src);
	return 0;
}

static uint8_t guard_addresses(const struct snapshot_port *in, const struct frame *f)
{
	if (f->flags & FRAME_ARP)
		return guard_arp(in, f);
	if (f->flags & (FRAME_IPV4 | FRAME_IPV6))
		return guard_ip(in, f);
	return 0;
}

static uint8_t learn_source(
	struct pipeline *p, const struct snapshot_port *in, const uint8_t *smac, uint16_t network)
{
	uint32_t limit = in->uplink ? UINT32_MAX : in->macs_max;
	enum mac_learn learned;

	if (p->dry || addr_table_find_mac(p->snap->macs, network, smac) != ADDR_TABLE_NONE)
		return 0;
	learned = mac_table_learn(p->tables->macs, network, smac, in->port->index, limit,
		(uint32_t)(p->now_ms / 1000));
	if (learned == MAC_LEARN_LIMIT && !in->uplink)
		return DROPPED(DROP_mac_limit);
	return 0;
}

bool guard_learns(const struct pipeline *p, const struct snapshot_port *in, uint16_t network)
{
	/* With one uplink and nobody else to learn, "unknown" already says where: the uplink. */
	return in->learning || (in->uplink && (p->snap->n_uplinks > 1 ||
						      p->snap->networks[network].n_learning > 0));
}

uint8_t guard_check(
	struct pipeline *p, const struct snapshot_port *in, const struct frame *f, uint16_t network)
{
	const uint8_t *smac = f->head + MAC_LEN;
	uint8_t drop;

	if (smac[0] & 1)
		return DROPPED(DROP_malformed);
	if (in->spoof_guard && memcmp(smac, in->mac.b, MAC_LEN) != 0)
		return DROPPED(DROP_spoofed_mac);
	/* Before its address: who plays the router mostly takes the router's address too. */
	drop = guard_role(in, f);
	if (drop == 0 && in->spoof_guard)
		drop = guard_addresses(in, f);
	if (drop == 0 && guard_learns(p, in, network))
		drop = learn_source(p, in, smac, network);
	return drop;
}
