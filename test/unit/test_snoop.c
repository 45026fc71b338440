/* SPDX-License-Identifier: BSD-3-Clause */
/* IGMP and MLD snooping through the real stages: who gets a group, against a list; and messages that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"
#include "test/unit/random.h"
#include "test/unit/snoop_messages.h"

#define STEPS 6000
#define GROUPS 4
#define RECORDS_MAX 40
#define HOLD_S 260
#define QUERIER_S 255
#define SETTLE_S 11
#define LEAVE_S 3
#define FIRST 1
#define LAST 5
#define UPLINK 0

static const struct topology snooped = {
	.name = "snooped",
	.network = {{.present = true, .vlan = 10, .mtu = 9000, .snooping = true},
		{.present = true, .vlan = 20}},
	.port =
		{
			[UPLINK] = {.present = true, .uplink = true},
			[1] = {.present = true, .host = 1, .router = true},
			[2] = {.present = true, .host = 2, .router = true},
			[3] = {.present = true, .host = 3, .router = true},
			[4] = {.present = true, .host = 4, .router = true},
			[LAST] = {.present = true, .host = 5},
			[6] = {.present = true, .host = 6, .network = 1},
			[7] = {.present = true, .host = 7, .network = 1},
		},
};

static void send_message(struct rig *rig, unsigned port, const struct message *m)
{
	struct test_frame frame = {.bytes = (uint8_t *)m->b, .len = (uint32_t)m->len};

	rig->bench->port[port]->piece = 33;
	test_port_inject(rig->bench->port[port], &frame);
	rig_poll(rig, (uint16_t)port);
	rig_check_books(rig);
}

/* The list: until when who wants what, in seconds from the start. */
struct wanted {
	uint64_t until[2][GROUPS][LAST + 1];
	uint64_t router[2][LAST + 1];
	uint64_t querier[2];
	uint64_t settled[2];
};

static void wants(struct wanted *w, bool ip6, unsigned group, unsigned port, uint64_t now)
{
	if (w->until[ip6][group][port] < now + HOLD_S)
		w->until[ip6][group][port] = now + HOLD_S;
}

static void leaves(struct wanted *w, bool ip6, unsigned group, unsigned port, uint64_t now)
{
	if (w->until[ip6][group][port] > now + LEAVE_S)
		w->until[ip6][group][port] = now + LEAVE_S;
}

/* RFC 4541 permits to forget about sources. */
static void record_means(
	struct wanted *w, bool ip6, const unsigned r[3], unsigned port, uint64_t now)
{
	if (r[0] == 2 || r[0] == 4 || ((r[0] == 1 || r[0] == 3 || r[0] == 5) && r[2] != 0))
		wants(w, ip6, r[1], port, now);
	else if (r[0] == 1 || r[0] == 3)
		leaves(w, ip6, r[1], port, now);
}

static void random_many(
	struct rnd *r, struct message *m, struct wanted *w, unsigned port, bool ip6, uint64_t now)
{
	unsigned n = 1 + (unsigned)rnd_below(r, rnd_below(r, 8) ? 4 : RECORDS_MAX);
	unsigned records[RECORDS_MAX][3];
	bool lies = rnd_below(r, 5) == 0;

	many_begin(m, port, ip6, n + (lies ? 1 : 0));
	for (unsigned i = 0; i < n; i++) {
		records[i][0] = 1 + (unsigned)rnd_below(r, 7);
		records[i][1] = (unsigned)rnd_below(r, GROUPS);
		records[i][2] = (unsigned)rnd_below(r, 3);
		record(m, (uint8_t)records[i][0], records[i][1], records[i][2]);
	}
	end(m);
	/* A record too many, or one with more sources than there are: nothing of it counts. */
	for (unsigned i = 0; i < n && !lies; i++)
		record_means(w, ip6, records[i], port, now);
}

static bool is_live(const struct wanted *w, bool ip6, uint64_t now)
{
	return w->querier[ip6] > now && w->settled[ip6] <= now;
}

static bool is_due(const struct wanted *w, bool ip6, unsigned group, unsigned port, uint64_t now)
{
	return !is_live(w, ip6, now) || w->router[ip6][port] > now ||
	       w->until[ip6][group][port] > now;
}

static void check_data(struct rig *rig, const struct wanted *w, unsigned in, bool ip6,
	unsigned group, uint64_t now)
{
	static struct message m;
	struct ip to = group_ip(group, ip6);

	begin(&m, in == UPLINK ? 30 : in, ip6, &to);
	/* Of no protocol that anybody looks into. */
	m.b[m.l4 - (ip6 ? 8 : 15)] = 253;
	add(&m, "something", 9);
	end(&m);
	rig_clear(rig);
	send_message(rig, in, &m);
	for (unsigned port = UPLINK; port <= LAST; port++) {
		bool should = port != in && (port == UPLINK || is_due(w, ip6, group, port, now));

		if (rig->bench->port[port]->n_out != should)
			fail_msg("port %u, group %u of IPv%d, from %u at %u s: %u frames", port,
				group, ip6 ? 6 : 4, in, (unsigned)now,
				rig->bench->port[port]->n_out);
	}
	for (unsigned port = 6; port <= 7; port++)
		assert_int_equal(rig->bench->port[port]->n_out, 0);
}

