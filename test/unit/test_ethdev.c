/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK devices as ports, on a ring that gives back what was sent: copying, taking over, counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/port/ethdev.h"
#include "test/unit/eal_up.h"
#include "test/unit/packet.h"

#define ROUNDS 1000
#define JUMBO 9000

static struct burst burst = {.max = BURST_MAX};
static struct port_stats stats;
static struct packet packet;
static struct pieces pieces;
static uint8_t flat[PACKET_MAX];

static struct ethdev_port *create(const char *devargs, uint16_t mtu, unsigned workers)
{
	struct port_params common = {.mtu = mtu, .queues = 1, .workers = workers};
	struct ethdev_params params = {.kind = "dpdk", .devargs = devargs};
	struct error err = {0};
	struct port *port = port_ethdev_create(&common, &params, &err);

	if (port == NULL)
		fail_msg("%s", err.message);
	memset(&stats, 0, sizeof(stats));
	burst.stats = &stats;
	return (struct ethdev_port *)port;
}

static void transmit(struct ethdev_port *p, struct frame *f, uint32_t tag)
{
	struct tx_item item = {.frame = f, .tag = tag};

	p->port.ops->transmit(&p->port, 0, &item, 1, &stats);
}

static struct frame *receive(struct ethdev_port *p)
{
	assert_int_equal(p->port.ops->receive(&p->port, 0, &burst), 1);
	return &burst.frame[0];
}

static void release(struct ethdev_port *p)
{
	p->port.ops->release(&p->port, 0, &burst);
}

/* A random packet without an offload request. */
static void make_packet(struct rnd *r, uint32_t most)
{
	packet_build(r, &packet, rnd_below(r, 2), rnd_below(r, 2), (uint32_t)rnd_below(r, most));
	packet_to_frame(r, &packet, &pieces);
	pieces.frame.offload = 0;
}

/* flat holds packet with tag (0: none) behind its addresses. */
static void check_flat(uint32_t len, uint32_t tag)
{
	uint8_t wire[4] = {
		(uint8_t)(tag >> 24), (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag};
	uint32_t extra = tag != 0 ? 4 : 0;

	assert_int_equal(len, packet.len + extra);
	assert_memory_equal(flat, packet.data, 12);
	if (tag != 0)
		assert_memory_equal(flat + 12, wire, 4);
	assert_memory_equal(flat + 12 + extra, packet.data + 12, packet.len - 12);
}

/* Out of foreign memory into mbufs, in again: the bytes that were sent; no mbuf lost. */
static void copy_rounds(uint16_t mtu, uint32_t most)
{
	struct ethdev_port *p = create("net_ring0", mtu, 1);
	unsigned free_before = rte_mempool_avail_count(p->pool);
	struct rnd r = rnd_start("copy");

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t tag = i % 2 ? 0x81000000 | i : 0;
		struct frame *f;

		make_packet(&r, most);
		transmit(p, &pieces.frame, tag);
		f = receive(p);
		check_flat(frame_flatten(f, flat), tag);
		assert_int_equal(f->len, packet.len + (tag != 0 ? 4 : 0));
		assert_int_equal(f->head_len, f->len < FRAME_HEAD_MAX ? f->len : FRAME_HEAD_MAX);
		assert_int_equal(f->offload, 0);
		release(p);
	}
	assert_int_equal(stats.tx_packets, ROUNDS);
	assert_int_equal(stats.rx_packets, ROUNDS);
	assert_int_equal(stats.rx_bytes, stats.tx_bytes);
	assert_int_equal(rte_mempool_avail_count(p->pool), free_before);
	port_close(&p->port);
}

static void test_copy(void **state)
{
	(void)state;
	copy_rounds(1500, 1300);
}

static void test_copy_jumbo(void **state)
{
	(void)state;
	copy_rounds(JUMBO, JUMBO - 100);
}

/* As the trunk's stage does: the tag off the head. */
static void pop_tag(struct frame *f)
{
	memmove(f->head + 4, f->head, 12);
	f->head += 4;
	f->head_len -= 4;
	f->len -= 4;
}

/* The frame goes round in its own mbuf: tags on, off and changed, the head edited. */
static void test_take_over(void **state)
{
	struct ethdev_port *p = create("net_ring0", JUMBO, 1);
	unsigned free_before = rte_mempool_avail_count(p->pool);
	struct rnd r = rnd_start("take over");
	uint32_t tag = 0;

	(void)state;
	make_packet(&r, 3000);
	transmit(p, &pieces.frame, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct frame *f = receive(p);
		struct rte_mbuf *m = f->mbuf;

		check_flat(frame_flatten(f, flat), tag);
		assert_non_null(m);
		if (tag != 0)
			pop_tag(f);
		f->head[0] ^= 2;
		packet.data[0] ^= 2;
		tag = rnd_below(&r, 2) ? 0x88a80000 | (uint32_t)rnd_below(&r, 65536) : 0;
		f->sole = true;
		transmit(p, f, tag);
		assert_null(f->mbuf);
		release(p);
		assert_int_equal(p->port.ops->receive(&p->port, 0, &burst), 1);
		assert_ptr_equal(burst.frame[0].mbuf, m);
		burst.frame[0].sole = true;
		if (tag != 0)
			pop_tag(&burst.frame[0]);
		transmit(p, &burst.frame[0], tag);
		release(p);
	}
	assert_int_equal(p->port.ops->receive(&p->port, 0, &burst), 1);
	release(p);
	assert_int_equal(rte_mempool_avail_count(p->pool), free_before);
	port_close(&p->port);
}

