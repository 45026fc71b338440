/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fixture through the real stages and through trace, and bursts of several frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/trace.h"
#include "test/fixtures/packets.h"
#include "test/fixtures/rig.h"

#define TEST_RULES 32

static const struct packet_fixture *shown; /* what is at work, for a failure's message */

static void check(bool ok, const char *what)
{
	if (!ok)
		fail_msg("fixture %s: %s", shown->name, what);
}

static void send_fixture(struct rig *rig, const struct packet_fixture *fx)
{
	test_port_inject_packet(rig->bench->port[fx->in], &fx->packet);
	rig_poll(rig, fx->in);
}

static void send_before(struct rig *rig, const struct packet_fixture *fx)
{
	for (unsigned i = 0; i < FIXTURE_BEFORE_MAX && fx->before[i] != NULL; i++)
		send_fixture(rig, fixture_named(fx->before[i]));
	rig_advance_ms(rig, fx->after_ms);
	rig_clear(rig);
}

static const struct fixture_out *out_at(const struct packet_fixture *fx, unsigned port)
{
	for (unsigned i = 0; i < FIXTURE_OUTS_MAX && fx->out[i].present; i++)
		if (fx->out[i].port == port)
			return &fx->out[i];
	return NULL;
}

static void check_outs(const struct rig *rig, const struct packet_fixture *fx)
{
	static uint8_t bytes[PACKET_BYTES_MAX];

	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		const struct test_port *tp = rig->bench->port[i];
		const struct fixture_out *out = out_at(fx, i);
		size_t len;

		if (tp == NULL)
			continue;
		check(tp->n_out == (out != NULL ? 1 : 0), "a port got more or less than it should");
		if (out == NULL)
			continue;
		len = fixture_out_build(fx, out, bytes);
		check(tp->out[0].len == len, "the packet out has another length");
		check(memcmp(tp->out[0].bytes, bytes, len) == 0, "the packet out differs");
	}
}

static void check_drops(
	const struct rig *rig, const struct packet_fixture *fx, const struct port_stats *before)
{
	struct port_stats now;

	rig_stats(rig, &now);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		bool here = fx->verdict == TRACE_DROP && fx->reason == i;

		if (now.drops[i] - before->drops[i] != (here ? 1 : 0))
			fail_msg("fixture %s: %d drops as %s", shown->name,
				(int)(now.drops[i] - before->drops[i]), drop_reason_name(i));
	}
}

static void check_rules(
	const struct rig *rig, const struct packet_fixture *fx, const struct rule_stats *before)
{
	for (uint32_t r = 1; r < TEST_RULES; r++) {
		uint64_t want = 0;

		for (unsigned i = 0; i < FIXTURE_RULES_MAX; i++)
			want += fx->rule[i] == r;
		if (rig->pipeline->rules[r].packets - before[r].packets != want)
			fail_msg("fixture %s: rule %u counted %d packets", shown->name, r,
				(int)(rig->pipeline->rules[r].packets - before[r].packets));
	}
}

/* Twice: as the first of its flow, and from the flow cache where it is kept there. */
static void run_fixture(const struct packet_fixture *fx, bool warm)
{
	struct rig *rig = rig_create(fx->topology);
	struct rule_stats rules[TEST_RULES];
	struct port_stats stats;

	shown = fx;
	rig->bench->port[fx->in]->piece = 7;
	send_before(rig, fx);
	if (warm) {
		send_fixture(rig, fx);
		rig_clear(rig);
	}
	rig_stats(rig, &stats);
	memcpy(rules, rig->pipeline->rules, sizeof(rules));
	send_fixture(rig, fx);
	check_outs(rig, fx);
	check_drops(rig, fx, &stats);
	check_rules(rig, fx, rules);
	rig_check_books(rig);
	rig_free(rig);
}

static void test_fixtures(void **state)
{
	const struct packet_fixture *fx;

	(void)state;
	for (size_t i = 0; (fx = fixture_at(i)) != NULL; i++)
		run_fixture(fx, false);
}

