/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/announce.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <string.h>

#include "lib/checksum.h"

#define IPV6_VERSION 0x60000000
#define ND_HOP_LIMIT 255 /* RFC 4861, 7.1.2: no router has forwarded it */

struct advertisement {
	struct nd_neighbor_advert nd;
	struct nd_opt_hdr option;
	struct mac mac;
} __attribute__((packed));

_Static_assert(
	sizeof(struct ether_header) + sizeof(struct ip6_hdr) + sizeof(struct advertisement) ==
		ANNOUNCE_LEN_MAX,
	"the longest is that of IPv6");

static void ether_build(
	struct ether_header *ether, const struct mac *src, const struct mac *dst, uint16_t type)
{
	memcpy(ether->ether_dhost, dst->b, MAC_LEN);
	memcpy(ether->ether_shost, src->b, MAC_LEN);
	ether->ether_type = htons(type);
}

/* to NULL: an announcement, which is a request for one's own address. */
static uint16_t arp_build(
	const struct mac *mac, const struct ip *ip, const struct asker *to, uint8_t *frame)
{
	static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct ether_arp arp = {
		.ea_hdr =
			{
				.ar_hrd = htons(ARPHRD_ETHER),
				.ar_pro = htons(ETHERTYPE_IP),
				.ar_hln = MAC_LEN,
				.ar_pln = sizeof(arp.arp_spa),
				.ar_op = htons(to != NULL ? ARPOP_REPLY : ARPOP_REQUEST),
			},
	};

	memcpy(arp.arp_sha, mac->b, MAC_LEN);
	memcpy(arp.arp_spa, ip->b, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, to != NULL ? to->ip.b : ip->b, sizeof(arp.arp_tpa));
	if (to != NULL)
		memcpy(arp.arp_tha, to->mac.b, MAC_LEN);
	ether_build((struct ether_header *)frame, mac, to != NULL ? &to->mac : &everybody,
		ETHERTYPE_ARP);
	memcpy(frame + sizeof(struct ether_header), &arp, sizeof(arp));
	return sizeof(struct ether_header) + sizeof(arp);
}

static uint16_t icmp6_sum(const struct ip6_hdr *ip6, const struct advertisement *advertisement)
{
	struct checksum sum = {0};

	checksum_add_pseudo(&sum, &ip6->ip6_src, &ip6->ip6_dst, sizeof(ip6->ip6_src),
		IPPROTO_ICMPV6, sizeof(*advertisement));
	checksum_add(&sum, advertisement, sizeof(*advertisement));
	return checksum_end(&sum);
}

/* to NULL: unsolicited, to all nodes. */
static uint16_t advertisement_build(
	const struct mac *mac, const struct ip *ip, const struct asker *to, uint8_t *frame)
{
	static const struct mac all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};
	static const struct ip all_nodes = {.family = 6, .b = {0xff, 0x02, [15] = 1}};
	struct ip6_hdr ip6 = {
		.ip6_flow = htonl(IPV6_VERSION),
		.ip6_plen = htons(sizeof(struct advertisement)),
		.ip6_nxt = IPPROTO_ICMPV6,
		.ip6_hlim = ND_HOP_LIMIT,
	};
	struct advertisement advertisement = {
		.nd.nd_na_type = ND_NEIGHBOR_ADVERT,
		.nd.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1},
		.mac = *mac,
	};

	if (to != NULL)
		advertisement.nd.nd_na_flags_reserved |= ND_NA_FLAG_SOLICITED;
	memcpy(&ip6.ip6_src, ip->b, sizeof(ip6.ip6_src));
	memcpy(&ip6.ip6_dst, to != NULL ? to->ip.b : all_nodes.b, sizeof(ip6.ip6_dst));
	memcpy(&advertisement.nd.nd_na_target, ip->b, sizeof(advertisement.nd.nd_na_target));
	advertisement.nd.nd_na_cksum = icmp6_sum(&ip6, &advertisement);
	ether_build((struct ether_header *)frame, mac, to != NULL ? &to->mac : &all_nodes_mac,
		ETHERTYPE_IPV6);
	frame += sizeof(struct ether_header);
	memcpy(frame, &ip6, sizeof(ip6));
	memcpy(frame + sizeof(ip6), &advertisement, sizeof(advertisement));
	return ANNOUNCE_LEN_MAX;
}

static uint16_t build(
	const struct mac *mac, const struct ip *ip, const struct asker *to, uint8_t *frame)
{
	return ip->family == 4 ? arp_build(mac, ip, to, frame)
			       : advertisement_build(mac, ip, to, frame);
}

uint16_t announce_build(
	const struct mac *mac, const struct ip *ip, uint8_t frame[static ANNOUNCE_LEN_MAX])
{
	return build(mac, ip, NULL, frame);
}

uint16_t announce_answer(const struct mac *mac, const struct ip *ip, const struct asker *to,
	uint8_t frame[static ANNOUNCE_LEN_MAX])
{
	return build(mac, ip, to, frame);
}