/* One frame to several outputs is copied for each, and given back once. */
static void test_several_outputs(void **state)
{
	struct ethdev_port *from = create("net_ring0", 1500, 1);
	struct ethdev_port *to = create("net_ring1", 1500, 1);
	unsigned free_before = rte_mempool_avail_count(from->pool);
	struct rnd r = rnd_start("several");
	struct tx_item items[BURST_MAX];
	struct frame *f;

	(void)state;
	make_packet(&r, 1000);
	transmit(from, &pieces.frame, 0);
	f = receive(from);
	for (unsigned i = 0; i < BURST_MAX; i++)
		items[i] = (struct tx_item){.frame = f, .tag = i % 2 ? 0x81000000 | i : 0};
	to->port.ops->transmit(&to->port, 0, items, BURST_MAX, &stats);
	assert_non_null(f->mbuf);
	release(from);
	for (unsigned done = 0; done < BURST_MAX; done += burst.n) {
		assert_int_equal(to->port.ops->receive(&to->port, 0, &burst), ETHDEV_BURST);
		for (unsigned i = 0; i < burst.n; i++)
			check_flat(frame_flatten(&burst.frame[i], flat), items[done + i].tag);
		release(to);
	}
	assert_int_equal(rte_mempool_avail_count(from->pool), free_before);
	port_close(&to->port);
	port_close(&from->port);
}

/* What the ring does not take and what the device's MTU forbids: counted, freed, and none lost count of. */
static void test_refused_frames(void **state)
{
	struct ethdev_port *p = create("net_ring0", 1500, 1);
	unsigned free_before = rte_mempool_avail_count(p->pool);
	struct rnd r = rnd_start("refused");
	unsigned sent = 3000;

	(void)state;
	make_packet(&r, 500);
	for (unsigned i = 0; i < sent; i++) {
		struct tx_item item = {.frame = &pieces.frame};

		p->port.ops->transmit(&p->port, 0, &item, 1, &stats);
	}
	assert_true(stats.drops[DROP_ring_full] > 0);
	assert_int_equal(stats.tx_packets + stats.drops[DROP_ring_full], sent);
	pieces.frame.len = 1500 + 19;
	transmit(p, &pieces.frame, 0);
	assert_int_equal(stats.drops[DROP_too_big], 1);
	while (p->port.ops->receive(&p->port, 0, &burst) != 0)
		release(p);
	assert_int_equal(stats.rx_packets, stats.tx_packets);
	assert_int_equal(rte_mempool_avail_count(p->pool), free_before);
	port_close(&p->port);
}

static void check_refused(const struct port_params *common, const struct ethdev_params *params,
	int code, int sys_errno)
{
	struct error err = {0};

	assert_null(port_ethdev_create(common, params, &err));
	if ((int)err.code != code || err.sys_errno != sys_errno)
		fail_msg("%s: code %d errno %d: %s", params->devargs, err.code, err.sys_errno,
			err.message);
}

static void test_refused_devices(void **state)
{
	struct port_params common = {.mtu = 1500, .queues = 1, .workers = 1};
	struct port_params many = {.mtu = 1500, .queues = 16, .workers = 1};
	struct port_params xdp_two = {.mtu = 1500, .queues = 2, .workers = 1};
	struct ethdev_params taken = {"dpdk", "net_ring0", NULL};
	struct ethdev_params none = {"dpdk", "net_nosuch0", NULL};
	struct ethdev_params empty = {"dpdk", ",role=server", NULL};
	struct ethdev_params packet_args = {"dpdk", "net_null7,nosuch=1", NULL};
	struct ethdev_params netdev = {"af_xdp", "net_af_xdp0,iface=nosuch", "nosuch"};
	struct ethdev_params queues = {"af_packet", "net_af_packet0,iface=lo", "lo"};
	struct ethdev_port *p = create("net_ring0", 1500, 1);

	(void)state;
	check_refused(&common, &taken, LEAT_DEVICE, EBUSY);
	check_refused(&common, &none, LEAT_DEVICE, ENODEV);
	check_refused(&common, &empty, LEAT_INVALID_PARAMS, 0);
	check_refused(&common, &packet_args, LEAT_DEVICE, EIO);
	check_refused(&common, &netdev, LEAT_DEVICE, ENODEV);
	check_refused(&many, &queues, LEAT_UNSUPPORTED, 0);
	check_refused(&xdp_two, &netdev, LEAT_UNSUPPORTED, 0);
	port_close(&p->port);
}

/* The same name again and again; and many at once, on shared pools. */
static void test_create_and_close(void **state)
{
	struct ethdev_port *many[20];
	char devargs[32];

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		port_close(&create("net_null0,size=64", 1500, 2)->port);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(devargs, sizeof(devargs), "net_null%u", i);
		many[i] = create(devargs, 1500, 2);
		assert_string_equal(many[i]->port.ops->kind, "dpdk");
	}
	for (unsigned i = 0; i < 20; i++)
		port_close(&many[i]->port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_jumbo),
		cmocka_unit_test(test_take_over),
		cmocka_unit_test(test_several_outputs),
		cmocka_unit_test(test_refused_frames),
		cmocka_unit_test(test_refused_devices),
		cmocka_unit_test(test_create_and_close),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
