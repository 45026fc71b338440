/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ruleset.h"
#include "test/unit/eal_up.h"
#include "test/unit/random.h"

#define RULES_MAX 1000
#define ID_MAX (1u << 24)

/* Which kinds of remote side a rule set has: bits. */
enum { MIX_ANY = 1, MIX_GROUP = 2, MIX_V4 = 4, MIX_V6 = 8, MIX_NARROW = 16, MIX_ALL = 31 };

static bool bit_of(const struct ip *ip, unsigned i)
{
	return ip->b[i / 8] >> (7 - i % 8) & 1;
}

static bool reference_contains(const struct prefix *p, const struct ip *ip)
{
	if (p->addr.family == 0)
		return true;
	for (unsigned i = 0; i < p->len; i++)
		if (bit_of(&p->addr, i) != bit_of(ip, i))
			return false;
	return p->addr.family == ip->family;
}

static bool reference_matches(const struct ruleset_rule *rule, const struct ruleset_key *key)
{
	return (key->remote_ip.family == 4 || key->remote_ip.family == 6) &&
	       (rule->proto == 0 || rule->proto == key->proto) && rule->port_lo <= key->dst_port &&
	       key->dst_port <= rule->port_hi &&
	       (rule->remote_group == 0 || rule->remote_group == key->remote_group) &&
	       (rule->src_port_hi == 0 || (rule->src_port_lo <= key->src_port &&
						  key->src_port <= rule->src_port_hi)) &&
	       (key->tcp_flags & rule->tcp_mask) == rule->tcp_flags &&
	       reference_contains(&rule->remote_prefix, &key->remote_ip) &&
	       reference_contains(&rule->local_prefix, &key->local_ip);
}

static uint32_t reference(const struct ruleset_rule *rules, size_t n, const struct ruleset_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (reference_matches(&rules[i], key))
			return rules[i].id;
	return 0;
}

static uint16_t port_random(struct rnd *r)
{
	static const uint16_t edges[] = {
		0, 1, 80, 255, 256, 1023, 1024, 32767, 32768, 65534, 65535};

	return rnd_below(r, 2) ? edges[rnd_below(r, 11)] : (uint16_t)rnd_next(r);
}

/* Addresses lie close together, so that prefixes nest and overlap. */
static struct ip ip_random(struct rnd *r, uint8_t family)
{
	struct ip ip = {.family = family};
	unsigned bytes = family == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++)
		ip.b[i] = rnd_below(r, 3) == 0 ? (uint8_t)rnd_next(r) : rnd_below(r, 2) ? 0 : 0xff;
	return ip;
}

static struct prefix prefix_random(struct rnd *r, uint8_t family)
{
	static const uint8_t lens[] = {
		0, 1, 7, 8, 9, 16, 24, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128};
	unsigned width = family == 4 ? 32 : 128;
	struct prefix p = {.addr = ip_random(r, family)};

	p.len = rnd_below(r, 2) ? lens[rnd_below(r, family == 4 ? 9 : 18)]
				: (uint8_t)rnd_below(r, width + 1);
	/* A short one high up would hide all others. */
	if (p.len < 8 && rnd_below(r, 8))
		p.len = 8;
	for (unsigned i = p.len; i < width; i++)
		p.addr.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return p;
}

/* What goes with IPv4 alone, or with any address. */
static void narrow_random(struct rnd *r, struct ruleset_rule *rule)
{
	if (rnd_below(r, 2))
		rule->local_prefix = prefix_random(r, 4);
	if (rnd_below(r, 3) == 0)
		rule->remote_prefix = prefix_random(r, 4);
	if (rule->proto != 0 && rnd_below(r, 2)) {
		rule->src_port_lo = port_random(r);
		rule->src_port_hi =
			rnd_below(r, 2) ? rule->src_port_lo : (uint16_t)(rule->src_port_lo | 0xff);
	}
	if (rule->proto == 6 && rnd_below(r, 2)) {
		rule->tcp_mask = rnd_below(r, 2) ? 0x12 : 0x02;
		rule->tcp_flags = (uint8_t)rnd_next(r) & rule->tcp_mask;
	}
}

static struct ruleset_rule rule_random(struct rnd *r, unsigned mix)
{
	static const uint8_t protos[] = {0, 6, 6, 17, 1, 58, 132, 255};
	static const unsigned kinds[] = {MIX_ANY, MIX_GROUP, MIX_V4, MIX_V6, MIX_NARROW};
	struct ruleset_rule rule = {.proto = protos[rnd_below(r, 8)], .port_hi = UINT16_MAX};
	unsigned kind;

