/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/token_bucket.h"
#include "test/unit/random.h"

#define TWO_40 ((uint64_t)1 << 40)

/* The reference counts in whole numbers of any size: 16-bit digits, lowest first, 256 bits. */
#define DIGITS 16

struct big {
	uint16_t d[DIGITS];
};

static struct big big_of(uint64_t v)
{
	struct big r = {{0}};

	for (int i = 0; i < 4; i++)
		r.d[i] = (uint16_t)(v >> 16 * i);
	return r;
}

static struct big big_add(struct big a, struct big b)
{
	uint32_t carry = 0;

	for (int i = 0; i < DIGITS; i++) {
		carry += (uint32_t)a.d[i] + b.d[i];
		a.d[i] = (uint16_t)carry;
		carry >>= 16;
	}
	assert_int_equal(carry, 0);
	return a;
}

static int big_cmp(const struct big *a, const struct big *b)
{
	for (int i = DIGITS - 1; i >= 0; i--)
		if (a->d[i] != b->d[i])
			return a->d[i] < b->d[i] ? -1 : 1;
	return 0;
}

static struct big big_sub(struct big a, struct big b)
{
	int32_t borrow = 0;

	assert_true(big_cmp(&a, &b) >= 0);
	for (int i = 0; i < DIGITS; i++) {
		int32_t v = (int32_t)a.d[i] - b.d[i] - borrow;

		borrow = v < 0;
		a.d[i] = (uint16_t)v;
	}
	return a;
}

static struct big big_mul(struct big a, uint64_t by)
{
	struct big r = {{0}}, f = big_of(by);

	for (int i = 0; i < DIGITS; i++) {
		uint64_t carry = 0;

		for (int k = 0; k + i < DIGITS; k++) {
			carry += (uint64_t)a.d[k] * f.d[i] + r.d[i + k];
			r.d[i + k] = (uint16_t)carry;
			carry >>= 16;
		}
		assert_int_equal(carry, 0);
	}
	return r;
}

struct model {
	struct big credit, full; /* units x hz */
	uint64_t rate, hz, last;
};

static void model_refill(struct model *m, uint64_t now)
{
	if (now > m->last) {
		m->credit = big_add(m->credit, big_mul(big_of(now - m->last), m->rate));
		m->last = now;
	}
	if (big_cmp(&m->credit, &m->full) > 0)
		m->credit = m->full;
}

static bool model_take(struct model *m, uint64_t cost, uint64_t now)
{
	struct big price = big_mul(big_of(cost), m->hz);

	model_refill(m, now);
	if (big_cmp(&m->credit, &price) < 0)
		return false;
	m->credit = big_sub(m->credit, price);
	return true;
}

/* level is the whole number that price(level) <= credit < price(level + 1). */
static void check_level(struct model *m, uint64_t level, uint64_t now)
{
	struct big low = big_mul(big_of(level), m->hz), high = big_add(low, big_of(m->hz));

	model_refill(m, now);
	assert_true(big_cmp(&low, &m->credit) <= 0);
	assert_true(big_cmp(&m->credit, &high) < 0);
}

static uint64_t random_size(struct rnd *r, uint64_t max)
{
	uint64_t v = rnd_next(r) >> rnd_below(r, 64);

	if (rnd_below(r, 16) == 0)
		return max;
	return v == 0 ? 1 : v > max ? max : v;
}

/* Anything against anything: rates, clocks, pauses of a tick and of centuries, clocks that go back. */
static void test_random(void **state)
{
	struct rnd r = rnd_start("token_bucket");

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct model m = {.rate = random_size(&r, TWO_40), .hz = random_size(&r, TWO_40)};
		uint64_t burst = random_size(&r, TWO_40);
		uint64_t now = rnd_below(&r, 2) ? 0 : rnd_next(&r);
		struct token_bucket tb;

		token_bucket_init(&tb, m.rate, burst, m.hz, now);
		m.full = m.credit = big_mul(big_of(burst), m.hz);
		m.last = now;
		for (int k = 0; k < 100; k++) {
			uint64_t step = random_size(&r, UINT64_MAX),
				 cost = random_size(&r, burst + 1);

			if (rnd_below(&r, 8) == 0)
				now -= now < step ? now : step;
			else
				now += step > UINT64_MAX - now ? UINT64_MAX - now : step;
			if (rnd_below(&r, 32) == 0)
				cost = rnd_below(&r, 2) ? 0 : UINT64_MAX;
			assert_int_equal(
				token_bucket_take(&tb, cost, now), model_take(&m, cost, now));
			check_level(&m, token_bucket_level(&tb, now), now);
		}
	}
}

/*
 * A day at a TSC's speed, a million polls: a bucket that never fills up gives, to the unit, what it began with
 * and rate x time.
 */
static void day(struct rnd *r, uint64_t rate, uint64_t hz)
{
	const uint64_t polls = 1000000, burst = rate / 4 + 20000;
	const uint64_t start = rnd_next(r) >> 8, span = 86400 * hz;
	struct token_bucket tb;
	struct big earned, spent;
	uint64_t taken = 0;

	token_bucket_init(&tb, rate, burst, hz, start);
	assert_true(token_bucket_take(&tb, burst, start));
	for (uint64_t i = 1; i <= polls; i++) {
		uint64_t due = (uint64_t)((unsigned __int128)span * i / polls);
		uint64_t now = start + due - rnd_below(r, span / polls / 2);
		uint64_t level = token_bucket_level(&tb, now);

		assert_true(level < burst);
		level -= level < 10 ? 0 : rnd_below(r, 10);
		assert_true(token_bucket_take(&tb, level, now));
		taken += level;
	}
	taken += token_bucket_level(&tb, start + span);
	earned = big_mul(big_of(span), rate);
	spent = big_mul(big_of(taken), hz);
	assert_true(big_cmp(&spent, &earned) <= 0);
	spent = big_add(spent, big_of(hz));
	assert_true(big_cmp(&earned, &spent) < 0);
}

