/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow cache against a plain list: it may forget, but never says what was not put last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/flow_cache.h"
#include "dataplane/frame.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

#define ENTRIES 1024
#define KEYS 3000
#define OPERATIONS 400000
#define MANY (1 << 15)
#define ROUNDS 150

/* What was put last for a key. */
struct memory {
	union flow_key key;
	uint8_t addrs6[32];
	bool six;
	uint32_t gen; /* 0: never put */
	uint32_t tag;
};

static struct memory memory[KEYS];

/* Few different bits, so that keys are alike in all but one place. */
static void random_key(struct rnd *r, struct memory *m)
{
	uint8_t *bytes = (uint8_t *)&m->key;

	memset(m, 0, sizeof(*m));
	m->six = rnd_below(r, 3) == 0;
	for (unsigned i = 0; i < 3; i++)
		bytes[rnd_below(r, sizeof(m->key))] = (uint8_t)rnd_below(r, 8);
	m->key.kind = m->six ? FRAME_IPV6 : FRAME_IPV4;
	/* The same hash of other addresses: they alone tell the flows apart. */
	for (unsigned i = 0; m->six && i < 2; i++)
		m->addrs6[rnd_below(r, 32)] = (uint8_t)rnd_below(r, 4);
}

static bool is_other(const struct memory *a, const struct memory *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key)) != 0 ||
	       (a->six && memcmp(a->addrs6, b->addrs6, sizeof(a->addrs6)) != 0);
}

static void fill_memory(struct rnd *r)
{
	for (unsigned i = 0; i < KEYS; i++) {
		bool fresh;

		do {
			random_key(r, &memory[i]);
			fresh = true;
			for (unsigned k = 0; k < i && fresh; k++)
				fresh = is_other(&memory[i], &memory[k]);
		} while (!fresh);
	}
}

static void put(struct flow_cache *c, struct memory *m, uint32_t gen, uint32_t tag)
{
	struct flow flow = {.key = m->key, .gen = gen, .tag = tag};

	flow_cache_put(c, &flow, flow_key_hash(c, &m->key), m->six ? m->addrs6 : NULL);
	m->gen = gen;
	m->tag = tag;
}

static const struct flow *find(const struct flow_cache *c, const struct memory *m, uint32_t gen)
{
	return flow_cache_find(
		c, &m->key, flow_key_hash(c, &m->key), m->six ? m->addrs6 : NULL, gen);
}

static void test_against_a_list(void **state)
{
	struct rnd r = rnd_start("flow cache");
	struct flow_cache c;
	uint32_t gen = 1;
	uint32_t tag = 0;
	unsigned hits = 0;

	(void)state;
	fill_memory(&r);
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		/* Mostly few keys, so that many are found; now and then all of them. */
		unsigned n = i % 1000 < 900 ? 500 : KEYS;
		struct memory *m = &memory[rnd_below(&r, n)];
		const struct flow *flow;

		if (rnd_below(&r, 3) == 0)
			put(&c, m, gen, ++tag);
		flow = find(&c, m, gen);
		if (flow != NULL) {
			hits++;
			assert_int_equal(m->gen, gen);
			assert_int_equal(flow->tag, m->tag);
			assert_memory_equal(&flow->key, &m->key, sizeof(m->key));
		}
		if (rnd_below(&r, 5000) == 0)
			gen++;
	}
	assert_true(hits > OPERATIONS / 4);
	flow_cache_fini(&c);
}

/* What was put is found at once, whatever was there. */
static void test_found_after_put(void **state)
{
	struct rnd r = rnd_start("flow cache");
	struct flow_cache c;

	(void)state;
	fill_memory(&r);
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	for (unsigned i = 0; i < KEYS; i++) {
		put(&c, &memory[i], 1, i);
		assert_non_null(find(&c, &memory[i], 1));
		assert_int_equal(find(&c, &memory[i], 1)->tag, i);
		assert_null(find(&c, &memory[i], 2));
	}
	flow_cache_fini(&c);
}

/* As many as there is room for, and nearly all are found. */
static void test_room(void **state)
{
	struct flow_cache c;
	unsigned found = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	for (unsigned i = 0; i < ENTRIES - 1; i++) {
		struct memory m = {.key = {.macs = i, .kind = FRAME_IPV4}};

		put(&c, &m, 1, i);
	}
	for (unsigned i = 0; i < ENTRIES - 1; i++) {
		struct memory m = {.key = {.macs = i, .kind = FRAME_IPV4}};

		found += find(&c, &m, 1) != NULL;
	}
	assert_true(found > ENTRIES * 99 / 100);
	flow_cache_fini(&c);
}

/* Flows that all but fill a large cache are found in the last round as in the second: those that have to
 * share a bucket take no room from others. */
static void test_room_lasts(void **state)
{
	const uint32_t flows = MANY - MANY / 64;
	struct flow_cache c;
	unsigned missed = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, MANY, -1), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		missed = 0;
		for (uint32_t i = 0; i < flows; i++) {
			struct memory m = {.key = {.macs = i, .kind = FRAME_IPV4}};

			if (find(&c, &m, 1) != NULL)
				continue;
			put(&c, &m, 1, i);
			missed++;
		}
	}
	assert_true(missed < flows / 200);
	flow_cache_fini(&c);
}

/* A flow that is put again stays where it is. Twice as many in turn as there is room for: each is found
 * at times. */
static void test_more_than_room(void **state)
{
	struct memory first = {.key = {.macs = 2 * ENTRIES, .kind = FRAME_IPV4}};
	const struct flow *place;
	struct flow_cache c;
	unsigned found = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	put(&c, &first, 1, 7);
	place = find(&c, &first, 1);
	put(&c, &first, 2, 8);
	assert_ptr_equal(find(&c, &first, 2), place);
	for (unsigned i = 0; i < 20 * ENTRIES; i++) {
		struct memory m = {.key = {.macs = i % (2 * ENTRIES), .kind = FRAME_IPV4}};

		if (find(&c, &m, 2) != NULL)
			found++;
		else
			put(&c, &m, 2, i);
	}
	assert_in_range(found, 2 * ENTRIES, 16 * ENTRIES);
	flow_cache_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_found_after_put),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_lasts),
		cmocka_unit_test(test_more_than_room),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
