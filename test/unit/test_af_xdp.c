/* SPDX-License-Identifier: BSD-3-Clause */
/* AF_XDP ports on a veth pair, in a network namespace that ends with the test. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "dataplane/port/ethdev.h"
#include "test/unit/eal_up.h"
#include "test/unit/packet.h"

#define DEADLINE_MS 2000
#define OURS "xdp0"
#define PEER "peer0"
#define TYPE_TEST 0x88b5 /* IEEE 802, local experimental */

#ifdef __SANITIZE_ADDRESS__
/* DPDK 22.11 forgets 80 bytes of libxdp's for each device it closes. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create";
}
#endif

static struct burst burst = {.max = BURST_MAX};
static struct port_stats stats;

static int group_up(void **state)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	return eal_up(state);
}

static void make_veth(void)
{
	assert_int_equal(system("ip link add " OURS " type veth peer name " PEER), 0);
	assert_int_equal(system("ip link set " PEER " up"), 0);
}

static struct port *create(struct error *err)
{
	struct port_params common = {.mtu = 1500, .queues = 1, .workers = 1};
	struct ethdev_params params = {
		.kind = "af_xdp", .devargs = "net_af_xdp0,iface=" OURS, .netdev = OURS};

	memset(err, 0, sizeof(*err));
	return port_ethdev_create(&common, &params, err);
}

static struct port *create_ok(void)
{
	struct error err;
	struct port *port = create(&err);

	if (port == NULL)
		fail_msg("%s", err.message);
	memset(&stats, 0, sizeof(stats));
	burst.stats = &stats;
	return port;
}

static int peer_open(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
		.sll_protocol = htons(TYPE_TEST),
		.sll_ifindex = (int)if_nametoindex(PEER)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TYPE_TEST));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A frame from the peer is received, sent back, and comes out there. Waits as a worker would. */
static void round_trip(struct port *port, int peer, uint32_t len)
{
	static uint8_t out[PACKET_MAX], in[PACKET_MAX];
	struct pollfd wait = {.fd = port->ops->wait_fd(port, 0), .events = POLLIN};
	struct pollfd back = {.fd = peer, .events = POLLIN};
	bool sent = false;

	for (uint32_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 7);
	out[0] = 2;
	be16(out + 12, TYPE_TEST);
	assert_int_equal(send(peer, out, len, 0), len);
	for (int left = DEADLINE_MS; left > 0 && !sent; left -= 10) {
		assert_int_equal(port->ops->wait_begin(port, 0), PORT_WAIT_FD);
		poll(&wait, 1, 10);
		port->ops->wait_end(port, 0);
		if (port->ops->receive(port, 0, &burst) == 0)
			continue;
		for (unsigned i = 0; i < burst.n; i++) {
			struct tx_item item = {.frame = &burst.frame[i]};

			if (rd16(burst.frame[i].head + 12) != TYPE_TEST)
				continue; /* the kernel's own: neighbour discovery */
			assert_int_equal(burst.frame[i].len, len);
			assert_int_equal(frame_flatten(&burst.frame[i], in), len);
			assert_memory_equal(in, out, len);
			port->ops->transmit(port, 0, &item, 1, &stats);
			sent = true;
		}
		port->ops->release(port, 0, &burst);
	}
	assert_true(sent);
	assert_int_equal(poll(&back, 1, DEADLINE_MS), 1);
	assert_int_equal(recv(peer, in, sizeof(in), 0), len);
	assert_memory_equal(in, out, len);
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Twenty times the same interface: frames both ways, and everything as it was afterwards. */
static void test_create_and_close(void **state)
{
	struct netdev_info before, after;
	struct error err = {0};
	unsigned fds;

	(void)state;
	make_veth();
	assert_int_equal(netdev_get(OURS, &before, &err), 0);
	port_close(create_ok()); /* what is opened once for all */
	fds = count_fds();
	for (unsigned i = 0; i < 20; i++) {
		struct port *port = create_ok();
		int peer = peer_open();

		assert_int_equal(port_state(port), PORT_ACTIVE);
		for (unsigned k = 0; k < 100; k++)
			round_trip(port, peer, 60 + (i * 100 + k) % 1455);
		assert_int_equal(stats.tx_packets, 100);
		close(peer);
		port_close(port);
		assert_int_equal(count_fds(), fds);
		assert_int_equal(netdev_get(OURS, &after, &err), 0);
		assert_int_equal(after.xdp_prog, 0);
		assert_int_equal(after.flags & (IFF_UP | IFF_PROMISC),
			before.flags & (IFF_UP | IFF_PROMISC));
		assert_int_equal(after.mtu, before.mtu);
	}
	assert_int_equal(system("ip link del " OURS), 0);
}

static void test_taken(void **state)
{
	struct error err;
	struct port *port;

	(void)state;
	make_veth();
	port = create_ok();
	assert_null(create(&err));
	assert_int_equal(err.code, LEAT_DEVICE);
	assert_int_equal(err.sys_errno, EBUSY);
	assert_non_null(strstr(err.message, OURS));
	port_close(port);
	port_close(create_ok());
	assert_int_equal(system("ip link del " OURS), 0);
	assert_null(create(&err));
	assert_int_equal(err.sys_errno, ENODEV);
}

/* The interface goes while the port lives: the port says so, can be closed, and its name is free again. */
static void test_deleted(void **state)
{
	struct port *port;
	struct pollfd wait;
	uint64_t deadline;

	(void)state;
	make_veth();
	port = create_ok();
	wait = (struct pollfd){.fd = port->ops->wait_fd(port, 0), .events = POLLIN};
	assert_int_equal(system("ip link del " OURS), 0);
	deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * DEADLINE_MS;
	while (port_state(port) != PORT_ERROR && rte_rdtsc() < deadline) {
		port->ops->wait_begin(port, 0);
		port->ops->wait_end(port, 0);
		port->ops->receive(port, 0, &burst);
	}
	assert_int_equal(port_state(port), PORT_ERROR);
	assert_int_equal(port->fault, ENODEV);
	assert_int_equal(port->ops->wait_fd(port, 0), -1);
	/* Whoever still waits for the old fd is left in peace. */
	assert_int_equal(poll(&wait, 1, 50), 0);
	port_close(port);
	make_veth();
	port_close(create_ok());
	assert_int_equal(system("ip link del " OURS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_close),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_deleted),
	};

	return cmocka_run_group_tests(tests, group_up, eal_down);
}
