/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Thousands of random rings, good and bad mixed, both ways, beside a walker that is as simple as the
 * specification: one descriptor after another into a list of pieces, one frame after another.
 */
#include "test/unit/vhost_reference.h"

#define CASES 3000
#define TABLES (GPA + 0x8000) /* of indirect descriptors, TABLE_ROOM each */
#define TABLE_ROOM 512U
#define OFFERS 40

static uint64_t seed;
static uint8_t want[1 << 17], got[1 << 17];
static uint64_t
	buffer; /* where the next one begins: they never overlap, so that order is all one */

/* What becomes of a chain from the guest; want holds its bytes if it is a frame. */
static enum drop_reason ref_receive(uint32_t head, struct pieces *c)
{
	uint64_t len, head_len;
	uint8_t kind;

	c->n = 0;
	c->total = 0;
	if (!ref_walk(head, false, c))
		return DROP_bad_descriptor;
	len = c->total < guest.ring.hdr_len ? 0 : c->total - guest.ring.hdr_len;
	if (len < FRAME_LEN_MIN || len > FRAME_LEN_MAX)
		return DROP_malformed;
	ref_read(c, want);
	kind = want[1] & 0x7f;
	if (want[1] != 0 && kind != 1 && kind != 4)
		return DROP_bad_offload;
	head_len = RTE_MIN(len, (uint64_t)FRAME_HEAD_MAX);
	if (ref_rest(c, guest.ring.hdr_len + head_len) > FRAME_SEGS_MAX)
		return DROP_bad_descriptor;
	return DROP_REASON_COUNT;
}

/* --- random rings --- */

static uint64_t buffer_take(uint32_t len)
{
	uint64_t at = buffer;

	/* Now and then to the place where the regions meet. */
	if (buffer < BORDER - 4000 && rnd(&seed, 30) == 0)
		at = BORDER - 1 - rnd(&seed, 300);
	buffer = at + len;
	return at;
}

static uint32_t len_make(void)
{
	switch (rnd(&seed, 5)) {
	case 0:
		return 1 + rnd(&seed, 30);
	case 1:
		return 60 + rnd(&seed, 90);
	case 2:
		return 1 + rnd(&seed, 4000);
	default:
		return 76 + rnd(&seed, 200);
	}
}

/*
 * One mistake, seldom. What is to be written must not lead into another chain: then the order of
 * writing would count.
 */
static void spoil(struct vring_desc *d, bool write)
{
	switch (rnd(&seed, 120)) {
	case 0:
		d->addr = (uint64_t)rnd(&seed, UINT32_MAX) << 32;
		break;
	case 1:
		d->len = rnd(&seed, 3) == 0 ? 0 : UINT32_MAX - rnd(&seed, 9);
		break;
	case 2:
		d->flags ^= WRITE;
		break;
	case 3:
		d->next = (uint16_t)(write ? RING + rnd(&seed, 2) : rnd(&seed, RING + 2));
		break;
	case 4:
		d->flags ^= NEXT;
		if (write && (d->flags & NEXT))
			d->next = RING;
		break;
	case 5:
		d->flags ^= INDIRECT;
		break;
	default:
		break;
	}
}

/* A chain at the next free descriptors, offered; false if none are left. */
static bool chain_make(uint16_t flags, unsigned index)
{
	uint16_t n =
		rnd(&seed, 2) == 0 ? 1 : 1 + (uint16_t)rnd(&seed, rnd(&seed, 20) == 0 ? 90 : 6);
	bool indirect = n < TABLE_ROOM / 16 && rnd(&seed, 4) == 0;
	uint64_t table = TABLES + TABLE_ROOM * (uint64_t)index;
	uint16_t head = guest.next;

	if (guest.next + (indirect ? 1 : n) >= RING)
		return false;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t len = len_make();
		uint16_t more = i + 1 < n ? NEXT : 0;
		struct vring_desc d = {
			buffer_take(len), len, flags | more, indirect ? i + 1 : head + i + 1};

		spoil(&d, flags & WRITE);
		if (indirect)
			guest_copy_in(&guest, table + 16ULL * i, (const uint8_t *)&d, sizeof(d));
		else
			guest.ring.desc[head + i] = d;
	}
	if (indirect) {
		struct vring_desc d = {table, 16U * n, INDIRECT, 0};

		spoil(&d, flags & WRITE);
		guest.ring.desc[head] = d;
	}
	guest.next += indirect ? 1 : n;
	guest_offer(&guest, rnd(&seed, 300) == 0 ? (uint16_t)(RING + rnd(&seed, 9999)) : head);
	return true;
}

