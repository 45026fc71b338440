/* SPDX-License-Identifier: BSD-3-Clause */
/* What the head of a parsed frame says. */
#ifndef LEAT_DATAPLANE_STAGE_FIELDS_H
#define LEAT_DATAPLANE_STAGE_FIELDS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/frame.h"
#include "lib/addr.h"

static inline uint16_t load_be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

/* Eight bytes as they lie. */
static inline uint64_t load_word(const uint8_t *b)
{
	uint64_t word;

	memcpy(&word, b, sizeof(word));
	return word;
}

/* 0 where it is no TCP. */
static inline uint8_t frame_tcp_flags(const struct frame *f)
{
	return f->l4_proto == IPPROTO_TCP && (f->flags & FRAME_L4) ? f->head[f->l4_off + 13] : 0;
}

/* Source and destination port in host order; false, and 0: it has none, or they are in another fragment. */
static inline bool frame_ports(const struct frame *f, uint16_t *ret_src, uint16_t *ret_dst)
{
	const uint8_t *l4 = f->head + f->l4_off;
	bool has = (f->flags & FRAME_L4) &&
		   (f->l4_proto == IPPROTO_TCP || f->l4_proto == IPPROTO_UDP ||
			   f->l4_proto == IPPROTO_SCTP);

	*ret_src = has ? load_be16(l4) : 0;
	*ret_dst = has ? load_be16(l4 + 2) : 0;
	return has;
}

static inline bool frame_is_icmp(const struct frame *f)
{
	return f->l4_proto == IPPROTO_ICMP || f->l4_proto == IPPROTO_ICMPV6;
}

/* The addresses of a parsed IP frame. */
static inline void frame_ips(const struct frame *f, struct ip *src, struct ip *dst)
{
	const uint8_t *l3 = f->head + f->l3_off;

	memset(src, 0, sizeof(*src));
	memset(dst, 0, sizeof(*dst));
	if (f->flags & FRAME_IPV4) {
		src->family = dst->family = 4;
		memcpy(src->b, l3 + 12, 4);
		memcpy(dst->b, l3 + 16, 4);
	} else if (f->flags & FRAME_IPV6) {
		src->family = dst->family = 6;
		memcpy(src->b, l3 + 8, 16);
		memcpy(dst->b, l3 + 24, 16);
	}
}

#endif
