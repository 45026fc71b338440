/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/offload.h"

#include <string.h>

#include <netinet/in.h>

#include "lib/checksum.h"

#define IPV4_LEN_OFFSET 2
#define IPV4_ID_OFFSET 4
#define IPV4_CSUM_OFFSET 10
#define IPV6_LEN_OFFSET 4
#define IPV6_HEADER_LEN 40
#define TCP_HEADER_MIN 20
#define TCP_SEQ_OFFSET 4
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS_OFFSET 13
#define TCP_CSUM_OFFSET 16
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define UDP_HEADER_LEN 8
#define UDP_CSUM_OFFSET 6

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint32_t tcp_header_len(const struct frame *f)
{
	return (f->head[f->csum_start + TCP_DATA_OFFSET] >> 4) * 4U;
}

/* Bytes of all headers of a valid GSO frame. */
static uint32_t headers_len(const struct frame *f)
{
	return f->csum_start + tcp_header_len(f);
}

/*
 * Only the checksum field of the TCP or UDP header that parse found may be asked for. Anything else
 * would let a sender have bytes changed behind the guard's and the rules' back, by whoever
 * finishes.
 */
static bool csum_valid(const struct frame *f)
{
	uint16_t field;
	uint16_t header;

	if (!(f->flags & FRAME_L4) || f->csum_start != f->l4_off)
		return false;
	if (f->flags & (FRAME_FRAG_FIRST | FRAME_FRAG_LATER))
		return false; /* its checksum covers bytes that are not here */
	if (f->l4_proto == IPPROTO_TCP) {
		field = TCP_CSUM_OFFSET;
		header = TCP_HEADER_MIN;
	} else if (f->l4_proto == IPPROTO_UDP) {
		field = UDP_CSUM_OFFSET;
		header = UDP_HEADER_LEN;
	} else {
		return false;
	}
	return f->csum_offset == field && (uint32_t)f->l4_off + header <= f->head_len;
}

static bool gso_valid(const struct frame *f)
{
	uint8_t family;

	switch (f->gso_type & ~FRAME_GSO_ECN) {
	case FRAME_GSO_TCPV4:
		family = FRAME_IPV4;
		break;
	case FRAME_GSO_TCPV6:
		family = FRAME_IPV6;
		break;
	default:
		return false;
	}
	/* virtio 1.2, 5.1.6.2.1: segmentation only with an unfinished checksum. */
	if (!(f->flags & family) || !(f->offload & FRAME_NEEDS_CSUM) || !csum_valid(f))
		return false;
	if (f->l4_proto != IPPROTO_TCP || tcp_header_len(f) < TCP_HEADER_MIN ||
		headers_len(f) > f->head_len)
		return false;
	return f->gso_size != 0 && offload_gso_frames(f) <= OFFLOAD_SEGMENTS_MAX;
}

bool offload_valid(const struct frame *f)
{
	if (f->gso_type != FRAME_GSO_NONE)
		return gso_valid(f);
	return !(f->offload & FRAME_NEEDS_CSUM) || csum_valid(f);
}

uint32_t offload_gso_frames(const struct frame *f)
{
	uint32_t payload = f->len - headers_len(f);

	return payload <= f->gso_size ? 1 : (payload + f->gso_size - 1) / f->gso_size;
}

uint64_t offload_gso_bytes(const struct frame *f)
{
	return f->len + (uint64_t)(offload_gso_frames(f) - 1) * headers_len(f);
}

/* What a derived frame shares with f. It has no mbuf: that stays f's to give away. */
static void slot_begin(struct offload_slot *slot, const struct frame *f, uint32_t head_len)
{
	if (f != &slot->frame) {
		memcpy(slot->head, f->head, head_len);
		slot->frame = *f;
	}
	slot->frame.head = slot->head;
	slot->frame.tail = slot->tail;
	slot->frame.head_len = (uint16_t)head_len;
	slot->frame.mbuf = NULL;
	slot->frame.sole = false;
}

