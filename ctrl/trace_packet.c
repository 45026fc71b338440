/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/trace_packet.h"

#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/igmp.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "lib/checksum.h"

#define HOP_LIMIT 64
#define IPV4_LEN 20
#define IPV4_SUM 10 /* where the header checksum lies, RFC 791 */
#define IPV6_LEN 40
#define NO_SUM UINT16_MAX

/* Headers behind IP: their length and where the checksum lies; RFC 9293, 768, 9260, 792, 4443. */
struct l4 {
	uint8_t proto;
	bool has_ports;
	bool pseudo_header; /* the checksum covers the IP addresses too */
	uint16_t len;
	uint16_t sum;
};
static const struct l4 l4_list[] = {
	{IPPROTO_TCP, true, true, 20, 16},
	{IPPROTO_UDP, true, true, 8, 6},
	{IPPROTO_SCTP, true, false, 12, NO_SUM},
	{IPPROTO_ICMP, false, false, 8, 2},
	{IPPROTO_ICMPV6, false, true, 8, 2},
	{IPPROTO_IGMP, false, false, 8, 2},
};
static const struct l4 l4_other = {.len = 8, .sum = NO_SUM};

#define TCP_OFFSET 12 /* of the header's length in words, then the flags, then the window */
#define UDP_LENGTH 4
#define ICMP_ECHO_REQUEST 8    /* RFC 792 */
#define ICMP6_ECHO_REQUEST 128 /* RFC 4443 */
#define IGMP_REPORT 0x16       /* RFC 2236, 2.1 */
#define IGMP_GROUP 4	       /* where the group lies, there and in an MLD message */
#define MLD_GROUP 8
#define MLD_QUERY 130 /* RFC 2710, 3: the first of its types */
#define MLD_DONE 132  /* the last */
#define MLD_LEN 24
#define ND_ROUTER_SOLICIT 133 /* RFC 4861, 4.1 to 4.5 */
#define ND_ROUTER_ADVERT 134
#define ND_NEIGHBOR_SOLICIT 135
#define ND_NEIGHBOR_ADVERT 136
#define ND_REDIRECT 137
#define ND_TARGET 8
#define ND_OPTION_LEN 8
#define ND_HOP_LIMIT 255 /* RFC 4861, 3.1 */

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static const struct l4 *l4_of(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(l4_list) / sizeof(l4_list[0]); i++)
		if (l4_list[i].proto == proto)
			return &l4_list[i];
	return &l4_other;
}

static uint16_t l2_build(const struct trace_packet *p, uint16_t type, uint8_t *frame)
{
	uint16_t len = 2 * MAC_LEN;

	memcpy(frame, p->dst_mac.b, MAC_LEN);
	memcpy(frame + MAC_LEN, p->src_mac.b, MAC_LEN);
	if (p->vlan != 0) {
		put16(frame + len, RTE_ETHER_TYPE_VLAN);
		put16(frame + len + 2, p->vlan);
		len += 4;
	}
	put16(frame + len, type);
	return len + 2;
}

uint8_t trace_packet_type(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_ICMP:
		return ICMP_ECHO_REQUEST;
	case IPPROTO_ICMPV6:
		return ICMP6_ECHO_REQUEST;
	case IPPROTO_IGMP:
		return IGMP_REPORT;
	default:
		return 0;
	}
}

static bool is_nd(const struct trace_packet *p)
{
	return p->proto == IPPROTO_ICMPV6 && p->icmp_type >= ND_ROUTER_SOLICIT &&
	       p->icmp_type <= ND_REDIRECT;
}

static bool is_mld(const struct trace_packet *p)
{
	return p->proto == IPPROTO_ICMPV6 && p->icmp_type >= MLD_QUERY && p->icmp_type <= MLD_DONE;
}

/* Of a neighbour discovery message without options. */
static uint16_t nd_len(const struct trace_packet *p)
{
	switch (p->icmp_type) {
	case ND_ROUTER_SOLICIT:
		return 8;
	case ND_ROUTER_ADVERT:
		return 16;
	case ND_REDIRECT:
		return 40;
	default:
		return 24;
	}
}

/* Of the header, and of what the message has behind it. */
static uint16_t l4_len(const struct trace_packet *p)
{
	if (is_nd(p))
		return nd_len(p) + (p->has_sender_mac ? ND_OPTION_LEN : 0);
	return is_mld(p) ? MLD_LEN : l4_of(p->proto)->len;
}

static void nd_build(const struct trace_packet *p, uint8_t *at)
{
	bool of_target = p->icmp_type == ND_NEIGHBOR_ADVERT || p->icmp_type == ND_REDIRECT;
	uint8_t *option = at + nd_len(p);

	if (p->icmp_type >= ND_NEIGHBOR_SOLICIT)
		memcpy(at + ND_TARGET, p->target_ip.b, sizeof(p->target_ip.b));
	if (!p->has_sender_mac)
		return;
	option[0] = of_target ? ND_OPT_TARGET_LINKADDR : ND_OPT_SOURCE_LINKADDR;
	option[1] = 1; /* units of 8 bytes */
	memcpy(option + 2, p->sender_mac.b, MAC_LEN);
}

static void icmp6_build(const struct trace_packet *p, uint8_t *at)
{
	at[0] = p->icmp_type;
	if (is_nd(p))
		nd_build(p, at);
	else if (is_mld(p) && p->icmp_type != MLD_QUERY)
		memcpy(at + MLD_GROUP, p->dst_ip.b, sizeof(p->dst_ip.b));
}

