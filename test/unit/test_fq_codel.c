/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FQ-CoDel against a model written down from the RFCs' words, over random traffic and a clock that the test moves: the
 * same packets go, are marked and are dropped, in the same order.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fq_codel.h"
#include "test/unit/random.h"

#define WAITING_MAX 1000
#define MTU 1514

/* What the model knows of a packet. */
struct waiting {
	unsigned id;
	unsigned flow;
	uint64_t since;
	uint32_t bytes;
	bool ecn;
};

enum place { NOWHERE, AMONG_NEW, AMONG_OLD };

/* All packets in one list by age; a queue is what of it is one flow's. */
struct model {
	const struct fq_codel_params *params;
	unsigned n;
	struct waiting list[WAITING_MAX];
	enum place place[FQ_CODEL_QUEUES];
	uint64_t turn[FQ_CODEL_QUEUES]; /* the lowest of a place is its first */
	uint64_t last_turn;
	int64_t deficit[FQ_CODEL_QUEUES];
	/* RFC 8289, 5.3; 0 of first_above_time is never */
	uint64_t first_above_time[FQ_CODEL_QUEUES];
	uint64_t drop_next[FQ_CODEL_QUEUES];
	uint64_t count[FQ_CODEL_QUEUES];
	uint64_t lastcount[FQ_CODEL_QUEUES];
	bool dropping[FQ_CODEL_QUEUES];
	unsigned n_dropped; /* by the last dequeue */
	unsigned dropped[WAITING_MAX];
};

static void model_place(struct model *m, unsigned flow, enum place place)
{
	m->place[flow] = place;
	m->turn[flow] = ++m->last_turn;
}

static void model_enqueue(struct model *m, struct waiting packet)
{
	m->list[m->n++] = packet;
	if (m->place[packet.flow] != NOWHERE)
		return;
	model_place(m, packet.flow, AMONG_NEW);
	m->deficit[packet.flow] = m->params->quantum;
}

static uint64_t model_bytes(const struct model *m, unsigned flow)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].flow == flow)
			bytes += m->list[i].bytes;
	return bytes;
}

/* Where the oldest of a flow is in the list; n: it has none. */
static unsigned model_find(const struct model *m, unsigned flow)
{
	unsigned i = 0;

	while (i < m->n && m->list[i].flow != flow)
		i++;
	return i;
}

/* It leaves the list. */
static bool model_oldest(struct model *m, unsigned flow, struct waiting *ret)
{
	unsigned i = model_find(m, flow);

	if (i == m->n)
		return false;
	*ret = m->list[i];
	memmove(&m->list[i], &m->list[i + 1], (m->n - i - 1) * sizeof(m->list[0]));
	m->n--;
	return true;
}

/* "dodequeue" of RFC 8289, 5.6: is there one, and may it be dropped? */
static bool model_pop(
	struct model *m, unsigned flow, uint64_t now, struct waiting *ret, bool *ret_ok_to_drop)
{
	*ret_ok_to_drop = false;
	if (!model_oldest(m, flow, ret)) {
		m->first_above_time[flow] = 0;
		return false;
	}
	if (now - ret->since < m->params->target || model_bytes(m, flow) <= m->params->quantum)
		m->first_above_time[flow] = 0;
	else if (m->first_above_time[flow] == 0)
		m->first_above_time[flow] = now + m->params->interval;
	else
		*ret_ok_to_drop = now >= m->first_above_time[flow];
	return true;
}

static uint64_t model_law(const struct model *m, uint64_t t, uint64_t count)
{
	return t + (uint64_t)((double)m->params->interval / sqrt((double)count));
}

static void model_drop(struct model *m, const struct waiting *packet)
{
	m->dropped[m->n_dropped++] = packet->id;
}

/* "dequeue" of RFC 8289, 5.5, with marks in place of drops. */
static bool model_codel(
	struct model *m, unsigned f, uint64_t now, struct waiting *packet, bool *ret_marked)
{
	bool ok_to_drop;
	bool is = model_pop(m, f, now, packet, &ok_to_drop);

