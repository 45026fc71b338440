/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "lib/conn_table.h"
#include "test/unit/conn_keys.h"
#include "test/unit/eal_up.h"
#include "test/unit/random.h"

#define MODEL_MAX 256

/* The model: a list of connections, and of each what has been seen. */
struct model_conn {
	struct conn_key key;
	struct conn_info info;
	uint64_t last_ms;
	bool began_with_syn;
	bool syn_answered;
	bool established;
	bool closed;
	bool fin[2];
	bool replied;
};

struct model {
	struct model_conn conn[MODEL_MAX];
	unsigned n;
	uint64_t now;
};

static bool key_equal(const struct conn_key *a, const struct conn_key *b)
{
	size_t len = a->family == 4 ? 4 : 16;

	return a->family == b->family && a->proto == b->proto && a->network == b->network &&
	       a->sport == b->sport && a->dport == b->dport && memcmp(a->src, b->src, len) == 0 &&
	       memcmp(a->dst, b->dst, len) == 0;
}

/* The connection of a packet, or NULL. */
static struct model_conn *model_find(
	struct model *m, const struct conn_key *key, enum conn_direction *direction)
{
	struct conn_key reverse = key_reverse(key);

	for (unsigned i = 0; i < m->n; i++) {
		*direction = key_equal(&m->conn[i].key, key) ? CONN_ORIGINAL : CONN_REPLY;
		if (*direction == CONN_ORIGINAL || key_equal(&m->conn[i].key, &reverse))
			return &m->conn[i];
	}
	return NULL;
}

static void model_drop(struct model *m, struct model_conn *c)
{
	*c = m->conn[--m->n];
}

static bool model_closing(const struct model_conn *c)
{
	return c->closed || c->fin[0] || c->fin[1];
}

static uint64_t model_idle_ms(const struct model_conn *c)
{
	switch (c->key.proto) {
	case IPPROTO_TCP:
		return 1000 * (c->closed		 ? CONN_TCP_CLOSED_S
				      : model_closing(c) ? CONN_TCP_CLOSING_S
				      : c->established	 ? CONN_TCP_ESTABLISHED_S
							 : CONN_TCP_SYN_S);
	case IPPROTO_UDP:
		return 1000 * (c->replied ? CONN_UDP_STREAM_S : CONN_UDP_S);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 1000 * CONN_ICMP_S;
	default:
		return 1000 * CONN_OTHER_S;
	}
}

static bool model_confirmed(const struct model_conn *c)
{
	return c->key.proto == IPPROTO_TCP ? c->established || c->closed : c->replied;
}

static void model_packet(struct model_conn *c, enum conn_direction dir, uint8_t flags)
{
	bool both = c->fin[0] && c->fin[1];

	c->replied = c->replied || dir == CONN_REPLY;
	if (c->key.proto != IPPROTO_TCP || c->closed)
		return;
	if (flags & RST) {
		c->closed = true;
		return;
	}
	if (!c->established && !c->began_with_syn)
		c->established = dir == CONN_REPLY;
	else if (!c->established && c->syn_answered)
		c->established = (flags & ACK) && !(flags & SYN);
	else if (!c->established && dir == CONN_REPLY && (flags & SYN))
		c->syn_answered = true;
	if (!c->established)
		return;
	if (both && (flags & ACK) && !(flags & FIN))
		c->closed = true;
	if (flags & FIN)
		c->fin[dir] = true;
}

static void check_found(const struct model_conn *c, enum conn_direction expect,
	const struct conn_info *info, enum conn_direction direction)
{
	assert_int_equal(direction, expect);
	assert_int_equal(info->gen, c->info.gen);
	assert_int_equal(info->rule_out, c->info.rule_out);
	assert_int_equal(info->rule_in, c->info.rule_in);
	assert_int_equal(info->a_port, c->info.a_port);
	assert_int_equal(info->confirmed, model_confirmed(c));
}

/* Alone or as a burst of one. */
static bool touch_one_way(struct rnd *r, struct conn_table *t, const struct conn_key *key,
	uint8_t flags, uint64_t now, struct conn_info *info, enum conn_direction *direction)
{
	struct conn_touch touch = {.place = place_of(t, key), .tcp_flags = flags};

	if (rnd_below(r, 2))
		return key_touch(t, key, flags, now, info, direction);
	conn_place_touch_burst(&touch, 1, now);
	*info = touch.info;
	*direction = touch.direction;
	return touch.alive;
}

static void step_touch(struct rnd *r, struct conn_table *t, struct model *m, struct conn_key *key)
{
	uint8_t flags = flags_random(r);
	enum conn_direction expect, direction;
	struct model_conn *c = model_find(m, key, &expect);
	struct conn_info info;

	if (c != NULL && (m->now >= c->last_ms + model_idle_ms(c) ||
				 (model_closing(c) && (flags & (SYN | ACK | RST)) == SYN))) {
		model_drop(m, c);
		c = NULL;
	}
	assert_int_equal(touch_one_way(r, t, key, flags, m->now, &info, &direction), c != NULL);
	if (c != NULL) {
		model_packet(c, expect, flags);
		c->last_ms = m->now;
		check_found(c, expect, &info, direction);
	}
}

static void step_find(struct conn_table *t, struct model *m, struct conn_key *key)
{
	enum conn_direction expect, direction;
	struct model_conn *c = model_find(m, key, &expect);
	struct conn_info info;

	if (c != NULL && m->now >= c->last_ms + model_idle_ms(c))
		c = NULL;
	assert_int_equal(key_find(t, key, m->now, &info, &direction), c != NULL);
	if (c != NULL)
		check_found(c, expect, &info, direction);
}

