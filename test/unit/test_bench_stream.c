/* SPDX-License-Identifier: BSD-3-Clause */
/* What leat-bench sends, and how it counts time. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/checksum.h"
#include "test/bench/leat_bench/stream.h"

#define FLOWS 120000 /* more than one destination port's */
#define NEW_FLOWS 200000
#define VALUES 100000
#define IP_AT 14
#define IP_LEN 20

static const struct bench_options base = {
	.mac = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}},
	.ip = {{4, {10, 1, 0, 1}}, {4, {10, 1, 0, 2}}},
	.prefix = {{4, {10, 128, 0, 0}}, 9},
	.dst_port = 5000,
	.size = 64,
	.flows = FLOWS,
	.ring_size = 1024,
};

/* Addresses and ports, as one sortable value. */
struct tuple {
	uint8_t b[12];
};

static int tuple_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tuple));
}

static struct tuple tuple_of(const uint8_t *frame)
{
	struct tuple t;

	memcpy(t.b, frame + IP_AT + 12, sizeof(t.b));
	return t;
}

static void assert_header_valid(const uint8_t *frame, unsigned len)
{
	uint16_t total;

	assert_int_equal(checksum_bytes(frame + IP_AT, IP_LEN), 0xffff);
	memcpy(&total, frame + IP_AT + 2, sizeof(total));
	assert_int_equal(ntohs(total), len - IP_AT);
}

static void assert_distinct(struct tuple *seen, size_t n)
{
	qsort(seen, n, sizeof(*seen), tuple_compare);
	for (size_t i = 1; i < n; i++)
		assert_int_not_equal(tuple_compare(&seen[i - 1], &seen[i]), 0);
}

/* n packets of a stream through one buffer: all valid, no two of one flow. */
static void check_packets(const struct bench_options *o, uint8_t from, size_t n)
{
	struct tuple *seen = calloc(n, sizeof(*seen));
	uint8_t frame[FRAME_ROOM];
	struct stream s;
	unsigned len;

	assert_non_null(seen);
	stream_init(&s, o, from);
	len = stream_frame_make(&s, 0, frame);
	assert_int_equal(len, o->size - FRAME_FCS_LEN);
	for (size_t i = 0; i < n; i++) {
		stream_next(&s, frame);
		assert_header_valid(frame, len);
		seen[i] = tuple_of(frame);
	}
	assert_distinct(seen, n);
	stream_free(&s);
	free(seen);
}

static void test_flows_are_distinct_and_valid(void **state)
{
	struct bench_options o = base;

	(void)state;
	check_packets(&o, 0, FLOWS);
	o.spread = true;
	check_packets(&o, 1, FLOWS);
	o.size = 1518;
	check_packets(&o, 0, FLOWS);
}

static void test_new_flows_never_repeat(void **state)
{
	struct bench_options o = base;

	(void)state;
	o.new_flows[0] = true;
	o.flows = 1;
	check_packets(&o, 0, NEW_FLOWS);
}

static void test_second_direction_replies(void **state)
{
	uint8_t there[FRAME_ROOM], back[FRAME_ROOM];
	struct stream s[2];

	(void)state;
	for (uint8_t side = 0; side < 2; side++)
		stream_init(&s[side], &base, side);
	for (unsigned flow = 0; flow < FLOWS; flow += 77) {
		stream_frame_make(&s[0], flow, there);
		stream_frame_make(&s[1], flow, back);
		assert_memory_equal(there, back + 6, 6);
		assert_memory_equal(there + 26, back + 30, 4);
		assert_memory_equal(there + 30, back + 26, 4);
		assert_memory_equal(there + 34, back + 36, 2);
		assert_memory_equal(there + 36, back + 34, 2);
	}
	for (uint8_t side = 0; side < 2; side++)
		stream_free(&s[side]);
}

static void test_imix_lengths(void **state)
{
	struct bench_options o = base;
	unsigned count[3] = {0};
	uint8_t frame[FRAME_ROOM];
	struct stream s;

	(void)state;
	o.size = 0;
	stream_init(&s, &o, 0);
	for (unsigned slot = 0; slot < 1200; slot++) {
		unsigned len = stream_frame_make(&s, slot, frame);

		assert_header_valid(frame, len);
		count[len == 60 ? 0 : len == 590 ? 1 : 2]++;
		assert_true(len == 60 || len == 590 || len == 1514);
	}
	assert_int_equal(count[0], 700);
	assert_int_equal(count[1], 400);
	assert_int_equal(count[2], 100);
	stream_free(&s);
}

static void test_order_is_judged_by_flow(void **state)
{
	struct bench_options o = base;
	uint8_t frames[4][FRAME_ROOM];
	struct stream s;

	(void)state;
	o.check = true;
	o.flows = 2; /* frames 0 and 2 are one flow, 1 and 3 the other */
	stream_init(&s, &o, 0);
	for (unsigned i = 0; i < 4; i++) {
		stream_frame_make(&s, i, frames[i]);
		stream_next(&s, frames[i]);
	}
	stream_arrived(&s, frames[1], 60);
	stream_arrived(&s, frames[2], 60);
	assert_int_equal(s.count.reordered, 0);
	stream_arrived(&s, frames[0], 60);
	assert_int_equal(s.count.reordered, 1);
	stream_arrived(&s, frames[3], 60);
	assert_int_equal(s.count.reordered, 1);
	frames[3][FRAME_MARK_AT + 3] = 0x7f; /* no such flow */
	stream_arrived(&s, frames[3], 60);
	stream_arrived(&s, frames[3], 42);
	assert_int_equal(s.count.foreign, 2);
	stream_free(&s);
}

static int value_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void test_percentiles_against_a_sorted_list(void **state)
{
	static const double shares[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
	static struct histogram h;
	uint64_t *values = calloc(VALUES, sizeof(*values));
	uint64_t x = 88172645463325252ULL;

	(void)state;
	assert_non_null(values);
	assert_int_equal(histogram_percentile(&h, 0.5), 0);
	for (size_t i = 0; i < VALUES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		values[i] = x >> (i % 64); /* every magnitude */
		histogram_add(&h, values[i]);
	}
	qsort(values, VALUES, sizeof(*values), value_compare);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t rank = (size_t)(shares[i] * VALUES + 0.999999);
		uint64_t exact = values[rank - 1];
		uint64_t got = histogram_percentile(&h, shares[i]);

		assert_true(got <= exact);
		assert_true(exact - got <= exact / HISTOGRAM_STEPS);
	}
	assert_int_equal(h.max, values[VALUES - 1]);
	free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_are_distinct_and_valid),
		cmocka_unit_test(test_new_flows_never_repeat),
		cmocka_unit_test(test_second_direction_replies),
		cmocka_unit_test(test_imix_lengths),
		cmocka_unit_test(test_order_is_judged_by_flow),
		cmocka_unit_test(test_percentiles_against_a_sorted_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
