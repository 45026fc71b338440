/* SPDX-License-Identifier: BSD-3-Clause */
/* From a spec to what workers read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/snapshot.h"
#include "test/fixtures/builder.h"

static struct port port_0 = {.index = 0, .n_rxq = 2, .numa_node = -1};
static struct port port_3 = {.index = 3, .n_rxq = 1, .numa_node = 1};
static struct port port_4 = {.index = 4, .n_rxq = 1, .numa_node = 1};
static struct port port_7 = {.index = 7, .n_rxq = 3, .numa_node = 0};

static const struct snapshot_network networks[] = {
	{.index = 5, .tagged = true, .vlan = 10, .mtu = 1500},
	{.index = 2, .tagged = true, .vlan = 4094, .mtu = 9000},
	{.index = 9, .tagged = false, .mtu = 1400},
};

/* Out of order, so that what comes out in order was put so. */
static struct snapshot_port ports[] = {
	{.port = &port_7, .network = 5, .mac = {{2, 0, 0, 0, 0, 7}}, .learning = true},
	{.port = &port_0, .network = NETWORK_NONE, .uplink = true},
	{.port = &port_4, .network = 2, .mac = {{2, 0, 0, 0, 0, 7}}, .group = 3},
	{.port = &port_3, .network = 5, .mac = {{2, 0, 0, 0, 0, 3}}, .group = 3},
};

static const struct snapshot_group groups[] = {{.index = 3, .default_allow = true}};
static const int worker_node[] = {0, 1};

static struct snapshot_spec spec_of_all(void)
{
	static struct snapshot_remote remotes[2];

	remotes[0] = (struct snapshot_remote){.network = 5, .group = 3, .ip = host_ip4(9)};
	remotes[1] = (struct snapshot_remote){.network = 2, .group = 0, .ip = host_ip4(9)};
	return (struct snapshot_spec){
		.networks = networks,
		.n_networks = 3,
		.groups = groups,
		.n_groups = 1,
		.ports = ports,
		.n_ports = 4,
		.remotes = remotes,
		.n_remotes = 2,
		.mac_age_s = 77,
		.tcp_midstream_drop = true,
		.n_workers = 2,
		.worker_node = worker_node,
	};
}

static struct snapshot *create(const struct snapshot_spec *spec)
{
	struct error err = {0};
	struct snapshot *s = snapshot_create(spec, &err);

	if (s == NULL)
		fail_msg("%s", err.message);
	return s;
}

static void refused(const struct snapshot_spec *spec, enum leat_error_code code)
{
	struct error err = {0};

	assert_null(snapshot_create(spec, &err));
	assert_int_equal(err.code, code);
	assert_true(err.message[0] != '\0');
}

static void test_networks(void **state)
{
	struct snapshot_spec spec = spec_of_all();
	struct snapshot *s = create(&spec);
	unsigned present = 0;

	(void)state;
	assert_int_equal(s->vlan_network[10], 5);
	assert_int_equal(s->vlan_network[4094], 2);
	assert_int_equal(s->vlan_network[0], NETWORK_NONE);
	assert_int_equal(s->vlan_network[11], NETWORK_NONE);
	assert_int_equal(s->untagged_network, 9);
	assert_int_equal(s->networks[5].tag, 0x8100000a);
	assert_int_equal(s->networks[9].tag, 0);
	assert_int_equal(s->networks[2].mtu, 9000);
	for (unsigned i = 0; i < NETWORKS_MAX; i++)
		present += s->networks[i].present;
	assert_int_equal(present, 3);
	assert_int_equal(s->mac_age_s, 77);
	assert_true(s->tcp_midstream_drop);
	snapshot_free(s);
}

static void test_ports(void **state)
{
	struct snapshot_spec spec = spec_of_all();
	struct snapshot *s = create(&spec);
	const struct network_view *net = &s->networks[5];

	(void)state;
	assert_int_equal(s->n_ports, 8);
	assert_ptr_equal(s->ports[7].port, &port_7);
	assert_null(s->ports[1].port);
	assert_int_equal(s->n_uplinks, 1);
	assert_int_equal(s->uplinks[0], 0);
	assert_int_equal(net->n_members, 2);
	assert_int_equal(net->members[0], 3);
	assert_int_equal(net->members[1], 7);
	assert_int_equal(net->n_learning, 1);
	assert_int_equal(net->learning[0], 7);
	assert_int_equal(s->networks[2].n_members, 1);
	assert_int_equal(s->networks[9].n_members, 0);
	/* The same MAC in two networks is two endpoints. */
	assert_int_equal(addr_table_find_mac(s->macs, 5, host_mac(7).b), 7);
	assert_int_equal(addr_table_find_mac(s->macs, 2, host_mac(7).b), 4);
	assert_int_equal(addr_table_find_mac(s->macs, 9, host_mac(7).b), ADDR_TABLE_NONE);
	snapshot_free(s);
}

