/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of random configs against a plain reference: which rule decides about a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "test/unit/compile_world.h"

#define ROUNDS 300
#define QUERIES 60

static uint64_t seed = 0x1eaf;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

/* Random addresses out of few, so that prefixes meet them. */
static struct ip random_ip(uint8_t family)
{
	struct ip ip = {.family = family};

	ip.b[0] = family == 4 ? 10 : 0xfd;
	ip.b[1] = (uint8_t)rnd(3);
	ip.b[2] = (uint8_t)rnd(3);
	ip.b[3] = (uint8_t)rnd(4);
	return ip;
}

static struct prefix random_prefix(uint8_t family)
{
	static const uint8_t lens[] = {0, 8, 16, 24, 31, 32};
	struct prefix p = {.addr = random_ip(family), .len = lens[rnd(ARRAY_SIZE(lens))]};

	for (unsigned bit = p.len; bit < 128; bit++)
		p.addr.b[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
	return p;
}

static void random_rule(struct rule *r, unsigned i)
{
	static const int16_t protos[] = {
		0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47};
	static char names[10][4] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"};

	memset(r, 0, sizeof(*r));
	snprintf(r->id, sizeof(r->id), "r%u", (i * 37) % 101);
	r->priority = (uint8_t)(rnd(4) == 0 ? 1 + rnd(100) : 50 + rnd(3));
	r->action = rnd(2) ? ACTION_ALLOW : ACTION_DENY;
	r->group = names[rnd(10)];
	r->direction = rnd(2) ? DIRECTION_IN : DIRECTION_OUT;
	r->proto = protos[rnd(ARRAY_SIZE(protos))];
	r->port_hi = UINT16_MAX;
	if ((r->proto == IPPROTO_TCP || r->proto == IPPROTO_UDP || r->proto == IPPROTO_SCTP) &&
		rnd(3) > 0) {
		r->port_lo = (uint16_t)(80 + rnd(4));
		r->port_hi = (uint16_t)(r->port_lo + rnd(3));
	}
	r->remote_kind = rnd(4);
	r->remote = names[rnd(10)];
	r->remote_cidr = random_prefix(rnd(2) ? 4 : 6);
}

static void random_world(struct world *w)
{
	struct config *c = &w->config;

	memset(w, 0, sizeof(*w));
	c->n_networks = rnd(8);
	c->n_groups = 1 + rnd(7);
	c->n_rules = rnd(80);
	for (unsigned i = 0; i < c->n_networks; i++) {
		snprintf(w->networks[i].id, ID_MAX, "x%u", (i * 3 + 1) % 10);
		if (rnd(3) > 0)
			w->networks[i].subnet = random_prefix(4);
		if (rnd(2) > 0)
			w->networks[i].subnet6 = random_prefix(6);
	}
	for (unsigned i = 0; i < c->n_groups; i++)
		snprintf(w->groups[i].id, ID_MAX, "x%u", (i * 7 + 2) % 10);
	for (unsigned i = 0; i < c->n_rules; i++)
		random_rule(&w->rules[i], i);
	world_link(w);
}

struct query {
	struct ip remote_ip;
	const char *remote_group; /* id, NULL: in none */
	uint8_t proto;
	uint16_t dst_port;
};

static bool reference_remote(const struct world *w, const struct rule *r, const struct query *q)
{
	if (r->remote_kind == REMOTE_ANY)
		return true;
	if (r->remote_kind == REMOTE_CIDR)
		return prefix_contains(&r->remote_cidr, &q->remote_ip);
	if (r->remote_kind == REMOTE_GROUP)
		return q->remote_group != NULL && strcmp(q->remote_group, r->remote) == 0;
	for (size_t i = 0; i < w->config.n_networks; i++) {
		const struct network *n = &w->networks[i];

		if (strcmp(n->id, r->remote) == 0)
			return (n->subnet.addr.family != 0 &&
				       prefix_contains(&n->subnet, &q->remote_ip)) ||
			       (n->subnet6.addr.family != 0 &&
				       prefix_contains(&n->subnet6, &q->remote_ip));
	}
	return false;
}

static bool goes_before(const struct rule *a, const struct rule *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->action != b->action)
		return a->action == ACTION_DENY;
	return strcmp(a->id, b->id) < 0;
}

/* By the protocol's words: of all that match, the one that goes before all others. */
static const struct rule *reference(
	const struct world *w, const char *group, enum direction direction, const struct query *q)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < w->config.n_rules; i++) {
		const struct rule *r = &w->rules[i];

		if (strcmp(r->group, group) != 0 || r->direction != direction)
			continue;
		if (r->proto != 0 && r->proto != q->proto)
			continue;
		if (q->dst_port < r->port_lo || q->dst_port > r->port_hi)
			continue;
		if (reference_remote(w, r, q) && (best == NULL || goes_before(r, best)))
			best = r;
	}
	return best;
}

static void check_query(const struct world *w, const struct compile_names *names,
	const struct snapshot_group *group, const char *id)
{
	static const uint8_t protos[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47, 50};
	uint32_t remote_position = rnd((uint32_t)w->config.n_groups + 1);
	struct query q = {
		.remote_ip = random_ip(rnd(2) ? 4 : 6),
		.proto = protos[rnd(ARRAY_SIZE(protos))],
	};
	struct ruleset_key key = {.remote_ip = q.remote_ip, .proto = q.proto};

	if (remote_position < w->config.n_groups) {
		q.remote_group = w->group_list[remote_position]->id;
		key.remote_group = (uint16_t)names_index(&names->group, q.remote_group);
	}
	if (q.proto == IPPROTO_TCP || q.proto == IPPROTO_UDP || q.proto == IPPROTO_SCTP)
		key.dst_port = q.dst_port = (uint16_t)(79 + rnd(8));
	for (int d = DIRECTION_IN; d <= DIRECTION_OUT; d++) {
		const struct rule *expect = reference(w, id, d, &q);
		const struct ruleset *rs = d == DIRECTION_IN ? group->in : group->out;
		uint32_t wanted = 0;
		uint32_t got = 0;

		if (rs != NULL)
			ruleset_classify(rs, &key, &got, 1);
		if (expect != NULL)
			wanted = names_index(&names->rule, expect->id) |
				 (expect->action == ACTION_ALLOW ? RULE_ALLOWS : 0);
		assert_int_equal(got, wanted);
	}
}

static void test_rules_match_reference(void **state)
{
	struct pools pools = pools_create();
	struct compile_names names = {0};
	struct compiled *before = NULL;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		static struct world w;
		struct compile_names next = {0};
		struct compiled *c;
		struct error err = {0};

		random_world(&w);
		take_names(&w.config, &names, &pools, &next);
		c = compile_policy(&w.config, &next, before, &err);
		assert_non_null(c);
		assert_int_equal(c->spec.n_groups, w.config.n_groups);
		for (int i = 0; i < QUERIES; i++) {
			size_t g = rnd((uint32_t)w.config.n_groups);

			check_query(&w, &next, &c->groups[g], w.group_list[g]->id);
		}
		compiled_free(before);
		before = c;
		all_names_free(&names);
		names = next;
	}
	compiled_free(before);
	all_names_free(&names);
	pools_free(&pools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_match_reference),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
