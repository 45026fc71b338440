/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr_table.h"
#include "test/unit/random.h"

#define MODEL_MAX 300

/* The model: a list, searched from one end to the other. ip.family 0: a MAC. */
struct item {
	uint16_t network;
	struct mac mac;
	struct ip ip;
	uint32_t value;
};

static bool item_is(const struct item *a, const struct item *b)
{
	return a->network == b->network && a->ip.family == b->ip.family &&
	       (a->ip.family == 0 ? mac_equal(&a->mac, &b->mac) : ip_equal(&a->ip, &b->ip));
}

/* Few networks and few different bytes, so that keys nearly meet; a MAC and the IPs may have equal bytes. */
static struct item item_random(struct rnd *r)
{
	static const uint16_t networks[] = {0, 1, 4, 6, 65535};
	struct item it = {
		.network = networks[rnd_below(r, 5)], .value = (uint32_t)rnd_below(r, 1000)};
	uint8_t bytes[16];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = rnd_below(r, 4) == 0 ? (uint8_t)rnd_below(r, 2) : 0;
	switch (rnd_below(r, 3)) {
	case 0:
		memcpy(it.mac.b, bytes, MAC_LEN);
		break;
	case 1:
		it.ip.family = 4;
		memcpy(it.ip.b, bytes, 4);
		break;
	default:
		it.ip.family = 6;
		memcpy(it.ip.b, bytes, 16);
	}
	return it;
}

static int table_add(struct addr_table *t, const struct item *it)
{
	return it->ip.family == 0 ? addr_table_add_mac(t, it->network, &it->mac, it->value)
				  : addr_table_add_ip(t, it->network, &it->ip, it->value);
}

static uint32_t table_find(const struct addr_table *t, const struct item *it)
{
	return it->ip.family == 0 ? addr_table_find_mac(t, it->network, it->mac.b)
				  : addr_table_find_ip(t, it->network, &it->ip);
}

static void one_table(struct rnd *r, size_t capacity)
{
	struct addr_table *t = addr_table_create(capacity);
	struct item model[MODEL_MAX];
	size_t n = 0;

	assert_non_null(t);
	for (size_t i = 0; i < capacity * 4 + 10; i++) {
		struct item it = item_random(r);
		uint32_t expect = ADDR_TABLE_NONE;

		for (size_t k = 0; k < n; k++)
			if (item_is(&model[k], &it))
				expect = model[k].value;
		assert_int_equal(table_find(t, &it), expect);
		if (rnd_below(r, 3) == 0)
			continue;
		if (expect != ADDR_TABLE_NONE) {
			assert_int_equal(table_add(t, &it), -EEXIST);
		} else if (n == capacity) {
			assert_int_equal(table_add(t, &it), -ENOSPC);
		} else {
			assert_int_equal(table_add(t, &it), 0);
			model[n++] = it;
		}
	}
	for (size_t k = 0; k < n; k++)
		assert_int_equal(table_find(t, &model[k]), model[k].value);
	addr_table_free(t);
}

static void test_random(void **state)
{
	struct rnd r = rnd_start("addr_table");

	(void)state;
	for (size_t capacity = 0; capacity < 20; capacity++)
		one_table(&r, capacity);
	for (int i = 0; i < 300; i++)
		one_table(&r, rnd_below(&r, MODEL_MAX + 1));
}

static void test_large(void **state)
{
	enum { N = 200000 };
	struct addr_table *t = addr_table_create(N);
	struct ip ip = {.family = 4};

	(void)state;
	assert_non_null(t);
	for (uint32_t i = 0; i < N; i++) {
		memcpy(ip.b, &i, 4);
		assert_int_equal(addr_table_add_ip(t, (uint16_t)(i % 7), &ip, i), 0);
	}
	for (uint32_t i = 0; i < N; i++) {
		memcpy(ip.b, &i, 4);
		assert_int_equal(addr_table_find_ip(t, (uint16_t)(i % 7), &ip), i);
		assert_int_equal(
			addr_table_find_ip(t, (uint16_t)(i % 7 + 1), &ip), ADDR_TABLE_NONE);
	}
	addr_table_free(t);
}

static void test_edges(void **state)
{
	struct addr_table *t = addr_table_create(0);
	struct ip none = {0};
	struct mac mac = {{1}};

	(void)state;
	assert_non_null(t);
	assert_int_equal(addr_table_find_mac(t, 0, mac.b), ADDR_TABLE_NONE);
	assert_int_equal(addr_table_add_mac(t, 0, &mac, 1), -ENOSPC);
	assert_int_equal(addr_table_add_ip(t, 0, &none, 1), -EINVAL);
	assert_int_equal(addr_table_find_ip(t, 0, &none), ADDR_TABLE_NONE);
	addr_table_free(t);
	addr_table_free(NULL);
	assert_null(addr_table_create(SIZE_MAX));
	assert_null(addr_table_create(SIZE_MAX / 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