static void step_add(struct rnd *r, struct conn_table *t, struct model *m, struct conn_key *key)
{
	uint32_t v = (uint32_t)rnd_next(r);
	struct conn_info info = {.gen = v, .rule_out = ~v, .rule_in = v + 1, .a_port = (uint16_t)v};
	uint8_t flags = flags_random(r);
	enum conn_direction direction;
	struct model_conn *c = model_find(m, key, &direction);
	int rc = key_add(t, key, flags, &info, m->now);

	if (c != NULL && (m->now >= c->last_ms + model_idle_ms(c) ||
				 (model_closing(c) && (flags & (SYN | ACK | RST)) == SYN))) {
		model_drop(m, c);
		c = NULL;
	}
	assert_int_equal(rc, c != NULL);
	if (c == NULL) {
		c = &m->conn[m->n++];
		*c = (struct model_conn){.key = *key,
			.info = info,
			.last_ms = m->now,
			.began_with_syn = (flags & (SYN | ACK)) == SYN,
			.closed = key->proto == IPPROTO_TCP && (flags & RST)};
	} else if (direction == CONN_ORIGINAL) {
		c->info = info;
	}
}

static void step_time(struct rnd *r, struct model *m)
{
	static const uint64_t jumps[] = {1, 1000, 10000, 30000, 120000, 300000, 8000000};

	if (rnd_below(r, 2) || m->n == 0) {
		m->now += rnd_below(r, 100);
	} else if (rnd_below(r, 3)) {
		/* To the millisecond in which one ends, or the one before or after. */
		const struct model_conn *c = &m->conn[rnd_below(r, m->n)];
		uint64_t end = c->last_ms + model_idle_ms(c) - 1 + rnd_below(r, 3);

		m->now = end > m->now ? end : m->now;
	} else if (rnd_below(r, 20) == 0) {
		m->now += rnd_below(r, jumps[rnd_below(r, 7)]);
	}
}

static unsigned model_alive(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->now < m->conn[i].last_ms + model_idle_ms(&m->conn[i]);
	return n;
}

static void test_random(void **state)
{
	struct rnd r = rnd_start("conn_table");
	struct conn_table *t = conn_table_create(1024, -1);
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	assert_non_null(t);
	assert_non_null(m);
	m->now = 12345;
	for (int i = 0; i < 300000; i++) {
		struct conn_key key = key_random(&r);
		unsigned what = (unsigned)rnd_below(&r, 1000);
		enum conn_direction direction;
		struct model_conn *c;

		if (m->n != 0 && rnd_below(&r, 2)) {
			key = m->conn[rnd_below(&r, m->n)].key;
			if (rnd_below(&r, 2))
				key = key_reverse(&key);
		}
		if (what < 500) {
			step_touch(&r, t, m, &key);
		} else if (what < 650) {
			step_find(t, m, &key);
		} else if (what < 850) {
			step_add(&r, t, m, &key);
		} else if (what < 870) {
			c = model_find(m, &key, &direction);
			key_remove(t, &key);
			if (c != NULL)
				model_drop(m, c);
		} else if (what < 871) {
			conn_table_flush_network(t, key.network);
			for (unsigned k = m->n; k-- > 0;)
				if (m->conn[k].key.network == key.network)
					model_drop(m, &m->conn[k]);
		} else {
			step_time(&r, m);
		}
		assert_true(m->n <= MODEL_MAX - 1);
		/* Expired ones may have lost their place to others. */
		if (i % 1000 == 0)
			assert_in_range(conn_table_count(t), model_alive(m), m->n);
	}
	free(m);
	conn_table_free(t);
}

#define HAMMER_OPS 100000

static void *hammer(void *arg)
{
	struct conn_table *t = arg;
	struct rnd r = {(uintptr_t)&r};
	uintptr_t torn = 0;

	for (uint64_t now = 0; now < HAMMER_OPS; now++) {
		struct conn_key key = key_random(&r);
		uint32_t v = (uint32_t)rnd_next(&r);
		struct conn_info info = {
			.gen = v, .rule_out = v + 1, .rule_in = v + 2, .a_port = (uint16_t)v};
		enum conn_direction direction;
		bool found = false;

		switch (rnd_below(&r, 8)) {
		case 0 ... 1:
			torn += key_add(t, &key, flags_random(&r), &info, now) < 0;
			break;
		case 2:
			key_remove(t, &key);
			break;
		case 3 ... 5:
			found = key_touch(t, &key, flags_random(&r), now, &info, &direction);
			break;
		default:
			found = key_find(t, &key, now, &info, &direction);
		}
		if (found)
			torn += info.rule_out != info.gen + 1 || info.rule_in != info.gen + 2 ||
				info.a_port != (uint16_t)info.gen;
	}
	return (void *)torn;
}

static void test_threads(void **state)
{
	struct rnd r = rnd_start("conn_table threads");
	struct conn_table *t = conn_table_create(1024, -1);
	pthread_t thread[2];
	void *torn;

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, t), 0);
	for (int i = 0; i < 200; i++) {
		conn_table_flush_network(t, i % 2 ? 1 : 65535);
		assert_in_range(conn_table_count(t), 0, 210);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], &torn), 0);
		assert_null(torn);
	}
	/* None is there twice, none is left behind. */
	for (int i = 0; i < 100000; i++) {
		struct conn_key key = key_random(&r);

		key_remove(t, &key);
	}
	assert_int_equal(conn_table_count(t), 0);
	conn_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
