/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real stages against the reference switch: random configurations, random packets, every
 * output, drop and rule counter compared after each step, with the flow cache warm and cold.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/fixtures/rig.h"
#include "test/unit/random_packets.h"
#include "test/unit/reference_switch.h"

#define CONFIGS 300
#define STEPS 500
#define RECONFIGURE_EVERY 170
#define BATCH_MAX 8
/* So long that what flows hold is looked at again. */
#define REFRESH_MS 4100
/* Timers of connections are compared far from their edges: none ends within one leg, all between. */
#define LEG_MS 8000
#define BETWEEN_LEGS_MS 10000000

struct run {
	struct rig *rig;
	struct reference_switch *ref;
	struct topology topology[2]; /* in turn */
	unsigned which;
	struct rnd rnd;
	struct history history;
	bool cold;
	uint64_t leg_ms;
	unsigned config;
	unsigned shown; /* this one's packets are printed: LEAT_TEST_SHOW */
	unsigned step;
	struct rule_stats rules[TOPOLOGY_RULES_MAX + 1];
	struct port_stats stats;
	uint64_t n_forwarded;
	uint64_t n_by_reason[DROP_REASON_COUNT];
};

/* What a step should have done. */
struct expected {
	unsigned n_out[TOPOLOGY_PORTS_MAX];
	struct test_frame out[TOPOLOGY_PORTS_MAX][BATCH_MAX];
	uint64_t drops[DROP_REASON_COUNT];
	uint64_t packets[TOPOLOGY_RULES_MAX + 1];
	uint64_t connections[TOPOLOGY_RULES_MAX + 1];
};

static void describe(const struct run *run, const struct packet *p, uint16_t in,
	const struct reference_result *ret)
{
	print_error("  step %u at %" PRIu64
		    " by %u: kind %d proto %u %u->%u flags %#x type %u frag %u%s id %u tags "
		    "%#x/%#x dst %02x..%02x src ..%02x ip %u>%u; expected %s, %u outputs, rules",
		run->step, rig_now_ms(run->rig), in, p->kind, p->proto, p->sport, p->dport,
		p->tcp_flags, p->icmp_type, p->frag_off, p->more ? "+" : "", p->frag_id,
		p->tag[0].tpid ? p->tag[0].tci : 0xffffU, p->tag[1].tpid ? p->tag[1].tci : 0xffffU,
		p->dst.b[0], p->dst.b[5], p->src.b[5], p->src_ip.b[p->kind == PACKET_IPV6 ? 15 : 3],
		p->dst_ip.b[p->kind == PACKET_IPV6 ? 15 : 3],
		ret->dropped ? drop_reason_name(ret->reason) : "to pass", ret->n_out);
	for (unsigned i = 1; i <= TOPOLOGY_RULES_MAX; i++)
		if (ret->rule_packets[i] != 0 || ret->rule_connections[i] != 0)
			print_error(" %u:%u/%u", i, ret->rule_packets[i], ret->rule_connections[i]);
	print_error("\n");
}

static void failed(
	const struct run *run, const char *what, unsigned which, uint64_t is, uint64_t should)
{
	fail_msg("config %u (%s), step %u: %s %u is %" PRIu64 ", should be %" PRIu64, run->config,
		run->cold ? "cold" : "warm", run->step, what, which, is, should);
}

static void expect(struct run *run, const struct packet *p, uint16_t in,
	const struct reference_result *ret, struct expected *want)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	static uint8_t out[PACKET_BYTES_MAX];
	struct packet sent = *p;
	size_t len;

	sent.tos = ret->tos;
	len = packet_build(&sent, bytes, NULL);
	if (ret->dropped) {
		want->drops[ret->reason]++;
		run->n_by_reason[ret->reason]++;
	}
	for (unsigned i = 0; i < ret->n_out; i++) {
		uint16_t port = ret->out[i].port;
		struct test_frame *frame = &want->out[port][want->n_out[port]++];

		frame->len = (uint32_t)frame_retag(bytes, len,
			run->topology[run->which].port[in].uplink, ret->out[i].tci, out);
		frame->bytes = malloc(frame->len);
		memcpy(frame->bytes, out, frame->len);
		run->n_forwarded++;
	}
	for (unsigned i = 1; i <= TOPOLOGY_RULES_MAX; i++) {
		want->packets[i] += ret->rule_packets[i];
		want->connections[i] += ret->rule_connections[i];
	}
}

static void compare_outs(const struct run *run, const struct expected *want)
{
	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		const struct test_port *tp = run->rig->bench->port[i];

		if (tp == NULL)
			continue;
		if (tp->n_out != want->n_out[i])
			failed(run, "frames out of port", i, tp->n_out, want->n_out[i]);
		for (unsigned k = 0; k < tp->n_out; k++) {
			const struct test_frame *frame = &want->out[i][k];

			if (tp->out[k].len != frame->len)
				failed(run, "length at port", i, tp->out[k].len, frame->len);
			if (memcmp(tp->out[k].bytes, frame->bytes, frame->len) != 0)
				failed(run, "bytes at port", i, 0, 1);
			free(frame->bytes);
		}
	}
}

