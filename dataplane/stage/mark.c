/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DSCP (RFC 2474) of what a marked endpoint sends: the upper six bits of what was IPv4's TOS, and of IPv6's traffic
 * class. The lower two, ECN (RFC 3168), belong to the two ends, and to shapers, which may say in them that there is congestion.
 * No transport checksum covers either.
 */
#include "dataplane/stage/shape.h"
#include "lib/checksum.h"

#define ECN_MASK 0x3
#define DSCP_SHIFT 2
#define IPV6_ECN_SHIFT 4 /* in the second byte */
#define IPV4_CSUM_OFFSET 10

/*
 * By what has changed alone (RFC 1624, 3): a sum that was wrong stays wrong, and its receiver finds out. The words are
 * summed as they lie (RFC 1071, 2(B)).
 */
static void set_ipv4_tos(uint8_t *ip, uint8_t tos)
{
	uint16_t was, is, csum;

	memcpy(&was, ip, sizeof(was));
	ip[1] = tos;
	memcpy(&is, ip, sizeof(is));
	memcpy(&csum, ip + IPV4_CSUM_OFFSET, sizeof(csum));
	csum = (uint16_t)~checksum_fold((uint64_t)(uint16_t)~csum + (uint16_t)~was + is);
	memcpy(ip + IPV4_CSUM_OFFSET, &csum, sizeof(csum));
}

static void mark_ipv4(uint8_t *ip, uint8_t dscp)
{
	set_ipv4_tos(ip, (uint8_t)(dscp << DSCP_SHIFT | (ip[1] & ECN_MASK)));
}

/* The traffic class lies across two bytes, between version and flow label (RFC 8200, 3). */
static void mark_ipv6(uint8_t *ip, uint8_t dscp)
{
	ip[0] = (uint8_t)((ip[0] & 0xf0) | dscp >> 2);
	ip[1] = (uint8_t)(dscp << 6 | (ip[1] & 0x3f));
}

void stage_mark(struct pipeline *p, uint8_t dscp)
{
	for (unsigned i = 0; i < p->burst.n; i++) {
		const struct frame *f = &p->burst.frame[i];

		if (p->drop[i] != 0)
			continue;
		if (f->flags & FRAME_IPV4)
			mark_ipv4(f->head + f->l3_off, dscp);
		else if (f->flags & FRAME_IPV6)
			mark_ipv6(f->head + f->l3_off, dscp);
	}
}

bool frame_knows_ecn(const struct frame *f)
{
	const uint8_t *ip = f->head + f->l3_off;

	if (f->flags & FRAME_IPV4)
		return (ip[1] & ECN_MASK) != 0;
	return (f->flags & FRAME_IPV6) && (ip[1] >> IPV6_ECN_SHIFT & ECN_MASK) != 0;
}

void mark_congestion(struct frame *f)
{
	uint8_t *ip = f->head + f->l3_off;

	if (f->flags & FRAME_IPV4)
		set_ipv4_tos(ip, ip[1] | ECN_MASK);
	else if (f->flags & FRAME_IPV6)
		ip[1] |= ECN_MASK << IPV6_ECN_SHIFT;
}
