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

static void ether_build(struct ether_header *ether, const struct mac *src,
	const uint8_t dst[static MAC_LEN], uint16_t type)
{
	memcpy(ether->ether_dhost, dst, MAC_LEN);
	memcpy(ether->ether_shost, src->b, MAC_LEN);
	ether->ether_type = htons(type);
}

static uint16_t arp_build(const struct mac *mac, const struct ip *ip, uint8_t *frame)
{
	static const uint8_t everybody[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct ether_arp arp = {
		.ea_hdr =
			{
				.ar_hrd = htons(ARPHRD_ETHER),
				.ar_pro = htons(ETHERTYPE_IP),
				.ar_hln = MAC_LEN,
				.ar_pln = sizeof(arp.arp_spa),
				.ar_op = htons(ARPOP_REQUEST),
			},
	};

	memcpy(arp.arp_sha, mac->b, MAC_LEN);
	memcpy(arp.arp_spa, ip->b, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, ip->b, sizeof(arp.arp_tpa));
	ether_build((struct ether_header *)frame, mac, everybody, ETHERTYPE_ARP);
	memcpy(frame + sizeof(struct ether_header), &arp, sizeof(arp));
	return sizeof(struct ether_header) + sizeof(arp);
}

/* RFC 8200, 8.1 */
static uint16_t icmp6_sum(const struct ip6_hdr *ip6, const struct advertisement *advertisement)
{
	const uint8_t tail[8] = {[3] = sizeof(*advertisement), [7] = IPPROTO_ICMPV6};
	struct checksum sum = {0};

	checksum_add(&sum, &ip6->ip6_src, sizeof(ip6->ip6_src));
	checksum_add(&sum, &ip6->ip6_dst, sizeof(ip6->ip6_dst));
	checksum_add(&sum, tail, sizeof(tail));
	checksum_add(&sum, advertisement, sizeof(*advertisement));
	return checksum_end(&sum);
}

static uint16_t advertisement_build(const struct mac *mac, const struct ip *ip, uint8_t *frame)
{
	static const uint8_t all_nodes_mac[MAC_LEN] = {0x33, 0x33, 0, 0, 0, 1};
	struct ip6_hdr ip6 = {
		.ip6_flow = htonl(IPV6_VERSION),
		.ip6_plen = htons(sizeof(struct advertisement)),
		.ip6_nxt = IPPROTO_ICMPV6,
		.ip6_hlim = ND_HOP_LIMIT,
		.ip6_dst.s6_addr = {0xff, 0x02, [15] = 1},
	};
	struct advertisement advertisement = {
		.nd.nd_na_type = ND_NEIGHBOR_ADVERT,
		.nd.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1},
		.mac = *mac,
	};

	memcpy(&ip6.ip6_src, ip->b, sizeof(ip6.ip6_src));
	memcpy(&advertisement.nd.nd_na_target, ip->b, sizeof(advertisement.nd.nd_na_target));
	advertisement.nd.nd_na_cksum = icmp6_sum(&ip6, &advertisement);
	ether_build((struct ether_header *)frame, mac, all_nodes_mac, ETHERTYPE_IPV6);
	frame += sizeof(struct ether_header);
	memcpy(frame, &ip6, sizeof(ip6));
	memcpy(frame + sizeof(ip6), &advertisement, sizeof(advertisement));
	return ANNOUNCE_LEN_MAX;
}

uint16_t announce_build(
	const struct mac *mac, const struct ip *ip, uint8_t frame[static ANNOUNCE_LEN_MAX])
{
	return ip->family == 4 ? arp_build(mac, ip, frame) : advertisement_build(mac, ip, frame);
}