static void ring_make(uint16_t flags)
{
	unsigned n = 1 + rnd(&seed, OFFERS);

	guest_reset(&guest, rnd(&seed, 2) != 0 ? 12 : 10, (uint16_t)rnd(&seed, 65536));
	memset(&stats, 0, sizeof(stats));
	buffer = DATA;
	for (unsigned i = 0; i < n && chain_make(flags, i); i++)
		;
}

static void fill_random(void)
{
	for (uint64_t gpa = DATA; gpa < buffer && gpa < GPA + 2 * REGION; gpa++)
		*guest_at(&guest, gpa) = (uint8_t)rnd(&seed, 3);
}

/* Compare one burst with what the reference makes of the same entries; returns how many it took. */
static unsigned burst_check(uint16_t from)
{
	static struct pieces c;
	uint64_t drops[DROP_REASON_COUNT] = {0};
	unsigned taken = (uint16_t)(guest.ring.last_avail - from), n = 0;

	for (unsigned i = 0; i < taken; i++) {
		uint16_t head = guest.ring.avail->ring[(uint16_t)(from + i) % RING];
		enum drop_reason why = ref_receive(head, &c);
		const struct frame *f = &burst.frame[n];

		if (why != DROP_REASON_COUNT) {
			drops[why]++;
			continue;
		}
		assert_true(n++ < burst.n);
		assert_int_equal(f->len, c.total - guest.ring.hdr_len);
		assert_int_equal(f->gso_type, want[1]);
		assert_int_equal(f->offload, want[0] & 1   ? FRAME_NEEDS_CSUM
					     : want[0] & 2 ? FRAME_CSUM_VALID
							   : 0);
		frame_bytes(f, got);
		assert_memory_equal(got, want + guest.ring.hdr_len, f->len);
	}
	assert_int_equal(n, burst.n);
	assert_memory_equal(drops, stats.drops, sizeof(drops));
	assert_int_equal(stats.rx_packets, taken);
	return taken;
}

static void receive_case(void)
{
	uint16_t total;

	ring_make(0);
	fill_random();
	total = guest.ring.avail->idx - guest.ring.last_avail;
	for (uint16_t done = 0; done < total;) {
		uint16_t from = guest.ring.last_avail;
		unsigned taken;

		memset(&stats, 0, sizeof(stats));
		burst.stats = &stats;
		vhost_ring_receive(&guest.ring, &burst);
		taken = burst_check(from);
		assert_true(taken > 0);
		if (burst.n != 0)
			vhost_ring_release(&guest.ring);
		for (unsigned i = 0; i < taken; i++) {
			struct vring_used_elem e = guest_used(&guest);

			assert_int_equal(e.id, guest.ring.avail->ring[(uint16_t)(from + i) % RING]);
			assert_int_equal(e.len, 0);
		}
		assert_int_equal(guest.seen, guest.ring.used->idx);
		done += taken;
	}
}

static void test_random_receive(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < CASES; i++) {
		seed = i;
		receive_case();
	}
	print_message("%d rings\n", CASES);
}

struct random_frame {
	struct frame f;
	struct seg tail[3];
	uint8_t bytes[12000];
};

static void frame_make(struct random_frame *r, struct tx_item *item)
{
	uint32_t len = FRAME_LEN_MIN + rnd(&seed, rnd(&seed, 3) == 0 ? 9000 : 300), left, cut;

	for (uint32_t i = 0; i < len; i++)
		r->bytes[i] = (uint8_t)(1 + rnd(&seed, 255));
	r->f = (struct frame){.head = r->bytes, .tail = r->tail, .len = len};
	r->f.head_len = (uint16_t)RTE_MIN(len, (uint32_t)FRAME_HEAD_MAX);
	left = len - r->f.head_len;
	cut = left == 0 ? 0 : rnd(&seed, left);
	r->tail[0] = (struct seg){r->bytes + r->f.head_len, cut};
	r->tail[1] = (struct seg){r->bytes + r->f.head_len + cut, left - cut};
	r->f.n_tail = left != 0 ? 2 : 0;
	*item = (struct tx_item){&r->f, rnd(&seed, 3) == 0 ? 0x8100007b : 0};
}

