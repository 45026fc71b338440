/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet, up to two inner 802.1Q tags, ARP, IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200),
 * TCP, UDP, SCTP, ICMP. Only the private head is read: headers that reach beyond it are malformed
 * to us.
 */
#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_ether.h>

#include "dataplane/stage/stage.h"

#define INNER_TAGS_MAX 2
#define IPV6_EXTENSIONS_MAX 8
#define TCP_CONTROL_MASK 0x17 /* FIN, SYN, RST, ACK ... */
#define TCP_ACK_ALONE 0x10    /* ... of which a plain segment has the last */
#define ARP_LEN 28	      /* Ethernet and IPv4 (RFC 826) */
#define IPV4_HEADER_MIN 20
#define ETHERTYPE_MIN 0x600 /* what is less is a length (IEEE 802.3, 3.2.6) */
#define SNAP_LEN 8

/* Of a plain frame, as little-endian words have it. */
#define PLAIN_L4 (FRAME_LEN_MIN + IPV4_HEADER_MIN)
#define PLAIN_TYPE 0x450008    /* EtherType 0x0800, version 4, five words of header */
#define PLAIN_FRAG_MASK 0xff3f /* MF and the offset */

static const uint8_t malformed = DROPPED(DROP_malformed);

/* What has to lie behind a transport header's start for the stages to read, and for it to be whole.
 */
static unsigned l4_min(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

/* l4_off and l4_len (bytes from there to the datagram's end) are known; is the header there? */
static uint8_t parse_l4(struct frame *f, uint32_t l4_off, uint32_t l4_len)
{
	unsigned min = l4_min(f->l4_proto);

	if (l4_len < min || l4_off + min > f->head_len)
		return malformed;
	f->l4_off = (uint8_t)l4_off;
	f->flags |= FRAME_L4;
	if (f->l4_proto == IPPROTO_TCP &&
		(f->head[l4_off + 13] & TCP_CONTROL_MASK) != TCP_ACK_ALONE)
		f->flags |= FRAME_TCP_CONTROL;
	return 0;
}

static uint8_t parse_ipv4(struct frame *f)
{
	const uint8_t *ip = f->head + f->l3_off;
	uint32_t room = f->len - f->l3_off;
	uint32_t header;
	uint32_t total;
	uint16_t frag;

	if (f->head_len < f->l3_off + 20U || ip[0] >> 4 != 4)
		return malformed;
	header = (ip[0] & 0xfU) * 4;
	total = load_be16(ip + 2);
	if (header < 20 || total < header || total > room)
		return malformed;
	f->flags |= FRAME_IPV4;
	f->l4_proto = ip[9];
	frag = load_be16(ip + 6);
	if ((frag & 0x1fff) != 0) {
		f->flags |= FRAME_FRAG_LATER;
		return 0;
	}
	if (frag & 0x2000)
		f->flags |= FRAME_FRAG_FIRST;
	return parse_l4(f, f->l3_off + header, total - header);
}

/* The fragment header at off (RFC 8200, 4.5). An atomic fragment (RFC 6946) is none. */
static void parse_ipv6_fragment(struct frame *f, uint32_t off)
{
	uint16_t frag = load_be16(f->head + off + 2);

	memcpy(&f->frag_id, f->head + off + 4, sizeof(f->frag_id));
	if ((frag & 0xfff8) != 0)
		f->flags |= FRAME_FRAG_LATER;
	else if (frag & 1)
		f->flags |= FRAME_FRAG_FIRST;
}

static uint8_t parse_ipv6(struct frame *f)
{
	const uint8_t *ip = f->head + f->l3_off;
	uint32_t off = f->l3_off + 40U;
	uint32_t end;
	uint8_t next;

	if (f->head_len < off || ip[0] >> 4 != 6)
		return malformed;
	end = off + load_be16(ip + 4);
	if (end > f->len)
		return malformed;
	f->flags |= FRAME_IPV6;
	next = ip[6];
	for (unsigned n = 0; n <= IPV6_EXTENSIONS_MAX; n++) {
		uint32_t size;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
			next != IPPROTO_FRAGMENT && next != IPPROTO_AH) {
			f->l4_proto = next;
			return parse_l4(f, off, end - off);
		}
		if (off + 8 > end || off + 8 > f->head_len)
			return malformed;
		size = (f->head[off + 1] + 1U) * 8;
		if (next == IPPROTO_AH)
			size = (f->head[off + 1] + 2U) * 4;
		if (next == IPPROTO_FRAGMENT) {
			size = 8;
			parse_ipv6_fragment(f, off);
		}
		next = f->head[off];
		off += size;
		if (off > end)
			return malformed;
		if (f->flags & FRAME_FRAG_LATER) {
			f->l4_proto = next;
			return 0;
		}
	}
	return malformed;
}

/*
 * All of them, or a frame is malformed: kernels take any number of priority tags off, and what lies
 * behind them must not pass the guard and the rules unseen.
 */
static uint8_t parse_inner_tags(struct frame *f, uint16_t *type)
{
	for (unsigned n = 0; *type == RTE_ETHER_TYPE_VLAN || *type == RTE_ETHER_TYPE_QINQ; n++) {
		if (n == INNER_TAGS_MAX || f->head_len < f->l3_off + VLAN_TAG_LEN)
			return malformed;
		*type = load_be16(f->head + f->l3_off + 2);
		f->l3_off += VLAN_TAG_LEN;
	}
	return 0;
}

/*
 * IP, ARP or a tag in an 802.2 SNAP header (RFC 1042) of an EtherType's or a bridge tunnel's OUI: nobody sends that on
 * Ethernet, and there are receivers that unpack it, which guard and rules do not.
 */
