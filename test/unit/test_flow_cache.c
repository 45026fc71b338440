/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow cache against a plain list: it may forget, but never says what was not put last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
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
#define IDS 20000
#define SECRETS 60

/* What was put last for a key. */
struct memory {
	uint64_t id;
	uint32_t gen; /* 0: never put */
	uint32_t out;
};

static struct memory memory[KEYS];

static uint64_t id_of_number(const struct flow_cache *c, uint64_t n)
{
	union flow_key key = {.macs = n, .kind = FRAME_IPV4};

	return flow_id_end(c, flow_id_begin(c, &key), &key, NULL);
}

/* As stage/lookup.c does. */
static struct flow *find_flow(const struct flow_cache *c, uint64_t id, uint32_t gen)
{
	return flow_in(flow_bucket_of(flow_first(c, id), flow_second(c, id), id), id, gen);
}

static void fill_memory(const struct flow_cache *c)
{
	for (unsigned i = 0; i < KEYS; i++)
		memory[i] = (struct memory){.id = id_of_number(c, i)};
}

static void put(struct flow_cache *c, struct memory *m, uint32_t gen, uint32_t out)
{
	struct flow flow = {.id = m->id, .gen = gen, .account = FLOW_ACCOUNT(3, out, out + 1)};

	flow_cache_put(c, &flow);
	m->gen = gen;
	m->out = out;
}

static bool put_number(struct flow_cache *c, uint64_t n)
{
	struct memory m = {.id = id_of_number(c, n)};

	if (find_flow(c, m.id, 1) != NULL)
		return false;
	put(c, &m, 1, (uint32_t)n);
	return true;
}

static void test_against_a_list(void **state)
{
	struct rnd r = rnd_start("flow cache");
	struct flow_cache c;
	uint32_t gen = 1;
	uint32_t out = 0;
	unsigned hits = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	fill_memory(&c);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		/* Mostly few keys, so that many are found; now and then all of them. */
		unsigned n = i % 1000 < 900 ? 500 : KEYS;
		struct memory *m = &memory[rnd_below(&r, n)];
		struct flow *flow;

		if (rnd_below(&r, 3) == 0)
			put(&c, m, gen, ++out);
		flow = find_flow(&c, m->id, gen);
		if (flow != NULL) {
			hits++;
			assert_int_equal(m->gen, gen);
			assert_int_equal(flow_rule(flow->account, 0), m->out);
			assert_int_equal(flow_rule(flow->account, 1), m->out + 1);
			assert_int_equal(flow_port(flow->account), 3);
			/* As one whose connection ended. */
			if (rnd_below(&r, 50) == 0)
				m->gen = flow->gen = 0;
		}
		if (rnd_below(&r, 5000) == 0)
			gen++;
	}
	assert_true(hits > OPERATIONS / 4);
	flow_cache_fini(&c);
}

/* What was put is found at once, whatever was there and had to make room. */
static void found_after_put(void)
{
	struct flow_cache c;

	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	fill_memory(&c);
	for (unsigned i = 0; i < KEYS; i++) {
		put(&c, &memory[i], 1, i);
		assert_non_null(find_flow(&c, memory[i].id, 1));
		assert_int_equal(
			find_flow(&c, memory[i].id, 1)->account, FLOW_ACCOUNT(3, i, i + 1));
		assert_null(find_flow(&c, memory[i].id, 2));
	}
	flow_cache_fini(&c);
}

/* With many secrets: which flows are in each other's way is another matter with each. */
static void test_found_after_put(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SECRETS; i++)
		found_after_put();
}

/* While it grows no flow is lost that it has room for, nearly. */
static void test_room(void **state)
{
	struct flow_cache c;

	(void)state;
	assert_int_equal(flow_cache_init(&c, MANY, -1), 0);
	for (unsigned n = 1; n <= MANY; n++) {
		unsigned found = 0;

		put_number(&c, n);
		if ((n & (n - 1)) != 0 && n % 3333 != 0)
			continue;
		for (unsigned i = 1; i <= n; i++)
			found += find_flow(&c, id_of_number(&c, i), 1) != NULL;
		assert_true(found + 2 + n / 2000 >= n);
	}
	flow_cache_fini(&c);
}

/* Flows that all but fill a large cache are found in the last round as in the second, most of them in the
 * first place that is looked at. */
