/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mac_table.h"
#include "test/unit/random.h"

#define KEYS 60
#define PORTS 5

/* The model: by the number of a key, where it is. */
struct entry {
	bool used;
	bool doubted; /* a look-up has called it too old */
	uint16_t port;
	uint32_t seen;
};

struct model {
	struct entry e[KEYS];
	size_t capacity;
	uint32_t epoch;
};

static uint16_t key_network(unsigned i)
{
	return i % 3 == 2 ? UINT16_MAX : (uint16_t)(i % 3);
}

/* The same addresses in each network, zeros and broadcast among them. */
static void key_mac(unsigned i, uint8_t mac[MAC_LEN])
{
	memset(mac, i / 3 % 2 ? 0xff : 0, MAC_LEN);
	mac[i / 3 % MAC_LEN] ^= (uint8_t)(i / 3 / 2);
}

static size_t model_count(const struct model *m, int port)
{
	size_t n = 0;

	for (unsigned i = 0; i < KEYS; i++)
		n += m->e[i].used && (port < 0 || m->e[i].port == port);
	return n;
}

static enum mac_learn model_learn(
	struct model *m, unsigned i, uint16_t port, uint32_t limit, uint32_t now)
{
	struct entry *e = &m->e[i];

	if (port >= PORTS)
		return MAC_LEARN_LIMIT;
	if (e->used && e->port == port && !e->doubted) {
		if ((int32_t)(now - e->seen) >= MAC_REFRESH_S)
			e->seen = now;
		return MAC_LEARN_KNOWN;
	}
	if (!(e->used && e->port == port)) {
		if (model_count(m, port) >= limit)
			return MAC_LEARN_LIMIT;
		if (!e->used && model_count(m, -1) >= m->capacity)
			return MAC_LEARN_LIMIT;
	}
	*e = (struct entry){.used = true, .port = port, .seen = now};
	m->epoch++;
	return MAC_LEARN_NEW;
}

static bool model_old(const struct entry *e, uint32_t age, uint32_t now)
{
	return (int64_t)now - e->seen > (int64_t)age;
}

static uint16_t model_find(struct model *m, unsigned i, uint32_t age, uint32_t now)
{
	struct entry *e = &m->e[i];

	if (!e->used)
		return MAC_TABLE_NONE;
	if (!model_old(e, age, now))
		return e->port;
	e->doubted = true;
	return MAC_TABLE_NONE;
}

static size_t model_forget(struct model *m, int port, int network, int64_t age, uint32_t now)
{
	size_t n = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		struct entry *e = &m->e[i];

		if (!e->used || (port >= 0 && e->port != port) ||
			(network >= 0 && key_network(i) != network) ||
			(age >= 0 && !model_old(e, (uint32_t)age, now)))
			continue;
		e->used = false;
		m->epoch++;
		n++;
	}
	return n;
}

static void one_step(struct rnd *r, struct mac_table *t, struct model *m, uint32_t now)
{
	unsigned i = (unsigned)rnd_below(r, KEYS);
	uint16_t port = (uint16_t)rnd_below(r, rnd_below(r, 50) ? PORTS : PORTS + 3);
	uint32_t limit = rnd_below(r, 3) ? UINT32_MAX : (uint32_t)rnd_below(r, 12);
	uint32_t age = (uint32_t)rnd_below(r, 40);
	uint8_t mac[MAC_LEN];

	key_mac(i, mac);
	switch (rnd_below(r, 300)) {
	case 0:
		assert_int_equal(mac_table_age(t, age, now), model_forget(m, -1, -1, age, now));
		break;
	case 1:
		mac_table_flush_port(t, port);
		model_forget(m, port, -1, -1, now);
		break;
	case 2:
		mac_table_flush_network(t, key_network(i));
		model_forget(m, -1, key_network(i), -1, now);
		break;
	case 3 ... 150:
		assert_int_equal(mac_table_learn(t, key_network(i), mac, port, limit, now),
			model_learn(m, i, port, limit, now));
		break;
	default:
		assert_int_equal(mac_table_find(t, key_network(i), mac, age, now),
			model_find(m, i, age, now));
	}
	assert_int_equal(mac_table_count(t), model_count(m, -1));
	assert_int_equal(mac_table_epoch(t), m->epoch);
}

