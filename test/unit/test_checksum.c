/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/checksum.h"
#include "test/unit/packet.h"

#define ROUNDS 20000
#define BYTES_MAX 70000

static uint8_t bytes[BYTES_MAX + 64];

/* The example of RFC 1071, section 3. */
static void test_rfc_example(void **state)
{
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t sum = checksum_bytes(example, sizeof(example));

	(void)state;
	assert_int_equal(rd16((uint8_t *)&sum), 0xddf2);
}

static void test_nothing(void **state)
{
	struct checksum none = {0};

	(void)state;
	assert_int_equal(checksum_bytes(bytes, 0), 0);
	assert_int_equal(checksum_end(&none), 0xffff);
}

/* All ones, as long as can be: no carry is lost. */
static void test_carries(void **state)
{
	uint16_t sum;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (uint32_t len = 0; len < 4200; len++) {
		sum = checksum_bytes(bytes, len);
		assert_int_equal(rd16((uint8_t *)&sum), plain_sum(0, bytes, len));
	}
	sum = checksum_bytes(bytes, BYTES_MAX);
	assert_int_equal(rd16((uint8_t *)&sum), plain_sum(0, bytes, BYTES_MAX));
}

/* Any start, any length, cut anywhere: as if it were one piece. */
static void test_random_pieces(void **state)
{
	struct rnd r = rnd_start("checksum");

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rnd_next(&r);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t from = (uint32_t)rnd_below(&r, 64);
		uint32_t len = (uint32_t)rnd_below(&r, round % 100 == 0 ? BYTES_MAX : 3000);
		struct checksum sum = {0};
		uint32_t at = 0;
		uint16_t got;

		while (at < len) {
			uint32_t part = (uint32_t)rnd_below(&r, len - at + 1);

			checksum_add(&sum, bytes + from + at, part);
			at += part;
		}
		got = checksum_end(&sum);
		assert_int_equal(rd16((uint8_t *)&got), ~plain_sum(0, bytes + from, len) & 0xffff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_example),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_random_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