static void compare_counters(struct run *run, const struct expected *want)
{
	const struct rule_stats *rules = run->rig->pipeline->rules;
	struct port_stats now;

	rig_stats(run->rig, &now);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (now.drops[i] - run->stats.drops[i] != want->drops[i])
			failed(run, drop_reason_name(i), i, now.drops[i] - run->stats.drops[i],
				want->drops[i]);
	for (unsigned i = 1; i <= TOPOLOGY_RULES_MAX; i++) {
		if (rules[i].packets - run->rules[i].packets != want->packets[i])
			failed(run, "packets of rule", i, rules[i].packets - run->rules[i].packets,
				want->packets[i]);
		if (rules[i].connections - run->rules[i].connections != want->connections[i])
			failed(run, "connections of rule", i,
				rules[i].connections - run->rules[i].connections,
				want->connections[i]);
	}
	run->stats = now;
	memcpy(run->rules, rules, sizeof(run->rules));
	rig_check_books(run->rig);
}

static void advance(struct run *run, uint64_t ms)
{
	run->leg_ms += ms;
	if (run->leg_ms > LEG_MS) {
		run->leg_ms = 0;
		ms = BETWEEN_LEGS_MS;
	}
	rig_advance_ms(run->rig, ms);
	if (ms < BETWEEN_LEGS_MS)
		return;
	mac_table_age((struct mac_table *)run->rig->pipeline->tables->macs, 300,
		(uint32_t)(rig_now_ms(run->rig) / 1000));
	reference_age(run->ref, rig_now_ms(run->rig));
}

/*
 * What depends on what went before it in the same burst is left to single steps: the flows of all
 * frames are looked up before any of them teaches a MAC.
 */
static bool may_be_batched(const struct run *run, uint16_t in, const struct packet *p)
{
	const struct topology *t = &run->topology[run->which];

	if (!run->cold && (t->port[in].uplink || t->port[in].learning))
		return false;
	if (p->fragment || p->about != NULL)
		return false;
	return p->proto != 6 || (!(p->tcp_flags & 0x05) && !t->tcp_midstream_drop);
}

static void run_step(struct run *run)
{
	static uint8_t bytes[PACKET_BYTES_MAX];
	const struct topology *t = &run->topology[run->which];
	unsigned batch = rnd_below(&run->rnd, 5) == 0 ? BATCH_MAX : 1;
	uint16_t in = random_port(&run->rnd, t);
	struct expected want;
	bool turned = false;
	bool last = false;

	memset(&want, 0, sizeof(want));
	if (run->cold)
		rig_cool(run->rig);
	for (unsigned i = 0; i < batch && !last; i++) {
		struct reference_result ret;
		struct packet p;
		uint16_t by = in;

		random_packet(&run->rnd, t, &run->history, &by, &p);
		if (i > 0 && (by != in || !may_be_batched(run, by, &p)))
			continue;
		if (batch > 1 && i == 0 && !may_be_batched(run, by, &p))
			batch = 1;
		in = by;
		run->rig->bench->port[in]->piece = (unsigned)rnd_below(&run->rnd, 100);
		reference_judge(run->ref, in, &p, packet_build(&p, bytes, NULL),
			rig_now_ms(run->rig), &ret);
		expect(run, &p, in, &ret, &want);
		if (run->config == run->shown)
			describe(run, &p, in, &ret);
		test_port_inject_packet(run->rig->bench->port[in], &p);
		if (ret.n_out > 0)
			history_add(&run->history, &p, in, ret.out[0].port);
		turned |= ret.turned;
		last = ret.turned || ret.began_flooded;
	}
	rig_poll(run->rig, in);
	compare_outs(run, &want);
	compare_counters(run, &want);
	rig_clear(run->rig);
	turned = turned || rnd_below(&run->rnd, 40) == 0;
	advance(run, turned ? REFRESH_MS : rnd_below(&run->rnd, 20));
}

static void reconfigure(struct run *run)
{
	run->topology[!run->which] = run->topology[run->which];
	run->which = !run->which;
	random_policy(&run->rnd, &run->topology[run->which]);
	bench_reconfigure(run->rig->bench, &run->topology[run->which]);
	reference_reconfigure(run->ref, &run->topology[run->which]);
}

static void run_config(struct run *run)
{
	run->which = 0;
	run->leg_ms = 0;
	memset(&run->history, 0, sizeof(run->history));
	memset(&run->stats, 0, sizeof(run->stats));
	memset(run->rules, 0, sizeof(run->rules));
	random_topology(&run->rnd, &run->topology[0]);
	run->rig = rig_create(&run->topology[0]);
	run->ref = reference_create(&run->topology[0]);
	for (run->step = 0; run->step < STEPS; run->step++) {
		if (run->step % RECONFIGURE_EVERY == RECONFIGURE_EVERY - 1)
			reconfigure(run);
		run_step(run);
	}
	reference_free(run->ref);
	rig_free(run->rig);
}

static void test_against_reference(void **state)
{
	const char *show = getenv("LEAT_TEST_SHOW");
	static struct run run;
	unsigned reasons = 0;

	(void)state;
	run.rnd = rnd_start("pipeline against the reference switch");
	run.shown = show != NULL ? (unsigned)strtoul(show, NULL, 0) : UINT_MAX;
	for (run.config = 0; run.config < CONFIGS; run.config++) {
		run.cold = run.config & 1;
		run_config(&run);
	}
	/* A comparison in which nothing happens proves nothing. */
	assert_true(run.n_forwarded > CONFIGS * STEPS / 4);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		reasons += run.n_by_reason[i] > 0;
	assert_true(reasons >= 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_reference),
	};

	rig_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
