/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/fair_queue.h"

#include <stdlib.h>

#define BITS 8
#define MS_PER_S 1000

int fair_queue_init(struct fair_queue *q, uint16_t n_classes)
{
	*q = (struct fair_queue){
		.turn = calloc(n_classes, sizeof(*q->turn)),
		.kept_turn = calloc(n_classes, sizeof(*q->kept_turn)),
		.class = calloc(n_classes, sizeof(*q->class)),
	};
	if (q->turn != NULL && q->kept_turn != NULL && q->class != NULL)
		return 0;
	fair_queue_fini(q);
	return -1;
}

void fair_queue_fini(struct fair_queue *q)
{
	free(q->turn);
	free(q->kept_turn);
	free(q->class);
	*q = (struct fair_queue){0};
}

static uint32_t weight_of(const struct fair_class *c)
{
	return c->share.weight == 0 ? 1 : c->share.weight;
}

/* It is looked at before the others as long as it may have something to send. */
static void join_kept(struct fair_queue *q, uint16_t class)
{
	struct fair_class *c = &q->class[class];

	if (c->among_kept || c->share.kept_bits_per_s == 0)
		return;
	c->among_kept = true;
	q->n_kept++;
	drr_append(&q->kept, q->kept_turn, class);
}

void fair_queue_set_share(struct fair_queue *q, uint16_t class, const struct fair_share *share,
	uint32_t quantum, uint64_t hz, uint64_t now)
{
	struct fair_class *c = &q->class[class];
	uint64_t rate = share->kept_bits_per_s;

	if (rate == c->share.kept_bits_per_s && share->weight == c->share.weight)
		return;
	if (rate != c->share.kept_bits_per_s && rate != 0)
		token_bucket_init(&c->kept, rate,
			rate * FAIR_KEPT_MS / MS_PER_S + (uint64_t)quantum * BITS, hz, now);
	c->share = *share;
	if (c->fq.packets != 0)
		join_kept(q, class);
}

void fair_queue_enqueue(struct fair_queue *q, const struct fq_codel_params *params,
	struct fq_packet *packet, uint16_t class, uint32_t hash, uint64_t now)
{
	struct fair_class *c = &q->class[class];

	packet->class = class;
	fq_codel_enqueue(&c->fq, params, packet, hash, now);
	q->packets++;
	q->bytes += packet->bytes;
	drr_add(&q->round, q->turn, class, params->quantum * weight_of(c));
	join_kept(q, class);
}

/* Of one class; what CoDel drops is added at the end of the list that *drops ends. */
static struct fq_packet *take(struct fair_queue *q, struct fair_class *c,
	const struct fq_codel_params *params, uint64_t now, struct fq_packet ***drops)
{
	uint32_t packets = c->fq.packets;
	uint64_t bytes = c->fq.bytes;
	struct fq_packet *packet = fq_codel_dequeue(&c->fq, params, now, *drops);

	q->packets -= packets - c->fq.packets;
	q->bytes -= bytes - c->fq.bytes;
	while (**drops != NULL)
		*drops = &(**drops)->next;
	return packet;
}

/* What is kept for a class pays for as much as it holds; the rest is charged to its turn. */
static void pay_by_kept(
	struct fair_queue *q, uint16_t class, const struct fq_packet *packet, uint64_t now)
{
	struct token_bucket *kept = &q->class[class].kept;
	uint64_t bits = (uint64_t)packet->bytes * BITS;
	uint64_t level = token_bucket_level(kept, now);

	if (level >= bits) {
		token_bucket_take(kept, bits, now);
		return;
	}
	token_bucket_take(kept, level, now);
	drr_charge(q->turn, class, (uint32_t)((bits - level) / BITS));
}

/* Of a class that has a turn's worth kept, each in its turn. */
static struct fq_packet *take_kept(struct fair_queue *q, const struct fq_codel_params *params,
	uint64_t now, struct fq_packet ***drops)
{
	for (uint16_t looks = q->n_kept; looks != 0; looks--) {
		uint16_t class = drr_pop(&q->kept, q->kept_turn);
		struct fair_class *c = &q->class[class];
		struct fq_packet *packet;

		if (c->fq.packets == 0 || c->share.kept_bits_per_s == 0) {
			c->among_kept = false;
			q->n_kept--;
			continue;
		}
		drr_append(&q->kept, q->kept_turn, class);
		if (token_bucket_level(&c->kept, now) < (uint64_t)params->quantum * BITS)
			continue;
		packet = take(q, c, params, now, drops);
		if (packet != NULL) {
			pay_by_kept(q, class, packet, now);
			return packet;
		}
	}
	return NULL;
}

struct fq_packet *fair_queue_dequeue(struct fair_queue *q, const struct fq_codel_params *params,
	uint64_t now, struct fq_packet **ret_dropped)
{
	struct fq_packet **drops = ret_dropped;
	struct fq_packet *packet;
	uint32_t class;

	*ret_dropped = NULL;
	packet = take_kept(q, params, now, &drops);
	if (packet != NULL)
		return packet;
	while ((class = drr_first(&q->round)) != DRR_NONE) {
		struct fair_class *c = &q->class[class];

		if (q->turn[class].deficit <= 0) {
			drr_next_turn(&q->round, q->turn, params->quantum * weight_of(c));
			continue;
		}
		packet = take(q, c, params, now, &drops);
		if (packet != NULL) {
			drr_charge(q->turn, (uint16_t) class, packet->bytes);
			return packet;
		}
		drr_leave(&q->round, q->turn);
	}
	return NULL;
}

static void find_fattest(
	const struct fair_queue *q, const struct drr_list *list, const struct fair_class **fattest)
{
	for (uint32_t i = drr_begin(list); i != DRR_NONE; i = drr_after(q->turn, i)) {
		const struct fair_class *c = &q->class[i];

		if (*fattest == NULL ||
			c->fq.bytes * weight_of(*fattest) > (*fattest)->fq.bytes * weight_of(c))
			*fattest = c;
	}
}

bool fair_queue_fattest(const struct fair_queue *q, struct fair_flow *ret)
{
	const struct fair_class *fattest = NULL;

	if (q->packets == 0)
		return false;
	find_fattest(q, &q->round.fresh, &fattest);
	find_fattest(q, &q->round.aged, &fattest);
	ret->class = (uint16_t)(fattest - q->class);
	ret->flow = fq_codel_fattest(&fattest->fq);
	return true;
}

struct fq_packet *fair_queue_evict(struct fair_queue *q, const struct fair_flow *flow)
{
	struct fq_packet *packet = fq_codel_evict(&q->class[flow->class].fq, flow->flow);

	if (packet == NULL)
		return NULL;
	q->packets--;
	q->bytes -= packet->bytes;
	return packet;
}