static void random_message(
	struct rig *rig, struct rnd *r, struct wanted *w, unsigned port, uint64_t now)
{
	static struct message m;
	bool ip6 = rnd_below(r, 2);
	unsigned group = (unsigned)rnd_below(r, GROUPS);
	unsigned kind = (unsigned)rnd_below(r, 20);
	unsigned n = 0;

	if (kind == 0) {
		query(&m, rnd_below(r, 4) || port == LAST ? 30 : port, ip6);
		if (w->querier[ip6] <= now)
			w->settled[ip6] = now + SETTLE_S;
		w->querier[ip6] = now + QUERIER_S;
		if (m.b[12] != 0x81)
			w->router[ip6][port] = now + QUERIER_S;
		else
			port = UPLINK;
		send_message(rig, port, &m);
		return;
	}
	if (kind < 12) {
		report(&m, port, ip6, group, kind < 6);
		if (kind < 6)
			leaves(w, ip6, group, port, now);
		else
			wants(w, ip6, group, port, now);
	} else {
		random_many(r, &m, w, port, ip6, now);
	}
	rig_clear(rig);
	send_message(rig, port, &m);
	/* To routers, of which the uplink is one. */
	for (unsigned to = UPLINK; to <= LAST; to++) {
		bool should = to != port && (to == UPLINK || w->router[ip6][to] > now);

		assert_int_equal(rig->bench->port[to]->n_out, should);
		n += should;
	}
	assert_true(n >= 1);
}

static void test_against_list(void **state)
{
	struct rnd r = rnd_start("snooping");
	struct rig *rig = rig_create(&snooped);
	static struct wanted w;
	unsigned live = 0;

	(void)state;
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t now = rig_now_ms(rig) / 1000;
		unsigned port = FIRST + (unsigned)rnd_below(&r, LAST);
		bool ip6 = rnd_below(&r, 2);

		random_message(rig, &r, &w, port, now);
		live += is_live(&w, ip6, now);
		check_data(rig, &w, (unsigned)rnd_below(&r, LAST + 1), ip6,
			(unsigned)rnd_below(&r, GROUPS), now);
		rig_advance_ms(rig, 1000 * rnd_below(&r, rnd_below(&r, 100) ? 8 : 400));
	}
	assert_true(live > STEPS / 4 && live < STEPS);
	rig_free(rig);
}

/* Somebody has asked, hosts have had their time, port 2 wants group 1 of both kinds. */
static struct rig *rig_queried(struct message *m)
{
	struct rig *rig = rig_create(&snooped);

	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		query(m, 30, ip6);
		send_message(rig, UPLINK, m);
		report(m, 2, ip6, 1, false);
		send_message(rig, 2, m);
	}
	rig_advance_ms(rig, 1000 * SETTLE_S);
	rig_clear(rig);
	return rig;
}

static unsigned heard(struct rig *rig, unsigned port, bool ip6, unsigned group)
{
	static struct message m;
	struct ip to = group_ip(group, ip6);

	begin(&m, 1, ip6, &to);
	m.b[m.l4 - (ip6 ? 8 : 15)] = 253;
	end(&m);
	rig_clear(rig);
	send_message(rig, 1, &m);
	return rig->bench->port[port]->n_out;
}

/* Of each message one byte is wrong, or its end is missing: port 3 joins nothing by any of them. */
static void test_broken_messages(void **state)
{
	static struct message m, bad;
	struct rig *rig = rig_queried(&m);

	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		for (unsigned kind = 0; kind < 2; kind++) {
			report(&m, 3, ip6, 1, false);
			if (kind == 1) {
				many_begin(&m, 3, ip6, 1);
				record(&m, 4, 1, 2);
				end(&m);
			}
			for (size_t at = m.l4; at < m.len; at++) {
				bad = m;
				bad.b[at] ^= 0x10;
				send_message(rig, 3, &bad);
				bad = m;
				bad.len = at;
				send_message(rig, 3, &bad);
				/* Lengths that fit, and a checksum that is right, but no whole message. */
				end(&bad);
				send_message(rig, 3, &bad);
				rig_clear(rig);
			}
			assert_int_equal(heard(rig, 3, ip6, 1), 0);
			assert_int_equal(heard(rig, 2, ip6, 1), 1);
			send_message(rig, 3, &m);
			assert_int_equal(heard(rig, 3, ip6, 1), 1);
			rig_free(rig);
			rig = rig_queried(&m);
		}
	}
	rig_free(rig);
}

