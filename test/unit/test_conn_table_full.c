/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "lib/conn_table.h"
#include "test/unit/conn_keys.h"
#include "test/unit/eal_up.h"

static struct conn_key flow(uint32_t i, uint8_t proto)
{
	struct conn_key key = {
		.network = 3, .family = 6, .proto = proto, .sport = (uint16_t)i, .dport = 80};

	memcpy(key.src + 8, &i, sizeof(i));
	key.dst[0] = 0xfd;
	return key;
}

/* A whole handshake; -ENOSPC as conn_table_add has it. */
static int establish(struct conn_table *t, uint32_t i, uint64_t now)
{
	struct conn_key key = flow(i, IPPROTO_TCP), reverse = key_reverse(&key);
	struct conn_info info = {.gen = i};
	enum conn_direction direction;
	int rc = key_add(t, &key, SYN, &info, now);

	if (rc != 0)
		return rc;
	assert_true(key_touch(t, &reverse, SYN | ACK, now, &info, &direction));
	assert_int_equal(direction, CONN_REPLY);
	assert_false(info.confirmed);
	assert_true(key_touch(t, &key, ACK, now, &info, &direction));
	assert_true(info.confirmed);
	assert_int_equal(info.gen, i);
	return 0;
}

static bool is_there(struct conn_table *t, uint32_t i, uint8_t proto, uint64_t now)
{
	struct conn_key key = flow(i, proto), reverse = key_reverse(&key);
	enum conn_direction direction;
	struct conn_info info;
	bool there = key_find(t, &key, now, &info, &direction);

	assert_int_equal(key_find(t, &reverse, now, &info, &direction), there);
	return there;
}

/* How many of n new ones get in; about one in 100,000 may not, where its buckets happen to be full. */
static uint32_t establish_many(struct conn_table *t, uint32_t first, uint32_t n, uint64_t now)
{
	uint32_t in = 0;

	for (uint32_t i = first; i < first + n; i++)
		in += establish(t, i, now) == 0;
	assert_true(in >= n - n / 1000 - 3);
	return in;
}

static uint32_t count_there(struct conn_table *t, uint32_t first, uint32_t n, uint64_t now)
{
	uint32_t there = 0;

	for (uint32_t i = first; i < first + n; i++)
		there += is_there(t, i, IPPROTO_TCP, now);
	return there;
}

/* Established connections fill the table to its capacity, and are never given up for another. */
static void test_full(void **state)
{
	static const size_t capacities[] = {1024, 1025, 10000};
	static const uint32_t rounded[] = {1024, 2048, 16384};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		struct conn_table *t = conn_table_create(capacities[k], -1);
		uint32_t n = rounded[k], in = 0, refused = 0, more;

		assert_non_null(t);
		in = establish_many(t, 0, n, 1000);
		for (uint32_t i = n; i < 3 * n; i++) {
			int rc = establish(t, i, 2000);

			assert_true(rc == 0 || rc == -ENOSPC);
			refused += rc != 0;
		}
		assert_int_equal(conn_table_count(t), in + 2 * n - refused);
		assert_int_equal(count_there(t, 0, n, 3000), in);
		assert_int_equal(count_there(t, n, 2 * n, 3000), 2 * n - refused);
		/* Later all have expired, and make room. */
		more = 2001 + 1000 * CONN_TCP_ESTABLISHED_S;
		establish_many(t, 10 * n, n, more);
		assert_int_equal(count_there(t, 0, n, more), 0);
		conn_table_free(t);
	}
}

/* A flood of SYNs, of lone UDP packets, of lone ACKs: each in turn, half the table being established. */
static void test_flood(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP};
	static const uint8_t flags[] = {SYN, 0, ACK, 0};
	struct conn_table *t = conn_table_create(4096, -1);
	uint64_t now = 5000;
	uint32_t in;

	(void)state;
	assert_non_null(t);
	in = establish_many(t, 0, 2048, now);
	for (uint32_t i = 10000; i < 100000; i++) {
		struct conn_key key = flow(i, protos[i / 5000 % 4]);
		struct conn_info info = {.gen = i};

		now += i % 50 == 0;
		assert_int_equal(key_add(t, &key, flags[i / 5000 % 4], &info, now), 0);
		assert_true(is_there(t, i, key.proto, now));
	}
	assert_int_equal(count_there(t, 0, 2048, now), in);
	/* And real ones get in and stay, in the middle of it. */
	in += establish_many(t, 2048, 952, now);
	assert_int_equal(count_there(t, 0, 3000, now), in);
	conn_table_free(t);
}

/* When the table is full of unconfirmed ones, the one that goes is among the oldest. */
static void test_oldest_goes(void **state)
{
	struct conn_table *t = conn_table_create(1024, -1);
	uint32_t n = 0, oldest = 0, gone_total = 0;
	uint64_t gone_age = 0;
	bool there[3000] = {0};

	(void)state;
	assert_non_null(t);
	for (; n < 3000; n++) {
		struct conn_key key = flow(n, IPPROTO_TCP);
		struct conn_info info = {.gen = n};
		uint32_t gone = 0;

		assert_int_equal(key_add(t, &key, SYN, &info, n), 0);
		there[n] = true;
		for (uint32_t i = oldest; i <= n; i++) {
			if (!there[i] || is_there(t, i, IPPROTO_TCP, n))
				continue;
			there[i] = false;
			gone++;
			gone_age += n - i;
		}
		assert_true(gone <= 1);
		gone_total += gone;
		while (!there[oldest])
			oldest++;
	}
	/* Of 14 at random times among 1,435 the oldest is 14/15 of 1,435 old on the average. */
	assert_true(gone_total > 1400);
	assert_true(gone_age / gone_total > 1435 * 3 / 4);
	conn_table_free(t);
}

static void test_create(void **state)
{
	struct conn_table *t = conn_table_create(1024, 0);

	(void)state;
	assert_null(conn_table_create(1023, -1));
	assert_null(conn_table_create((1u << 24) + 1, -1));
	assert_null(conn_table_create(1u << 24, -1)); /* more than EAL has here */
	assert_non_null(t);
	assert_int_equal(conn_table_count(t), 0);
	conn_table_free(t);
	conn_table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