/* A rate's second packet is another's fixture. */
static bool is_repeatable(const struct packet_fixture *fx)
{
	return strncmp(fx->name, "tx_", 3) != 0 && strncmp(fx->name, "rx_", 3) != 0;
}

static void test_fixtures_again(void **state)
{
	const struct packet_fixture *fx;

	(void)state;
	for (size_t i = 0; (fx = fixture_at(i)) != NULL; i++)
		if (is_repeatable(fx))
			run_fixture(fx, true);
}

static void trace_fixture(const struct packet_fixture *fx)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	static struct trace_result result;
	size_t len = packet_build(&fx->packet, bytes, NULL);
	struct rig *rig = rig_create(fx->topology);

	shown = fx;
	send_before(rig, fx);
	/* Trace reads the real clock. */
	check(fx->after_ms == 0, "trace cannot wait");
	assert_int_equal(trace_frame(rig->bench->snap, fx->in, bytes, (uint16_t)len, &result), 0);
	if (result.verdict != fx->verdict)
		fail_msg("trace of %s: verdict %d, %s", fx->name, result.verdict,
			result.verdict == TRACE_DROP ? drop_reason_name(result.reason) : "");
	if (fx->verdict == TRACE_DROP) {
		check(result.reason == fx->reason, "trace names another reason");
		check(result.n_out == 0, "trace drops and forwards");
	}
	for (unsigned i = 0; i < result.n_out; i++)
		check(out_at(fx, result.out[i]) != NULL, "trace sends it elsewhere");
	for (unsigned i = 0; i < FIXTURE_OUTS_MAX && fx->out[i].present; i++)
		check(i < result.n_out, "trace leaves an output out");
	check(result.n_steps > 1, "trace says nothing");
	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++)
		if (rig->bench->port[i] != NULL)
			check(rig->bench->port[i]->n_out == 0, "trace sent something");
	rig_free(rig);
}

static void test_trace(void **state)
{
	const struct packet_fixture *fx;

	(void)state;
	for (size_t i = 0; (fx = fixture_at(i)) != NULL; i++)
		if (!(fx->flags & FIXTURE_NO_TRACE) && fx->after_ms == 0)
			trace_fixture(fx);
}

/* Frames of one fixture after another's, in one burst. */
static struct rig *send_burst(const char *first, const char *second)
{
	const struct packet_fixture *a = fixture_named(first);
	const struct packet_fixture *b = fixture_named(second);
	struct rig *rig = rig_create(a->topology);

	assert_int_equal(a->in, b->in);
	test_port_inject_packet(rig->bench->port[a->in], &a->packet);
	test_port_inject_packet(rig->bench->port[a->in], &b->packet);
	assert_int_equal(rig_poll(rig, a->in), 1);
	rig_check_books(rig);
	return rig;
}

static void test_fragments_in_one_burst(void **state)
{
	struct rig *rig = send_burst("fragment_first", "fragment_later");

	(void)state;
	assert_int_equal(rig->bench->port[1]->n_out, 2);
	rig_free(rig);
	rig = send_burst("fragment6_first", "fragment6_later");
	assert_int_equal(rig->bench->port[3]->n_out, 2);
	rig_free(rig);
	rig = send_burst("fragment_denied", "fragment_later_of_denied");
	assert_int_equal(rig_drops(rig, DROP_rule_deny), 2);
	rig_free(rig);
	rig = send_burst("fragment_shout", "fragment_shout_later");
	assert_int_equal(rig->bench->port[1]->n_out, 2);
	assert_int_equal(rig->bench->port[3]->n_out, 0);
	rig_free(rig);
}