static void test_room_lasts(void **state)
{
	const uint32_t flows = MANY - MANY / 64;
	struct flow_cache c;
	unsigned missed = 0;
	unsigned first = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, MANY, -1), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		missed = 0;
		for (uint32_t i = 1; i <= flows; i++)
			missed += put_number(&c, i);
	}
	for (uint32_t i = 1; i <= flows; i++) {
		uint64_t id = id_of_number(&c, i);

		first += flow_place(flow_first(&c, id), id)->id == id;
	}
	assert_true(missed < flows / 500);
	assert_true(first > flows / 100 * 65);
	flow_cache_fini(&c);
}

/* Flows of configurations that are no more take no room from those of this one. */
static void test_old_ones_make_room(void **state)
{
	struct flow_cache c;
	unsigned found = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	for (uint32_t gen = 1; gen <= 10; gen++) {
		for (uint32_t i = 0; i < ENTRIES; i++) {
			struct memory m = {.id = id_of_number(&c, (uint64_t)gen << 32 | i)};

			put(&c, &m, gen, i);
		}
	}
	for (uint32_t i = 0; i < ENTRIES; i++)
		found += find_flow(&c, id_of_number(&c, 10ULL << 32 | i), 10) != NULL;
	assert_true(found >= ENTRIES - ENTRIES / 20);
	flow_cache_fini(&c);
}

/* While it grows none of this configuration is lost to one of the former. */
static void test_old_ones_take_no_room(void **state)
{
	struct flow_cache c;

	(void)state;
	assert_int_equal(flow_cache_init(&c, MANY, -1), 0);
	for (uint32_t i = 0; i < MANY / 4; i++) {
		struct memory m = {.id = id_of_number(&c, 1ULL << 32 | i)};

		put(&c, &m, 1, i);
	}
	for (uint32_t i = 0; i < MANY / 4; i++) {
		struct memory m = {.id = id_of_number(&c, 2ULL << 32 | i)};

		put(&c, &m, 2, i);
	}
	for (uint32_t i = 0; i < MANY / 4; i++)
		assert_non_null(find_flow(&c, id_of_number(&c, 2ULL << 32 | i), 2));
	flow_cache_fini(&c);
}

/* A flow that is put again stays where it is. Four times as many in turn as there is room for: each is
 * found at times. */
static void test_more_than_room(void **state)
{
	const struct flow *place;
	struct memory first;
	struct flow_cache c;
	unsigned found = 0;

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	first.id = id_of_number(&c, 4 * ENTRIES);
	put(&c, &first, 2, 7);
	place = find_flow(&c, first.id, 2);
	put(&c, &first, 1, 8);
	assert_ptr_equal(find_flow(&c, first.id, 1), place);
	for (unsigned i = 0; i < 40 * ENTRIES; i++)
		found += !put_number(&c, i % (4 * ENTRIES));
	assert_in_range(found, 4 * ENTRIES, 32 * ENTRIES);
	flow_cache_fini(&c);
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Keys that differ in few bits, IPv6 addresses included: no two have the same identity, and both halves
 * spread over buckets as by chance. */
static void test_identities(void **state)
{
	unsigned load[2][256] = {{0}};
	static uint64_t ids[IDS];
	struct flow_cache c;
	uint64_t words[HASH_ID_WORDS];

	(void)state;
	assert_int_equal(flow_cache_init(&c, ENTRIES, -1), 0);
	for (unsigned n = 0; n < IDS; n++) {
		union flow_key key;

		memset(words, 0, sizeof(words));
		words[n % HASH_ID_WORDS] = 1 + n / HASH_ID_WORDS;
		memcpy(key.w, words, sizeof(key.w));
		ids[n] = flow_id_end(&c, flow_id_begin(&c, &key), &key, words + 4);
		load[0][ids[n] & 255]++;
		load[1][ids[n] >> 32 & 255]++;
	}
	qsort(ids, IDS, sizeof(ids[0]), compare_ids);
	for (unsigned i = 1; i < IDS; i++)
		assert_true(ids[i] != ids[i - 1]);
	for (unsigned i = 0; i < 256; i++) {
		assert_in_range(load[0][i], IDS / 256 / 2, IDS / 256 * 2);
		assert_in_range(load[1][i], IDS / 256 / 2, IDS / 256 * 2);
	}
	flow_cache_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_found_after_put),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_lasts),
		cmocka_unit_test(test_old_ones_make_room),
		cmocka_unit_test(test_old_ones_take_no_room),
		cmocka_unit_test(test_more_than_room),
		cmocka_unit_test(test_identities),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