void offload_finish_csum(const struct frame *f, struct offload_slot *slot)
{
	struct checksum sum = {0};
	uint16_t result;

	if (f != &slot->frame)
		memcpy(slot->tail, f->tail, f->n_tail * sizeof(slot->tail[0]));
	slot_begin(slot, f, f->head_len);
	checksum_add(&sum, slot->head + f->csum_start, (size_t)(f->head_len - f->csum_start));
	for (unsigned i = 0; i < f->n_tail; i++)
		checksum_add(&sum, slot->tail[i].base, slot->tail[i].len);
	result = checksum_end(&sum);
	/* RFC 768: 0 would mean "none". For TCP the two are the same number. */
	if (result == 0)
		result = 0xffff;
	memcpy(slot->head + f->csum_start + f->csum_offset, &result, sizeof(result));
	slot->frame.offload = FRAME_CSUM_VALID;
}

/* Bytes [from, from + len) of f's payload: what lies in f's head is copied, the rest pointed at. */
static void segment_payload(
	struct offload_slot *slot, const struct frame *f, uint32_t from, uint32_t len)
{
	uint32_t headers = slot->frame.head_len;
	uint32_t in_head = f->head_len - headers;
	uint16_t n = 0;

	if (from < in_head) {
		uint32_t part = len < in_head - from ? len : in_head - from;

		memcpy(slot->head + headers, f->head + headers + from, part);
		slot->frame.head_len = (uint16_t)(headers + part);
		from += part;
		len -= part;
	}
	from -= in_head;
	for (unsigned i = 0; i < f->n_tail && len != 0; i++) {
		const struct seg *s = &f->tail[i];
		uint32_t part;

		if (from >= s->len) {
			from -= s->len;
			continue;
		}
		part = len < s->len - from ? len : s->len - from;
		slot->tail[n++] = (struct seg){.base = s->base + from, .len = part};
		len -= part;
		from = 0;
	}
	slot->frame.n_tail = n;
}

static void segment_ipv4(uint8_t *ip, uint32_t i, uint32_t total)
{
	uint16_t csum;

	put16(ip + IPV4_LEN_OFFSET, (uint16_t)total);
	put16(ip + IPV4_ID_OFFSET, (uint16_t)(get16(ip + IPV4_ID_OFFSET) + i));
	put16(ip + IPV4_CSUM_OFFSET, 0);
	csum = (uint16_t)~checksum_bytes(ip, (ip[0] & 0xfU) * 4);
	memcpy(ip + IPV4_CSUM_OFFSET, &csum, sizeof(csum));
}

/*
 * The unfinished checksum is the pseudo header's sum, and the TCP length is the only part of that
 * which differs (RFC 1624). Recomputing it from the addresses would be wrong behind a routing
 * header.
 */
static void segment_tcp(
	uint8_t *tcp, const struct frame *f, uint32_t i, uint32_t n, uint32_t l4_len)
{
	uint32_t whole = f->len - f->csum_start;
	uint64_t sum = get16(tcp + TCP_CSUM_OFFSET);

	sum += (uint16_t)~checksum_fold(whole);
	sum += l4_len;
	put16(tcp + TCP_CSUM_OFFSET, checksum_fold(sum));
	put32(tcp + TCP_SEQ_OFFSET, get32(tcp + TCP_SEQ_OFFSET) + i * f->gso_size);
	if (i + 1 != n)
		tcp[TCP_FLAGS_OFFSET] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i != 0)
		tcp[TCP_FLAGS_OFFSET] &= (uint8_t)~TCP_CWR;
}

void offload_segment(const struct frame *f, uint32_t i, struct offload_slot *slot)
{
	uint32_t n = offload_gso_frames(f);
	uint32_t headers = headers_len(f);
	uint32_t from = i * f->gso_size;
	uint32_t left = f->len - headers - from;
	uint32_t part = left < f->gso_size ? left : f->gso_size;
	uint8_t *ip;

	slot_begin(slot, f, headers);
	segment_payload(slot, f, from, part);
	slot->frame.len = headers + part;
	slot->frame.gso_type = FRAME_GSO_NONE;
	slot->frame.gso_size = 0;
	ip = slot->head + f->l3_off;
	if (f->flags & FRAME_IPV4)
		segment_ipv4(ip, i, headers + part - f->l3_off);
	else
		put16(ip + IPV6_LEN_OFFSET,
			(uint16_t)(headers + part - f->l3_off - IPV6_HEADER_LEN));
	segment_tcp(slot->head + f->csum_start, f, i, n, headers + part - f->csum_start);
}
