/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings of a vhost-user port with guests that keep to the specification. */
#include "test/unit/vhost_guest.h"

static uint8_t out[1 << 17];

/* --- chains, both ways --- */

struct layout {
	const char *name;
	uint64_t at; /* of the first buffer; they follow each other */
	uint32_t piece[8];
	uint8_t hdr_len;
	bool indirect;
};

static const struct layout layouts[] = {
	{"one", DATA, {12 + 60}, 12, false},
	{"one, old header", DATA, {10 + 60}, 10, false},
	{"shortest", DATA, {12 + 14}, 12, false},
	{"one of 127", DATA, {12 + 127}, 12, false},
	{"one of 128", DATA, {12 + 128}, 12, false},
	{"one of 129", DATA, {12 + 129}, 12, false},
	{"one of 1518", DATA, {12 + 1518}, 12, false},
	{"largest", DATA, {12 + FRAME_LEN_MAX}, 12, false},
	{"ends with memory", BORDER + REGION - 72, {72}, 12, false},
	{"ends with memory, old header", BORDER + REGION - 24, {24}, 10, false},
	{"header apart", DATA, {12, 60}, 12, false},
	{"header in two", DATA, {5, 7, 60}, 12, false},
	{"header and a bit", DATA, {13, 59}, 12, false},
	{"eight", DATA, {1, 2, 30, 100, 7, 1, 1000, 3}, 12, false},
	{"indirect", DATA, {12, 1000}, 12, true},
	{"indirect of one", DATA, {72}, 12, true},
	{"indirect, eight", DATA, {10, 14, 1, 1, 1, 4000, 1, 60}, 10, true},
	{"across regions in the header", BORDER - 5, {100}, 12, false},
	{"across regions in the head", BORDER - 50, {200}, 12, false},
	{"across regions in the tail", BORDER - 1000, {12, 1500}, 12, false},
	{"across regions, indirect", BORDER - 1000, {12, 1500, 8}, 12, true},
};

/* Lay the chain out, its head at descriptor 3; returns its bytes. */
static uint32_t layout_build(const struct layout *l, uint16_t flags)
{
	uint32_t total = 0;
	uint16_t n = 0;

	while (n < 8 && l->piece[n] != 0)
		n++;
	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc d = {l->at + total, l->piece[i], flags | (i + 1 < n ? NEXT : 0),
			l->indirect ? i + 1 : i + 4};

		if (l->indirect)
			*table_entry(i) = d;
		else
			guest.ring.desc[i + 3] = d;
		total += l->piece[i];
	}
	if (l->indirect)
		guest_desc(&guest, 3, TABLE, n * 16, INDIRECT, 0);
	return total;
}

static void test_receive_layouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(layouts); i++) {
		const struct layout *l = &layouts[i];
		const struct frame *f = &burst.frame[0];
		uint32_t total;

		print_message("%s\n", l->name);
		start(l->hdr_len, 65535);
		total = layout_build(l, 0);
		guest_copy_in(&guest, l->at + l->hdr_len, pattern, total - l->hdr_len);
		guest_offer(&guest, 3);
		assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 1);
		assert_int_equal(f->len, total - l->hdr_len);
		assert_int_equal(f->head_len, RTE_MIN(f->len, (uint32_t)FRAME_HEAD_MAX));
		frame_bytes(f, out);
		assert_memory_equal(out, pattern, f->len);
		assert_int_equal(stats.rx_packets, 1);
		assert_int_equal(stats.rx_bytes, f->len);
		assert_int_equal(guest.ring.used->idx, 65535);
		vhost_ring_release(&guest.ring);
		assert_int_equal(guest.ring.used->idx, 0);
		assert_int_equal(guest_used(&guest).id, 3);
	}
}

static void test_transmit_layouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * RTE_DIM(layouts); i++) {
		const struct layout *l = &layouts[i / 2];
		struct seg tail[3];
		struct frame f = {.head = pattern, .tail = tail};
		struct tx_item item = {&f, i % 2 != 0 ? 0x81000064 : 0};
		const uint8_t tag[4] = {0x81, 0, 0, 0x64};
		uint32_t total, tag_len = i % 2 * 4, left;
		struct vring_used_elem e;

		print_message("%s%s\n", l->name, tag_len != 0 ? ", tagged" : "");
		start(l->hdr_len, 65535);
		total = layout_build(l, WRITE);
		f.len = total - l->hdr_len - tag_len;
		if (f.len < FRAME_LEN_MIN)
			continue;
		f.head_len = RTE_MIN(f.len, (uint32_t)FRAME_HEAD_MAX);
		left = f.len - f.head_len;
		tail[0] = (struct seg){pattern + f.head_len, left / 2};
		tail[1] = (struct seg){pattern + f.head_len + left / 2, left - left / 2};
		f.n_tail = left != 0 ? 2 : 0;
		guest_offer(&guest, 3);
		vhost_ring_transmit(&guest.ring, &item, 1, &stats);
		assert_int_equal(stats.tx_packets, 1);
		assert_int_equal(stats.tx_bytes, f.len + tag_len);
		e = guest_used(&guest);
		assert_int_equal(e.id, 3);
		assert_int_equal(e.len, total);
		guest_copy_out(&guest, l->at, out, total);
		for (uint8_t k = 0; k < l->hdr_len; k++)
			assert_int_equal(out[k], k == 10 ? 1 : 0);
		assert_memory_equal(out + l->hdr_len, pattern, 12);
		assert_memory_equal(out + l->hdr_len + 12, tag, tag_len);
		assert_memory_equal(out + l->hdr_len + 12 + tag_len, pattern + 12, f.len - 12);
	}
}

