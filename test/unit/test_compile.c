/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config to snapshot_spec: rules against a plain reference over random configs, indexes that stay,
 * and what is shared between one compilation and the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <rte_eal.h>

#include "ctrl/compile.h"
#include "ctrl/limits.h"
#include "lib/id_pool.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS 300
#define QUERIES 60

static uint64_t seed = 0x1eaf;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

/* A config that owns its objects. */
struct world {
	struct config config;
	struct network networks[8];
	struct group groups[8];
	struct rule rules[80];
	struct endpoint endpoints[8];
	struct remote_endpoint remotes[8];
	struct uplink uplinks[2];
	const struct network *network_list[8];
	const struct group *group_list[8];
	const struct rule *rule_list[80];
	const struct endpoint *endpoint_list[8];
	const struct remote_endpoint *remote_list[8];
	const struct uplink *uplink_list[2];
};

static int id_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Point the config at the first n of each kind, in order of ids. */
static void world_link(struct world *w)
{
	struct config *c = &w->config;

#define LINK(kind)                                                                                 \
	do {                                                                                       \
		for (size_t i = 0; i < c->n_##kind##s; i++)                                        \
			w->kind##_list[i] = &w->kind##s[i];                                        \
		qsort(w->kind##_list, c->n_##kind##s, sizeof(void *), id_order);                   \
	} while (0)
	LINK(network);
	LINK(group);
	LINK(rule);
	LINK(endpoint);
	LINK(uplink);
	for (size_t i = 0; i < c->n_remote_endpoints; i++)
		w->remote_list[i] = &w->remotes[i];
	qsort(w->remote_list, c->n_remote_endpoints, sizeof(void *), id_order);
	c->networks = w->network_list;
	c->groups = w->group_list;
	c->rules = w->rule_list;
	c->endpoints = w->endpoint_list;
	c->remote_endpoints = w->remote_list;
	c->uplinks = w->uplink_list;
}

struct pools {
	struct id_pool *network, *group, *port, *rule;
};

static struct pools pools_create(void)
{
	return (struct pools){id_pool_create(0, NETWORKS_MAX), id_pool_create(1, GROUPS_MAX - 1),
		id_pool_create(0, PORTS_MAX), id_pool_create(1, RULES_MAX - 1)};
}

static void pools_free(struct pools *p)
{
	id_pool_free(p->network);
	id_pool_free(p->group);
	id_pool_free(p->port);
	id_pool_free(p->rule);
}

static void take_names(const struct config *c, const struct compile_names *old, struct pools *p,
	struct compile_names *ret)
{
	assert_int_equal(names_next(&old->network, (const void *const *)c->networks, c->n_networks,
				 p->network, &ret->network),
		0);
	assert_int_equal(names_next(&old->group, (const void *const *)c->groups, c->n_groups,
				 p->group, &ret->group),
		0);
	assert_int_equal(names_next(&old->endpoint, (const void *const *)c->endpoints,
				 c->n_endpoints, p->port, &ret->endpoint),
		0);
	assert_int_equal(names_next(&old->uplink, (const void *const *)c->uplinks, c->n_uplinks,
				 p->port, &ret->uplink),
		0);
	assert_int_equal(names_next(&old->rule, (const void *const *)c->rules, c->n_rules, p->rule,
				 &ret->rule),
		0);
}

static void all_names_free(struct compile_names *n)
{
	names_free(&n->network);
	names_free(&n->group);
	names_free(&n->endpoint);
	names_free(&n->uplink);
	names_free(&n->rule);
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
		uint32_t got = 0;

		if (rs != NULL)
			ruleset_classify(rs, &key, &got, 1);
		assert_int_equal(got, expect != NULL ? names_index(&names->rule, expect->id) : 0);
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

static void test_id_pool(void **state)
{
	enum { FIRST = 5, N = 200 };
	struct id_pool *pool = id_pool_create(FIRST, N);
	bool taken[N] = {false};
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t id = FIRST + rnd(N);

		if (rnd(100) < (i / 2000 % 2 ? 30U : 70U)) {
			uint32_t lowest = 0;

			while (lowest < N && taken[lowest])
				lowest++;
			id = id_pool_take(pool);
			assert_int_equal(id, lowest < N ? FIRST + lowest : ID_POOL_NONE);
			if (lowest == N)
				continue;
			taken[lowest] = true;
			n++;
		} else if (id_pool_taken(pool, id)) {
			assert_true(taken[id - FIRST]);
			id_pool_release(pool, id);
			taken[id - FIRST] = false;
			n--;
		} else {
			assert_false(taken[id - FIRST]);
		}
		assert_int_equal(id_pool_count(pool), n);
	}
	assert_false(id_pool_taken(pool, FIRST - 1));
	assert_false(id_pool_taken(pool, FIRST + N));
	id_pool_free(pool);
}

static struct names next_names(
	const struct names *old, struct id_pool *pool, const char *const *ids, size_t n)
{
	struct names next;

	assert_int_equal(names_next(old, (const void *const *)ids, n, pool, &next), 0);
	return next;
}

static void test_names_keep_their_index(void **state)
{
	struct id_pool *pool = id_pool_create(1, 4);
	struct names none = {0};
	const char *abc[] = {"a", "b", "c"};
	const char *acd[] = {"a", "c", "d"};
	const char *abcde[] = {"a", "b", "c", "d", "e"};
	struct names one = next_names(&none, pool, abc, 3);
	struct names two = next_names(&one, pool, acd, 3);
	struct names three;
	uint32_t gone[3];

	(void)state;
	assert_int_equal(names_index(&two, "a"), names_index(&one, "a"));
	assert_int_equal(names_index(&two, "c"), names_index(&one, "c"));
	/* b's index is not free before someone releases it. */
	assert_int_equal(names_index(&two, "d"), 4);
	assert_int_equal(names_index(&two, "b"), NAME_NONE);
	assert_int_equal(names_index(&two, NULL), NAME_NONE);
	assert_string_equal(names_id(&two, 4), "d");
	assert_null(names_id(&two, 2));
	assert_int_equal(names_gone(&one, &two, gone), 1);
	assert_int_equal(gone[0], names_index(&one, "b"));

	assert_int_equal(names_next(&two, (const void *const *)abcde, 5, pool, &three), -ENOSPC);
	assert_int_equal(id_pool_count(pool), 4);
	id_pool_release(pool, gone[0]);
	assert_int_equal(names_next(&two, (const void *const *)abcde, 5, pool, &three), -ENOSPC);
	assert_int_equal(id_pool_count(pool), 3);
	three = next_names(&two, pool, abcde, 4);
	assert_int_equal(names_index(&three, "b"), 2);
	names_undo(&two, &three, pool);
	assert_int_equal(id_pool_count(pool), 3);
	names_free(&one);
	names_free(&two);
	id_pool_free(pool);
}

/* One network, two groups with rules, two endpoints; what the tests below change. */
struct bench {
	struct world w;
	struct pools pools;
	struct compile_names names;
	struct port ports[4];
	struct port *by_index[PORTS_MAX];
};

static void bench_names(struct bench *b)
{
	struct compile_names next = {0};

	world_link(&b->w);
	take_names(&b->w.config, &b->names, &b->pools, &next);
	all_names_free(&b->names);
	b->names = next;
}

static void bench_rule(struct rule *r, const char *id, char *group, enum direction direction)
{
	*r = (struct rule){.priority = 1,
		.action = ACTION_ALLOW,
		.group = group,
		.direction = direction,
		.proto = IPPROTO_TCP,
		.port_lo = 80,
		.port_hi = 80};
	snprintf(r->id, sizeof(r->id), "%s", id);
}

static struct bench *bench_create(void)
{
	static char net[] = "net", web[] = "web", db[] = "db";
	struct bench *b = calloc(1, sizeof(*b));
	struct world *w = &b->w;

	b->pools = pools_create();
	w->config = (struct config){.global = {300, true},
		.n_networks = 1,
		.n_groups = 2,
		.n_rules = 3,
		.n_endpoints = 2,
		.n_remote_endpoints = 2,
		.n_uplinks = 1};
	w->networks[0] =
		(struct network){.id = "net", .encap = ENCAP_VLAN, .vlan = 12, .mtu = 1500};
	w->groups[0] = (struct group){.id = "web", .default_action = ACTION_DENY};
	w->groups[1] = (struct group){.id = "db", .default_action = ACTION_ALLOW};
	bench_rule(&w->rules[0], "r1", web, DIRECTION_IN);
	bench_rule(&w->rules[1], "r2", web, DIRECTION_OUT);
	bench_rule(&w->rules[2], "r3", db, DIRECTION_IN);
	w->endpoints[0] = (struct endpoint){.id = "e1",
		.network = net,
		.group = web,
		.mac = {{2, 0, 0, 0, 0, 1}},
		.n_ips = 1,
		.ips = {{4, {10, 0, 0, 1}}},
		.port = {.kind = PORT_TAP, .queues = 1},
		.guard = {true, 1}};
	w->endpoints[1] = (struct endpoint){.id = "e2",
		.network = net,
		.mac = {{2, 0, 0, 0, 0, 2}},
		.port = {.kind = PORT_VHOST_USER, .queues = 2},
		.guard = {false, 7}};
	w->remotes[0] = (struct remote_endpoint){.id = "far",
		.network = net,
		.group = db,
		.n_ips = 2,
		.ips = {{4, {10, 0, 0, 9}}, {6, {0xfd}}}};
	w->remotes[1] = (struct remote_endpoint){
		.id = "far2", .network = net, .n_ips = 1, .ips = {{4, {10, 0, 0, 10}}}};
	w->uplinks[0] = (struct uplink){.id = "up", .mtu = 9000};
	bench_names(b);
	for (uint16_t i = 0; i < ARRAY_SIZE(b->ports); i++) {
		b->ports[i].index = i;
		b->ports[i].n_rxq = 1;
		b->by_index[i] = &b->ports[i];
	}
	b->ports[names_index(&b->names.endpoint, "e2")].n_rxq = 2;
	return b;
}

static void bench_free(struct bench *b)
{
	all_names_free(&b->names);
	pools_free(&b->pools);
	free(b);
}

static struct compiled *bench_compile(
	struct bench *b, const struct compiled *prev, unsigned n_workers)
{
	struct error err = {0};
	struct compiled *c = compile_policy(&b->w.config, &b->names, prev, &err);

	assert_non_null(c);
	assert_int_equal(
		compile_ports(c, &b->w.config, &b->names, prev, b->by_index, n_workers, &err), 0);
	return c;
}

static const struct snapshot_port *port_of(
	const struct bench *b, const struct compiled *c, const char *id)
{
	uint32_t index = names_index(&b->names.endpoint, id);

	if (index == NAME_NONE)
		index = names_index(&b->names.uplink, id);
	for (size_t i = 0; i < c->spec.n_ports; i++)
		if (c->spec.ports[i].port->index == index && c->port_index[i] == index)
			return &c->spec.ports[i];
	return NULL;
}

static void test_unchanged_rules_are_shared(void **state)
{
	struct bench *b = bench_create();
	struct compiled *one = bench_compile(b, NULL, 1);
	struct compiled *two;
	struct compiled *three;
	uint32_t web = names_index(&b->names.group, "web");

	(void)state;
	assert_int_equal(one->n_rulesets_new, 3);
	two = bench_compile(b, one, 1);
	assert_int_equal(two->n_rulesets_new, 0);
	assert_ptr_equal(two->groups[1].in, one->groups[1].in);
	compiled_free(one);

	b->w.rules[0].port_hi = 81;
	b->w.groups[1].default_action = ACTION_DENY;
	three = bench_compile(b, two, 1);
	assert_int_equal(three->n_rulesets_new, 1);
	assert_ptr_not_equal(three->rulesets[web][DIRECTION_IN], two->rulesets[web][DIRECTION_IN]);
	assert_ptr_equal(three->rulesets[web][DIRECTION_OUT], two->rulesets[web][DIRECTION_OUT]);
	compiled_free(three);

	/* A rule about a network's subnet is compiled anew when the subnet changes. */
	b->w.rules[2].remote_kind = REMOTE_NETWORK;
	b->w.rules[2].remote = b->w.networks[0].id;
	three = bench_compile(b, two, 1);
	assert_null(three->rulesets[names_index(&b->names.group, "db")][DIRECTION_IN]);
	compiled_free(two);
	b->w.networks[0].subnet = (struct prefix){{4, {10}}, 8};
	two = bench_compile(b, three, 1);
	assert_int_equal(two->n_rulesets_new, 1);
	compiled_free(two);
	compiled_free(three);
	bench_free(b);
}

static void test_ports_and_remotes(void **state)
{
	struct bench *b = bench_create();
	struct compiled *c = bench_compile(b, NULL, 1);
	const struct snapshot_port *e1 = port_of(b, c, "e1");
	const struct snapshot_port *e2 = port_of(b, c, "e2");
	const struct snapshot_port *up = port_of(b, c, "up");

	(void)state;
	assert_int_equal(c->spec.mac_age_s, 300);
	assert_true(c->spec.tcp_midstream_drop);
	assert_int_equal(c->spec.n_networks, 1);
	assert_true(c->networks[0].tagged);
	assert_int_equal(c->networks[0].vlan, 12);
	assert_int_equal(c->networks[0].mtu, 1500);
	assert_true(c->groups[0].default_allow); /* db stands before web */
	assert_false(c->groups[1].default_allow);
	assert_int_equal(e1->group, names_index(&b->names.group, "web"));
	assert_true(e1->spoof_guard);
	assert_false(e1->learning);
	assert_int_equal(e1->n_ips, 1);
	assert_true(ip_equal(&e1->ips[0], &b->w.endpoints[0].ips[0]));
	assert_true(mac_equal(&e1->mac, &b->w.endpoints[0].mac));
	assert_int_equal(e1->mtu, 1500);
	assert_false(e1->uplink);
	assert_int_equal(e2->group, 0);
	assert_true(e2->learning);
	assert_int_equal(e2->macs_max, 7);
	assert_true(up->uplink);
	assert_int_equal(up->network, NETWORK_NONE);
	assert_int_equal(up->mtu, 9000);
	/* A remote endpoint without a group tells rules nothing. */
	assert_int_equal(c->spec.n_remotes, 2);
	assert_int_equal(c->remotes[0].group, names_index(&b->names.group, "db"));
	assert_int_equal(c->remotes[1].ip.family, 6);
	compiled_free(c);

	/* A port that could not be opened is left out. */
	b->by_index[names_index(&b->names.endpoint, "e2")] = NULL;
	c = bench_compile(b, NULL, 1);
	assert_int_equal(c->spec.n_ports, 2);
	compiled_free(c);
	bench_free(b);
}

static void test_meters(void **state)
{
	struct bench *b = bench_create();
	struct qos *group = &b->w.groups[0].qos;
	struct endpoint *e1 = &b->w.endpoints[0];
	struct compiled *one = bench_compile(b, NULL, 1);
	struct compiled *two;
	const struct meter *tx;

	(void)state;
	assert_null(port_of(b, one, "e1")->tx);
	b->w.groups[0].has_qos = true;
	*group = (struct qos){.tx_kbps = 100000, .rx_pps = 5000};
	two = bench_compile(b, one, 1);
	compiled_free(one);
	tx = port_of(b, two, "e1")->tx;
	assert_non_null(tx);
	assert_int_equal(tx->bits.rate, 100000000);
	assert_false(tx->has_packets);
	assert_false(tx->shared);
	assert_true(port_of(b, two, "e1")->rx->has_packets);
	assert_false(port_of(b, two, "e1")->rx->has_bits);

	/* Unchanged values: the same buckets. */
	group->rx_pps = 6000;
	one = bench_compile(b, two, 1);
	assert_ptr_equal(port_of(b, one, "e1")->tx, tx);
	assert_int_equal(one->n_meters_new, 1);
	compiled_free(two);

	/* The endpoint's values replace the group's whole. */
	e1->has_qos = true;
	e1->qos = (struct qos){.rx_kbps = 1000};
	two = bench_compile(b, one, 2);
	assert_null(port_of(b, two, "e1")->tx);
	assert_int_equal(port_of(b, two, "e1")->rx->bits.rate, 1000000);
	assert_true(port_of(b, two, "e1")->rx->shared);
	compiled_free(one);
	compiled_free(two);

	/* Several queues on several workers share what the container sends. */
	b->w.endpoints[1].has_qos = true;
	b->w.endpoints[1].qos = (struct qos){.tx_kbps = 1000};
	one = bench_compile(b, NULL, 1);
	two = bench_compile(b, one, 2);
	assert_false(port_of(b, one, "e2")->tx->shared);
	assert_true(port_of(b, two, "e2")->tx->shared);
	compiled_free(one);
	compiled_free(two);
	bench_free(b);
}

static uint64_t burst_of(struct bench *b, enum port_kind kind, uint64_t kbps, uint64_t kbit)
{
	struct endpoint *e1 = &b->w.endpoints[0];
	struct compiled *c;
	uint64_t burst;

	e1->port.kind = kind;
	e1->has_qos = true;
	e1->qos = (struct qos){.tx_kbps = kbps, .tx_burst_kbit = kbit};
	c = bench_compile(b, NULL, 1);
	burst = c->meters[names_index(&b->names.endpoint, "e1")][METER_TX]->values.burst_bits;
	compiled_free(c);
	return burst;
}

static void test_burst_lets_the_largest_frame_pass(void **state)
{
	/* 64 KB in segments of 536 bytes, 66 bytes of headers each: what may have to pass. */
	static const uint64_t gso_bits = (65535 + 122 * 66) * 8;
	struct bench *b = bench_create();

	(void)state;
	assert_true(burst_of(b, PORT_TAP, 1000, 1) >= gso_bits);
	assert_true(burst_of(b, PORT_VHOST_USER, 1000, 1) >= gso_bits);
	assert_in_range(burst_of(b, PORT_AF_XDP, 1000, 1), (1500 + 18) * 8, 20000);
	assert_int_equal(burst_of(b, PORT_TAP, 1000, 5000), 5000000);
	assert_int_equal(burst_of(b, PORT_TAP, 1000, 0), BURST_DEFAULT_MIN_KBIT * 1000);
	assert_int_equal(burst_of(b, PORT_TAP, 10000000, 0), 100000000);
	/* The limits of the protocol fit into a bucket. */
	assert_true(burst_of(b, PORT_TAP, LIMIT_KBPS, LIMIT_BURST_KBIT) <= 1ULL << 40);
	b->w.networks[0].mtu = LIMIT_MTU_MIN;
	assert_true(burst_of(b, PORT_TAP, 1000, 1) <= 1ULL << 40);
	bench_free(b);
}

static void test_refusals(void **state)
{
	struct bench *b = bench_create();
	struct error err = {0};
	static char nowhere[] = "nowhere";
	struct compiled *c;

	(void)state;
	b->w.rules[1].proto = IPPROTO_ICMP;
	assert_null(compile_policy(&b->w.config, &b->names, NULL, &err));
	assert_int_equal(err.code, LEAT_INVALID_PARAMS);
	assert_string_equal(err.object, "rule:r2");
	b->w.rules[1].proto = IPPROTO_SCTP;

	b->w.endpoints[1].network = nowhere;
	c = compile_policy(&b->w.config, &b->names, NULL, &err);
	assert_non_null(c);
	assert_int_equal(compile_ports(c, &b->w.config, &b->names, NULL, b->by_index, 1, &err), -1);
	assert_int_equal(err.code, LEAT_DEPENDENCY);
	assert_string_equal(err.object, "endpoint:e2");
	compiled_free(c);
	bench_free(b);
}

static int eal_start(void **state)
{
	char *argv[] = {(char *)"test_compile", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-l", (char *)"0",
		(char *)"--no-telemetry", (char *)"--log-level=lib.*:error", NULL};

	(void)state;
	return rte_eal_init((int)ARRAY_SIZE(argv) - 1, argv) < 0 ? -1 : 0;
}

static int eal_stop(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_pool),
		cmocka_unit_test(test_names_keep_their_index),
		cmocka_unit_test(test_rules_match_reference),
		cmocka_unit_test(test_unchanged_rules_are_shared),
		cmocka_unit_test(test_ports_and_remotes),
		cmocka_unit_test(test_meters),
		cmocka_unit_test(test_burst_lets_the_largest_frame_pass),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
