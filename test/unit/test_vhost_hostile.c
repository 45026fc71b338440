/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings of a vhost-user port with guests that do not keep to the specification. */
#include "test/unit/vhost_guest.h"

#include <errno.h>

static uint8_t out[4096];

static void bad_address(struct guest *g)
{
	guest_desc(g, 0, GPA - 100, 100, 0, 0);
}
static void bad_end(struct guest *g)
{
	guest_desc(g, 0, BORDER + REGION - 99, 100, 0, 0);
}
static void bad_wrap(struct guest *g)
{
	guest_desc(g, 0, UINT64_MAX - 10, 100, 0, 0);
}
static void bad_span(struct guest *g)
{
	guest_desc(g, 0, DATA, UINT32_MAX, 0, 0);
}
static void bad_empty(struct guest *g)
{
	guest_desc(g, 0, DATA, 0, 0, 0);
}
static void bad_empty_second(struct guest *g)
{
	guest_desc(g, 0, DATA, 100, NEXT, 1);
	guest_desc(g, 1, DATA + 100, 0, 0, 0);
}
static void bad_write(struct guest *g)
{
	guest_desc(g, 0, DATA, 100, WRITE, 0);
}
static void bad_write_second(struct guest *g)
{
	guest_desc(g, 0, DATA, 100, NEXT, 1);
	guest_desc(g, 1, DATA + 100, 100, WRITE, 0);
}
static void bad_loop(struct guest *g)
{
	guest_desc(g, 0, DATA, 100, NEXT, 0);
}
static void bad_loop_of_two(struct guest *g)
{
	guest_desc(g, 0, DATA, 1, NEXT, 1);
	guest_desc(g, 1, DATA, 1, NEXT, 0);
}
static void bad_next(struct guest *g)
{
	guest_desc(g, 0, DATA, 100, NEXT, RING);
	guest_desc(g, RING, DATA + 100, 100, 0, 0); /* one too far, and good */
}
static void bad_pieces(struct guest *g)
{
	for (uint16_t i = 0; i < 200; i++)
		guest_desc(g, i, DATA + 10U * i, 10, i < 199 ? NEXT : 0, i + 1);
}
static void bad_table_empty(struct guest *g)
{
	guest_desc(g, 0, TABLE, 0, INDIRECT, 0);
}
static void bad_table_length(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){DATA, 100, 0, 0};
	guest_desc(g, 0, TABLE, 17, INDIRECT, 0);
}
static void bad_table_long(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){DATA, 100, 0, 0};
	guest_desc(g, 0, TABLE, 16 * (RING + 1), INDIRECT, 0);
}
static void bad_table_next(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){DATA, 100, 0, 0};
	guest_desc(g, 0, TABLE, 16, INDIRECT | NEXT, 1);
}
static void bad_table_nested(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){TABLE + 16, 16, INDIRECT, 0};
	*table_entry(1) = (struct vring_desc){DATA, 100, 0, 0};
	guest_desc(g, 0, TABLE, 16, INDIRECT, 0);
}
static void bad_table_beyond(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){DATA, 100, NEXT, 1};
	*table_entry(1) = (struct vring_desc){DATA, 100, 0, 0};
	guest_desc(g, 0, TABLE, 16, INDIRECT, 0);
}
static void bad_table_loop(struct guest *g)
{
	*table_entry(0) = (struct vring_desc){DATA, 100, NEXT, 0};
	guest_desc(g, 0, TABLE, 16, INDIRECT, 0);
}
static void bad_table_border(struct guest *g)
{
	struct vring_desc good = {DATA, 100, 0, 0};

	guest_copy_in(g, BORDER - 16, (const uint8_t *)&good, 16);
	guest_desc(g, 0, BORDER - 16, 32, INDIRECT, 0);
}
static void bad_table_address(struct guest *g)
{
	guest_desc(g, 0, UINT64_MAX - 15, 32, INDIRECT, 0);
}
static void short_header(struct guest *g)
{
	guest_desc(g, 0, DATA, 11, 0, 0);
}
static void short_frame(struct guest *g)
{
	guest_desc(g, 0, DATA, 12 + FRAME_LEN_MIN - 1, 0, 0);
}
static void long_frame(struct guest *g)
{
	guest_desc(g, 0, DATA, 12 + FRAME_LEN_MAX + 1, 0, 0);
}
static void udp_segments(struct guest *g)
{
	guest_at(g, DATA)[1] = VIRTIO_NET_HDR_GSO_UDP;
	guest_desc(g, 0, DATA, 100, 0, 0);
}
static void ecn_alone(struct guest *g)
{
	guest_at(g, DATA)[1] = VIRTIO_NET_HDR_GSO_ECN;
	guest_desc(g, 0, DATA, 12, NEXT, 1);
	guest_desc(g, 1, DATA + 12, 100, 0, 0);
}

static const struct {
	const char *name;
	void (*build)(struct guest *g);
	enum drop_reason reason;
} bad[] = {
#define BAD(f, r)                                                                                  \
	{                                                                                          \
#f, f, DROP_##r                                                                    \
	}
	BAD(bad_address, bad_descriptor),
	BAD(bad_end, bad_descriptor),
	BAD(bad_wrap, bad_descriptor),
	BAD(bad_span, bad_descriptor),
	BAD(bad_empty, bad_descriptor),
	BAD(bad_empty_second, bad_descriptor),
	BAD(bad_write, bad_descriptor),
	BAD(bad_write_second, bad_descriptor),
	BAD(bad_loop, bad_descriptor),
	BAD(bad_loop_of_two, bad_descriptor),
	BAD(bad_next, bad_descriptor),
	BAD(bad_pieces, bad_descriptor),
	BAD(bad_table_empty, bad_descriptor),
	BAD(bad_table_length, bad_descriptor),
	BAD(bad_table_long, bad_descriptor),
	BAD(bad_table_next, bad_descriptor),
	BAD(bad_table_nested, bad_descriptor),
	BAD(bad_table_beyond, bad_descriptor),
	BAD(bad_table_loop, bad_descriptor),
	BAD(bad_table_border, bad_descriptor),
	BAD(bad_table_address, bad_descriptor),
	BAD(short_header, malformed),
	BAD(short_frame, malformed),
	BAD(long_frame, malformed),
	BAD(udp_segments, bad_offload),
	BAD(ecn_alone, bad_offload),
};