static void test_random(void **state)
{
	struct rnd r = rnd_start("mac_table");

	(void)state;
	for (size_t capacity = 1; capacity <= KEYS; capacity += 1 + capacity / 4) {
		struct mac_table *t = mac_table_create(capacity, PORTS);
		struct model m = {.capacity = capacity};
		uint32_t now = 100;

		assert_non_null(t);
		for (int step = 0; step < 20000; step++) {
			if (rnd_below(&r, 4) == 0)
				now += (uint32_t)rnd_below(&r, 3);
			else if (rnd_below(&r, 100) == 0)
				now -= (uint32_t)rnd_below(&r, 3);
			one_step(&r, t, &m, now);
		}
		mac_table_free(t);
	}
}

/* Every address of the capacity finds room, however they fall; one more does not. */
static void test_full(void **state)
{
	enum { N = 60000 };
	struct mac_table *t = mac_table_create(N, 3);
	uint8_t mac[MAC_LEN] = {2};

	(void)state;
	assert_non_null(t);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < N; i++) {
			memcpy(mac + 1, &i, sizeof(i));
			assert_int_equal(
				mac_table_learn(t, 7, mac, i % 3, UINT32_MAX, 1), MAC_LEARN_NEW);
		}
		mac[0] = 6;
		assert_int_equal(mac_table_learn(t, 7, mac, 0, UINT32_MAX, 1), MAC_LEARN_LIMIT);
		mac[0] = 2;
		for (uint32_t i = 0; i < N; i++) {
			memcpy(mac + 1, &i, sizeof(i));
			assert_int_equal(mac_table_find(t, 7, mac, 10, 11), i % 3);
			assert_int_equal(mac_table_find(t, 8, mac, 10, 11), MAC_TABLE_NONE);
		}
		mac_table_flush_port(t, 1);
		assert_int_equal(mac_table_count(t), N / 3 * 2);
		for (uint32_t i = 0; i < N; i++) {
			memcpy(mac + 1, &i, sizeof(i));
			assert_int_equal(mac_table_find(t, 7, mac, 10, 11),
				i % 3 == 1 ? MAC_TABLE_NONE : i % 3);
		}
		assert_int_equal(mac_table_age(t, 10, 12), N / 3 * 2);
		assert_int_equal(mac_table_count(t), 0);
	}
	mac_table_free(t);
}

static void test_edges(void **state)
{
	static const uint8_t mac[MAC_LEN] = {2};
	struct mac_table *t = mac_table_create(1, 2);

	(void)state;
	assert_null(mac_table_create(0, 1));
	assert_null(mac_table_create((1u << 20) + 1, 1));
	assert_non_null(t);
	assert_int_equal(mac_table_learn(t, 1, mac, 0, 0, 0), MAC_LEARN_LIMIT);
	assert_int_equal(mac_table_learn(t, 1, mac, 2, UINT32_MAX, 0), MAC_LEARN_LIMIT);
	assert_int_equal(mac_table_epoch(t), 0);
	/* The clock's 32 bits run over. */
	assert_int_equal(mac_table_learn(t, 1, mac, 0, 1, UINT32_MAX - 1), MAC_LEARN_NEW);
	assert_int_equal(mac_table_find(t, 1, mac, 5, 3), 0);
	assert_int_equal(mac_table_find(t, 1, mac, 5, 4), MAC_TABLE_NONE);
	/* Found too old, then back: who remembers "not there" has to see the epoch change. */
	assert_int_equal(mac_table_learn(t, 1, mac, 0, 1, 4), MAC_LEARN_NEW);
	assert_int_equal(mac_table_epoch(t), 2);
	assert_int_equal(mac_table_learn(t, 1, mac, 0, 1, 5), MAC_LEARN_KNOWN);
	assert_int_equal(mac_table_find(t, 1, mac, 0, 5), 0);
	assert_int_equal(mac_table_learn(t, 1, mac, 1, 1, 5), MAC_LEARN_NEW);
	assert_int_equal(mac_table_find(t, 1, mac, 0, 5), 1);
	mac_table_free(t);
	mac_table_free(NULL);
}

#define HAMMER_OPS 60000
#define HAMMER_KEYS 64
#define HAMMER_STABLE 32 /* learned before, touched by nobody's hand */

/* Key i is only ever at port i % 8 or i % 8 + 8; whoever reads anything else has read two entries at once. */
static void hammer_mac(unsigned i, uint8_t mac[MAC_LEN])
{
	memset(mac, 2, MAC_LEN);
	mac[5] = (uint8_t)i;
}

