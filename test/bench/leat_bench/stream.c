/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/stream.h"

#include <arpa/inet.h>
#include <err.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TTL 64
#define FIRST_SRC_PORT 1024
#define SRC_PORTS 50000 /* of flows with the same destination port */
#define HUGE_PAGE (2U << 20)

/* Simple IMIX: IP packets of 40, 576 and 1500 bytes as 7:4:1, in Ethernet frames. */
static const uint16_t imix[] = {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594};

/* Zeroed, and in huge pages where the kernel has some to give. */
static void *table_alloc(size_t size)
{
	size_t rounded = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	void *table = aligned_alloc(HUGE_PAGE, rounded);

	if (table == NULL)
		err(1, "%zu bytes", rounded);
	madvise(table, rounded, MADV_HUGEPAGE);
	memset(table, 0, rounded);
	return table;
}

static uint32_t address(const struct ip *ip)
{
	uint32_t word;

	memcpy(&word, ip->b, sizeof(word));
	return ntohl(word);
}

/* Spreads numbers that follow each other over all 32 bits, one to one (Murmur3's finalizer). */
static uint32_t scatter(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x85ebca6bU;
	x ^= x >> 13;
	x *= 0xc2b2ae35U;
	return x ^ x >> 16;
}

/* All words of the header but the destination address. */
static uint32_t base_sum(uint32_t src)
{
	return 0x4500 + 0xffff + (TTL << 8 | IPPROTO_UDP) + (src >> 16) + (src & 0xffff);
}

static uint16_t csum_with(uint32_t base, uint32_t dst)
{
	uint32_t sum = base + (dst >> 16) + (dst & 0xffff);

	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

static struct frame_patch patch_of(const struct stream *s, uint32_t flow)
{
	const struct bench_options *o = s->options;
	uint32_t src = address(&o->ip[s->from]);
	uint32_t dst = address(&o->ip[!s->from]);
	uint16_t sport = (uint16_t)(FIRST_SRC_PORT + flow % SRC_PORTS);
	uint16_t dport = (uint16_t)(o->dst_port + flow / SRC_PORTS);
	bool reply = s->from == 1 && !o->spread;

	if (o->spread)
		dst = s->new_net | (scatter(flow) & s->new_hosts);
	return (struct frame_patch){
		.ttl = TTL,
		.proto = IPPROTO_UDP,
		.csum = htons(csum_with(base_sum(src), dst)),
		.src = htonl(src),
		.dst = htonl(dst),
		.sport = htons(reply ? dport : sport),
		.dport = htons(reply ? sport : dport),
	};
}

void stream_init(struct stream *ret, const struct bench_options *o, uint8_t from)
{
	struct frame_patch *patches = table_alloc(o->flows * sizeof(*patches));

	*ret = (struct stream){
		.options = o,
		.from = from,
		.flows = o->flows,
		.marks = o->check || o->latency,
		.timed = o->latency,
		.new_flows = o->new_flows[from],
		.new_base_sum = base_sum(address(&o->ip[from])),
		.new_net = address(&o->prefix.addr),
		.new_hosts =
			o->prefix.len == 0 ? UINT32_MAX : ~(UINT32_MAX << (32 - o->prefix.len)),
		.patches = patches,
	};
	for (uint32_t flow = 0; flow < o->flows; flow++)
		patches[flow] = patch_of(ret, flow);
	ret->next_seq = table_alloc(o->flows * sizeof(*ret->next_seq));
	ret->want_seq = table_alloc(o->flows * sizeof(*ret->want_seq));
	ret->latency = table_alloc(sizeof(*ret->latency));
}

void stream_free(struct stream *s)
{
	free((void *)(uintptr_t)s->patches);
	free(s->next_seq);
	free(s->want_seq);
	free(s->latency);
}

void stream_reset(struct stream *s)
{
	s->count = (struct stream_count){0};
	memset(s->latency, 0, sizeof(*s->latency));
}

void stream_new_flow(struct stream *s, struct frame_patch *ret)
{
	uint64_t number = s->new_next++;
	uint32_t dst = s->new_net | ((uint32_t)(number / SRC_PORTS) & s->new_hosts);

	*ret = (struct frame_patch){
		.ttl = TTL,
		.proto = IPPROTO_UDP,
		.csum = htons(csum_with(s->new_base_sum, dst)),
		.src = s->patches[0].src,
		.dst = htonl(dst),
		.sport = htons((uint16_t)(FIRST_SRC_PORT + number % SRC_PORTS)),
		.dport = htons(s->options->dst_port),
	};
}

unsigned stream_frame_len(const struct bench_options *o, unsigned slot)
{
	unsigned size = o->size != 0 ? o->size : imix[slot % (sizeof(imix) / sizeof(imix[0]))];

	return size - FRAME_FCS_LEN;
}

unsigned stream_frame_make(const struct stream *s, unsigned slot, uint8_t *room)
{
	const struct bench_options *o = s->options;
	unsigned len = stream_frame_len(o, slot);
	uint16_t ip_len = (uint16_t)(len - ETHER_HDR_LEN);
	uint16_t udp_len = (uint16_t)(ip_len - sizeof(struct iphdr));
	struct ether_header eth = {.ether_type = htons(ETHERTYPE_IP)};
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = htons(ip_len),
		.id = htons((uint16_t)(0xffff - ip_len))};
	struct udphdr udp = {.len = htons(udp_len)};

	memcpy(eth.ether_dhost, o->mac[!s->from].b, ETH_ALEN);
	memcpy(eth.ether_shost, o->mac[s->from].b, ETH_ALEN);
	memset(room, 0, len);
	memcpy(room, &eth, sizeof(eth));
	memcpy(room + sizeof(eth), &ip, sizeof(ip));
	memcpy(room + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	memcpy(room + FRAME_PATCH_AT, &s->patches[slot % s->flows], sizeof(s->patches[0]));
	return len;
}
