/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The yardstick for TAP ports: what a plain read and write loop between two TAPs with virtio
 * headers carries, without looking at a frame. scripts/bench runs it beside leatd.
 *
 *	taploop NAME NETNS NETNS
 *
 * makes an interface NAME in each of the two network namespaces, says "ready" and copies until it
 * is killed.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_MAX (65536 + 64) /* the longest segment, its Ethernet header and its virtio header */
#define TURN 32		       /* frames of one side before the other has its turn */

static int tap_open(const char *name, const char *netns)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int ns = open(netns, O_RDONLY | O_CLOEXEC);
	int fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		err(1, "%s", netns);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0 ||
		ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0)
		err(1, "%s in %s", name, netns);
	return fd;
}

/* A frame that the far side does not take is lost, as on any wire. */
static void carry(int from, int to)
{
	static char frame[FRAME_MAX];

	for (int i = 0; i < TURN; i++) {
		ssize_t n = read(from, frame, sizeof(frame));

		if (n <= 0)
			return;
		if (write(to, frame, (size_t)n) < 0)
			continue;
	}
}

int main(int argc, char **argv)
{
	int tap[2];

	if (argc != 4)
		errx(2, "usage: taploop NAME NETNS NETNS");
	for (int i = 0; i < 2; i++)
		tap[i] = tap_open(argv[1], argv[2 + i]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		carry(tap[0], tap[1]);
		carry(tap[1], tap[0]);
	}
}
