/* SPDX-License-Identifier: BSD-3-Clause */
/* What ARP and neighbour discovery say of addresses, in their payload: RFC 826, 4861, 4862, 5227. */
#include "dataplane/stage/guard.h"

#define ND_TARGET_OFF 8
#define ND_OPTION_SOURCE_LLADDR 1
#define ND_OPTION_TARGET_LLADDR 2

uint8_t guard_arp(const struct snapshot_port *in, const struct frame *f)
{
	const uint8_t *arp = f->head + f->l3_off;
	struct ip sender = {.family = 4};
	struct ip target = {.family = 4};

	memcpy(sender.b, arp + 14, 4);
	memcpy(target.b, arp + 24, 4);
	if (memcmp(arp + 8, in->mac.b, MAC_LEN) != 0)
		return DROPPED(DROP_spoofed_arp);
	/* A probe (RFC 5227) has no sender address yet and asks for one of its own. */
	if (!guard_may_use_ip(in, ip_is_zero(&sender) ? &target : &sender))
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
			return DROPPED(DROP_spoofed_nd);
		off += size;
	}
	return 0;
}

uint8_t guard_nd(const struct snapshot_port *in, const struct frame *f, const struct ip *src)
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
	if ((is_advert || ip_is_zero(src)) && !guard_may_use_ip(in, &target))
		return DROPPED(DROP_spoofed_nd);
	return guard_nd_options(in, f, f->l4_off + 24U);
}