	do
		kind = kinds[rnd_below(r, 5)];
	while ((kind & mix) == 0 || (kind == MIX_ANY && mix != MIX_ANY && rnd_below(r, 20)));
	rule.id = rnd_below(r, 100) ? 1 + (uint32_t)rnd_below(r, ID_MAX) : ID_MAX;
	if (rule.proto != 0 && (rnd_below(r, 4) || kind == MIX_ANY)) {
		uint16_t a = port_random(r), b = rnd_below(r, 2) ? a : port_random(r);

		rule.port_lo = a < b ? a : b;
		rule.port_hi = a < b ? b : a;
	}
	if (kind == MIX_GROUP || (kind != MIX_ANY && rnd_below(r, 4) == 0))
		rule.remote_group = rnd_below(r, 8) ? 1 + (uint16_t)rnd_below(r, 40) : UINT16_MAX;
	if (kind == MIX_V4 || kind == MIX_V6)
		rule.remote_prefix = prefix_random(r, kind == MIX_V4 ? 4 : 6);
	if (kind == MIX_NARROW)
		narrow_random(r, &rule);
	return rule;
}

/* One more or less than an edge, or on it. */
static uint16_t near(struct rnd *r, uint16_t v)
{
	return (uint16_t)(v + rnd_below(r, 3) - 1);
}

/* An address at the edge of a prefix, inside or just outside. */
static struct ip ip_near(struct rnd *r, const struct prefix *p)
{
	struct ip host = ip_random(r, p->addr.family);
	unsigned flip;

	for (unsigned i = p->len; i < (p->addr.family == 4 ? 32u : 128u); i++)
		host.b[i / 8] &= (uint8_t)(rnd_below(r, 2) ? 0xff : ~(0x80 >> i % 8));
	for (unsigned i = 0; i < p->len; i++)
		host.b[i / 8] = (uint8_t)((host.b[i / 8] & ~(0x80 >> i % 8)) |
					  (p->addr.b[i / 8] & (0x80 >> i % 8)));
	flip = rnd_below(r, 2) ? p->len : (unsigned)rnd_below(r, p->len + 1u);
	if (flip > 0 && rnd_below(r, 3) == 0)
		host.b[(flip - 1) / 8] ^= (uint8_t)(0x80 >> (flip - 1) % 8);
	return host;
}

/* A packet that a rule matches, or misses by a hair: an address bit at the prefix's end, a port next to the range. */
static struct ruleset_key key_random(struct rnd *r, const struct ruleset_rule *rules, size_t n)
{
	static const uint8_t protos[] = {0, 6, 17, 1, 58, 132, 255, 47};
	struct ruleset_key key = {.remote_ip = ip_random(r, rnd_below(r, 2) ? 4 : 6),
		.remote_group = (uint16_t)rnd_below(r, 42),
		.dst_port = port_random(r),
		.src_port = port_random(r),
		.tcp_flags = (uint8_t)rnd_next(r),
		.proto = protos[rnd_below(r, 8)]};
	const struct ruleset_rule *rule = n != 0 ? &rules[rnd_below(r, n)] : NULL;

	key.local_ip = ip_random(r, key.remote_ip.family);
	if (rule == NULL || rnd_below(r, 10) == 0) {
		if (rnd_below(r, 20) == 0)
			key.remote_ip.family = 0;
		return key;
	}
	if (rule->proto != 0 && rnd_below(r, 16))
		key.proto = rule->proto;
	key.dst_port = near(r, rnd_below(r, 2) ? rule->port_lo : rule->port_hi);
	if (rule->src_port_hi != 0)
		key.src_port = near(r, rnd_below(r, 2) ? rule->src_port_lo : rule->src_port_hi);
	if (rule->remote_group != 0)
		key.remote_group =
			rnd_below(r, 8) ? rule->remote_group : near(r, rule->remote_group);
	if (rule->remote_prefix.addr.family != 0) {
		key.remote_ip = ip_near(r, &rule->remote_prefix);
		key.local_ip = ip_random(r, key.remote_ip.family);
	}
	if (rule->local_prefix.addr.family != 0) {
		key.local_ip = ip_near(r, &rule->local_prefix);
		if (key.remote_ip.family != 4)
			key.remote_ip = ip_random(r, 4);
	}
	return key;
}

static void check_burst(struct rnd *r, const struct ruleset *rs, const struct ruleset_rule *rules,
	size_t n_rules, unsigned n)
{
	struct ruleset_key keys[RULESET_BURST_MAX] = {0};
	uint32_t ret[RULESET_BURST_MAX + 1];

	for (unsigned i = 0; i < n; i++)
		keys[i] = key_random(r, rules, n_rules);
	ret[n] = 0xfeed;
	ruleset_classify(rs, keys, ret, n);
	for (unsigned i = 0; i < n; i++)
		if (ret[i] != reference(rules, n_rules, &keys[i]))
			fail_msg("%zu rules: %u instead of %u for family %u proto %u port %u group "
				 "%u",
				n_rules, ret[i], reference(rules, n_rules, &keys[i]),
				keys[i].remote_ip.family, keys[i].proto, keys[i].dst_port,
				keys[i].remote_group);
	assert_int_equal(ret[n], 0xfeed);
}

static struct ruleset *create(const struct ruleset_rule *rules, size_t n)
{
	struct error err = {0};
	struct ruleset *rs = ruleset_create(rules, n, &err);

