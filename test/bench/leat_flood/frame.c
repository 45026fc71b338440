/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/checksum.h"
#include "test/bench/leat_flood/flood.h"

#define PORT_FIRST 1024
#define PORTS 60000
#define TTL 64
#define WINDOW 64240

static uint16_t ports_of(uint64_t number)
{
	return (uint16_t)(PORT_FIRST + number % PORTS);
}

static void syn_write(uint8_t *l4)
{
	struct tcphdr tcp = {
		.th_sport = htons(ports_of(flood.number)),
		.th_dport = htons(ports_of(flood.number / PORTS)),
		.th_seq = htonl((uint32_t)flood.number),
		.th_off = sizeof(tcp) / 4,
		.th_flags = TH_SYN,
		.th_win = htons(WINDOW),
	};
	struct checksum sum = {0};

	checksum_add_pseudo(
		&sum, &flood.ip[0], &flood.ip[1], sizeof(flood.ip[0]), IPPROTO_TCP, sizeof(tcp));
	checksum_add(&sum, &tcp, sizeof(tcp));
	tcp.th_sum = checksum_end(&sum);
	memcpy(l4, &tcp, sizeof(tcp));
}

void frame_make(uint8_t *frame)
{
	const uint16_t ip_len = FRAME_LEN - ETHER_HDR_LEN;
	struct ether_header eth = {.ether_type = htons(ETHERTYPE_IP)};
	struct iphdr ip = {.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(ip_len),
		.ttl = TTL,
		.protocol = flood.kind == KIND_SYN ? IPPROTO_TCP : IPPROTO_UDP,
		.saddr = flood.ip[0].s_addr,
		.daddr = flood.kind == KIND_BROADCAST ? INADDR_BROADCAST : flood.ip[1].s_addr};
	struct udphdr udp = {.uh_sport = htons(PORT_FIRST),
		.uh_dport = htons(PORT_FIRST),
		.uh_ulen = htons(ip_len - sizeof(ip))};

	memcpy(eth.ether_shost, &flood.mac[0], ETH_ALEN);
	if (flood.kind == KIND_BROADCAST)
		memset(eth.ether_dhost, 0xff, ETH_ALEN);
	else
		memcpy(eth.ether_dhost, &flood.mac[1], ETH_ALEN);
	ip.check = (uint16_t)~checksum_bytes(&ip, sizeof(ip));
	memset(frame, 0, FRAME_LEN);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	if (flood.kind != KIND_SYN)
		memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

void frame_next(uint8_t *frame)
{
	if (flood.kind == KIND_SYN)
		syn_write(frame + ETHER_HDR_LEN + sizeof(struct iphdr));
	flood.number++;
}