	*ret_marked = false;
	if (m->dropping[f]) {
		if (!ok_to_drop)
			m->dropping[f] = false;
		while (m->dropping[f] && now >= m->drop_next[f]) {
			m->count[f]++;
			if (packet->ecn) {
				m->drop_next[f] = model_law(m, m->drop_next[f], m->count[f]);
				*ret_marked = true;
				return true;
			}
			model_drop(m, packet);
			is = model_pop(m, f, now, packet, &ok_to_drop);
			if (!ok_to_drop)
				m->dropping[f] = false;
			else
				m->drop_next[f] = model_law(m, m->drop_next[f], m->count[f]);
		}
	} else if (ok_to_drop) {
		uint64_t delta = m->count[f] - m->lastcount[f];
		int64_t ago = (int64_t)(now - m->drop_next[f]);

		if (packet->ecn) {
			*ret_marked = true;
		} else {
			model_drop(m, packet);
			is = model_pop(m, f, now, packet, &ok_to_drop);
		}
		m->dropping[f] = true;
		m->count[f] = 1;
		if (delta > 1 && ago < 16 * (int64_t)m->params->interval)
			m->count[f] = delta;
		m->drop_next[f] = model_law(m, now, m->count[f]);
		m->lastcount[f] = m->count[f];
	}
	return is;
}

/* The first of a place, or FQ_CODEL_QUEUES. */
static unsigned model_first(const struct model *m, enum place place)
{
	unsigned first = FQ_CODEL_QUEUES;

	for (unsigned f = 0; f < FQ_CODEL_QUEUES; f++)
		if (m->place[f] == place &&
			(first == FQ_CODEL_QUEUES || m->turn[f] < m->turn[first]))
			first = f;
	return first;
}

/* RFC 8290, 4.2. */
static bool model_dequeue(struct model *m, uint64_t now, struct waiting *ret, bool *ret_marked)
{
	m->n_dropped = 0;
	for (;;) {
		unsigned f = model_first(m, AMONG_NEW);
		bool is_new = f != FQ_CODEL_QUEUES;

		if (!is_new)
			f = model_first(m, AMONG_OLD);
		if (f == FQ_CODEL_QUEUES)
			return false;
		if (m->deficit[f] <= 0) {
			m->deficit[f] += m->params->quantum;
			model_place(m, f, AMONG_OLD);
		} else if (model_codel(m, f, now, ret, ret_marked)) {
			m->deficit[f] -= ret->bytes;
			return true;
		} else if (is_new && model_first(m, AMONG_OLD) != FQ_CODEL_QUEUES) {
			model_place(m, f, AMONG_OLD);
		} else {
			m->place[f] = NOWHERE;
		}
	}
}

/* As evict does it: new flows first, the first of several that are equal. */
static bool model_evict(struct model *m, struct waiting *ret)
{
	unsigned fattest = FQ_CODEL_QUEUES;

	for (enum place place = AMONG_NEW; place <= AMONG_OLD; place++) {
		uint64_t after = 0;

		for (;;) {
			unsigned next = FQ_CODEL_QUEUES;

			for (unsigned f = 0; f < FQ_CODEL_QUEUES; f++)
				if (m->place[f] == place && m->turn[f] > after &&
					(next == FQ_CODEL_QUEUES || m->turn[f] < m->turn[next]))
					next = f;
			if (next == FQ_CODEL_QUEUES)
				break;
			after = m->turn[next];
			if (fattest == FQ_CODEL_QUEUES ||
				model_bytes(m, next) > model_bytes(m, fattest))
				fattest = next;
		}
	}
	return fattest != FQ_CODEL_QUEUES && model_oldest(m, fattest, ret);
}

struct item {
	struct fq_packet packet;
	unsigned id;
};

static struct item *item_of(struct fq_packet *packet)
{
	return (struct item *)packet;
}

/* Both sides of the comparison, and the packets. */
struct pair {
	struct fq_codel fq;
	struct model model;
	struct fq_codel_params params;
	unsigned n_items;
	struct item item[20000];
	uint64_t now;
	unsigned drops, marks;
};

