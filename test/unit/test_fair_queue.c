/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scheduler and bucket of a bottleneck against a model, over random traffic of random classes and a clock that the test
 * moves: the same packets go, at the same tick, and the same are dropped. How CoDel drops is left to test_fq_codel.c: here
 * nobody waits for too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fair_queue.h"
#include "test/unit/fair_queue_model.h"
#include "test/unit/random.h"

#define MTU 1514
#define RUNS 3000
#define STEPS 300

/* Both, side by side. */
struct pair {
	struct model model;
	struct fair_queue queue;
	struct fq_codel_params params;
	struct token_bucket capacity;
	struct fq_packet packet[STEPS * 3];
	unsigned n_packets;
	uint64_t now;
	struct fq_packet *next; /* waits for the capacity, in both */
	struct waiting model_next;
	uint32_t bytes_max;
};

static void share_random(struct pair *p, struct rnd *r, unsigned class)
{
	static const uint8_t weights[] = {1, 1, 2, 4, 7, 100};
	uint64_t kept = rnd_below(r, 3) == 0 ? 1 + rnd_below(r, 3000000) : 0;
	uint64_t burst = kept * FAIR_KEPT_MS / 1000 + (uint64_t)p->params.quantum * 8;
	struct fair_share share = {kept, weights[rnd_below(r, sizeof(weights))]};

	fair_queue_set_share(&p->queue, (uint16_t) class, &share, p->params.quantum, HZ, p->now);
	p->model.weight[class] = share.weight;
	if (kept != p->model.kept[class].rate)
		bucket_begin(&p->model.kept[class], kept, burst, p->now);
	if (model_bytes(&p->model, class, FLOWS) != 0)
		model_join_kept(&p->model, class);
}

static void pair_begin(struct pair *p, struct rnd *r)
{
	uint64_t rate = 1000 + rnd_below(r, 20000000);

	memset(p, 0, sizeof(*p));
	p->params = (struct fq_codel_params){
		.target = UINT64_MAX,
		.interval = 1,
		.quantum = (uint32_t)(MTU / 2 + rnd_below(r, MTU)),
	};
	p->now = 1 + rnd_next(r) % 1000000;
	p->bytes_max = (uint32_t)(3 * MTU + rnd_below(r, 60 * MTU));
	p->model.quantum = p->params.quantum;
	assert_int_equal(fair_queue_init(&p->queue, CLASSES), 0);
	token_bucket_init(&p->capacity, rate, 4 * MTU * 8, HZ, p->now);
	bucket_begin(&p->model.capacity, rate, 4 * MTU * 8, p->now);
	for (unsigned i = 0; i < CLASSES; i++) {
		p->model.weight[i] = 1;
		share_random(p, r, i);
	}
}

static unsigned id_of(const struct pair *p, const struct fq_packet *packet)
{
	return (unsigned)(packet - p->packet);
}

static void come(struct pair *p, struct rnd *r)
{
	unsigned class = rnd_below(r, CLASSES);
	unsigned flow = rnd_below(r, FLOWS);
	unsigned id = p->n_packets++;
	struct fq_packet *packet = &p->packet[id];

	packet->bytes = 60 + rnd_below(r, rnd_below(r, 8) == 0 ? 4 * MTU : MTU);
	fair_queue_enqueue(&p->queue, &p->params, packet, (uint16_t) class, flow, p->now);
	model_enqueue(&p->model, (struct waiting){id, class, flow, packet->bytes});
	while (p->queue.bytes > p->bytes_max) {
		struct fair_flow fattest;
		struct fq_packet *out;

		assert_true(fair_queue_fattest(&p->queue, &fattest));
		out = fair_queue_evict(&p->queue, &fattest);
		assert_non_null(out);
		assert_int_equal(id_of(p, out), model_evict(&p->model).id);
	}
	assert_int_equal(p->queue.packets, p->model.n);
}

