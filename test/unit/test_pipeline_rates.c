/* SPDX-License-Identifier: BSD-3-Clause */
/* What an endpoint's rates are charged for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"

#pragma GCC diagnostic ignored "-Woverride-init"

enum { SENDER = 1, RECEIVER };

static const struct topology two = {
	.name = "two",
	.network = {{true, 10, 0}},
	.port =
		{
			[SENDER] = {.present = true, .host = SENDER},
			[RECEIVER] = {.present = true,
				.host = RECEIVER,
				.caps = PORT_CAP_CSUM | PORT_CAP_TSO4},
		},
};

static void send_packet(struct rig *rig, const struct packet *p)
{
	rig->bench->port[SENDER]->piece = 1000;
	test_port_inject_packet(rig->bench->port[SENDER], p);
	assert_int_equal(rig_poll(rig, SENDER), 1);
	rig_check_books(rig);
}

/* A 64 KB segment costs what its frames cost on a wire. */
static void test_rates_count_wire_frames(void **state)
{
	struct topology t = two;
	struct packet p = {BETWEEN4(SENDER, RECEIVER), TCP(1000, 80, ACK), .payload = 14000,
		.gso_size = 1400, .needs_csum = true};
	uint64_t wire = 10 * (1400 + 54) * 8;
	struct rig *rig;

	(void)state;
	t.port[SENDER].tx = (struct test_rate){1000, wire, 0};
	rig = rig_create(&t);
	send_packet(rig, &p);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 1);
	rig_free(rig);
	t.port[SENDER].tx.burst_bits = wire - 1;
	rig = rig_create(&t);
	send_packet(rig, &p);
	assert_int_equal(rig_drops(rig, DROP_tx_rate), 1);
	rig_free(rig);
	t.port[SENDER].tx = (struct test_rate){0};
	t.port[RECEIVER].rx = (struct test_rate){0, 0, 1};
	rig = rig_create(&t);
	/* 128 packets at once, at ten each */
	for (unsigned i = 0; i < 13; i++)
		send_packet(rig, &p);
	assert_int_equal(rig_drops(rig, DROP_rx_pps), 1);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 12);
	rig_free(rig);
}

/* A burst of which half is refused by the guard: the sender's rate is charged for the other half, however
 * much of it there was. */
static void test_rates_count_what_is_sent(void **state)
{
	struct topology t = two;
	struct packet good = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2)};
	struct packet spoofed = {BETWEEN4(3, RECEIVER), UDP(1, 2)};
	uint64_t frame = packet_build(&good, (uint8_t[PACKET_BYTES_MAX]){0}, NULL) * 8;

	(void)state;
	for (unsigned room = 0; room < 12; room++) {
		struct rig *rig;
		struct test_port *port;

		t.port[SENDER].tx = (struct test_rate){1, frame * (room + 1), 0};
		rig = rig_create(&t);
		port = rig->bench->port[SENDER];
		for (unsigned i = 0; i < 8; i++)
			test_port_inject_packet(port, i % 2 ? &good : &spoofed);
		rig_poll(rig, SENDER);
		for (unsigned i = 0; i < 12; i++)
			send_packet(rig, &good);
		assert_int_equal(rig_drops(rig, DROP_spoofed_mac), 4);
		assert_int_equal(rig->bench->port[RECEIVER]->n_out, room + 1);
		assert_int_equal(rig_drops(rig, DROP_tx_rate), 16 - (room + 1));
		rig_check_books(rig);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_count_wire_frames),
		cmocka_unit_test(test_rates_count_what_is_sent),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