static void igmp_build(const struct trace_packet *p, uint8_t *at)
{
	at[0] = p->icmp_type;
	if (p->icmp_type != IGMP_MEMBERSHIP_QUERY)
		memcpy(at + IGMP_GROUP, p->dst_ip.b, 4);
}

static void l4_sum(const struct trace_packet *p, const struct l4 *l4, uint16_t len, uint8_t *at)
{
	size_t ip_len = p->src_ip.family == 4 ? 4 : 16;
	struct checksum sum = {0};
	uint16_t value;

	if (l4->sum == NO_SUM)
		return;
	if (l4->pseudo_header) {
		checksum_add_pseudo(&sum, p->src_ip.b, p->dst_ip.b, ip_len, p->proto, len);
	}
	checksum_add(&sum, at, len);
	value = checksum_end(&sum);
	if (value == 0 && p->proto == IPPROTO_UDP)
		value = UINT16_MAX; /* RFC 768: 0 means that there is none */
	memcpy(at + l4->sum, &value, sizeof(value));
}

static uint16_t l4_build(const struct trace_packet *p, uint8_t *at)
{
	const struct l4 *l4 = l4_of(p->proto);
	uint16_t len = l4_len(p);

	if (l4->has_ports) {
		put16(at, p->src_port);
		put16(at + 2, p->dst_port);
	}
	switch (p->proto) {
	case IPPROTO_TCP:
		at[TCP_OFFSET] = (uint8_t)(l4->len / 4 << 4);
		at[TCP_OFFSET + 1] = p->tcp_flags;
		put16(at + TCP_OFFSET + 2, UINT16_MAX);
		break;
	case IPPROTO_UDP:
		put16(at + UDP_LENGTH, len);
		break;
	case IPPROTO_ICMP:
		at[0] = p->icmp_type;
		break;
	case IPPROTO_ICMPV6:
		icmp6_build(p, at);
		break;
	case IPPROTO_IGMP:
		igmp_build(p, at);
		break;
	}
	l4_sum(p, l4, len, at);
	return len;
}

/* RFC 791, 3.1 */
static uint16_t ipv4_build(const struct trace_packet *p, uint8_t *at)
{
	uint16_t len = IPV4_LEN + l4_build(p, at + IPV4_LEN);
	struct checksum sum = {0};
	uint16_t value;

	at[0] = 0x45; /* version 4, five words */
	put16(at + 2, len);
	at[8] = HOP_LIMIT;
	at[9] = p->proto;
	memcpy(at + 12, p->src_ip.b, 4);
	memcpy(at + 16, p->dst_ip.b, 4);
	checksum_add(&sum, at, IPV4_LEN);
	value = checksum_end(&sum);
	memcpy(at + IPV4_SUM, &value, sizeof(value));
	return len;
}

/* RFC 8200, 3. */
static uint16_t ipv6_build(const struct trace_packet *p, uint8_t *at)
{
	uint16_t len = l4_build(p, at + IPV6_LEN);

	at[0] = 0x60; /* version 6 */
	put16(at + 4, len);
	at[6] = p->proto;
	at[7] = is_nd(p) ? ND_HOP_LIMIT : HOP_LIMIT;
	memcpy(at + 8, p->src_ip.b, 16);
	memcpy(at + 24, p->dst_ip.b, 16);
	return IPV6_LEN + len;
}

/* RFC 826 */
static uint16_t arp_build(const struct trace_packet *p, uint8_t *at)
{
	put16(at, ARPHRD_ETHER);
	put16(at + 2, ETHERTYPE_IP);
	at[4] = MAC_LEN;
	at[5] = 4;
	put16(at + 6, p->arp);
	memcpy(at + 8, p->sender_mac.b, MAC_LEN);
	memcpy(at + 14, p->src_ip.b, 4);
	memcpy(at + 18, p->target_mac.b, MAC_LEN);
	memcpy(at + 24, p->dst_ip.b, 4);
	return sizeof(struct ether_arp);
}

void trace_packet_resolve(struct trace_packet *p)
{
	/* RFC 4291, 2.7.1; and its MAC, RFC 2464, 7 */
	static const uint8_t solicited_node[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	p->sender_mac = p->src_mac;
	if (p->dst_ip.family == 4) {
		p->arp = ARPOP_REQUEST;
		p->dst_mac = (struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
		return;
	}
	p->proto = IPPROTO_ICMPV6;
	p->icmp_type = ND_NEIGHBOR_SOLICIT;
	p->has_sender_mac = true;
	p->target_ip = p->dst_ip;
	memcpy(p->dst_ip.b, solicited_node, sizeof(solicited_node));
	p->dst_mac =
		(struct mac){{0x33, 0x33, 0xff, p->dst_ip.b[13], p->dst_ip.b[14], p->dst_ip.b[15]}};
}

uint16_t trace_packet_build(const struct trace_packet *p, uint8_t frame[static TRACE_PACKET_MAX])
{
	uint16_t len;

	memset(frame, 0, TRACE_PACKET_MAX);
	if (p->arp != 0) {
		len = l2_build(p, RTE_ETHER_TYPE_ARP, frame);
		return len + arp_build(p, frame + len);
	}
	switch (p->src_ip.family) {
	case 4:
		len = l2_build(p, RTE_ETHER_TYPE_IPV4, frame);
		return len + ipv4_build(p, frame + len);
	case 6:
		len = l2_build(p, RTE_ETHER_TYPE_IPV6, frame);
		return len + ipv6_build(p, frame + len);
	default:
		return l2_build(p, TRACE_ETHERTYPE, frame);
	}
}