/* Each alone, and each between two good frames that must not notice. */
static void test_receive_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		print_message("%s\n", bad[i].name);
		start(12, 65535);
		bad[i].build(&guest);
		guest_offer(&guest, 0);
		assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 0);
		assert_int_equal(stats.rx_packets, 1);
		assert_int_equal(stats.drops[bad[i].reason], 1);
		assert_int_equal(drops_sum(&stats), 1);
		assert_int_equal(guest_used(&guest).id, 0);
		assert_int_equal(guest.seen, guest.ring.used->idx);

		start(12, 7);
		bad[i].build(&guest);
		guest_desc(&guest, 254, DATA + 0x4000, 72, 0, 0);
		guest_copy_in(&guest, DATA + 0x400c, pattern, 60);
		guest_offer(&guest, 254);
		guest_offer(&guest, 0);
		guest_offer(&guest, 254);
		assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 2);
		assert_memory_equal(burst.head[0], pattern, 60);
		assert_memory_equal(burst.head[1], pattern, 60);
		assert_int_equal(stats.rx_packets, 3);
		vhost_ring_release(&guest.ring);
		assert_int_equal(guest_used(&guest).id, 254);
		assert_int_equal(guest_used(&guest).id, 0);
		assert_int_equal(guest_used(&guest).id, 254);
	}
}

static void test_head_out_of_range(void **state)
{
	(void)state;
	start(12, 0);
	guest_offer(&guest, RING);
	assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 0);
	assert_int_equal(stats.drops[DROP_bad_descriptor], 1);
	assert_int_equal(guest_used(&guest).id, RING);
}

/* As many pieces behind the head as a frame may have, and one more. */
static void test_pieces_limit(void **state)
{
	(void)state;
	for (uint16_t n = FRAME_SEGS_MAX; n <= FRAME_SEGS_MAX + 1; n++) {
		start(12, 0);
		guest_desc(&guest, 0, DATA, 12 + FRAME_HEAD_MAX, NEXT, 1);
		for (uint16_t i = 1; i <= n; i++)
			guest_desc(&guest, i, DATA + 1000U + i, 1, i < n ? NEXT : 0, i + 1);
		guest_offer(&guest, 0);
		vhost_ring_receive(&guest.ring, &burst);
		assert_int_equal(burst.n, n <= FRAME_SEGS_MAX);
		assert_int_equal(stats.drops[DROP_bad_descriptor], n > FRAME_SEGS_MAX);
	}
}

static void test_index_too_far(void **state)
{
	struct frame f = {.head = pattern, .len = 60, .head_len = 60};
	struct tx_item item = {&f, 0};

	(void)state;
	start(12, 100);
	guest.ring.avail->idx = 100 + RING + 1;
	assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 0);
	assert_int_equal(guest.port.port.state, PORT_ERROR);
	assert_int_equal(guest.port.port.fault, EPROTO);
	assert_int_equal(guest.ring.used->idx, 100);
	guest.ring.avail->idx = 101; /* too late to be good */
	assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 0);
	assert_int_equal(stats.rx_packets, 0);

	start(12, 100);
	guest.ring.avail->idx = 99;
	vhost_ring_transmit(&guest.ring, &item, 1, &stats);
	assert_int_equal(stats.drops[DROP_port_down], 1);
	assert_int_equal(guest.port.port.state, PORT_ERROR);
}

/* The same table, read as buffers: a bad one costs one frame and does not stay. */
static void test_transmit_hostile(void **state)
{
	struct frame f = {.head = pattern, .len = 60, .head_len = 60};
	struct tx_item items[2] = {{&f, 0}, {&f, 0}};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		if (bad[i].reason != DROP_bad_descriptor || bad[i].build == bad_write ||
			bad[i].build == bad_pieces)
			continue;
		print_message("%s\n", bad[i].name);
		start(12, 0);
		guest.ring.mergeable = true;
		bad[i].build(&guest);
		for (uint16_t k = 0; k < 8; k++) {
			guest.ring.desc[k].flags ^= guest.ring.desc[k].flags & INDIRECT ? 0 : WRITE;
			table_entry(k)->flags ^= WRITE;
		}
		if (bad[i].build == bad_empty_second || bad[i].build == bad_write_second)
			f.len = f.head_len = 100; /* must not be content with the first */
		guest_offer(&guest, 0);
		guest_desc(&guest, 254, DATA + 0x4000, 2000, WRITE, 0);
		guest_offer(&guest, 254);
		vhost_ring_transmit(&guest.ring, items, 2, &stats);
		assert_int_equal(stats.drops[DROP_bad_descriptor], 1);
		assert_int_equal(stats.tx_packets, 1);
		assert_int_equal(guest_used(&guest).id, 0);
		assert_int_equal(guest_used(&guest).id, 254);
		guest_copy_out(&guest, DATA + 0x400c, out, f.len);
		assert_memory_equal(out, pattern, f.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_hostile),
		cmocka_unit_test(test_transmit_hostile),
		cmocka_unit_test(test_head_out_of_range),
		cmocka_unit_test(test_pieces_limit),
		cmocka_unit_test(test_index_too_far),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
