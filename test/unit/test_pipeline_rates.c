/* SPDX-License-Identifier: BSD-3-Clause */
/* What an endpoint's rates are charged for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/pair.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"

#pragma GCC diagnostic ignored "-Woverride-init"

static void send_packet(struct rig *rig, const struct packet *p)
{
	rig->bench->port[SENDER]->piece = 1000;
	test_port_inject_packet(rig->bench->port[SENDER], p);
	assert_int_equal(rig_poll(rig, SENDER), 1);
	rig_check_books(rig);
}

static void assert_metered(const struct rig *rig, uint16_t port, enum meter_side side,
	enum meter_verdict verdict, uint64_t packets, uint64_t bytes)
{
	const struct meter_count *count = &rig->pipeline->stats[port].metered[side][verdict];

	assert_int_equal(count->packets, packets);
	assert_int_equal(count->bytes, bytes);
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
	t.port[SENDER].tx = (struct test_rate){1000, wire, 0, false};
	rig = rig_create(&t);
	send_packet(rig, &p);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 1);
	assert_metered(rig, SENDER, METER_TX, METER_PASS, 10, wire / 8);
	rig_free(rig);
	t.port[SENDER].tx.burst_bits = wire - 1;
	rig = rig_create(&t);
	send_packet(rig, &p);
	assert_int_equal(rig_drops(rig, DROP_tx_rate), 1);
	assert_metered(rig, SENDER, METER_TX, METER_PASS, 0, 0);
	assert_metered(rig, SENDER, METER_TX, METER_OVER_BITS, 10, wire / 8);
	rig_free(rig);
	t.port[SENDER].tx = (struct test_rate){0};
	t.port[RECEIVER].rx = (struct test_rate){0, 0, 1, false};
	rig = rig_create(&t);
	/* 128 packets at once, at ten each */
	for (unsigned i = 0; i < 13; i++)
		send_packet(rig, &p);
	assert_int_equal(rig_drops(rig, DROP_rx_pps), 1);
	assert_int_equal(rig->bench->port[RECEIVER]->n_out, 12);
	assert_metered(rig, RECEIVER, METER_RX, METER_PASS, 120, 12 * wire / 8);
	assert_metered(rig, RECEIVER, METER_RX, METER_OVER_PACKETS, 10, wire / 8);
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

		t.port[SENDER].tx = (struct test_rate){1, frame * (room + 1), 0, false};
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
		assert_metered(rig, SENDER, METER_TX, METER_PASS, room + 1, (room + 1) * frame / 8);
		assert_metered(rig, SENDER, METER_TX, METER_OVER_BITS, 16 - (room + 1),
			(16 - (room + 1)) * frame / 8);
		rig_check_books(rig);
		rig_free(rig);
	}
}

typedef unsigned __int128 u128;

/* A bucket after its description: what time brings, up to the burst; what a frame takes, if it is there. */
struct model_bucket {
	u128 full; /* units x hz */
	u128 has;
	uint64_t rate; /* 0: none */
	uint64_t last;
};

struct model_meter {
	struct model_bucket bits;
	struct model_bucket packets;
	struct meter_count said[METER_VERDICTS];
};

static struct model_bucket model_bucket(uint64_t rate, uint64_t burst, uint64_t now)
{
	u128 full = (u128)burst * rte_get_tsc_hz();

	return (struct model_bucket){.full = full, .has = full, .rate = rate, .last = now};
}

static bool model_has(struct model_bucket *b, uint64_t cost, uint64_t now)
{
	if (b->rate == 0)
		return true;
	if (b->last < now) {
		b->has += (u128)(now - b->last) * b->rate;
		b->last = now;
	}
	if (b->has > b->full)
		b->has = b->full;
	return b->has >= (u128)cost * rte_get_tsc_hz();
}

static bool model_pass(struct model_meter *m, uint32_t frames, uint64_t bytes, uint64_t now)
{
	bool has_packets = model_has(&m->packets, frames, now);
	/* Who is refused by one bucket does not ask the other. */
	bool has_bits = has_packets && model_has(&m->bits, bytes * 8, now);
	enum meter_verdict verdict = !has_packets ? METER_OVER_PACKETS
				     : !has_bits  ? METER_OVER_BITS
						  : METER_PASS;

	m->said[verdict].packets += frames;
	m->said[verdict].bytes += bytes;
	if (verdict != METER_PASS)
		return false;
	m->packets.has -= (u128)frames * rte_get_tsc_hz();
	m->bits.has -= (u128)bytes * 8 * rte_get_tsc_hz();
	return true;
}

/* A rate, anything between the ends of its type. */
static uint64_t random_rate(struct rnd *r, uint64_t max)
{
	uint64_t rate = rnd_next(r) % max >> rnd_below(r, 40);

	return rnd_below(r, 3) == 0 ? 0 : rate + 1;
}