static bool hides_in_snap(const struct frame *f, uint16_t type)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0x00, 0x00}; /* and 0x00 or 0xf8 */
	const uint8_t *llc = f->head + f->l3_off;

	if (type >= ETHERTYPE_MIN || f->head_len < f->l3_off + SNAP_LEN ||
		memcmp(llc, snap, sizeof(snap)) != 0 || (llc[5] != 0x00 && llc[5] != 0xf8))
		return false;
	switch (load_be16(llc + 6)) {
	case RTE_ETHER_TYPE_IPV4:
	case RTE_ETHER_TYPE_IPV6:
	case RTE_ETHER_TYPE_ARP:
	case RTE_ETHER_TYPE_VLAN:
	case RTE_ETHER_TYPE_QINQ:
		return true;
	default:
		return false;
	}
}

/* Untagged unicast, IPv4 without options and fragments, and UDP, or TCP that neither begins nor ends anything. */
bool parse_plain(struct frame *f)
{
	uint64_t type = load_word(f->head + 12); /* and version, IHL, TOS, total length */
	uint64_t frag = load_word(f->head + 20); /* and TTL, protocol, checksum */
	uint32_t total = __builtin_bswap16((uint16_t)(type >> 32));
	uint8_t proto = (uint8_t)(frag >> 24);
	uint32_t min = IPV4_HEADER_MIN + 8;

	if ((type & 0xffffff) != PLAIN_TYPE || (frag & PLAIN_FRAG_MASK) != 0 || (f->head[0] & 1))
		return false;
	if (proto == IPPROTO_TCP)
		min = IPV4_HEADER_MIN + 20;
	else if (proto != IPPROTO_UDP)
		return false;
	if (total < min || total > f->len - FRAME_LEN_MIN || FRAME_LEN_MIN + min > f->head_len)
		return false;
	if (proto == IPPROTO_TCP && (f->head[PLAIN_L4 + 13] & TCP_CONTROL_MASK) != TCP_ACK_ALONE)
		return false;
	f->flags = FRAME_IPV4 | FRAME_L4;
	f->l4_proto = proto;
	f->l3_off = FRAME_LEN_MIN;
	f->l4_off = PLAIN_L4;
	return true;
}

uint8_t parse_frame(struct frame *f)
{
	uint16_t type = load_be16(f->head + 12);

	f->flags = 0;
	f->l4_proto = 0;
	f->l4_off = 0;
	f->l3_off = FRAME_LEN_MIN;
	if (f->head[0] & 1)
		f->flags |= FRAME_MULTICAST;
	if (parse_inner_tags(f, &type) != 0)
		return malformed;
	if (type == RTE_ETHER_TYPE_IPV4)
		return parse_ipv4(f);
	if (type == RTE_ETHER_TYPE_IPV6)
		return parse_ipv6(f);
	if (type == RTE_ETHER_TYPE_ARP) {
		if (f->head_len < f->l3_off + ARP_LEN)
			return malformed;
		f->flags |= FRAME_ARP;
	}
	return hides_in_snap(f, type) ? malformed : 0;
}

/* Layer-3 bytes of the frame, or of each segment it is to become. */
static uint32_t mtu_bytes(const struct frame *f)
{
	uint32_t l4_header;

	if (f->gso_type == FRAME_GSO_NONE)
		return f->len - f->l3_off;
	l4_header = (f->head[f->l4_off + 12] >> 4) * 4U;
	return f->l4_off - f->l3_off + l4_header + f->gso_size;
}

/*
 * On an uplink the frames of an untagged network have no VLAN. One that an endpoint put there would
 * be taken for another network's by whoever receives it.
 */
static bool leads_astray(const struct pipeline *p, const struct frame *f, uint16_t network)
{
	if (f->l3_off == FRAME_LEN_MIN || p->snap->networks[network].tagged ||
		p->snap->ports[p->burst.port].uplink)
		return false;
	for (unsigned off = FRAME_LEN_MIN; off < f->l3_off; off += VLAN_TAG_LEN)
		if ((load_be16(f->head + off) & 0xfff) != 0)
			return true;
	return false;
}

/* 0 or the drop: a frame of any kind. */
static uint8_t parse_any(const struct pipeline *p, struct frame *f, uint16_t network)
{
	uint8_t drop = parse_frame(f);

	if (drop != 0)
		return drop;
	if (((f->offload & FRAME_NEEDS_CSUM) || f->gso_type != FRAME_GSO_NONE) && !offload_valid(f))
		return DROPPED(DROP_bad_offload);
	if (mtu_bytes(f) > p->snap->networks[network].mtu)
		return DROPPED(DROP_mtu_exceeded);
	return leads_astray(p, f, network) ? DROPPED(DROP_unknown_vlan) : 0;
}

void stage_parse(struct pipeline *p)
{
	struct burst *b = &p->burst;
	uint64_t bytes = 0;
	uint32_t frames = 0;

	for (unsigned i = 0; i < b->n; i++) {
		struct frame *f = &b->frame[i];

		if (p->drop[i] != 0)
			continue;
		if (unlikely((f->offload & FRAME_NEEDS_CSUM) || f->gso_type != FRAME_GSO_NONE ||
			     f->len - FRAME_LEN_MIN > p->snap->networks[p->network[i]].mtu ||
			     !parse_plain(f))) {
			p->drop[i] = parse_any(p, f, p->network[i]);
			if (p->drop[i] != 0)
				continue;
		}
		bytes += offload_wire_bytes(f);
		frames += offload_wire_frames(f);
	}
	p->wire_bytes = bytes;
	p->wire_frames = frames;
}