static void *hammer_write(void *arg)
{
	struct mac_table *t = arg;
	struct rnd r = {(uintptr_t)&r};
	uint8_t mac[MAC_LEN];

	for (int n = 0; n < HAMMER_OPS; n++) {
		unsigned i = HAMMER_STABLE + (unsigned)rnd_below(&r, HAMMER_KEYS - HAMMER_STABLE);
		uint16_t port = (uint16_t)(i % 8 + rnd_below(&r, 2) * 8);

		hammer_mac(i, mac);
		mac_table_learn(t, 1, mac, port, UINT32_MAX, 1000 + (uint32_t)n / 1000);
		if (rnd_below(&r, 500) == 0)
			mac_table_flush_port(t, 8 + (uint16_t)rnd_below(&r, 8));
	}
	return NULL;
}

static void *hammer_read(void *arg)
{
	const struct mac_table *t = arg;
	struct rnd r = {(uintptr_t)&r};
	uintptr_t wrong = 0;
	uint8_t mac[MAC_LEN];

	for (int n = 0; n < HAMMER_OPS; n++) {
		unsigned i = (unsigned)rnd_below(&r, HAMMER_KEYS);
		uint16_t port;

		hammer_mac(i, mac);
		/* Stable ones are never too old; of the others some are, and get their mark. */
		port = mac_table_find(t, 1, mac, i < HAMMER_STABLE ? UINT32_MAX : 1, 1030);
		if (i < HAMMER_STABLE || port != MAC_TABLE_NONE)
			wrong += port % 8 != i % 8 || port >= 16;
	}
	return (void *)wrong;
}

static void test_threads(void **state)
{
	struct mac_table *t = mac_table_create(HAMMER_KEYS, 16);
	pthread_t writer[2], reader[2];
	uint8_t mac[MAC_LEN];
	size_t left;
	void *wrong;

	(void)state;
	assert_non_null(t);
	for (unsigned i = 0; i < HAMMER_STABLE; i++) {
		hammer_mac(i, mac);
		assert_int_equal(
			mac_table_learn(t, 1, mac, i % 8, UINT32_MAX, 1000), MAC_LEARN_NEW);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&writer[i], NULL, hammer_write, t), 0);
		assert_int_equal(pthread_create(&reader[i], NULL, hammer_read, t), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(writer[i], NULL), 0);
		assert_int_equal(pthread_join(reader[i], &wrong), 0);
		assert_null(wrong);
	}
	/* Nobody got in twice, and the counts are those of what is there. */
	left = mac_table_count(t);
	for (unsigned i = 0; i < HAMMER_KEYS; i++) {
		hammer_mac(i, mac);
		left -= mac_table_find(t, 1, mac, UINT32_MAX, 1100) != MAC_TABLE_NONE;
	}
	assert_int_equal(left, 0);
	mac_table_flush_network(t, 1);
	assert_int_equal(mac_table_count(t), 0);
	for (uint16_t port = 0; port < 16; port++) {
		mac[0] = (uint8_t)port;
		assert_int_equal(mac_table_learn(t, 1, mac, port, 1, 0), MAC_LEARN_NEW);
	}
	mac_table_free(t);
}

#define REUSE_OPS 400000
#define REUSE_KEYS 4

/* One slot, which changes hands all the time: key i at port i. */
static void *reuse_write(void *arg)
{
	struct mac_table *t = arg;
	uint8_t mac[MAC_LEN];

	for (unsigned n = 0; n < REUSE_OPS; n++) {
		hammer_mac(n % REUSE_KEYS, mac);
		mac_table_learn(t, 1, mac, n % REUSE_KEYS, UINT32_MAX, 0);
		mac_table_flush_port(t, n % REUSE_KEYS);
	}
	return NULL;
}

static void test_slot_reuse(void **state)
{
	struct mac_table *t = mac_table_create(1, REUSE_KEYS);
	unsigned wrong = 0;
	pthread_t writer;

	(void)state;
	assert_non_null(t);
	assert_int_equal(pthread_create(&writer, NULL, reuse_write, t), 0);
	for (unsigned n = 0; n < 2 * REUSE_OPS; n++) {
		unsigned i = n % REUSE_KEYS;
		uint8_t mac[MAC_LEN];
		uint16_t port;

		hammer_mac(i, mac);
		port = mac_table_find(t, 1, mac, 10, 0);
		wrong += port != i && port != MAC_TABLE_NONE;
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(mac_table_count(t), 0);
	assert_int_equal(mac_table_epoch(t), 2 * REUSE_OPS);
	mac_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_slot_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