	if (rs == NULL)
		fail_msg("%zu rules: %s", n, err.message);
	return rs;
}

static void one_set(struct rnd *r, size_t n, unsigned mix, unsigned bursts)
{
	static struct ruleset_rule rules[RULES_MAX];
	struct ruleset *rs;

	for (size_t i = 0; i < n; i++) {
		rules[i] = i > 0 && rnd_below(r, 10) == 0 ? rules[rnd_below(r, i)]
							  : rule_random(r, mix);
		if (rnd_below(r, 4))
			rules[i].id = 1 + (uint32_t)i;
	}
	rs = create(rules, n);
	for (unsigned b = 0; b < bursts; b++)
		check_burst(r, rs, rules, n, (unsigned)rnd_below(r, RULESET_BURST_MAX + 1));
	ruleset_free(rs);
}

static void test_random_few(void **state)
{
	struct rnd r = rnd_start("ruleset few");

	(void)state;
	for (unsigned mix = 1; mix <= MIX_ALL; mix++)
		for (size_t n = 0; n <= 4 * RULESET_SCAN_MAX + 4; n++)
			one_set(&r, n, mix, 20);
}

static void test_random_many(void **state)
{
	struct rnd r = rnd_start("ruleset many");

	(void)state;
	for (unsigned mix = 1; mix <= MIX_ALL; mix++) {
		one_set(&r, 100 + rnd_below(&r, 200), mix, 200);
		one_set(&r, RULES_MAX, mix, 200);
	}
}

/* 10,000 alike but for one field, the last that could match and the first that does. */
static void test_equal_rules(void **state)
{
	enum { N = 10000 };
	struct ruleset_rule *rules = calloc(N, sizeof(*rules));
	struct ruleset_key key = {.remote_ip.family = 4, .dst_port = 80, .proto = 6};
	struct ruleset *rs;
	uint32_t ret;

	(void)state;
	assert_non_null(rules);
	for (uint32_t i = 0; i < N; i++)
		rules[i] = (struct ruleset_rule){.id = i + 1,
			.proto = 6,
			.port_lo = 80,
			.port_hi = 80,
			.remote_prefix = {.addr = {.family = 4, .b = {10}}, .len = 8}};
	rs = create(rules, N);
	key.remote_ip.b[0] = 10;
	ruleset_classify(rs, &key, &ret, 1);
	assert_int_equal(ret, 1);
	key.remote_ip.b[0] = 11;
	ruleset_classify(rs, &key, &ret, 1);
	assert_int_equal(ret, 0);
	ruleset_free(rs);
	for (uint32_t i = 0; i < N; i++) {
		rules[i].remote_prefix.len = 32;
		rules[i].remote_prefix.addr.b[2] = (uint8_t)(i >> 8);
		rules[i].remote_prefix.addr.b[3] = (uint8_t)i;
	}
	rs = create(rules, N);
	key.remote_ip.b[0] = 10;
	for (uint32_t i = 0; i < N + 10; i++) {
		key.remote_ip.b[2] = (uint8_t)(i >> 8);
		key.remote_ip.b[3] = (uint8_t)i;
		ruleset_classify(rs, &key, &ret, 1);
		assert_int_equal(ret, i < N ? i + 1 : 0);
	}
	ruleset_free(rs);
	free(rules);
}

static void refuse(struct ruleset_rule rule)
{
	struct ruleset_rule rules[2] = {{.id = 1, .port_hi = UINT16_MAX}, rule};
	struct error err = {0};

	assert_null(ruleset_create(rules, 2, &err));
	assert_int_equal(err.code, LEAT_INTERNAL);
}

static void test_refused(void **state)
{
	const struct ruleset_rule good = {.id = 1, .proto = 6, .port_hi = UINT16_MAX};
	struct ruleset_rule bad = good;
	struct error err = {0};

	(void)state;
	ruleset_free(create(&good, 1));
	ruleset_free(NULL);
	bad.id = 0;
	refuse(bad);
	bad.id = ID_MAX + 1;
	refuse(bad);
	bad = good;
	bad.port_lo = 2;
	bad.port_hi = 1;
	refuse(bad);
	bad = good;
	bad.proto = 0;
	bad.port_lo = 1;
	refuse(bad);
	bad = good;
	bad.src_port_lo = 2;
	bad.src_port_hi = 1;
	refuse(bad);
	bad = good;
	bad.tcp_flags = 2;
	refuse(bad);
	bad = good;
	bad.local_prefix = (struct prefix){.addr.family = 6, .len = 64};
	refuse(bad);
	bad = good;
	bad.remote_prefix = (struct prefix){.addr.family = 4, .len = 33};
	refuse(bad);
	bad.remote_prefix = (struct prefix){.addr.family = 6, .len = 129};
	refuse(bad);
	assert_null(ruleset_create(&good, RULESET_RULES_MAX + 1, &err));
	assert_int_equal(err.code, LEAT_EXHAUSTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_few),
		cmocka_unit_test(test_random_many),
		cmocka_unit_test(test_equal_rules),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
