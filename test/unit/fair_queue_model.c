/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/fair_queue_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void bucket_begin(struct model_bucket *b, uint64_t rate, uint64_t most, uint64_t now)
{
	*b = (struct model_bucket){rate, most, (unsigned __int128)most * HZ, now};
}

uint64_t bucket_bits(struct model_bucket *b, uint64_t now)
{
	b->units += (unsigned __int128)(now - b->last) * b->rate;
	b->last = now;
	if (b->units > (unsigned __int128)b->most * HZ)
		b->units = (unsigned __int128)b->most * HZ;
	return (uint64_t)(b->units / HZ);
}

void bucket_pay(struct model_bucket *b, uint64_t bits)
{
	b->units -= (unsigned __int128)bits * HZ;
}

uint64_t model_bytes(const struct model *m, unsigned class, unsigned flow)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].class == class && (flow == FLOWS || m->list[i].flow == flow))
			bytes += m->list[i].bytes;
	return bytes;
}

static void go_to(struct model *m, struct turn *t, enum place place)
{
	t->place = place;
	t->since = ++m->turns;
}

/* The first of those that take turns, or n. */
static unsigned first_of(const struct turn *t, unsigned n)
{
	for (enum place place = AMONG_NEW; place <= AMONG_OLD; place++) {
		unsigned first = n;

		for (unsigned i = 0; i < n; i++)
			if (t[i].place == place && (first == n || t[i].since < t[first].since))
				first = i;
		if (first != n)
			return first;
	}
	return n;
}

static bool any_old(const struct turn *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (t[i].place == AMONG_OLD)
			return true;
	return false;
}

/* RFC 8290, 4.2: whose turn is over goes to the old ones; so does who is new and has nothing, once; else it is out. */
static void turn_passes(struct model *m, struct turn *t, unsigned n, unsigned i, uint32_t quantum)
{
	if (t[i].deficit <= 0) {
		t[i].deficit += quantum;
		go_to(m, &t[i], AMONG_OLD);
	} else if (t[i].place == AMONG_NEW && any_old(t, n)) {
		go_to(m, &t[i], AMONG_OLD);
	} else {
		t[i].place = NOWHERE;
	}
}

/* FLOWS: none of them has anything. */
static unsigned flow_in_turn(struct model *m, unsigned class)
{
	struct turn *t = m->flow[class];
	unsigned i;

	while ((i = first_of(t, FLOWS)) != FLOWS) {
		if (t[i].deficit > 0 && model_bytes(m, class, i) != 0)
			return i;
		turn_passes(m, t, FLOWS, i, m->quantum);
	}
	return FLOWS;
}

static unsigned class_in_turn(struct model *m)
{
	struct turn *t = m->class;
	unsigned i;

	while ((i = first_of(t, CLASSES)) != CLASSES) {
		/* In its turn its flows are asked. */
		if (t[i].deficit > 0 && flow_in_turn(m, i) != FLOWS)
			return i;
		turn_passes(m, t, CLASSES, i, m->quantum * m->weight[i]);
	}
	return CLASSES;
}

static struct waiting model_remove(struct model *m, unsigned class, unsigned flow)
{
	for (unsigned i = 0;; i++) {
		struct waiting w = m->list[i];

		assert_true(i < m->n);
		if (w.class != class || w.flow != flow)
			continue;
		m->n--;
		memmove(&m->list[i], &m->list[i + 1], (m->n - i) * sizeof(w));
		return w;
	}
}

/* The next of a class. */
static struct waiting model_take(struct model *m, unsigned class)
{
	unsigned flow = flow_in_turn(m, class);
	struct waiting w = model_remove(m, class, flow);

	m->flow[class][flow].deficit -= w.bytes;
	return w;
}

void model_join_kept(struct model *m, unsigned class)
{
	if (m->kept[class].rate == 0 || m->among_kept[class])
		return;
	m->among_kept[class] = true;
	m->kept_since[class] = ++m->turns;
}

void model_enqueue(struct model *m, struct waiting w)
{
	struct turn *class = &m->class[w.class];
	struct turn *flow = &m->flow[w.class][w.flow];

	m->list[m->n++] = w;
	if (flow->place == NOWHERE) {
		flow->deficit = m->quantum;
		go_to(m, flow, AMONG_NEW);
	}
	if (class->place == NOWHERE) {
		class->deficit = (int64_t)m->quantum * m->weight[w.class];
		go_to(m, class, AMONG_NEW);
	}
	model_join_kept(m, w.class);
}

/* Who has waited longest among those with something kept; CLASSES: nobody. */
static unsigned first_kept(const struct model *m)
{
	unsigned first = CLASSES;

	for (unsigned i = 0; i < CLASSES; i++)
		if (m->among_kept[i] &&
			(first == CLASSES || m->kept_since[i] < m->kept_since[first]))
			first = i;
	return first;
}

static bool model_dequeue_kept(struct model *m, uint64_t now, struct waiting *ret)
{
	unsigned looks = 0;

	for (unsigned i = 0; i < CLASSES; i++)
		looks += m->among_kept[i];
	for (; looks != 0; looks--) {
		unsigned c = first_kept(m);
		uint64_t level;

		if (m->kept[c].rate == 0 || model_bytes(m, c, FLOWS) == 0) {
			m->among_kept[c] = false;
			continue;
		}
		m->kept_since[c] = ++m->turns;
		level = bucket_bits(&m->kept[c], now);
		if (level < m->quantum * 8)
			continue;
		*ret = model_take(m, c);
		if (level >= ret->bytes * 8) {
			bucket_pay(&m->kept[c], ret->bytes * 8);
		} else {
			bucket_pay(&m->kept[c], level);
			m->class[c].deficit -= (int64_t)((ret->bytes * 8 - level) / 8);
		}
		return true;
	}
	return false;
}

bool model_dequeue(struct model *m, uint64_t now, struct waiting *ret)
{
	unsigned class;

	if (model_dequeue_kept(m, now, ret))
		return true;
	class = class_in_turn(m);
	if (class == CLASSES)
		return false;
	*ret = model_take(m, class);
	m->class[class].deficit -= ret->bytes;
	return true;
}

static bool is_before(const struct turn *a, const struct turn *b)
{
	return a->place != b->place ? a->place < b->place : a->since < b->since;
}

/* Of those with most, the first in the order of turns. */
static unsigned fattest(const struct model *m, const struct turn *t, unsigned n, unsigned class)
{
	unsigned most = n;
	double bytes[CLASSES + FLOWS];

	for (unsigned i = 0; i < n; i++) {
		bytes[i] = n == CLASSES ? (double)model_bytes(m, i, FLOWS) / m->weight[i]
					: (double)model_bytes(m, class, i);
		if (t[i].place == NOWHERE)
			continue;
		if (most == n || bytes[i] > bytes[most] ||
			(bytes[i] >= bytes[most] && is_before(&t[i], &t[most])))
			most = i;
	}
	return most;
}

struct waiting model_evict(struct model *m)
{
	unsigned class = fattest(m, m->class, CLASSES, 0);

	return model_remove(m, class, fattest(m, m->flow[class], FLOWS, class));
}
