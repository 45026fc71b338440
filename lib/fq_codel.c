/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/fq_codel.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define COUNT_KEPT_INTERVALS 16 /* how soon dropping goes on where it had ended: RFC 8289, 5.5 */

static struct fq_packet *queue_pop(struct fq_codel *fq, struct fq_queue *q)
{
	struct fq_packet *packet = q->head;

	if (packet == NULL)
		return NULL;
	q->head = packet->next;
	q->bytes -= packet->bytes;
	fq->bytes -= packet->bytes;
	fq->packets--;
	return packet;
}

void fq_codel_enqueue(struct fq_codel *fq, const struct fq_codel_params *params,
	struct fq_packet *packet, uint32_t hash, uint64_t now)
{
	uint16_t i = fq_codel_flow(hash);
	struct fq_queue *q = &fq->queue[i];

	packet->next = NULL;
	packet->since = now;
	packet->queue = i;
	packet->marked = false;
	if (q->head == NULL)
		q->head = packet;
	else
		q->tail->next = packet;
	q->tail = packet;
	q->bytes += packet->bytes;
	fq->bytes += packet->bytes;
	fq->packets++;
	drr_add(&fq->round, fq->turn, i, params->quantum);
}

/* The interval over the square root of the count: RFC 8289, 5.5. */
static uint64_t control_law(const struct fq_codel_params *params, uint64_t from, uint32_t count)
{
	return from + (uint64_t)((double)params->interval / sqrt(count));
}

/*
 * The next packet of a flow; *ret_late: its flow has waited too long for an interval. A queue of no more than one
 * packet's bytes is never too long: nobody could send with less.
 */
static struct fq_packet *codel_pop(struct fq_codel *fq, struct fq_queue *q,
	const struct fq_codel_params *params, uint64_t now, bool *ret_late)
{
	struct fq_packet *packet = queue_pop(fq, q);
	struct codel *c = &q->codel;

	*ret_late = false;
	if (packet == NULL || now < packet->since || now - packet->since < params->target ||
		q->bytes <= params->quantum) {
		c->above = false;
	} else if (!c->above) {
		c->above = true;
		c->late = now + params->interval;
	} else {
		*ret_late = now >= c->late;
	}
	return packet;
}

/* True: it is marked and goes. False: it was dropped. */
static bool mark_or_drop(struct fq_packet *packet, struct fq_packet ***drops)
{
	packet->marked = packet->ecn;
	if (packet->ecn)
		return true;
	packet->next = NULL;
	**drops = packet;
	*drops = &packet->next;
	return false;
}

/* As many as are due. */
static struct fq_packet *codel_go_on(struct fq_codel *fq, struct fq_queue *q,
	const struct fq_codel_params *params, uint64_t now, struct fq_packet *packet,
	struct fq_packet ***drops)
{
	struct codel *c = &q->codel;

	while (c->dropping && now >= c->drop_next) {
		bool goes;

		c->count++;
		goes = mark_or_drop(packet, drops);
		if (!goes)
			packet = codel_pop(fq, q, params, now, &c->dropping);
		if (c->dropping)
			c->drop_next = control_law(params, c->drop_next, c->count);
		if (goes)
			break;
	}
	return packet;
}

/* The first one. Where dropping had ended only lately it begins at the rate that was right then. */
static struct fq_packet *codel_begin(struct fq_codel *fq, struct fq_queue *q,
	const struct fq_codel_params *params, uint64_t now, struct fq_packet *packet,
	struct fq_packet ***drops)
{
	struct codel *c = &q->codel;
	uint32_t since = c->count - c->last_count;
	bool lately =
		now < c->drop_next || now - c->drop_next < COUNT_KEPT_INTERVALS * params->interval;
	bool late;

	c->dropping = true;
	c->count = since > 1 && lately ? since : 1;
	c->last_count = c->count;
	c->drop_next = control_law(params, now, c->count);
	return mark_or_drop(packet, drops) ? packet : codel_pop(fq, q, params, now, &late);
}

static struct fq_packet *codel_dequeue(struct fq_codel *fq, struct fq_queue *q,
	const struct fq_codel_params *params, uint64_t now, struct fq_packet ***drops)
{
	bool late;
	struct fq_packet *packet = codel_pop(fq, q, params, now, &late);

	if (!late)
		q->codel.dropping = false;
	else if (q->codel.dropping)
		packet = codel_go_on(fq, q, params, now, packet, drops);
	else
		packet = codel_begin(fq, q, params, now, packet, drops);
	return packet;
}

struct fq_packet *fq_codel_dequeue(struct fq_codel *fq, const struct fq_codel_params *params,
	uint64_t now, struct fq_packet **ret_dropped)
{
	struct fq_packet **drops = ret_dropped;
	uint32_t i;

	*ret_dropped = NULL;
	while ((i = drr_first(&fq->round)) != DRR_NONE) {
		struct fq_packet *packet;

		if (fq->turn[i].deficit <= 0) {
			drr_next_turn(&fq->round, fq->turn, params->quantum);
			continue;
		}
		packet = codel_dequeue(fq, &fq->queue[i], params, now, &drops);
		if (packet != NULL) {
			drr_charge(fq->turn, (uint16_t)i, packet->bytes);
			return packet;
		}
		drr_leave(&fq->round, fq->turn);
	}
	return NULL;
}

static void find_fattest(const struct fq_codel *fq, const struct drr_list *list, uint16_t *fattest)
{
	for (uint32_t i = drr_begin(list); i != DRR_NONE; i = drr_after(fq->turn, i))
		if (*fattest == FQ_CODEL_NONE || fq->queue[i].bytes > fq->queue[*fattest].bytes)
			*fattest = (uint16_t)i;
}

uint16_t fq_codel_fattest(const struct fq_codel *fq)
{
	uint16_t fattest = FQ_CODEL_NONE;

	find_fattest(fq, &fq->round.fresh, &fattest);
	find_fattest(fq, &fq->round.aged, &fattest);
	return fattest;
}

struct fq_packet *fq_codel_evict(struct fq_codel *fq, uint16_t flow)
{
	return queue_pop(fq, &fq->queue[flow]);
}