/* Link-local groups, broadcast and what is not IP go to all; a network without snooping knows nothing of it. */
static void test_what_is_for_all(void **state)
{
	static struct message m;
	struct rig *rig = rig_queried(&m);
	static const struct ip for_all[] = {{4, {224, 0, 0, 251}}, {4, {255, 255, 255, 255}},
		{6, {0xff, 2, [15] = 0xfb}}, {6, {0xff, 1, [15] = 9}}};
	struct packet shout = {.dst = BROADCAST,
		.src = HOST(1),
		.kind = PACKET_RAW,
		.ethertype = 0x88b5,
		.payload = 46};

	(void)state;
	for (unsigned i = 0; i < sizeof(for_all) / sizeof(for_all[0]); i++) {
		begin(&m, 1, for_all[i].family == 6, &for_all[i]);
		m.b[m.l4 - (m.ip6 ? 8 : 15)] = 253;
		end(&m);
		rig_clear(rig);
		send_message(rig, 1, &m);
		for (unsigned port = 2; port <= LAST; port++)
			assert_int_equal(rig->bench->port[port]->n_out, 1);
	}
	rig_clear(rig);
	test_port_inject_packet(rig->bench->port[1], &shout);
	rig_poll(rig, 1);
	assert_int_equal(rig->bench->port[3]->n_out, 1);
	assert_int_equal(heard(rig, 3, false, 1), 0);
	report(&m, 6, false, 1, false);
	rig_clear(rig);
	send_message(rig, 6, &m);
	assert_int_equal(rig->bench->port[7]->n_out, 1);
	rig_free(rig);
}

/* Nobody wants it, and there is no uplink: a drop with a reason of its own. */
static void test_nobody_listens(void **state)
{
	struct topology t = snooped;
	static struct message m;
	struct rig *rig;

	(void)state;
	t.port[UPLINK].present = false;
	rig = rig_create(&t);
	query(&m, 2, false);
	send_message(rig, 2, &m);
	rig_advance_ms(rig, 1000 * SETTLE_S);
	assert_int_equal(heard(rig, 2, false, 3), 1);
	rig_advance_ms(rig, 1000 * (QUERIER_S - SETTLE_S));
	query(&m, 1, false);
	send_message(rig, 1, &m);
	rig_advance_ms(rig, 1000 * SETTLE_S);
	heard(rig, 2, false, 3);
	assert_int_equal(rig_drops(rig, DROP_no_listener), 1);
	rig_free(rig);
}

/* Whom nobody made a router becomes none by what it says, and nobody hears it; who ceases to be one is none at once. */
static void test_routers_are_made(void **state)
{
	static struct message m;
	struct topology t = snooped;
	struct rig *rig = rig_queried(&m);

	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		query(&m, LAST, ip6);
		send_message(rig, LAST, &m);
		hello(&m, LAST, ip6);
		send_message(rig, LAST, &m);
		assert_int_equal(rig_drops(rig, DROP_querier_guard), 2 * ip6 + 2);
		assert_int_equal(rig->bench->port[1]->n_out, 0);
		assert_int_equal(heard(rig, LAST, ip6, 2), 0);
		rig_clear(rig);
		hello(&m, 4, ip6);
		send_message(rig, 4, &m);
		assert_int_equal(rig->bench->port[1]->n_out, 1);
		assert_int_equal(heard(rig, 4, ip6, 2), 1);
	}
	t.port[4].router = false;
	bench_reconfigure(rig->bench, &t);
	assert_int_equal(heard(rig, 4, false, 2), 0);
	assert_int_equal(heard(rig, 4, true, 2), 0);
	rig_free(rig);
}

/* A flow that the cache answers for lets no query through. */
static void test_a_query_is_looked_at_each_time(void **state)
{
	static struct message m;
	struct rig *rig = rig_create(&snooped);
	struct mac to = host_mac(2);

	(void)state;
	report(&m, LAST, false, 1, false);
	memcpy(m.b, to.b, sizeof(to.b));
	for (unsigned i = 0; i < 3; i++)
		send_message(rig, LAST, &m);
	assert_int_equal(rig->bench->port[2]->n_out, 3);
	m.b[m.l4] = 0x11;
	end(&m);
	send_message(rig, LAST, &m);
	assert_int_equal(rig->bench->port[2]->n_out, 3);
	assert_int_equal(rig_drops(rig, DROP_querier_guard), 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_broken_messages),
		cmocka_unit_test(test_what_is_for_all),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_routers_are_made),
		cmocka_unit_test(test_a_query_is_looked_at_each_time),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