/* The bytes that item becomes, header included, with its number of buffers. */
static uint32_t ref_bytes(const struct tx_item *item, unsigned chains)
{
	const struct random_frame *r = (const struct random_frame *)item->frame;
	uint32_t at = guest.ring.hdr_len;

	memset(want, 0, at);
	if (at == 12)
		want[10] = (uint8_t)chains;
	memcpy(want + at, r->bytes, 12);
	at += 12;
	if (item->tag != 0) {
		const uint8_t tag[4] = {0x81, 0, 0, 0x7b};

		memcpy(want + at, tag, 4);
		at += 4;
	}
	memcpy(want + at, r->bytes + 12, r->f.len - 12);
	return at + r->f.len - 12;
}

/* One item by the reference, compared with what the ring and the guest's memory say. */
static enum drop_reason ref_transmit(const struct tx_item *item, uint16_t *at)
{
	static struct pieces c;
	uint16_t ready = guest.ring.avail->idx - *at, n = 0;
	uint32_t need = ref_bytes(item, 1), done = 0;
	uint64_t end[RING];
	uint16_t id[RING];

	c.n = 0;
	c.total = 0;
	while (c.total < need) {
		if (n == 1 && !guest.ring.mergeable)
			return DROP_too_big;
		if (n == ready)
			return DROP_ring_full;
		id[n] = guest.ring.avail->ring[(uint16_t)(*at + n) % RING];
		if (!ref_walk(id[n], true, &c) || c.n > VHOST_CHAIN_SEGS_MAX) {
			*at += n + 1;
			for (uint16_t i = 0; i <= n; i++) {
				struct vring_used_elem e = guest_used(&guest);

				assert_int_equal(e.id, id[i]);
				assert_int_equal(e.len, 0);
			}
			return DROP_bad_descriptor;
		}
		end[n++] = c.total;
	}
	ref_bytes(item, n);
	ref_read(&c, got);
	assert_memory_equal(got, want, need);
	for (uint16_t i = 0; i < n; i++) {
		struct vring_used_elem e = guest_used(&guest);
		uint32_t limit = (uint32_t)RTE_MIN(end[i], (uint64_t)need);

		assert_int_equal(e.id, id[i]);
		assert_int_equal(e.len, limit - done);
		done = limit;
	}
	*at += n;
	return DROP_REASON_COUNT;
}

static void transmit_case(void)
{
	static struct random_frame frames[BURST_MAX + 8];
	struct tx_item items[BURST_MAX + 8];
	uint64_t drops[DROP_REASON_COUNT] = {0};
	uint16_t n = 1 + (uint16_t)rnd(&seed, BURST_MAX + 8), at;
	uint64_t sent = 0;

	ring_make(WRITE);
	guest.ring.mergeable = guest.ring.hdr_len == 12 && rnd(&seed, 2) != 0;
	for (uint16_t i = 0; i < n; i++)
		frame_make(&frames[i], &items[i]);
	at = guest.ring.last_avail;
	vhost_ring_transmit(&guest.ring, items, n, &stats);
	for (uint16_t i = 0; i < n; i++) {
		enum drop_reason why =
			guest.ring.avail->idx == at ? DROP_ring_full : ref_transmit(&items[i], &at);

		if (why == DROP_REASON_COUNT)
			sent++;
		else
			drops[why]++;
	}
	assert_int_equal(stats.tx_packets, sent);
	assert_memory_equal(drops, stats.drops, sizeof(drops));
	assert_int_equal(guest.ring.last_avail, at);
	assert_int_equal(guest.seen, guest.ring.used->idx);
}

static void test_random_transmit(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < CASES; i++) {
		seed = ~i;
		transmit_case();
	}
	print_message("%d rings\n", CASES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_receive),
		cmocka_unit_test(test_random_transmit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
