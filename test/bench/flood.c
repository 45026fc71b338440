/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A loud neighbour: 64-byte frames as fast as a switch takes them, at next to no cost of the core it runs on, where
 * others are measured. See --help.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/checksum.h"
#include "lib/clock.h"
#include "test/bench/leat_bench/guest.h"
#include "test/bench/leat_bench/vhost_user.h"

#define RING_SIZE 16384
#define EVERY_US 1000 /* how often the ring is filled up: 16 million frames a second at most */
#define PACKETS_A_CALL 64
#define FRAME_LEN 60 /* 64 with the check sequence, which is in no ring */
#define PORT_FIRST 1024
#define PORTS 60000
#define TTL 64
#define WINDOW 64240

enum kind { KIND_UDP, KIND_BROADCAST, KIND_SYN, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"udp", "broadcast", "syn"};

static struct {
	enum kind kind;
	const char *from, *sink, *netdev;
	struct ether_addr mac[2]; /* of who sends, and who is sent to */
	struct in_addr ip[2];
	uint64_t number;	   /* of the next frame */
	uint64_t began, began_cpu; /* ns */
} flood;

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static const char usage[] =
	"usage: leat-flood --kind udp|broadcast|syn --mac FROM,TO --ip FROM,TO\n"
	"                  --from SOCKET --sink SOCKET | --netdev NAME\n"
	"\n"
	"Says \"sending\" when it begins, sends until SIGINT or SIGTERM, then prints how many "
	"frames were\n"
	"taken, and what of a core it took.\n"
	"  --kind    udp: one flow; broadcast: the same to all; syn: each of another port\n"
	"  --from    a vhost-user switch's socket, which it sends by, and\n"
	"  --sink    another one, which takes what arrives; their rings are filled up every 500 "
	"us\n"
	"  --netdev  or: a packet socket on this interface, as fast as it goes\n";

static void pair_read(const char *text, void *a, void *b, int (*read)(const char *, void *))
{
	char *copy = strdup(text);
	char *comma = copy == NULL ? NULL : strchr(copy, ',');

	if (comma == NULL)
		errx(2, "\"%s\" is not two with a comma between them", text);
	*comma = '\0';
	if (!read(copy, a) || !read(comma + 1, b))
		errx(2, "\"%s\": cannot be read", text);
	free(copy);
}

static int mac_read(const char *text, void *ret)
{
	return ether_aton_r(text, ret) != NULL;
}

static int ip_read(const char *text, void *ret)
{
	return inet_aton(text, ret);
}

static enum kind kind_read(const char *text)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (strcmp(text, kind_names[kind]) == 0)
			return (enum kind)kind;
	errx(2, "--kind %s: udp, broadcast or syn", text);
}

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{"kind", required_argument, NULL, 'k'},
		{"mac", required_argument, NULL, 'm'},
		{"ip", required_argument, NULL, 'i'},
		{"from", required_argument, NULL, 'f'},
		{"sink", required_argument, NULL, 's'},
		{"netdev", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (key) {
		case 'k':
			flood.kind = kind_read(optarg);
			break;
		case 'm':
			pair_read(optarg, &flood.mac[0], &flood.mac[1], mac_read);
			break;
		case 'i':
			pair_read(optarg, &flood.ip[0], &flood.ip[1], ip_read);
			break;
		case 'f':
			flood.from = optarg;
			break;
		case 's':
			flood.sink = optarg;
			break;
		case 'n':
			flood.netdev = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc || (flood.netdev == NULL) == (flood.from == NULL) ||
		(flood.from == NULL) != (flood.sink == NULL)) {
		fputs(usage, stderr);
		exit(2);
	}
}

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

/* The whole frame; of later ones only what differs is written, by frame_next(). */
static void frame_make(uint8_t *frame)
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

