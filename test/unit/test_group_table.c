/* SPDX-License-Identifier: BSD-3-Clause */
/* Group memberships: against a list searched from one end to the other, when full, and from several threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/group_table.h"
#include "test/unit/random.h"

#define STEPS 200000
#define GROUPS 12
#define PORTS 80
#define HOLD_MAX 20
#define THREADS 4
#define ROUNDS 100000

/* The same addresses in both families and three networks. */
static struct group_key key_at(unsigned i)
{
	struct group_key key = {.network = (uint16_t)(i % 3 == 2 ? GROUP_NETWORKS - 1 : i % 3),
		.group = {.family = i % 2 ? 6 : 4, .b = {0xff, 1}}};

	key.group.b[3] = (uint8_t)(i / 6);
	return key;
}

struct model {
	uint32_t until[GROUPS][PORTS];
};

/* A group that found no room makes others of its bucket be flooded. */
static uint64_t refused_of_all(const struct group_table *t)
{
	return group_table_refused(t, 0) + group_table_refused(t, 1) +
	       group_table_refused(t, GROUP_NETWORKS - 1);
}

static void compare(const struct group_table *t, const struct model *m, unsigned i, uint32_t now)
{
	struct group_key key = key_at(i);
	struct group_ports ports = {{0}};
	enum group_found found = group_table_find(t, &key, now, &ports);
	unsigned n = 0;

	/* With more than it has room for it may say so, and nothing else. */
	for (unsigned port = 0; port < PORTS; port++)
		n += m->until[i][port] > now;
	if (found == GROUP_ALL) {
		assert_true(refused_of_all(t) > 0);
		return;
	}
	assert_int_equal(found, n != 0 ? GROUP_SOME : GROUP_NONE);
	for (uint16_t port = 0; port < PORTS; port++)
		assert_int_equal(group_ports_has(&ports, port), m->until[i][port] > now);
}

static void flush(struct group_table *t, struct model *m, uint16_t network)
{
	group_table_flush_network(t, network);
	assert_int_equal(group_table_refused(t, network), 0);
	for (unsigned i = 0; i < GROUPS; i++)
		if (key_at(i).network == network)
			memset(m->until[i], 0, sizeof(m->until[i]));
}

static void flush_port(struct group_table *t, struct model *m, uint16_t port)
{
	group_table_flush_port(t, port);
	for (unsigned i = 0; i < GROUPS; i++)
		m->until[i][port] = 0;
}

static void test_against_model(void **state)
{
	struct rnd r = rnd_start("groups");
	struct group_table *t = group_table_create(1024);
	static struct model m;
	uint32_t now = 1;
	unsigned all = 0;

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		/* Now and then many ports in few groups, so that these overflow. */
		bool rush = step % 20000 > 19000;
		unsigned i = (unsigned)rnd_below(&r, rush ? 3 : GROUPS);
		struct group_key key = key_at(i);
		uint16_t port = (uint16_t)rnd_below(&r, rush ? PORTS : 8);
		uint32_t hold = 1 + (uint32_t)rnd_below(&r, HOLD_MAX);
		uint32_t *until = &m.until[i][port];
		struct group_ports ports = {{0}};

		if (rnd_below(&r, 4) != 0) {
			group_table_join(t, &key, port, hold, now);
			if (*until < now + hold)
				*until = now + hold;
		} else {
			group_table_leave(t, &key, port, hold, now);
			if (*until > now + hold)
				*until = now + hold;
		}
		if (rnd_below(&r, 5000) == 0)
			flush(t, &m, key.network);
		if (rnd_below(&r, 1000) == 0)
			flush_port(t, &m, port);
		now += rnd_below(&r, rush ? 100 : 6) == 0;
		compare(t, &m, (unsigned)rnd_below(&r, GROUPS), now);
		all += group_table_find(t, &key, now, &ports) == GROUP_ALL;
	}
	/* It happens, and it passes. */
	assert_true(all > 0 && all < STEPS / 10);
	group_table_free(t);
}