/* The whole table of a port in one burst: what becomes of each is the same. */
static void test_a_mixed_burst(void **state)
{
	const struct packet_fixture *fx;
	const struct topology *t = fixture_named("spoofed_mac")->topology;
	struct rig *rig = rig_create(t);
	uint64_t want_drops[DROP_REASON_COUNT] = {0};
	unsigned want_out = 0;
	unsigned n_out = 0;

	(void)state;
	for (size_t i = 0; (fx = fixture_at(i)) != NULL; i++) {
		if (fx->topology != t || fx->in != 1)
			continue;
		test_port_inject_packet(rig->bench->port[1], &fx->packet);
		for (unsigned o = 0; o < FIXTURE_OUTS_MAX; o++)
			want_out += fx->out[o].present;
		want_drops[fx->reason] += fx->verdict == TRACE_DROP;
	}
	assert_true(rig->bench->port[1]->n_in > 20);
	rig_poll(rig, 1);
	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++)
		if (rig->bench->port[i] != NULL)
			n_out += rig->bench->port[i]->n_out;
	assert_int_equal(n_out, want_out);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		assert_int_equal(rig_drops(rig, i), want_drops[i]);
	rig_check_books(rig);
	rig_free(rig);
}

/* One that speaks all the time is not forgotten, though the flow cache answers for it. */
static void test_learned_stays_while_it_speaks(void **state)
{
	const struct packet_fixture *learn = fixture_named("learn_30_at_4");
	const struct packet_fixture *back = fixture_named("learned_forwarded");
	struct rig *rig = rig_create(learn->topology);

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		send_fixture(rig, learn);
		rig_clear(rig);
		rig_advance_ms(rig, 1000);
		mac_table_age((struct mac_table *)rig->pipeline->tables->macs, 300,
			(uint32_t)(rig_now_ms(rig) / 1000));
	}
	send_fixture(rig, back);
	assert_int_equal(rig->bench->port[4]->n_out, 1);
	assert_int_equal(rig->bench->port[3]->n_out, 0);
	rig_free(rig);
}

/* Confirmed connections are not given up for new ones. */
static void test_connections_run_out(void **state)
{
	const struct packet_fixture *fx = fixture_named("ports_next_rule");
	struct rig *rig = rig_create(fx->topology);
	struct packet request = fx->packet;
	struct packet reply = fx->packet;
	uint64_t passed = 0;

	(void)state;
	reply.dst = request.src;
	reply.src = request.dst;
	reply.src_ip = request.dst_ip;
	reply.dst_ip = request.src_ip;
	reply.sport = request.dport;
	for (unsigned i = 1; i < 4 * RIG_CONNS && rig_drops(rig, DROP_conn_table_full) == 0; i++) {
		request.sport = (uint16_t)i;
		reply.dport = (uint16_t)i;
		test_port_inject_packet(rig->bench->port[2], &request);
		rig_poll(rig, 2);
		test_port_inject_packet(rig->bench->port[1], &reply);
		rig_poll(rig, 1);
		passed += rig->bench->port[1]->n_out;
		rig_clear(rig);
	}
	assert_int_equal(rig_drops(rig, DROP_conn_table_full), 1);
	assert_true(passed > RIG_CONNS / 2);
	rig_check_books(rig);
	rig_free(rig);
}

static void test_a_port_that_refuses(void **state)
{
	const struct packet_fixture *fx = fixture_named("broadcast");
	struct rig *rig = rig_create(fx->topology);

	(void)state;
	rig->bench->port[2]->refuse = DROP_ring_full;
	send_fixture(rig, fx);
	assert_int_equal(rig_drops(rig, DROP_ring_full), 1);
	assert_int_equal(rig->bench->port[1]->n_out, 1);
	rig_check_books(rig);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixtures),
		cmocka_unit_test(test_fixtures_again),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_fragments_in_one_burst),
		cmocka_unit_test(test_a_mixed_burst),
		cmocka_unit_test(test_learned_stays_while_it_speaks),
		cmocka_unit_test(test_connections_run_out),
		cmocka_unit_test(test_a_port_that_refuses),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