static void test_policy(void **state)
{
	struct snapshot_spec spec = spec_of_all();
	struct snapshot *s = create(&spec);
	struct ip nine = host_ip4(9);
	struct ip ten = host_ip4(10);

	(void)state;
	assert_true(s->groups[3].present);
	assert_true(s->groups[3].default_allow);
	assert_false(s->groups[0].present);
	assert_int_equal(addr_table_find_ip(s->remotes, 5, &nine), 3);
	assert_int_equal(addr_table_find_ip(s->remotes, 2, &nine), 0);
	assert_int_equal(addr_table_find_ip(s->remotes, 5, &ten), ADDR_TABLE_NONE);
	snapshot_free(s);
}

/* Every queue once, on its port's node where there is a worker. */
static void test_polls(void **state)
{
	struct snapshot_spec spec = spec_of_all();
	struct snapshot *s = create(&spec);
	unsigned seen[8][3] = {{0}};

	(void)state;
	assert_int_equal(s->n_polls[0] + s->n_polls[1], 7);
	for (unsigned w = 0; w < 2; w++)
		for (unsigned i = 0; i < s->n_polls[w]; i++) {
			struct snapshot_poll poll = s->polls[w][i];

			seen[poll.port][poll.queue]++;
			if (poll.port == 7)
				assert_int_equal(w, 0);
			if (poll.port == 3 || poll.port == 4)
				assert_int_equal(w, 1);
		}
	for (unsigned i = 0; i < 8; i++)
		for (unsigned q = 0; q < 3; q++)
			assert_int_equal(seen[i][q],
				s->ports[i].port != NULL && q < s->ports[i].port->n_rxq);
	assert_int_equal(s->n_polls[0], 4);
	snapshot_free(s);
}

static void test_empty(void **state)
{
	struct snapshot_spec spec = {.n_workers = 1};
	struct snapshot *s = create(&spec);

	(void)state;
	assert_int_equal(s->n_ports, 0);
	assert_int_equal(s->n_polls[0], 0);
	assert_int_equal(s->untagged_network, NETWORK_NONE);
	snapshot_free(s);
	snapshot_free(NULL);
}

static void test_conflicts(void **state)
{
	struct snapshot_network twice[] = {networks[0], networks[1]};
	struct snapshot_network untagged[] = {networks[0], networks[1], networks[2], networks[2]};
	struct snapshot_port same_mac[] = {ports[0], ports[3]};
	struct snapshot_port same_index[] = {ports[0], ports[0]};
	struct snapshot_remote remotes[2];
	struct snapshot_spec spec = spec_of_all();

	(void)state;
	twice[1].vlan = 10;
	spec.networks = twice;
	spec.n_networks = 2;
	refused(&spec, LEAT_CONFLICT);

	spec = spec_of_all();
	untagged[3].index = 10;
	spec.networks = untagged;
	spec.n_networks = 4;
	refused(&spec, LEAT_CONFLICT);

	spec = spec_of_all();
	same_mac[1].mac = same_mac[0].mac;
	spec.ports = same_mac;
	spec.n_ports = 2;
	refused(&spec, LEAT_CONFLICT);

	spec.ports = same_index;
	refused(&spec, LEAT_INTERNAL);

	spec = spec_of_all();
	remotes[0] = remotes[1] = spec.remotes[0];
	spec.remotes = remotes;
	refused(&spec, LEAT_CONFLICT);
}

/* Without an uplink nothing meets outside: any number of untagged networks. */
static void test_untagged_networks_inside(void **state)
{
	struct snapshot_network untagged[] = {networks[2], networks[2]};
	struct snapshot_spec spec = {.networks = untagged, .n_networks = 2, .n_workers = 1};
	struct snapshot *s;

	(void)state;
	untagged[1].index = 10;
	s = create(&spec);
	assert_true(s->networks[9].present && s->networks[10].present);
	snapshot_free(s);
}

/* Endpoints whose MACs are all learned have none of their own, however many. */
static void test_no_macs(void **state)
{
	struct snapshot_port two[] = {ports[0], ports[3]};
	struct snapshot_spec spec = spec_of_all();
	struct snapshot *s;

	(void)state;
	memset(&two[0].mac, 0, sizeof(two[0].mac));
	memset(&two[1].mac, 0, sizeof(two[1].mac));
	spec.ports = two;
	spec.n_ports = 2;
	s = create(&spec);
	assert_int_equal(s->networks[5].n_members, 2);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_polls),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_untagged_networks_inside),
		cmocka_unit_test(test_no_macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
