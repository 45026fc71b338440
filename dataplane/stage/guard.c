/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which source addresses a port may use. The answer depends on the flow's key alone, but for ARP
 * and neighbour discovery (RFC 826, RFC 4861), whose payload names addresses too; those are never
 * cached.
 */
#include <netinet/in.h>

#include "dataplane/stage/stage.h"

#define ND_ROUTER_SOLICIT 133
#define ND_NEIGHBOR_SOLICIT 135
#define ND_NEIGHBOR_ADVERT 136
#define MLD_REPORT_V1 131
#define MLD_DONE_V1 132
#define MLD_REPORT_V2 143
#define ND_TARGET_OFF 8
#define ND_OPTION_SOURCE_LLADDR 1
#define ND_OPTION_TARGET_LLADDR 2

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

static bool is_zero_ip(const struct ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

/* Where `ips` is empty any address is the port's own. */
static bool may_use_ip(const struct snapshot_port *in, const struct ip *ip)
{
	return in->n_ips == 0 || is_own_ip(in, ip) || is_own_link_local(in, ip);
}

static uint8_t guard_arp(const struct snapshot_port *in, const struct frame *f)
{
	const uint8_t *arp = f->head + f->l3_off;
	struct ip sender = {.family = 4};
	struct ip target = {.family = 4};

	memcpy(sender.b, arp + 14, 4);
	memcpy(target.b, arp + 24, 4);
	if (memcmp(arp + 8, in->mac.b, MAC_LEN) != 0)
		return DROPPED(DROP_spoofed_arp);
	/* A probe (RFC 5227) has no sender address yet and asks for one of its own. */
	if (is_zero_ip(&sender) ? !may_use_ip(in, &target) : !may_use_ip(in, &sender))
		return DROPPED(DROP_spoofed_arp);
	return 0;
}

/* Link-layer addresses in the options of a neighbour discovery message must be the port's own. */
static uint8_t guard_nd_options(const struct snapshot_port *in, const struct frame *f, unsigned off)
{
	unsigned end = f->l3_off + 40U + load_be16(f->head + f->l3_off + 4);

	while (off < end) {
		uint8_t type;
		unsigned size;

		/* Also what lies beyond the head: an option that is not seen is not checked. */
		if (off + 8 > end || off + 8 > f->head_len || f->head[off + 1] == 0)
			return DROPPED(DROP_malformed);
		type = f->head[off];
		size = f->head[off + 1] * 8U;
		if ((type == ND_OPTION_SOURCE_LLADDR || type == ND_OPTION_TARGET_LLADDR) &&
			memcmp(f->head + off + 2, in->mac.b, MAC_LEN) != 0)
			return DROPPED(DROP_spoofed_arp);
		off += size;
	}
	return 0;
}

static uint8_t guard_nd(const struct snapshot_port *in, const struct frame *f, const struct ip *src)
{
	const uint8_t *icmp = f->head + f->l4_off;
	struct ip target = {.family = 6};
	bool is_advert = icmp[0] == ND_NEIGHBOR_ADVERT;

	if (icmp[0] == ND_ROUTER_SOLICIT)
		return guard_nd_options(in, f, f->l4_off + 8U);
	if (!is_advert && icmp[0] != ND_NEIGHBOR_SOLICIT)
		return 0;
	if (f->head_len < f->l4_off + 24U)
		return DROPPED(DROP_malformed);
	memcpy(target.b, icmp + ND_TARGET_OFF, 16);
	/* An advertisement claims its target; so does duplicate address detection (RFC 4862). */
	if ((is_advert || is_zero_ip(src)) && !may_use_ip(in, &target))
		return DROPPED(DROP_spoofed_arp);
	return guard_nd_options(in, f, f->l4_off + 24U);
}

static bool may_be_unspecified(const struct frame *f)
{
	uint8_t type;

	if (f->l4_proto != IPPROTO_ICMPV6 || !(f->flags & FRAME_L4))
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
	if (!may_use_ip(in, &src) &&
		!(src.family == 6 && is_zero_ip(&src) && may_be_unspecified(f)))
		return DROPPED(DROP_spoofed_ip);
	if (f->l4_proto == IPPROTO_ICMPV6 && (f->flags & FRAME_L4))
		return guard_nd(in, f, &src);
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

	if (smac[0] & 1)
		return DROPPED(DROP_malformed);
	if (in->spoof_guard) {
		if (memcmp(smac, in->mac.b, MAC_LEN) != 0)
			return DROPPED(DROP_spoofed_mac);
		if (f->flags & FRAME_ARP)
			return guard_arp(in, f);
		if (f->flags & (FRAME_IPV4 | FRAME_IPV6))
			return guard_ip(in, f);
		return 0;
	}
	if (guard_learns(p, in, network))
		return learn_source(p, in, smac, network);
	return 0;
}