static void test_day(void **state)
{
	struct rnd r = rnd_start("token_bucket day");

	(void)state;
	day(&r, 1, 2596000000);
	day(&r, 1000000, 2596000001);
	day(&r, 999999937, 2595999977);
	day(&r, 100000000000, 2600000000);
	day(&r, 12345678, 1000);
}

static void test_burst_to_the_unit(void **state)
{
	static const uint64_t rates[] = {1, 7, 1000000007, TWO_40 - 1, TWO_40};
	static const uint64_t hzs[] = {1, 1000, 2596000000, TWO_40};
	struct token_bucket tb;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t rate = rates[i % 5], hz = hzs[i / 5];

		for (uint64_t burst = 1; burst <= TWO_40; burst = burst * 2 + 1) {
			token_bucket_init(&tb, rate, burst, hz, 5);
			assert_false(token_bucket_take(&tb, burst + 1, 5));
			assert_int_equal(token_bucket_level(&tb, 5), burst);
			assert_true(token_bucket_take(&tb, burst, 5));
			assert_false(token_bucket_take(&tb, 1, 5));
			assert_true(token_bucket_take(&tb, 0, 5));
			/* Idle for as long as a clock can count: full (if that is enough), not a unit more. */
			unsigned __int128 grown = (unsigned __int128)(UINT64_MAX - 5) * rate / hz;
			uint64_t level = grown < burst ? (uint64_t)grown : burst;

			assert_int_equal(token_bucket_level(&tb, UINT64_MAX), level);
			assert_true(token_bucket_take(&tb, level, UINT64_MAX));
			assert_false(token_bucket_take(&tb, 1, UINT64_MAX));
		}
	}
}

static void test_slowest_and_fastest(void **state)
{
	const uint64_t hz = 2596000000;
	struct token_bucket tb;

	(void)state;
	token_bucket_init(&tb, 1, 1, hz, 0);
	assert_true(token_bucket_take(&tb, 1, 0));
	/* Polled often, or once: the unit is there after exactly a second. */
	for (uint64_t t = 1; t < hz; t += 1000003)
		assert_false(token_bucket_take(&tb, 1, t));
	assert_false(token_bucket_take(&tb, 1, hz - 1));
	assert_true(token_bucket_take(&tb, 1, hz));
	token_bucket_init(&tb, TWO_40, TWO_40, hz, 0);
	assert_true(token_bucket_take(&tb, TWO_40, 0));
	assert_int_equal(token_bucket_level(&tb, 1), TWO_40 / hz);
	assert_int_equal(token_bucket_level(&tb, hz - 1), TWO_40 - TWO_40 / hz - 1);
	assert_int_equal(token_bucket_level(&tb, hz), TWO_40);
}

static void test_clock_backwards(void **state)
{
	struct token_bucket tb;

	(void)state;
	token_bucket_init(&tb, 1000, 1000, 1000, 1000000);
	assert_true(token_bucket_take(&tb, 1000, 1000000));
	/* Back and forth earns nothing twice. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(token_bucket_level(&tb, 0), 0);
		assert_int_equal(token_bucket_level(&tb, 999999), 0);
		assert_int_equal(token_bucket_level(&tb, 1000000), 0);
	}
	assert_int_equal(token_bucket_level(&tb, 1000003), 3);
	assert_int_equal(token_bucket_level(&tb, 1000001), 3);
	assert_int_equal(token_bucket_level(&tb, 1000003), 3);
}

/* Of any magnitude, 1..2^40. */
static uint64_t any_size(struct rnd *r)
{
	return 1 + rnd_below(r, (uint64_t)1 << rnd_below(r, 41));
}

/* It is what it says: a tick earlier there is too little. */
static void test_wait(void **state)
{
	struct rnd r = rnd_start("how long to wait");

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t burst = any_size(&r);
		uint64_t hz = any_size(&r);
		uint64_t rate = any_size(&r);
		uint64_t now = rnd_below(&r, 1000000);
		uint64_t cost = 1 + rnd_below(&r, burst);
		struct token_bucket tb;
		uint64_t ticks;

		token_bucket_init(&tb, rate, burst, hz, now);
		assert_int_equal(token_bucket_wait(&tb, burst, now), 0);
		assert_true(token_bucket_take(&tb, rnd_below(&r, burst + 1), now));
		/* The clock may stand behind. */
		now -= rnd_below(&r, now + 1) >> rnd_below(&r, 30);
		ticks = token_bucket_wait(&tb, cost, now);
		if (ticks > UINT64_MAX - now) {
			assert_int_equal(ticks, UINT64_MAX);
			continue;
		}
		if (ticks != 0)
			assert_false(token_bucket_take(&tb, cost, now + ticks - 1));
		assert_true(token_bucket_take(&tb, cost, now + ticks));
	}
}

/* What was empty is full after that, and not before. */
static void test_fill(void **state)
{
	struct rnd r = rnd_start("token_bucket fill");

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t burst = any_size(&r);
		uint64_t hz = any_size(&r);
		uint64_t rate = any_size(&r);
		struct token_bucket tb;
		uint64_t wait;

		token_bucket_init(&tb, rate, burst, hz, 0);
		assert_true(token_bucket_take(&tb, burst, 0));
		wait = token_bucket_wait(&tb, burst, 0);
		assert_true(token_bucket_fill(&tb) == wait || token_bucket_fill(&tb) == wait - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_day),
		cmocka_unit_test(test_burst_to_the_unit),
		cmocka_unit_test(test_slowest_and_fastest),
		cmocka_unit_test(test_clock_backwards),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