/* --- what does not fit --- */

static void test_transmit_full_and_big(void **state)
{
	struct seg tail = {pattern + 128, 1000 - 128};
	struct frame small = {.head = pattern, .len = 60, .head_len = 60};
	struct frame big = {
		.head = pattern, .tail = &tail, .n_tail = 1, .len = 1000, .head_len = 128};
	struct tx_item items[4] = {{&small, 0}, {&big, 0}, {&small, 0}, {&small, 0}};

	(void)state;
	start(12, 65534);
	guest_buffers(&guest, 2, 512);
	vhost_ring_transmit(&guest.ring, items, 4, &stats);
	assert_int_equal(stats.tx_packets, 2);
	assert_int_equal(stats.drops[DROP_too_big], 1);
	assert_int_equal(stats.drops[DROP_ring_full], 1);
	assert_int_equal(guest_used(&guest).id, 0);
	assert_int_equal(guest_used(&guest).id, 1);
	assert_int_equal(guest.seen, guest.ring.used->idx);

	/* Mergeable: two buffers for the big one; then one is left, and it wants two. */
	start(12, 65534);
	guest.ring.mergeable = true;
	guest_buffers(&guest, 5, 512);
	items[3].frame = &big;
	items[2].frame = &big;
	vhost_ring_transmit(&guest.ring, items + 1, 3, &stats);
	assert_int_equal(stats.tx_packets, 2);
	assert_int_equal(stats.drops[DROP_ring_full], 1);
	assert_int_equal(guest.ring.last_avail, 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct vring_used_elem e = guest_used(&guest);

		assert_int_equal(e.id, 2 * i);
		assert_int_equal(e.len, 512);
		e = guest_used(&guest);
		assert_int_equal(e.id, 2 * i + 1);
		assert_int_equal(e.len, 500);
		guest_copy_out(&guest, DATA + i * 1024, out, 1012);
		assert_int_equal(out[10], 2); /* num_buffers */
		assert_memory_equal(out + 12, pattern, 1000);
	}
}

static void test_offload(void **state)
{
	struct frame f = {.head = pattern,
		.len = 60,
		.head_len = 60,
		.offload = FRAME_NEEDS_CSUM,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_type = 0x81,
		.gso_size = 1448,
		.hdr_len = 54};
	struct tx_item item = {&f, 0x88a80fff};
	struct virtio_net_hdr h;
	const struct frame *got = &burst.frame[0];

	(void)state;
	start(12, 0);
	guest_buffers(&guest, 2, 2048);
	vhost_ring_transmit(&guest.ring, &item, 1, &stats); /* the guest takes no such thing */
	assert_int_equal(stats.drops[DROP_port_down], 1);
	guest.ring.caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_ECN;
	vhost_ring_transmit(&guest.ring, &item, 1, &stats);
	assert_int_equal(stats.tx_packets, 1);
	guest_copy_out(&guest, DATA, (uint8_t *)&h, sizeof(h));
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	assert_int_equal(h.csum_start, 38);
	assert_int_equal(h.csum_offset, 16);
	assert_int_equal(h.hdr_len, 58);
	assert_int_equal(h.gso_size, 1448);

	/* And back: the same header in one descriptor, and in a chain. */
	for (int chain = 0; chain < 2; chain++) {
		start(12, 0);
		guest_copy_in(&guest, DATA, (const uint8_t *)&h, sizeof(h));
		guest_desc(&guest, 0, DATA, chain ? 12 : 112, chain ? NEXT : 0, 1);
		guest_desc(&guest, 1, DATA + 12, 100, 0, 0);
		guest_offer(&guest, 0);
		assert_int_equal(vhost_ring_receive(&guest.ring, &burst), 1);
		assert_int_equal(got->offload, FRAME_NEEDS_CSUM);
		assert_int_equal(got->gso_type, FRAME_GSO_TCPV4 | FRAME_GSO_ECN);
		assert_int_equal(got->gso_size, 1448);
		assert_int_equal(got->csum_start, 38);
		assert_int_equal(got->csum_offset, 16);
		assert_int_equal(got->hdr_len, 58);
	}
}

/* --- the operations of a port, with and without a peer --- */

static void test_no_peer(void **state)
{
	struct port *port = &guest.port.port;
	struct frame f = {.head = pattern, .len = 60, .head_len = 60};
	struct tx_item item = {&f, 0};
	uint32_t faulted = 0;
	struct vhost_live live = {
		.faulted = &faulted, .rx = {&guest.ring}, .tx = {&guest.ring, &guest.ring}};

	(void)state;
	start(12, 0);
	guest_buffers(&guest, 4, 512);
	assert_int_equal(vhost_receive(port, 0, &burst), 0);
	vhost_transmit(port, 1, &item, 1, &stats);
	assert_int_equal(stats.drops[DROP_port_down], 1);
	assert_int_equal(vhost_wait_begin(port, 0), PORT_WAIT_FD);
	assert_int_equal(vhost_wait_fd(port, 0), -1);
	vhost_wait_end(port, 0);

	guest.port.live = &live;
	guest.port.tx_lock = true;
	vhost_transmit(port, 1, &item, 1, &stats);
	assert_int_equal(stats.tx_packets, 1);
	faulted = 1; /* its memory has gone: hands off */
	vhost_transmit(port, 1, &item, 1, &stats);
	assert_int_equal(stats.drops[DROP_port_down], 2);
	assert_int_equal(vhost_receive(port, 0, &burst), 0);
	assert_int_equal(guest.ring.last_avail, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_layouts),
		cmocka_unit_test(test_transmit_layouts),
		cmocka_unit_test(test_transmit_full_and_big),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_no_peer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
