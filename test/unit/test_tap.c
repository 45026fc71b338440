/* SPDX-License-Identifier: BSD-3-Clause */
/* TAP ports in network namespaces of the test's own. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/port.h"
#include "test/unit/tap_peer.h"

#define TYPE_TEST 0x88b5 /* IEEE 802, local experimental */

static struct burst burst = {.max = BURST_MAX};
static struct port_stats stats;

static struct port *create(const char *path, const char *name, struct error *err)
{
	struct port_params common = {
		.mac = {{0x02, 0, 0, 0, 0, 0x11}}, .mtu = 1400, .queues = 1, .workers = 1};
	struct tap_params params = {.netns = path, .name = name};

	memset(err, 0, sizeof(*err));
	return port_tap_create(&common, &params, err);
}

static struct port *create_ok(const char *name)
{
	struct error err;
	struct port *port = create(netns, name, &err);

	if (port == NULL)
		fail_msg("%s", err.message);
	memset(&stats, 0, sizeof(stats));
	burst.stats = &stats;
	return port;
}

struct look {
	const char *name;
	struct netdev_info info;
};

static int look_inside(void *arg, struct error *err)
{
	struct look *look = arg;

	return netdev_get(look->name, &look->info, err);
}

static void test_create_and_close(void **state)
{
	struct look look = {.name = "eth0"};
	struct netdev_info outside;
	struct error err = {0};
	struct stat before, after;

	(void)state;
	assert_int_equal(stat("/proc/thread-self/ns/net", &before), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct port *port = create_ok("eth0");

		assert_string_equal(port->ops->kind, "tap");
		assert_string_equal(port->name, "eth0");
		assert_int_equal(port_state(port), PORT_ACTIVE);
		assert_int_equal(netns_run(netns, look_inside, &look, &err), 0);
		assert_true(mac_equal(&look.info.mac, &port->mac));
		assert_int_equal(look.info.mac.b[5], 0x11);
		assert_int_equal(look.info.mtu, 1400);
		assert_true(look.info.flags & IFF_UP);
		assert_int_equal(netdev_get("eth0.nosuch", &outside, &err), -1);
		port_close(port);
		assert_int_equal(netns_run(netns, look_inside, &look, &err), -1);
		assert_int_equal(err.code, LEAT_DEVICE);
		assert_int_equal(err.sys_errno, ENODEV);
	}
	assert_int_equal(stat("/proc/thread-self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void check_refused(
	const char *path, const char *name, int code, int sys_errno, const char *says)
{
	struct error err;
	struct port *port = create(path, name, &err);

	assert_null(port);
	assert_int_equal(err.code, code);
	assert_int_equal(err.sys_errno, sys_errno);
	if (strstr(err.message, says) == NULL)
		fail_msg("\"%s\" does not name \"%s\"", err.message, says);
}

static struct port *create_marked(const char *name, const char *mark, struct error *err)
{
	struct port_params common = {
		.mac = {{0x02, 0, 0, 0, 0, 0x11}}, .mtu = 1400, .queues = 1, .workers = 1};
	struct tap_params params = {.netns = netns, .name = name, .mark = mark};

	memset(err, 0, sizeof(*err));
	return port_tap_create(&common, &params, err);
}

/* It stays when it is kept, and whoever knows its mark gets it back. */
static void test_kept(void **state)
{
	struct look look = {.name = "eth0"};
	struct error err;
	struct port *port = create_marked("eth0", "leat endpoint:a", &err);
	int ifindex;

	(void)state;
	assert_non_null(port);
	assert_null(create_marked("eth0", "leat endpoint:a", &err)); /* it is in use */
	assert_int_equal(err.code, LEAT_DEVICE);
	port_keep(port, true);
	port_close(port);
	assert_int_equal(netns_run(netns, look_inside, &look, &err), 0);
	assert_string_equal(look.info.alias, "leat endpoint:a");
	ifindex = look.info.ifindex;

	assert_null(create_marked("eth0", "leat endpoint:b", &err));
	assert_null(create("/proc/self/ns/none", "eth0", &err));
	assert_null(create(netns, "eth0", &err));
	assert_int_equal(err.sys_errno, EBUSY);
	port = create_marked("eth0", "leat endpoint:a", &err);
	assert_non_null(port);
	assert_int_equal(netns_run(netns, look_inside, &look, &err), 0);
	assert_int_equal(look.info.ifindex, ifindex);
	port_keep(port, false);
	port_close(port);
	assert_int_equal(netns_run(netns, look_inside, &look, &err), -1);
}

static void test_refusals(void **state)
{
	struct port *port = create_ok("eth0");
	struct error err = {0};
	struct tap_params params = {.netns = netns, .name = "eth1"};
	struct port_params two = {.mtu = 1500, .queues = 2, .workers = 1};
	struct stat before, after;

	(void)state;
	assert_int_equal(stat("/proc/thread-self/ns/net", &before), 0);
	check_refused(netns, "eth0", LEAT_DEVICE, EBUSY, "eth0");
	check_refused(netns, "lo", LEAT_DEVICE, EBUSY, "lo");
	check_refused("/run/netns/no/such", "eth1", LEAT_DEVICE, ENOENT, "/run/netns/no/such");
	check_refused("/proc/self/ns/uts", "eth1", LEAT_DEVICE, EINVAL, "/proc/self/ns/uts");
	check_refused("/etc/passwd", "eth1", LEAT_DEVICE, EINVAL, "/etc/passwd");
	check_refused(netns, "sixteen-byte-nam", LEAT_INVALID_PARAMS, 0, "sixteen-byte-nam");
	check_refused(netns, "", LEAT_INVALID_PARAMS, 0, "1 to 15");
	check_refused(netns, "a/b", LEAT_INVALID_PARAMS, 0, "a/b");
	check_refused(netns, "tap%d ", LEAT_INVALID_PARAMS, 0, "tap%d");
	assert_null(port_tap_create(&two, &params, &err));
	assert_int_equal(err.code, LEAT_UNSUPPORTED);
	assert_int_equal(stat("/proc/thread-self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	port_close(port);
}

/* The next frame of the test's, in burst. Waits as a worker would. */
static struct frame *receive_one(struct port *port)
{
	for (int left = DEADLINE_MS; left > 0; left -= 10) {
		struct pollfd wait = {.fd = port->ops->wait_fd(port, 0), .events = POLLIN};

		assert_int_equal(port->ops->wait_begin(port, 0), PORT_WAIT_FD);
		if (poll(&wait, 1, 10) <= 0)
			continue;
		port->ops->wait_end(port, 0);
		port->ops->receive(port, 0, &burst);
		for (unsigned i = 0; i < burst.n; i++)
			if (is_test_frame(burst.frame[i].head))
				return &burst.frame[i];
	}
	fail_msg("nothing was received in %d ms", DEADLINE_MS);
	return NULL;
}

static void address_packet(struct packet *p)
{
	static const uint8_t macs[] = {0x02, 0, 0, 0, 0, 0x11, 0x02, 0xee, 0, 0, 0, 1};

	memcpy(p->data, macs, sizeof(macs));
}

static struct packet packet;
static struct pieces pieces;
static uint8_t flat[PACKET_MAX];

/* Frames of many lengths from the container: head and tail are the bytes that were sent. */
static void test_receive(void **state)
{
	static const uint32_t lengths[] = {60, 127, 128, 129, 1000, 1414};
	static uint8_t raw[PACKET_MAX];
	struct port *port = create_ok("eth0");
	int peer = peer_open();
	struct rnd r = {1};

	(void)state;
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint32_t len = lengths[i];
		struct frame *f;
		uint64_t bytes;

		packet_build(&r, &packet, false, false, len);
		address_packet(&packet);
		be16(packet.data + 12, TYPE_TEST);
		memset(raw, 0, sizeof(struct virtio_net_hdr));
		memcpy(raw + sizeof(struct virtio_net_hdr), packet.data, len);
		bytes = sizeof(struct virtio_net_hdr) + len;
		assert_int_equal(send(peer, raw, bytes, 0), bytes);
		bytes = stats.rx_bytes;
		f = receive_one(port);
		assert_int_equal(f->len, len);
		assert_int_equal(f->head_len, len < 128 ? len : 128);
		assert_int_equal(f->offload & FRAME_NEEDS_CSUM, 0);
		assert_int_equal(frame_flatten(f, flat), len);
		assert_memory_equal(flat, packet.data, len);
		assert_true(stats.rx_bytes >= bytes + len);
		port->ops->release(port, 0, &burst);
	}
	assert_int_equal(port->ops->receive(port, 0, &burst), 0);
	assert_int_equal(port->ops->receive(port, 1, &burst), 0);
	close(peer);
	port_close(port);
}

/* A 60 KB segment of the container's crosses as one, its checksum unfinished. */
static void test_receive_gso(void **state)
{
	static uint8_t raw[PACKET_MAX];
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_offset = 16,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1346};
	struct port *port = create_ok("eth0");
	int peer = peer_open();
	struct rnd r = {7};
	struct frame *f;
	ssize_t bytes;

	(void)state;
	do
		packet_build(&r, &packet, false, true, 60000);
	while (packet.l3 != 14);
	address_packet(&packet);
	h.csum_start = (uint16_t)packet.l4;
	h.hdr_len = (uint16_t)packet.payload;
	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(h), packet.data, packet.len);
	bytes = (ssize_t)(sizeof(h) + packet.len);
	assert_int_equal(send(peer, raw, (size_t)bytes, 0), bytes);
	f = receive_one(port);
	assert_int_equal(f->len, packet.len);
	assert_int_equal(f->gso_type, FRAME_GSO_TCPV4);
	assert_int_equal(f->gso_size, 1346);
	assert_int_equal(f->offload, FRAME_NEEDS_CSUM);
	assert_int_equal(f->csum_start, packet.l4);
	assert_int_equal(f->csum_offset, 16);
	assert_int_equal(frame_flatten(f, flat), packet.len);
	assert_memory_equal(flat, packet.data, packet.len);
	close(peer);
	port_close(port);
}

static void transmit(struct port *port, struct frame *f, uint32_t tag)
{
	struct tx_item item = {.frame = f, .tag = tag};

	port->ops->transmit(port, 0, &item, 1, &stats);
}

/* From pieces to the container: plain, with a tag, as a large segment, as a large segment with a tag. */
static void test_transmit(void **state)
{
	struct port *port = create_ok("eth0");
	int peer = peer_open();
	struct rnd r = rnd_start("transmit");
	struct virtio_net_hdr h = {0};

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		bool gso = i % 4 >= 2;
		uint32_t tag = i % 2 ? 0x81000000 | (100 + i) : 0;
		uint64_t sent = stats.tx_bytes;
		uint32_t got_tag = 0;
		ssize_t n;

		do
			packet_build(&r, &packet, false, true,
				gso ? 2000 + (uint32_t)rnd_below(&r, 60000)
				    : (uint32_t)rnd_below(&r, 1200));
		while (packet.l3 != 14);
		address_packet(&packet);
		packet_to_frame(&r, &packet, &pieces);
		if (gso) {
			pieces.frame.gso_type = FRAME_GSO_TCPV4;
			pieces.frame.gso_size = 1300;
		}
		transmit(port, &pieces.frame, tag);
		assert_int_equal(stats.tx_bytes, sent + packet.len + (tag != 0 ? 4 : 0));
		assert_int_equal(stats.tx_packets, i + 1);
		n = peer_receive(peer, &h, flat, sizeof(flat), &got_tag);
		assert_int_equal(got_tag, tag);
		assert_int_equal(n, packet.len);
		assert_memory_equal(flat, packet.data, packet.len);
		assert_int_equal(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 1);
		assert_int_equal(h.csum_start, packet.l4);
		assert_int_equal(h.gso_type, gso ? VIRTIO_NET_HDR_GSO_TCPV4 : 0);
		assert_int_equal(h.gso_size, gso ? 1300 : 0);
	}
	close(peer);
	port_close(port);
}