/* Everything goes that the capacity has room for by now. */
static unsigned go(struct pair *p)
{
	for (unsigned n = 0;; n++) {
		struct fq_packet *dropped;
		uint64_t bits;
		bool room;

		if (p->next == NULL) {
			bool is = false;

			p->next = fair_queue_dequeue(&p->queue, &p->params, p->now, &dropped);
			assert_null(dropped);
			is = model_dequeue(&p->model, p->now, &p->model_next);
			assert_int_equal(is, p->next != NULL);
		}
		if (p->next == NULL)
			return n;
		assert_int_equal(id_of(p, p->next), p->model_next.id);
		bits = (uint64_t)p->next->bytes * 8;
		room = token_bucket_take(&p->capacity, bits, p->now);
		assert_int_equal(room, bucket_bits(&p->model.capacity, p->now) >= bits);
		if (!room)
			return n;
		bucket_pay(&p->model.capacity, bits);
		p->next = NULL;
	}
}

static void test_random(void **state)
{
	static struct pair p;
	struct rnd r = rnd_start("fair queue against a model");
	unsigned gone = 0;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		pair_begin(&p, &r);
		for (unsigned step = 0; step < STEPS; step++) {
			for (unsigned n = rnd_below(&r, 4); n != 0; n--)
				come(&p, &r);
			if (rnd_below(&r, 20) == 0)
				share_random(&p, &r, rnd_below(&r, CLASSES));
			p.now += rnd_below(&r, rnd_below(&r, 10) == 0 ? 50000 : 500);
			gone += go(&p);
		}
		fair_queue_fini(&p.queue);
	}
	assert_true(gone > RUNS * STEPS / 10);
}

/* Always full; who gets what of a hundred thousand packets. */
static void greedy(const struct fair_share *share, uint64_t bits_per_s, uint64_t bytes[CLASSES])
{
	static struct fq_packet packet[CLASSES][8];
	struct fq_codel_params params = {UINT64_MAX, 1, MTU};
	struct fq_packet *dropped;
	struct fair_queue q;
	uint64_t now = 1;

	assert_int_equal(fair_queue_init(&q, CLASSES), 0);
	memset(bytes, 0, CLASSES * sizeof(*bytes));
	for (uint16_t c = 0; c < CLASSES && share[c].weight != 0; c++) {
		fair_queue_set_share(&q, c, &share[c], MTU, HZ, now);
		for (unsigned i = 0; i < 8; i++) {
			/* Each sends frames of another size. */
			packet[c][i].bytes = MTU - 200U * c;
			fair_queue_enqueue(&q, &params, &packet[c][i], c, 0, now);
		}
	}
	for (unsigned i = 0; i < 100000; i++) {
		struct fq_packet *p = fair_queue_dequeue(&q, &params, now, &dropped);

		bytes[p->class] += p->bytes;
		now += (uint64_t)p->bytes * 8 * HZ / bits_per_s;
		fair_queue_enqueue(&q, &params, p, p->class, 0, now);
	}
	fair_queue_fini(&q);
}

/* Bytes, not packets, and within one turn of what is due. */
static void test_shares_by_weight(void **state)
{
	static const struct fair_share share[CLASSES] = {{0, 1}, {0, 2}, {0, 4}, {0, 100}};
	uint64_t bytes[CLASSES];
	uint64_t sum = 0;

	(void)state;
	greedy(share, 8 * HZ, bytes);
	for (unsigned i = 0; i < 4; i++)
		sum += bytes[i];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t due = sum * share[i].weight / 107;
		uint64_t turn = 2ULL * MTU * share[i].weight + 2 * MTU;

		assert_in_range(bytes[i], due - turn, due + turn);
	}
}

/* 1 Mb/s of 8 Mb/s is kept for the first; it has that, and a third of the rest. */
static void test_kept(void **state)
{
	static const struct fair_share share[CLASSES] = {{1000000, 1}, {0, 1}, {0, 1}};
	uint64_t bytes[CLASSES];
	uint64_t sum;

	(void)state;
	greedy(share, 8 * HZ, bytes);
	sum = bytes[0] + bytes[1] + bytes[2];
	assert_in_range(bytes[0] * 1000 / sum, 1000 * (1000 + 7000 / 3) / 8000 - 3,
		1000 * (1000 + 7000 / 3) / 8000 + 3);
	assert_in_range(
		bytes[1] * 1000 / sum, 1000 * (7000 / 3) / 8000 - 3, 1000 * (7000 / 3) / 8000 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_shares_by_weight),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
