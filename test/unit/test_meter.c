/* SPDX-License-Identifier: BSD-3-Clause */
/* One meter that several workers ask: nothing is given twice, nothing is lost. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/meter.h"
#include "test/unit/random.h"

#define WORKERS 4
#define TAKES 200000
#define FRAMES_MAX 32
#define FRAME_BYTES 1514

typedef unsigned __int128 u128;

struct shared {
	struct meter *meter;
	uint64_t clock; /* all workers move it: what one has read may be old when it asks */
	uint64_t step_max;
};

struct worker {
	struct shared *shared;
	struct rnd rnd;
	pthread_t thread;
	uint64_t bytes; /* conforming */
	uint64_t frames;
	uint64_t refused;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;

	for (unsigned i = 0; i < TAKES; i++) {
		uint32_t frames = 1 + (uint32_t)rnd_below(&w->rnd, FRAMES_MAX);
		uint64_t bytes = frames * (60 + rnd_below(&w->rnd, FRAME_BYTES - 60));
		uint64_t now = __atomic_add_fetch(
			&s->clock, rnd_below(&w->rnd, s->step_max), __ATOMIC_RELAXED);
		enum meter_verdict verdict;

		meter_lock(s->meter);
		verdict = meter_take(s->meter, bytes, frames, now);
		meter_unlock(s->meter);
		if (verdict != METER_PASS) {
			w->refused++;
			continue;
		}
		w->bytes += bytes;
		w->frames += frames;
	}
	return NULL;
}

/* What was given and what is left is what it began with and what time has brought. */
static void assert_exact(const struct token_bucket *tb, uint64_t start, u128 burst, uint64_t taken)
{
	u128 earned = burst * tb->hz + (u128)(tb->last - start) * tb->rate;

	assert_true(tb->credit < tb->burst);
	assert_true((u128)taken * tb->hz + tb->credit == earned);
}

/* Rates that are asked for more than they have, so that the bucket is never full; of two that of bits. */
static void share(uint64_t bits_per_s, uint64_t packets_per_s, uint64_t hz, uint64_t step_max)
{
	const uint64_t start = 1000, burst = 1000000, packets_burst = 200;
	struct shared s = {.clock = start, .step_max = step_max};
	struct worker w[WORKERS];
	uint64_t bytes = 0, frames = 0, refused = 0;

	s.meter = meter_create(bits_per_s, burst, packets_per_s, true);
	assert_non_null(s.meter);
	if (bits_per_s != 0)
		token_bucket_init(&s.meter->bits, bits_per_s, burst, hz, start);
	if (packets_per_s != 0)
		token_bucket_init(&s.meter->packets, packets_per_s, packets_burst, hz, start);
	assert_int_equal(meter_take(s.meter, burst / 16, 8, start), METER_PASS);
	for (unsigned i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){.shared = &s, .rnd = {i}};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		bytes += w[i].bytes;
		frames += w[i].frames;
		refused += w[i].refused;
	}
	assert_true(frames > TAKES / 100);
	assert_true(refused > TAKES / 100);
	if (bits_per_s != 0)
		assert_exact(&s.meter->bits, start, burst, (burst / 16 + bytes) * 8);
	else
		assert_exact(&s.meter->packets, start, packets_burst, 8 + frames);
	meter_free(s.meter);
}

static void test_shared(void **state)
{
	const uint64_t hz = 2596000001;

	(void)state;
	/* On average a take costs 13 KB and comes every 5 us: 20 Gb/s, 3.3 million packets a second. */
	share(7000000001, 0, hz, 26000);
	share(0, 999999, hz, 26000);
	share(5000000000, 2000000, hz, 26000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
