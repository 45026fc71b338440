/* SPDX-License-Identifier: BSD-3-Clause */
/* What a config becomes, and what one compilation shares with the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "ctrl/limits.h"
#include "test/unit/compile_world.h"

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
	w->config = (struct config){.global = {.mac_age_s = 300, .tcp_midstream_drop = true},
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
		.guard = {.spoof = true, .macs = 1, .router = true}};
	w->endpoints[1] = (struct endpoint){.id = "e2",
		.network = net,
		.mac = {{2, 0, 0, 0, 0, 2}},
		.port = {.kind = PORT_VHOST_USER, .queues = 2},
		.guard = {.macs = 7, .dhcp_server = true}};
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
	return world_compile(&b->w.config, &b->names, b->by_index, prev, n_workers);
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

static void assert_marks(struct bench *b, bool marked, uint8_t dscp, uint8_t pcp)
{
	struct compiled *c = bench_compile(b, NULL, 1);

	assert_int_equal(port_of(b, c, "e1")->marked, marked);
	assert_int_equal(port_of(b, c, "e1")->dscp, dscp);
	assert_int_equal(port_of(b, c, "e1")->pcp, pcp);
	compiled_free(c);
}

static void test_marks(void **state)
{
	struct bench *b = bench_create();

	(void)state;
	assert_marks(b, false, 0, 0);
	b->w.groups[0].has_qos = true;
	b->w.groups[0].qos = (struct qos){.has_dscp = true, .dscp = 46, .pcp = 5};
	assert_marks(b, true, 46, 5);
	b->w.endpoints[0].has_qos = true;
	b->w.endpoints[0].qos = (struct qos){.has_dscp = true};
	assert_marks(b, true, 0, 0);
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
	assert_int_equal(burst_of(b, PORT_TAP, 10000000, 0), 2000000000);
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

/* Two numbers that a thousand and more tenants have: a leg for each pair would be a million and more. */
static void test_numbers_of_many_tenants(void **state)
{
	enum { TENANTS = 1100 };
	static struct group groups[TENANTS];
	static const struct group *list[TENANTS];
	struct bench *b = bench_create();
	struct rule *r = &b->w.rules[1];
	struct compile_names names = {0};
	struct error err = {0};
	struct compiled *c;

	(void)state;
	for (unsigned i = 0; i < TENANTS; i++) {
		groups[i] = (struct group){.num = 7};
		snprintf(groups[i].id, sizeof(groups[i].id), "g%04u", i);
		list[i] = &groups[i];
	}
	b->w.config.groups = list;
	b->w.config.n_groups = TENANTS;
	take_names(&b->w.config, &b->names, &b->pools, &names);
	r->leg = LEG_IN_RX;
	r->match.src_group.num = 7;
	r->match.dst_group.num = 7;
	assert_null(compile_policy(&b->w.config, &names, NULL, &err));
	assert_int_equal(err.code, LEAT_EXHAUSTED);
	assert_string_equal(err.object, "rule:r2");
	r->match.src_group.num = 0;
	c = compile_policy(&b->w.config, &names, NULL, &err);
	assert_non_null(c);
	assert_int_equal(c->n_rulesets_new, TENANTS);
	compiled_free(c);
	all_names_free(&names);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unchanged_rules_are_shared),
		cmocka_unit_test(test_ports_and_remotes),
		cmocka_unit_test(test_meters),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_burst_lets_the_largest_frame_pass),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_numbers_of_many_tenants),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
