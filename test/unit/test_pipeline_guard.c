/* SPDX-License-Identifier: BSD-3-Clause */
/* The guard beside the flow cache: what is decided once a flow, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/pair.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

static void send_packets(struct rig *rig, const struct packet *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		test_port_inject_packet(rig->bench->port[SENDER], p);
		assert_int_equal(rig_poll(rig, SENDER), 1);
	}
	rig_check_books(rig);
}

/* Who floods with answers of a DHCP server costs a worker a flow, not a decision each time. */
static void test_a_refused_server_is_one_flow(void **state)
{
	static const struct packet offers[] = {
		{BETWEEN4(SENDER, RECEIVER), UDP(67, 68)},
		{BETWEEN6(SENDER, RECEIVER), UDP(547, 546)},
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rig *rig = rig_create(&two);

		send_packets(rig, &offers[i], 5);
		assert_int_equal(rig_drops(rig, DROP_dhcp_guard), 5);
		assert_int_equal(rig->pipeline->misses, 1);
		assert_int_equal(rig->pipeline->hits, 4);
		rig_free(rig);
	}
}

/* A flow that the cache answers for lets no other ports through, and lasts no longer than the leave. */
static void test_a_cached_flow_smuggles_nothing(void **state)
{
	struct packet plain = {BETWEEN4(SENDER, RECEIVER), UDP(1000, 2000)};
	struct packet offer = plain;
	struct topology allowed = two;
	struct rig *rig;

	(void)state;
	offer.sport = 67;
	offer.dport = 68;
	allowed.port[SENDER].dhcp_server = true;
	rig = rig_create(&allowed);
	send_packets(rig, &plain, 3);
	send_packets(rig, &offer, 3);
	assert_int_equal(rig->pipeline->misses, 2);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 6);
	bench_reconfigure(rig->bench, &two);
	send_packets(rig, &plain, 3);
	send_packets(rig, &offer, 3);
	assert_int_equal(rig_drops(rig, DROP_dhcp_guard), 3);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 9);
	offer.more = true; /* and is a fragment */
	send_packets(rig, &offer, 1);
	assert_int_equal(rig_drops(rig, DROP_dhcp_guard), 4);
	rig_free(rig);
}

/* Echoes are cached, by their type: no advertisement comes after them. */
static void test_an_advertisement_is_looked_at_each_time(void **state)
{
	struct packet echo = {
		BETWEEN6(SENDER, RECEIVER), .proto = 58, .icmp_type = 128, .payload = 8};
	struct packet advert = echo;
	struct rig *rig = rig_create(&two);

	(void)state;
	advert.icmp_type = 134;
	send_packets(rig, &echo, 3);
	assert_int_equal(rig->pipeline->hits, 2);
	send_packets(rig, &advert, 3);
	assert_int_equal(rig->pipeline->hits, 2);
	assert_int_equal(rig_drops(rig, DROP_ra_guard), 3);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 3);
	rig_free(rig);
}

/* What the guard refuses teaches no MAC. */
static void test_what_is_refused_is_not_learned(void **state)
{
	struct topology t = two;
	struct packet advert = {BETWEEN6(30, RECEIVER), .proto = 58, .icmp_type = 134};
	struct packet plain = {BETWEEN4(31, RECEIVER), UDP(1, 2)};
	struct rig *rig;

	(void)state;
	t.port[SENDER] = (struct test_port_spec){
		.present = true, .no_guard = true, .learning = true, .macs_max = 1};
	rig = rig_create(&t);
	send_packets(rig, &advert, 1);
	assert_int_equal(rig_drops(rig, DROP_ra_guard), 1);
	send_packets(rig, &plain, 1); /* has the one place */
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_refused_server_is_one_flow),
		cmocka_unit_test(test_a_cached_flow_smuggles_nothing),
		cmocka_unit_test(test_an_advertisement_is_looked_at_each_time),
		cmocka_unit_test(test_what_is_refused_is_not_learned),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
