/* SPDX-License-Identifier: BSD-3-Clause */
/* TAPs that an earlier daemon left, held until their ports are made. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/port.h"
#include "test/unit/tap_peer.h"

#define MARK "leat endpoint:a"
#define TYPE_TEST 0x88b5 /* IEEE 802, local experimental */
#define TEST_LEN 60

static const struct tap_params params = {.netns = netns, .name = "eth0", .mark = MARK};

static struct port *create(void)
{
	struct port_params common = {
		.mac = {{0x02, 0, 0, 0, 0, 0x11}}, .mtu = 1400, .queues = 1, .workers = 1};
	struct error err = {0};
	struct port *port = port_tap_create(&common, &params, &err);

	if (port == NULL)
		fail_msg("%s", err.message);
	return port;
}

/* As a daemon leaves it that has ended. */
static void leave(void)
{
	struct port *port = create();

	port_keep(port, true);
	port_close(port);
}

static void take_away(struct port *port)
{
	port_keep(port, false);
	port_close(port);
}

static int look_inside(void *arg, struct error *err)
{
	return netdev_get("eth0", arg, err);
}

/* Until the kernel sends by it. */
static void wait_until_running(void)
{
	struct netdev_info info = {0};

	for (int left = DEADLINE_MS; !(info.flags & IFF_RUNNING); left--) {
		assert_true(left > 0);
		poll(NULL, 0, 1);
		assert_int_equal(netns_run(netns, look_inside, &info, NULL), 0);
	}
}

static void peer_send(int peer)
{
	static const uint8_t macs[] = {0x02, 0, 0, 0, 0, 0x11, 0x02, 0xee, 0, 0, 0, 1};
	uint8_t raw[sizeof(struct virtio_net_hdr) + TEST_LEN] = {0};

	memcpy(raw + sizeof(struct virtio_net_hdr), macs, sizeof(macs));
	be16(raw + sizeof(struct virtio_net_hdr) + sizeof(macs), TYPE_TEST);
	assert_int_equal(send(peer, raw, sizeof(raw), 0), sizeof(raw));
}

static unsigned test_frames_of(struct port *port)
{
	struct port_stats stats = {0};
	struct burst burst = {.max = BURST_MAX, .stats = &stats};
	unsigned n = 0;

	while (port->ops->receive(port, 0, &burst) != 0) {
		for (unsigned i = 0; i < burst.n; i++)
			n += is_test_frame(burst.frame[i].head);
		port->ops->release(port, 0, &burst);
	}
	return n;
}

/* What its kernel sends before there is a port waits for it. */
static void test_frames_wait(void **state)
{
	struct port *port;
	int peer;

	(void)state;
	leave();
	peer = peer_open();
	assert_true(port_tap_hold(&params));
	assert_false(port_tap_hold(&params)); /* it is in use */
	wait_until_running();
	peer_send(peer);
	peer_send(peer);
	port = create();
	assert_int_equal(test_frames_of(port), 2);
	port_tap_let_go(); /* of nothing: the port has it */
	peer_send(peer);
	assert_int_equal(test_frames_of(port), 1);
	close(peer);
	take_away(port);
}

static void test_let_go(void **state)
{
	(void)state;
	leave();
	assert_true(port_tap_hold(&params));
	port_tap_let_go();
	take_away(create());
}

static void test_not_ours(void **state)
{
	struct tap_params unmarked = {.netns = netns, .name = "eth0"};
	struct tap_params other = {.netns = netns, .name = "eth0", .mark = "leat endpoint:b"};
	struct tap_params nowhere = {.netns = "/run/netns/no/such", .name = "eth0", .mark = MARK};

	(void)state;
	assert_false(port_tap_hold(&params)); /* there is none */
	leave();
	assert_false(port_tap_hold(&unmarked));
	assert_false(port_tap_hold(&other));
	assert_false(port_tap_hold(&nowhere));
	take_away(create());
}

/* What is held is one interface, by namespace and name. */
static void test_others_are_made(void **state)
{
	struct tap_params other = {.netns = netns, .name = "eth1", .mark = MARK};
	struct port_params common = {.mtu = 1400, .queues = 1, .workers = 1};
	struct error err = {0};
	struct port *port;

	(void)state;
	leave();
	assert_true(port_tap_hold(&params));
	port = port_tap_create(&common, &other, &err);
	assert_non_null(port);
	assert_string_equal(port->name, "eth1");
	port_close(port);
	take_away(create());
}

static int read_settings(void *arg, struct error *err)
{
	static const char *const paths[] = {"/proc/sys/net/ipv4/conf/eth0/arp_evict_nocarrier",
		"/proc/sys/net/ipv6/conf/eth0/ndisc_evict_nocarrier"};
	char *values = arg;

	for (unsigned i = 0; i < 2; i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, &values[i], 1) != 1)
			return error_device(err, errno, "%s", paths[i]);
		close(fd);
	}
	return 0;
}

static void test_neighbours_are_kept(void **state)
{
	struct error err = {0};
	struct port *port = create();
	char values[3] = "";

	(void)state;
	if (netns_run(netns, read_settings, values, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(values, "00");
	take_away(port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_wait),
		cmocka_unit_test(test_let_go),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_others_are_made),
		cmocka_unit_test(test_neighbours_are_kept),
	};

	return cmocka_run_group_tests(tests, group_up, group_down);
}
