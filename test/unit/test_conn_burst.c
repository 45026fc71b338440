/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/conn_table.h"
#include "test/unit/conn_keys.h"
#include "test/unit/eal_up.h"

#define BURSTS 3000

static void compare(struct conn_table *in_turn, const struct conn_key *key,
	const struct conn_touch *touch, uint64_t now, unsigned *n_alive)
{
	enum conn_direction direction;
	struct conn_info info;
	bool alive = key_touch(in_turn, key, touch->tcp_flags, now, &info, &direction);

	assert_int_equal(touch->alive, alive);
	if (!alive)
		return;
	(*n_alive)++;
	assert_int_equal(touch->direction, direction);
	assert_int_equal(touch->info.gen, info.gen);
	assert_int_equal(touch->info.confirmed, info.confirmed);
}

/* Two tables with the same connections: what is touched together in one is touched in turn in the other. */
static void test_burst(void **state)
{
	struct conn_table *together = conn_table_create(1024, -1);
	struct conn_table *in_turn = conn_table_create(1024, -1);
	struct rnd r = rnd_start("conn_burst");
	unsigned n_alive = 0;

	(void)state;
	for (uint64_t now = 100; now < 100 * BURSTS; now += 100) {
		struct conn_info info = {.gen = (uint32_t)now};
		struct conn_touch touch[CONN_TOUCH_MAX];
		struct conn_key touched[CONN_TOUCH_MAX];
		unsigned n = 1 + (unsigned)rnd_below(&r, CONN_TOUCH_MAX);
		struct conn_key key = key_random(&r);
		uint8_t flags = flags_random(&r);

		key_add(together, &key, flags, &info, now);
		key_add(in_turn, &key, flags, &info, now);
		for (unsigned i = 0; i < n; i++) {
			touched[i] = key_random(&r);
			touch[i] = (struct conn_touch){.place = place_of(together, &touched[i]),
				.tcp_flags = flags_random(&r)};
		}
		conn_place_touch_burst(touch, n, now);
		for (unsigned i = 0; i < n; i++)
			compare(in_turn, &touched[i], &touch[i], now, &n_alive);
	}
	assert_true(n_alive > BURSTS);
	conn_table_free(together);
	conn_table_free(in_turn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
