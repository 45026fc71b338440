/* SPDX-License-Identifier: BSD-3-Clause */
/* By a packet socket, packet(7). */
#include <err.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/bench/leat_flood/flood.h"

#define PACKETS_A_CALL 64

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

uint64_t flood_by_packets(void)
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
	while (!flood_ended) {
		int n;

		for (unsigned i = 0; i < PACKETS_A_CALL; i++)
			frame_next(frame[i]);
		n = sendmmsg(sock, message, PACKETS_A_CALL, 0);
		taken += n > 0 ? (uint64_t)n : 0; /* a full queue is what a flood meets */
	}
	close(sock);
	return taken;
}
