/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "test/unit/random.h"

static void test_mac_text(void **state)
{
	static const char *const bad[] = {"", "02:00:00:00:00", "02:00:00:00:00:0",
		"02:00:00:00:00:001", "2:00:00:00:00:001", "02-00-00-00-00-01", "02:00:00:00:00:0g",
		" 2:00:00:00:00:01", "+2:00:00:00:00:01", "02:00:00:00:00:01 ", "0200.0000.0001",
		"02:00:00:00:00:01:02", "02:00:00::00:00:01", "0:200:00:00:00:01",
		":2:00:00:00:00:01",
		"02:00:00:00:00:0:", "::::::::::::::::::", "02:00:00:00:0:001"};
	struct rnd r = rnd_start("mac_text");
	char text[MAC_TEXT_LEN];
	struct mac mac, again;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mac_parse(bad[i], &mac) != -EINVAL)
			fail_msg("\"%s\" was taken for a MAC", bad[i]);
	assert_int_equal(mac_parse("fF:0a:B0:00:9e:01", &mac), 0);
	assert_memory_equal(mac.b, "\xff\x0a\xb0\x00\x9e\x01", MAC_LEN);
	mac_format(&mac, text);
	assert_string_equal(text, "ff:0a:b0:00:9e:01");
	for (int i = 0; i < 20000; i++) {
		uint64_t v = rnd_next(&r);

		memcpy(mac.b, &v, MAC_LEN);
		mac_format(&mac, text);
		assert_int_equal(strlen(text), MAC_TEXT_LEN - 1);
		assert_int_equal(mac_parse(text, &again), 0);
		assert_true(mac_equal(&mac, &again));
		assert_int_equal(mac_is_multicast(&mac), mac.b[0] & 1);
		again.b[rnd_below(&r, MAC_LEN)] ^= (uint8_t)(1 << rnd_below(&r, 8));
		assert_false(mac_equal(&mac, &again));
		/* One character changed to anything else: a MAC only if it is a hex digit for one. */
		size_t at = rnd_below(&r, MAC_TEXT_LEN - 1);
		char c = (char)(1 + rnd_below(&r, 255));
		bool digit =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		text[at] = c;
		assert_int_equal(mac_parse(text, &again) == 0, at % 3 == 2 ? c == ':' : digit);
	}
	memset(&mac, 0, sizeof(mac));
	assert_true(mac_is_zero(&mac));
	mac.b[5] = 1;
	assert_false(mac_is_zero(&mac));
}

static void test_ip_text(void **state)
{
	static const char *const bad[] = {"", "10.0.0", "10.0.0.256", "10.0.0.0.1", "010.0.0.1",
		"1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", ":::", "1::2::3", "12345::", "::1%lo",
		"::1/128", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1.2.3.4/32", "localhost"};
	struct rnd r = rnd_start("ip_text");
	char text[INET6_ADDRSTRLEN];
	struct ip ip, again;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ip_parse(bad[i], &ip) != -EINVAL)
			fail_msg("\"%s\" was taken for an IP", bad[i]);
	assert_int_equal(ip_parse("2001:DB8::1", &ip), 0);
	assert_int_equal(ip.family, 6);
	ip_format(&ip, text);
	assert_string_equal(text, "2001:db8::1");
	assert_int_equal(ip_parse("255.0.1.2", &ip), 0);
	assert_int_equal(ip.family, 4);
	assert_memory_equal(ip.b, "\xff\0\1\2\0\0\0\0\0\0\0\0\0\0\0", 16);
	for (int i = 0; i < 20000; i++) {
		memset(&ip, 0, sizeof(ip));
		ip.family = rnd_below(&r, 2) ? 4 : 6;
		for (unsigned k = 0; k < (ip.family == 4 ? 4u : 16u); k++)
			ip.b[k] = rnd_below(&r, 3) ? (uint8_t)rnd_next(&r) : 0;
		ip_format(&ip, text);
		assert_int_equal(ip_parse(text, &again), 0);
		assert_true(ip_equal(&ip, &again));
		again.family = again.family == 4 ? 6 : 4;
		assert_false(ip_equal(&ip, &again));
	}
	ip.family = 0;
	ip_format(&ip, text);
	assert_string_equal(text, "");
}

static bool bit(const uint8_t *b, unsigned i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

static bool contains_reference(const struct prefix *p, const struct ip *ip)
{
	bool same = p->addr.family == ip->family;

	for (unsigned i = 0; i < p->len; i++)
		same = same && bit(p->addr.b, i) == bit(ip->b, i);
	return same;
}

static void test_prefix_text(void **state)
{
	static const char *const bad[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/31",
		"10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0.0/8/8", "10.0.0.0/0x8", "::/129",
		"2001:db8::1/127", "1.0.0.0/0", "::/1000", "10.0.0.0/+8", "::1/0",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0"};
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (prefix_parse(bad[i], &p) != -EINVAL)
			fail_msg("\"%s\" was taken for a prefix", bad[i]);
	assert_int_equal(prefix_parse("10.1.2.3", &p), 0);
	assert_int_equal(p.len, 32);
	assert_int_equal(prefix_parse("::1", &p), 0);
	assert_int_equal(p.len, 128);
	assert_int_equal(prefix_parse("0.0.0.0/0", &p), 0);
	assert_int_equal(p.len, 0);
	assert_int_equal(prefix_parse("::/0", &p), 0);
	assert_int_equal(p.addr.family, 6);
}

static void test_prefix_random(void **state)
{
	struct rnd r = rnd_start("prefix_random");

	(void)state;
	for (int i = 0; i < 50000; i++) {
		struct prefix p = {.addr.family = rnd_below(&r, 2) ? 4 : 6}, again;
		unsigned width = p.addr.family == 4 ? 32 : 128;
		char text[INET6_ADDRSTRLEN], whole[INET6_ADDRSTRLEN + 8];
		struct ip ip;

		p.len = (uint8_t)rnd_below(&r, width + 1);
		for (unsigned k = 0; k < width / 8; k++)
			p.addr.b[k] = (uint8_t)rnd_next(&r);
		ip = p.addr;
		for (unsigned k = p.len; k < width; k++)
			p.addr.b[k / 8] &= (uint8_t) ~(0x80 >> k % 8);
		ip_format(&p.addr, text);
		snprintf(whole, sizeof(whole), "%s/%u", text, p.len);
		assert_int_equal(prefix_parse(whole, &again), 0);
		assert_true(ip_equal(&p.addr, &again.addr));
		assert_int_equal(p.len, again.len);
		assert_true(prefix_contains(&p, &ip));
		if (rnd_below(&r, 2)) {
			unsigned k = (unsigned)rnd_below(&r, width);

			ip.b[k / 8] ^= (uint8_t)(0x80 >> k % 8);
		}
		if (rnd_below(&r, 8) == 0)
			ip.family = 10 - ip.family;
		assert_int_equal(prefix_contains(&p, &ip), contains_reference(&p, &ip));
		if (p.len == width)
			continue;
		/* The last host bit set. */
		again.addr.b[width / 8 - 1] |= 1;
		ip_format(&again.addr, text);
		snprintf(whole, sizeof(whole), "%s/%u", text, p.len);
		assert_int_equal(prefix_parse(whole, &again), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac_text),
		cmocka_unit_test(test_ip_text),
		cmocka_unit_test(test_prefix_text),
		cmocka_unit_test(test_prefix_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