/* Tell whoever waits for it, and the clocks. */
static void flood_begins(void)
{
	puts("sending");
	flood.began = monotonic_ns();
	flood.began_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void frame_next(uint8_t *frame)
{
	if (flood.kind == KIND_SYN)
		syn_write(frame + ETHER_HDR_LEN + sizeof(struct iphdr));
	flood.number++;
}

/* --- by vhost-user --- */

/* The frames of SYNs lie ready, so many that a switch has forgotten one when it comes again. */
#define STORE_FRAMES (1U << 19)
#define STORE_STRIDE                                                                               \
	128 /* a cache line that ends with the header, and one that begins with the frame */
#define STORE_FRAME_AT 64

static size_t store_len(void)
{
	return flood.kind == KIND_SYN ? (size_t)STORE_FRAMES * STORE_STRIDE : 0;
}

static int guest_open(struct guest *g, const char *path, size_t store)
{
	int sock;

	guest_create(g, RING_SIZE, store, true);
	sock = vhost_user_connect(-1, path);
	vhost_user_start(sock, path, g);
	return sock;
}

static void frames_ready(struct guest *g)
{
	struct guest_queue *tx = &g->queue[GUEST_TX];

	for (unsigned id = 0; id < tx->size; id++) {
		frame_make(guest_frame(tx, id));
		frame_next(guest_frame(tx, id));
		guest_frame_len_set(tx, id, FRAME_LEN);
	}
	for (size_t at = STORE_FRAME_AT; at < store_len(); at += STORE_STRIDE) {
		frame_make(g->store + at);
		frame_next(g->store + at);
	}
}

/* The next n descriptors, which come in the order of their numbers, get the next n frames of the store. */
static void frames_point(struct guest *g, unsigned n)
{
	const struct guest_queue *tx = &g->queue[GUEST_TX];

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *frame =
			g->store + STORE_FRAME_AT + flood.number++ % STORE_FRAMES * STORE_STRIDE;

		guest_frame_point(
			g, (tx->avail_idx + i) & (tx->size - 1U), frame - GUEST_HDR_LEN, FRAME_LEN);
	}
}

/*
 * A switch gives back what it has used in the order in which it was offered, so its index says which entries of
 * the available ring are free again, and nothing has to be written there.
 */
static unsigned used_count(struct guest_queue *q)
{
	uint16_t idx = __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
	uint16_t n = (uint16_t)(idx - q->used_seen);

	q->used_seen = idx;
	return n;
}

static uint64_t by_vhost_user(void)
{
	struct guest from, sink;
	struct guest_queue *tx = &from.queue[GUEST_TX], *rx = &sink.queue[GUEST_RX];
	int socks[] = {
		guest_open(&from, flood.from, store_len()), guest_open(&sink, flood.sink, 0)};
	uint64_t taken = 0;

	frames_ready(&from);
	guest_offer(tx, tx->size);
	flood_begins();
	while (!ended) {
		unsigned n = used_count(tx);

		if (vhost_user_gone(socks[0]))
			errx(1, "%s: the switch has hung up", flood.from);
		taken += n;
		if (store_len() != 0)
			frames_point(&from, n);
		guest_offer(tx, n);
		guest_offer(rx, used_count(rx));
		usleep(EVERY_US);
	}
	for (int i = 0; i < 2; i++)
		close(socks[i]);
	guest_destroy(&from);
	guest_destroy(&sink);
	return taken;
}

/* --- by a packet socket --- */

static int packet_socket(void)
{
	static const int on = 1;
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	int sock = socket(AF_PACKET, SOCK_RAW, 0);

	at.sll_ifindex = (int)if_nametoindex(flood.netdev);
	if (sock < 0 || at.sll_ifindex == 0 ||
		bind(sock, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		setsockopt(sock, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0)
		err(1, "a packet socket on %s", flood.netdev);
	return sock;
}

static uint64_t by_packet_socket(void)
{
	static uint8_t frame[PACKETS_A_CALL][FRAME_LEN];
	static struct iovec part[PACKETS_A_CALL];
	static struct mmsghdr message[PACKETS_A_CALL];
	int sock = packet_socket();
	uint64_t taken = 0;

	for (unsigned i = 0; i < PACKETS_A_CALL; i++) {
		frame_make(frame[i]);
		part[i] = (struct iovec){frame[i], FRAME_LEN};
		message[i].msg_hdr = (struct msghdr){.msg_iov = &part[i], .msg_iovlen = 1};
	}
	flood_begins();
	while (!ended) {
		int n;

		for (unsigned i = 0; i < PACKETS_A_CALL; i++)
			frame_next(frame[i]);
		n = sendmmsg(sock, message, PACKETS_A_CALL, 0);
		taken += n > 0 ? (uint64_t)n : 0; /* a full queue is what a flood meets */
	}
	close(sock);
	return taken;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = end};
	uint64_t taken;
	double took, core;

	options_read(argc, argv);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	taken = flood.netdev != NULL ? by_packet_socket() : by_vhost_user();
	took = (double)(monotonic_ns() - flood.began);
	core = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - flood.began_cpu) / took;
	printf("{\"frames\": %" PRIu64 ", \"seconds\": %.3f, \"core_share\": %.3f}\n", taken,
		took / (double)CLOCK_NS_PER_S, core);
	return 0;
}
