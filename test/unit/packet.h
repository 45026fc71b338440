/* SPDX-License-Identifier: BSD-3-Clause */
/* Random TCP and UDP packets as one flat piece, and as a frame in pieces. For test_offload. */
#ifndef LEAT_TEST_UNIT_PACKET_H
#define LEAT_TEST_UNIT_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/offload.h"
#include "test/unit/random.h"

#define PACKET_MAX 70000

struct packet {
	uint8_t data[PACKET_MAX];
	uint32_t len;
	uint32_t l3;
	uint32_t l4;
	uint32_t payload; /* where it begins */
	bool ipv6;
	bool tcp;
};

static inline void be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t rd16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t rd32(const uint8_t *p)
{
	return rd16(p) << 16 | rd16(p + 2);
}

/* RFC 1071, word by word, as slow and plain as it reads. */
static inline uint32_t plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* The pseudo header's (RFC 9293, 3.1; RFC 8200, 8.1), with len bytes of transport header and data. */
static inline uint32_t pseudo_sum(const struct packet *p, uint32_t len)
{
	const uint8_t *ip = p->data + p->l3;
	uint32_t sum = p->ipv6 ? plain_sum(0, ip + 8, 32) : plain_sum(0, ip + 12, 8);

	sum += p->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	sum += len >> 16;
	sum += len & 0xffff;
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static inline uint32_t build_ipv4(struct rnd *r, struct packet *p, uint32_t at)
{
	uint32_t options = (uint32_t)rnd_below(r, 3) == 0 ? 4 * (uint32_t)rnd_below(r, 11) : 0;
	uint8_t *ip = p->data + at;

	ip[0] = (uint8_t)(0x40 | (20 + options) / 4);
	be16(ip + 6, 0x4000);
	ip[9] = p->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	return at + 20 + options;
}

/* Up to two extension headers of 8 or 16 bytes. */
static inline uint32_t build_ipv6(struct rnd *r, struct packet *p, uint32_t at)
{
	static const uint8_t kinds[] = {IPPROTO_DSTOPTS, IPPROTO_HOPOPTS};
	uint8_t *next = p->data + at + 6;

	p->data[at] = 0x60;
	at += 40;
	for (uint64_t n = rnd_below(r, 3); n != 0; n--) {
		*next = kinds[rnd_below(r, 2)];
		next = p->data + at;
		p->data[at + 1] = (uint8_t)rnd_below(r, 2);
		at += 8 * (p->data[at + 1] + 1U);
	}
	*next = p->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	return at;
}

/* A packet of n payload bytes; headers fit FRAME_HEAD_MAX. Its checksum holds the pseudo header's sum. */
static inline void packet_build(struct rnd *r, struct packet *p, bool ipv6, bool tcp, uint32_t n)
{
	uint32_t l4_header;

	p->ipv6 = ipv6;
	p->tcp = tcp;
	for (unsigned i = 0; i < FRAME_HEAD_MAX + 8; i++)
		p->data[i] = (uint8_t)rnd_next(r);
	p->l3 = rnd_below(r, 3) == 0 ? 18 : 14;
	if (p->l3 == 18)
		be16(p->data + 12, 0x8100);
	be16(p->data + p->l3 - 2, ipv6 ? 0x86dd : 0x0800);
	p->l4 = ipv6 ? build_ipv6(r, p, p->l3) : build_ipv4(r, p, p->l3);
	l4_header = tcp ? 20 : 8;
	if (tcp && rnd_below(r, 2) == 0)
		l4_header += 4 * (uint32_t)rnd_below(r, (FRAME_HEAD_MAX - p->l4 - 20) / 4 + 1) % 44;
	p->payload = p->l4 + l4_header;
	p->len = p->payload + n;
	for (uint32_t i = p->payload; i < p->len; i++)
		p->data[i] = (uint8_t)rnd_next(r);
	if (tcp)
		p->data[p->l4 + 12] = (uint8_t)(l4_header / 4 << 4 | (p->data[p->l4 + 12] & 0xf));
	be16(p->data + p->l3 + (ipv6 ? 4 : 2), ipv6 ? p->len - p->l3 - 40 : p->len - p->l3);
	be16(p->data + p->l4 + (tcp ? 16 : 6), pseudo_sum(p, p->len - p->l4));
}

/* The same as a frame: a head of up to FRAME_HEAD_MAX bytes, the rest cut anywhere, odd lengths too. */
struct pieces {
	struct frame frame;
	uint8_t head[FRAME_HEAD_MAX];
	struct seg tail[FRAME_SEGS_MAX];
};

static inline void packet_to_frame(struct rnd *r, const struct packet *p, struct pieces *to)
{
	struct frame *f = &to->frame;
	uint32_t at = p->len < FRAME_HEAD_MAX ? p->len : FRAME_HEAD_MAX;
	uint32_t most = p->len / 20 + 1;

	*f = (struct frame){
		.head = to->head,
		.tail = to->tail,
		.len = p->len,
		.head_len = (uint16_t)at,
		.offload = FRAME_NEEDS_CSUM,
		.csum_start = (uint16_t)p->l4,
		.csum_offset = p->tcp ? 16 : 6,
		.flags = FRAME_L4 | (p->ipv6 ? FRAME_IPV6 : FRAME_IPV4),
		.l4_proto = p->tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.l3_off = (uint8_t)p->l3,
		.l4_off = (uint8_t)p->l4,
	};
	memcpy(to->head, p->data, at);
	while (at < p->len) {
		uint32_t part = p->len - at;

		if (f->n_tail < FRAME_SEGS_MAX - 1)
			part = (uint32_t)rnd_below(r, (most < part ? most : part) + 1);
		to->tail[f->n_tail++] = (struct seg){.base = p->data + at, .len = part};
		at += part;
	}
}

/* A frame back into one piece; its length. */
static inline uint32_t frame_flatten(const struct frame *f, uint8_t *to)
{
	uint32_t at = f->head_len;

	memcpy(to, f->head, at);
	for (unsigned i = 0; i < f->n_tail; i++) {
		memcpy(to + at, f->tail[i].base, f->tail[i].len);
		at += f->tail[i].len;
	}
	return at;
}

#endif