static void random_rates(struct rnd *r, struct test_rate *rate, struct model_meter *model)
{
	*rate = (struct test_rate){.bits_per_s = random_rate(r, 1000000000000),
		.packets_per_s = random_rate(r, 1000000000)};
	rate->burst_bits = 200000 + rnd_below(r, (uint64_t)1 << (18 + rnd_below(r, 22)));
	memset(model, 0, sizeof(*model));
}

/* The buckets of a meter that has just been made. */
static void model_begin(
	struct model_meter *m, const struct test_rate *rate, const struct meter *meter)
{
	uint64_t burst = rate->packets_per_s / 100;

	if (rate->bits_per_s != 0)
		m->bits = model_bucket(rate->bits_per_s, rate->burst_bits, meter->bits.last);
	if (rate->packets_per_s != 0)
		m->packets = model_bucket(
			rate->packets_per_s, burst < 128 ? 128 : burst, meter->packets.last);
}

/* A frame of any size, a large segment, or one that the guard refuses. */
static struct packet random_sent(struct rnd *r)
{
	struct packet small = {BETWEEN4(SENDER, RECEIVER), UDP(1, 2), .payload = 18};
	struct packet large = {BETWEEN4(SENDER, RECEIVER), TCP(1000, 80, ACK), .payload = 14000,
		.gso_size = 1400, .needs_csum = true};
	struct packet spoofed = {BETWEEN4(3, RECEIVER), UDP(1, 2)};

	small.payload = (uint16_t)(18 + rnd_below(r, 1400));
	large.gso_size = (uint16_t)(500 + rnd_below(r, 900));
	switch (rnd_below(r, 8)) {
	case 0:
		return spoofed;
	case 1:
		return large;
	default:
		return small;
	}
}

static void model_send(
	const struct packet *p, struct model_meter *tx, struct model_meter *rx, uint64_t now)
{
	uint64_t bytes = packet_build(p, (uint8_t[PACKET_BYTES_MAX]){0}, NULL);
	uint32_t frames = 1;

	if (p->src.b[5] != SENDER)
		return;
	if (p->gso_size != 0) {
		frames = (p->payload + p->gso_size - 1U) / p->gso_size;
		bytes += (frames - 1) * 54;
	}
	if (model_pass(tx, frames, bytes, now))
		model_pass(rx, frames, bytes, now);
}

static void compare_meter(const struct rig *rig, uint16_t port, enum meter_side side,
	const struct model_meter *m, bool limited)
{
	for (enum meter_verdict v = METER_PASS; limited && v < METER_VERDICTS; v++)
		assert_metered(rig, port, side, v, m->said[v].packets, m->said[v].bytes);
}

/* A tick, a pause of years, or back. */
static uint64_t moved(struct rnd *r, uint64_t now)
{
	uint64_t step = rnd_next(r) >> (4 + rnd_below(r, 60));

	if (rnd_below(r, 10) == 0)
		return now - (step < now / 2 ? step : now / 2);
	return rnd_below(r, 50) == 0 ? now + step : now + step % 100000000;
}

/* Bursts of anything, by any rates, under a clock that goes as it likes: the same pass as by the model. */
static void test_random_rates(void **state)
{
	struct rnd r = rnd_start("rates against a model");
	struct topology t = two;
	uint64_t said[METER_VERDICTS] = {0};

	(void)state;
	for (unsigned config = 0; config < 100; config++) {
		struct model_meter tx, rx;
		struct rig *rig;
		uint64_t now;

		random_rates(&r, &t.port[SENDER].tx, &tx);
		random_rates(&r, &t.port[RECEIVER].rx, &rx);
		rig = rig_create(&t);
		now = rig->now_tsc;
		model_begin(&tx, &t.port[SENDER].tx, rig->bench->tx[SENDER]);
		model_begin(&rx, &t.port[RECEIVER].rx, rig->bench->rx[RECEIVER]);
		for (unsigned burst = 0; burst < 100; burst++) {
			unsigned n = 1 + (unsigned)rnd_below(&r, 32);

			now = moved(&r, now);
			pipeline_clock(rig->pipeline, now);
			for (unsigned i = 0; i < n; i++) {
				struct packet p = random_sent(&r);

				test_port_inject_packet(rig->bench->port[SENDER], &p);
				model_send(&p, &tx, &rx, now);
			}
			assert_int_equal(rig_poll(rig, SENDER), 1);
			rig_check_books(rig);
			rig_clear(rig);
		}
		compare_meter(rig, SENDER, METER_TX, &tx, rig->bench->tx[SENDER] != NULL);
		compare_meter(rig, RECEIVER, METER_RX, &rx, rig->bench->rx[RECEIVER] != NULL);
		for (unsigned v = 0; v < METER_VERDICTS; v++)
			said[v] += tx.said[v].packets;
		rig_free(rig);
	}
	for (unsigned v = 0; v < METER_VERDICTS; v++)
		assert_true(said[v] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_count_wire_frames),
		cmocka_unit_test(test_rates_count_what_is_sent),
		cmocka_unit_test(test_random_rates),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