/* What finds no room is flooded for as long as it would have lasted; what has room stays known. */
static void test_full(void **state)
{
	struct group_table *t = group_table_create(4);
	struct group_ports ports = {{0}};
	struct group_key key = {.group = {.family = 4, .b = {239}}};

	(void)state;
	assert_null(group_table_create(0));
	for (uint8_t i = 0; i < 5; i++) {
		key.group.b[3] = i;
		group_table_join(t, &key, 7, 10, 100);
	}
	assert_int_equal(group_table_refused(t, 0), 1);
	assert_int_equal(group_table_refused(t, 1), 0);
	assert_int_equal(group_table_find(t, &key, 109, &ports), GROUP_ALL);
	key.group.b[3] = 99;
	assert_int_equal(group_table_find(t, &key, 109, &ports), GROUP_ALL);
	key.group.b[3] = 0;
	assert_int_equal(group_table_find(t, &key, 109, &ports), GROUP_SOME);
	assert_int_equal(group_table_find(t, &key, 110, &ports), GROUP_NONE);
	/* What has ended makes room. */
	key.group.b[3] = 5;
	group_table_join(t, &key, 8, 10, 110);
	memset(&ports, 0, sizeof(ports));
	assert_int_equal(group_table_find(t, &key, 110, &ports), GROUP_SOME);
	assert_true(group_ports_has(&ports, 8) && !group_ports_has(&ports, 7));
	group_table_join(t, &key, GROUP_PORT_INDEX, 10, 110);
	key.network = GROUP_NETWORKS;
	group_table_join(t, &key, 7, 10, 110);
	assert_int_equal(group_table_refused(t, 0), 1);
	group_table_free(t);
}

struct crowd {
	struct group_table *t;
	unsigned number;
};

/* Each in a port of its own; group 0 is everybody's and is never left. */
static void *live(void *arg)
{
	const struct crowd *c = arg;
	struct rnd r = {c->number};
	uint16_t port = (uint16_t)(100 + c->number);

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct group_key key = key_at((unsigned)rnd_below(&r, GROUPS));
		struct group_key common = key_at(0);
		struct group_ports ports = {{0}};

		group_table_join(c->t, &common, port, 1000, 1 + i / 1000);
		assert_int_equal(group_table_find(c->t, &common, 1 + i / 1000, &ports), GROUP_SOME);
		assert_true(group_ports_has(&ports, port));
		if (key.network == common.network)
			continue;
		if (rnd_below(&r, 2))
			group_table_join(c->t, &key, port, 1, 1 + i / 1000);
		else
			group_table_leave(c->t, &key, port, 1, 1 + i / 1000);
		if (rnd_below(&r, 1000) == 0)
			group_table_flush_network(c->t, key.network);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct group_table *t = group_table_create(64);
	struct crowd crowd[THREADS];
	pthread_t thread[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){t, i};
		assert_int_equal(pthread_create(&thread[i], NULL, live, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	group_table_free(t);
}

static void count(
	const struct ip *group, enum group_found found, const struct group_ports *ports, void *arg)
{
	unsigned *n = arg;

	assert_int_equal(found, group->b[0] == 0xff ? GROUP_SOME : GROUP_ALL);

	assert_true(group->family == 4 || group->family == 6);
	assert_true(group_ports_has(ports, 3));
	(*n)++;
}

static void test_each(void **state)
{
	struct group_table *t = group_table_create(1024);
	struct group_key many = {.network = 2, .group = {.family = 4, .b = {1}}};
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < GROUPS; i++) {
		struct group_key key = key_at(i);

		group_table_join(t, &key, 3, i < GROUPS / 2 ? 5 : 50, 1);
	}
	group_table_each(t, 1, 10, count, &n);
	assert_int_equal(n, GROUPS / 3 / 2);
	for (uint16_t port = 0; port <= GROUP_PORTS_MAX; port++)
		group_table_join(t, &many, port, 50, 1);
	n = 0;
	group_table_each(t, 2, 10, count, &n);
	assert_int_equal(n, 1);
	group_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