static int set_inside(void *arg, struct error *err)
{
	return netdev_set("eth0", arg, err);
}

/* An interface that is down, then one that is deleted from inside: counted, and silent. */
static void test_down_and_gone(void **state)
{
	struct netdev_change down = {.flags_clear = IFF_UP};
	struct port *port = create_ok("eth0");
	struct rnd r = {3};
	struct pollfd wait;
	char command[128];

	(void)state;
	packet_build(&r, &packet, false, true, 100);
	packet_to_frame(&r, &packet, &pieces);
	assert_int_equal(netns_run(netns, set_inside, &down, NULL), 0);
	transmit(port, &pieces.frame, 0);
	assert_int_equal(stats.drops[DROP_port_down], 1);
	assert_int_equal(port_state(port), PORT_ACTIVE);

	wait = (struct pollfd){.fd = port->ops->wait_fd(port, 0), .events = POLLIN};
	snprintf(command, sizeof(command), "nsenter --net=%s ip link del eth0", netns);
	assert_int_equal(system(command), 0);
	assert_true(poll(&wait, 1, DEADLINE_MS) > 0);
	assert_int_equal(port->ops->receive(port, 0, &burst), 0);
	assert_int_equal(port_state(port), PORT_ERROR);
	assert_int_equal(port->fault, ENODEV);
	assert_int_equal(port->ops->wait_fd(port, 0), -1);
	/* Whoever still waits for the old number is left in peace. */
	assert_int_equal(poll(&wait, 1, 50), 0);
	transmit(port, &pieces.frame, 0);
	assert_int_equal(stats.drops[DROP_port_down], 2);
	assert_int_equal(port->ops->receive(port, 0, &burst), 0);
	port_close(port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_close),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_receive_gso),
		cmocka_unit_test(test_transmit),
		cmocka_unit_test(test_down_and_gone),
	};

	return cmocka_run_group_tests(tests, group_up, group_down);
}
