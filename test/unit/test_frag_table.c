/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/frag_table.h"
#include "test/unit/random.h"

#define KEYS 96
#define BUCKET 4 /* datagrams in the smallest table */

/* The model: by the number of a key, what was put last. */
struct known {
	bool used;
	uint64_t ms;
	struct frag_verdict verdict;
};

/* Keys of which each differs from the first in one part; IPv4 ones carry rubbish behind the address. */
static struct frag_key key_of(struct rnd *r, unsigned i)
{
	struct frag_key k = {.id = 77, .network = 1, .in_port = 2, .proto = 17, .family = 6};
	unsigned step = 1 + i / 8;

	memset(k.src, 1, sizeof(k.src));
	memset(k.dst, 1, sizeof(k.dst));
	switch (i % 8) {
	case 0:
		k.id += step;
		break;
	case 1:
		k.network = (uint16_t)(k.network + step);
		break;
	case 2:
		k.in_port = (uint16_t)(k.in_port + step);
		break;
	case 3:
		k.proto = (uint8_t)(k.proto + step);
		break;
	case 4:
		k.src[step] ^= 1;
		break;
	case 5:
		k.dst[step] ^= 1;
		break;
	default:
		k.family = 4;
		k.id += step;
		k.src[3] ^= i % 8 == 6;
		for (unsigned n = 4; n < 16; n++)
			k.src[n] = k.dst[n] = (uint8_t)rnd_next(r);
	}
	return k;
}

static struct frag_verdict verdict_random(struct rnd *r)
{
	uint32_t v = (uint32_t)rnd_next(r);

	return (struct frag_verdict){
		.drop = (uint8_t)v, .gen = v, .rule_out = v + 1, .rule_in = v + 2};
}

static void verdict_check(const struct frag_verdict *got, const struct frag_verdict *expect)
{
	assert_int_equal(got->drop, expect->drop);
	assert_int_equal(got->gen, expect->gen);
	assert_int_equal(got->rule_out, expect->rule_out);
	assert_int_equal(got->rule_in, expect->rule_in);
}

static void test_random(void **state)
{
	struct rnd r = rnd_start("frag_table");
	struct frag_table *t = frag_table_create(1 << 16);
	struct known model[KEYS] = {0};
	uint64_t now = 1000000;

	(void)state;
	assert_non_null(t);
	for (int step = 0; step < 200000; step++) {
		unsigned i = (unsigned)rnd_below(&r, KEYS);
		struct frag_key k = key_of(&r, i);
		struct known *m = &model[i];
		struct frag_verdict got;
		bool expect;

		if (rnd_below(&r, 64) == 0 && m->used)
			now = m->ms + FRAG_TIMEOUT_MS - 1 + rnd_below(&r, 3); /* back, too */
		else
			now += rnd_below(&r, 1000);
		if (rnd_below(&r, 3) == 0) {
			*m = (struct known){true, now, verdict_random(&r)};
			frag_table_put(t, &k, &m->verdict, now);
			continue;
		}
		expect = m->used && (now < m->ms || now - m->ms <= FRAG_TIMEOUT_MS);
		assert_int_equal(frag_table_get(t, &k, now, &got), expect);
		if (expect)
			verdict_check(&got, &m->verdict);
	}
	frag_table_free(t);
}

/* One bucket: the model keeps the latest BUCKET that were put. */
static void test_oldest_goes(void **state)
{
	struct rnd r = rnd_start("frag_table oldest");
	struct frag_table *t = frag_table_create(rnd_below(&r, 2) ? 0 : BUCKET);
	struct known model[12] = {0};

	(void)state;
	assert_non_null(t);
	for (uint64_t now = 1; now < 20000; now++) {
		unsigned i = (unsigned)rnd_below(&r, 12), n = 0, oldest = 12;
		struct frag_key k = {.id = i, .family = 4};
		struct frag_verdict got;

		model[i] = (struct known){true, now, verdict_random(&r)};
		frag_table_put(t, &k, &model[i].verdict, now);
		for (unsigned m = 0; m < 12; m++) {
			n += model[m].used;
			if (model[m].used && (oldest == 12 || model[m].ms < model[oldest].ms))
				oldest = m;
		}
		if (n > BUCKET)
			model[oldest].used = false;
		for (unsigned m = 0; m < 12; m++) {
			k.id = m;
			assert_int_equal(frag_table_get(t, &k, now, &got), model[m].used);
			if (model[m].used)
				verdict_check(&got, &model[m].verdict);
		}
	}
	frag_table_free(t);
	frag_table_free(NULL);
	assert_null(frag_table_create((size_t)1 << 40));
}

static void *hammer(void *arg)
{
	struct frag_table *t = arg;
	struct rnd r = {(uintptr_t)&r};
	uintptr_t torn = 0;

	for (uint64_t now = 0; now < 50000; now++) {
		struct frag_key k = {.id = (uint32_t)rnd_below(&r, 12), .family = 6};
		struct frag_verdict v = verdict_random(&r);

		if (rnd_below(&r, 2))
			frag_table_put(t, &k, &v, now);
		else if (frag_table_get(t, &k, now, &v))
			torn += v.rule_out != v.gen + 1 || v.rule_in != v.gen + 2 ||
				v.drop != (uint8_t)v.gen;
	}
	return (void *)torn;
}

static void test_threads(void **state)
{
	struct frag_table *t = frag_table_create(8);
	pthread_t thread[2];
	void *torn;

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, t), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], &torn), 0);
		assert_null(torn);
	}
	frag_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
