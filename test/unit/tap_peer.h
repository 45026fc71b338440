/* SPDX-License-Identifier: BSD-3-Clause */
/* The container of test_tap: a network namespace, and its kernel as a packet socket sees it. */
#ifndef LEAT_TEST_UNIT_TAP_PEER_H
#define LEAT_TEST_UNIT_TAP_PEER_H

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/netdev.h"
#include "test/unit/packet.h"

#define DEADLINE_MS 2000

static char netns[] = "/tmp/test_tap_XXXXXX"; /* a file that a namespace is mounted on */
static int make_netns(void *arg, struct error *err)
{
	(void)arg;
	if (unshare(CLONE_NEWNET) != 0 ||
		mount("/proc/thread-self/ns/net", netns, NULL, MS_BIND, NULL) != 0)
		return error_device(err, errno, "cannot make a network namespace (root?)");
	return 0;
}

static int group_up(void **state)
{
	int fd = mkstemp(netns);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	/* In a thread that enters where it is already, so that this thread's namespace stays. */
	return netns_run("/proc/self/ns/net", make_netns, NULL, NULL);
}

static int group_down(void **state)
{
	(void)state;
	umount2(netns, MNT_DETACH);
	return unlink(netns);
}

/* A packet socket on the interface, with vnet headers: the container's kernel as we see it. */
static int open_peer(void *arg, struct error *err)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int one = 1;

	(void)err;
	address.sll_ifindex = (int)if_nametoindex("eth0");
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) != 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) != 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	*(int *)arg = fd;
	return 0;
}

static int peer_open(void)
{
	int fd = -1;

	assert_int_equal(netns_run(netns, open_peer, &fd, NULL), 0);
	return fd;
}

/* What the kernel's own stack says meanwhile (IPv6, IGMP) is not ours to look at. */
static bool is_test_frame(const uint8_t *frame)
{
	return frame[6] == 0x02 && frame[7] == 0xee;
}

/* The tag that the kernel took off a frame before the packet socket saw it: TPID << 16 | TCI, or 0. */
static inline uint32_t tag_of(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct tpacket_auxdata aux = {0};

	if (c != NULL && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return 0;
	return (uint32_t)aux.tp_vlan_tpid << 16 | aux.tp_vlan_tci;
}

/* Bytes of the next test frame that the kernel got, its vnet header in *h. */
static inline ssize_t peer_receive(
	int fd, struct virtio_net_hdr *h, uint8_t *to, size_t size, uint32_t *ret_tag)
{
	static uint8_t raw[PACKET_MAX];
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (poll(&wait, 1, DEADLINE_MS) > 0) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct iovec iov = {.iov_base = raw, .iov_len = sizeof(raw)};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &msg, 0);

		if (n < (ssize_t)sizeof(*h) + FRAME_LEN_MIN || !is_test_frame(raw + sizeof(*h)))
			continue;
		*ret_tag = tag_of(&msg);
		memcpy(h, raw, sizeof(*h));
		n -= (ssize_t)sizeof(*h);
		assert_true((size_t)n <= size);
		memcpy(to, raw + sizeof(*h), (size_t)n);
		return n;
	}
	fail_msg("the kernel got nothing in %d ms", DEADLINE_MS);
	return -1;
}

#endif