static void pair_enqueue(struct pair *p, struct rnd *r, unsigned n_flows, bool ecn)
{
	struct item *item = &p->item[p->n_items];
	uint32_t hash = (uint32_t)rnd_below(r, n_flows);

	if (p->model.n == WAITING_MAX)
		return;
	item->id = p->n_items++;
	item->packet.bytes = (uint32_t)(60 + rnd_below(r, rnd_below(r, 20) == 0 ? 65000 : 1454));
	item->packet.ecn = ecn && rnd_below(r, 2) != 0;
	model_enqueue(&p->model, (struct waiting){item->id, hash % FQ_CODEL_QUEUES, p->now,
					 item->packet.bytes, item->packet.ecn});
	fq_codel_enqueue(&p->fq, &p->params, &item->packet, hash, p->now);
}

static void pair_dequeue(struct pair *p)
{
	struct waiting want;
	unsigned behind;
	bool marked;
	bool is = model_dequeue(&p->model, p->now, &want, &marked);
	struct fq_packet *dropped;
	struct fq_packet *got = fq_codel_dequeue(&p->fq, &p->params, p->now, &dropped);

	for (unsigned i = 0; i < p->model.n_dropped; i++, dropped = dropped->next) {
		assert_non_null(dropped);
		assert_int_equal(item_of(dropped)->id, p->model.dropped[i]);
	}
	assert_null(dropped);
	assert_int_equal(got != NULL, is);
	p->drops += p->model.n_dropped;
	if (!is)
		return;
	assert_int_equal(item_of(got)->id, want.id);
	assert_int_equal(got->marked, marked);
	p->marks += marked;
	behind = model_find(&p->model, want.flow);
	assert_int_equal(got->next != NULL, behind != p->model.n);
	if (got->next != NULL)
		assert_int_equal(item_of(got->next)->id, p->model.list[behind].id);
}

static void pair_evict(struct pair *p)
{
	struct waiting want;
	bool is = model_evict(&p->model, &want);
	uint16_t fattest = fq_codel_fattest(&p->fq);
	struct fq_packet *got = fattest == FQ_CODEL_NONE ? NULL : fq_codel_evict(&p->fq, fattest);

	assert_int_equal(got != NULL, is);
	if (is)
		assert_int_equal(item_of(got)->id, want.id);
}

static void pair_begin(struct pair *p, struct rnd *r)
{
	memset(p, 0, sizeof(*p));
	p->params = (struct fq_codel_params){
		.target = 1 + rnd_below(r, 5000),
		.interval = 1 + rnd_below(r, 100000),
		.quantum = (uint32_t)(1 + rnd_below(r, 2 * MTU)),
	};
	p->now = 1 + rnd_next(r) % 1000000;
	p->model.params = &p->params;
	memset(&p->fq, 0, sizeof(p->fq));
}

static void test_random(void **state)
{
	static struct pair p;
	struct rnd r = rnd_start("FQ-CoDel against a model");
	unsigned drops = 0, marks = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned n_flows = 1 + (unsigned)rnd_below(&r, round % 3 == 0 ? 600 : 6);
		uint64_t step = 1 + rnd_below(&r, 2000);
		unsigned load = 40 + (unsigned)rnd_below(&r, 30); /* percent that come */
		bool ecn = rnd_below(&r, 2) != 0;

		pair_begin(&p, &r);
		for (unsigned i = 0; i < 10000; i++) {
			unsigned what = (unsigned)rnd_below(&r, 100);

			p.now += rnd_below(&r, step);
			if (what < load)
				pair_enqueue(&p, &r, n_flows, ecn);
			else if (what < 99)
				pair_dequeue(&p);
			else
				pair_evict(&p);
			assert_int_equal(p.fq.packets, p.model.n);
		}
		while (p.model.n != 0)
			pair_dequeue(&p);
		assert_int_equal(p.fq.bytes, 0);
		drops += p.drops;
		marks += p.marks;
	}
	assert_true(drops > 1000 && marks > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
