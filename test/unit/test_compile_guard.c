/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of `guard`: the roles an endpoint may play, and limits on floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test/unit/compile_world.h"

/* One endpoint with two queues, one uplink. */
struct bench {
	struct world w;
	struct pools pools;
	struct compile_names names;
	struct port port[2];
	struct port *by_index[PORTS_MAX];
};

static struct bench *bench_create(void)
{
	static const struct compile_names nothing;
	static char net[] = "net";
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->pools = pools_create();
	b->w.config = (struct config){.n_networks = 1, .n_endpoints = 1, .n_uplinks = 1};
	b->w.networks[0] =
		(struct network){.id = "net", .encap = ENCAP_VLAN, .vlan = 12, .mtu = 1500};
	b->w.endpoints[0] = (struct endpoint){.id = "e",
		.network = net,
		.port = {.kind = PORT_VHOST_USER, .queues = 2},
		.guard = {.router = true}};
	b->w.uplinks[0] = (struct uplink){.id = "up", .mtu = 9000};
	world_link(&b->w);
	take_names(&b->w.config, &nothing, &b->pools, &b->names);
	for (uint16_t i = 0; i < ARRAY_SIZE(b->port); i++) {
		b->port[i].index = i;
		b->port[i].n_rxq = names_index(&b->names.endpoint, "e") == i ? 2 : 1;
		b->by_index[i] = &b->port[i];
	}
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

static const struct snapshot_port *port_of(const struct compiled *c, bool uplink)
{
	assert_int_equal(c->spec.n_ports, 2);
	return &c->spec.ports[c->spec.ports[0].uplink != uplink];
}

static void test_roles(void **state)
{
	struct bench *b = bench_create();
	struct compiled *c = bench_compile(b, NULL, 1);

	(void)state;
	assert_true(port_of(c, false)->router);
	assert_false(port_of(c, false)->dhcp_server);
	compiled_free(c);
	b->w.endpoints[0].guard = (struct guard){.dhcp_server = true};
	c = bench_compile(b, NULL, 1);
	assert_false(port_of(c, false)->router);
	assert_true(port_of(c, false)->dhcp_server);
	compiled_free(c);
	bench_free(b);
}

/* Limits on floods, of endpoints and uplinks: buckets of their own, kept while their values are. */
static void test_flood_meters(void **state)
{
	struct bench *b = bench_create();
	struct flood_limits *e = &b->w.endpoints[0].guard.floods;
	struct flood_limits *up = &b->w.uplinks[0].floods;
	const struct meter *broadcast;
	const struct meter *unknown;
	struct compiled *one;
	struct compiled *two;

	(void)state;
	*e = (struct flood_limits){.broadcast_pps = 50, .multicast_pps = 4000};
	up->unknown_unicast_pps = 7;
	one = bench_compile(b, NULL, 1);
	assert_int_equal(one->n_meters_new, 3);
	assert_null(port_of(one, false)->tx);
	assert_null(port_of(one, false)->flood[FLOOD_UNKNOWN_UNICAST]);
	assert_int_equal(port_of(one, false)->flood[FLOOD_MULTICAST]->packets.rate, 4000);
	broadcast = port_of(one, false)->flood[FLOOD_BROADCAST];
	assert_int_equal(broadcast->packets.rate, 50);
	assert_false(broadcast->shared);
	unknown = port_of(one, true)->flood[FLOOD_UNKNOWN_UNICAST];
	assert_int_equal(unknown->packets.rate, 7);
	assert_null(port_of(one, true)->flood[FLOOD_BROADCAST]);

	e->multicast_pps = 0;
	b->w.endpoints[0].guard.spoof = true;
	up->broadcast_pps = 9;
	two = bench_compile(b, one, 1);
	assert_int_equal(two->n_meters_new, 1);
	compiled_free(one);
	assert_ptr_equal(port_of(two, false)->flood[FLOOD_BROADCAST], broadcast);
	assert_null(port_of(two, false)->flood[FLOOD_MULTICAST]);
	assert_ptr_equal(port_of(two, true)->flood[FLOOD_UNKNOWN_UNICAST], unknown);

	/* Several queues on several workers share it. */
	one = bench_compile(b, two, 2);
	assert_true(port_of(one, false)->flood[FLOOD_BROADCAST]->shared);
	assert_false(port_of(one, true)->flood[FLOOD_BROADCAST]->shared);
	compiled_free(one);
	compiled_free(two);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_flood_meters),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
