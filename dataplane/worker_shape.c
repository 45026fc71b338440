/* SPDX-License-Identifier: BSD-3-Clause */
/* The shapers that a worker takes from, once a round. */
#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "dataplane/worker_private.h"

static void shaper_add(struct worker *w, uint16_t port, enum meter_side side, struct meter *meter)
{
	if (meter == NULL || meter->shaper == NULL)
		return;
	w->shapers[w->n_shapers++] = (struct shaper_slot){port, side, BURST_FIRST, meter->shaper};
	shaper_recheck(meter->shaper);
}

int worker_shapers_take(struct worker *w)
{
	struct shaper_slot *room =
		realloc(w->shapers, (w->n_slots * METER_SIDES + 1) * sizeof(*room));

	w->n_shapers = 0;
	if (room == NULL)
		return -ENOMEM;
	w->shapers = room;
	for (unsigned i = 0; i < w->n_slots; i++) {
		uint16_t port = w->slots[i].poll.port;

		if (w->slots[i].poll.queue != 0)
			continue;
		shaper_add(w, port, METER_TX, w->snap->ports[port].tx);
		shaper_add(w, port, METER_RX, w->snap->ports[port].rx);
	}
	return 0;
}

/* Whoever they came from pays for sending them. */
static void charge(struct worker *w, uint64_t took, unsigned n)
{
	const struct frame *sent = w->pipeline->burst.frame;

	took = worker_charged_tsc(w, took);
	for (unsigned i = 0; i < n; i++)
		worker_share_charge(w, sent[i].held_of, took / n);
}

/*
 * As a visit to a queue, of as many frames as take no longer. Where they cost little there is more than one, for a fourth
 * of what the round has taken: what many have put in should become less.
 */
static unsigned shaper_run(struct worker *w, struct shaper_slot *slot, uint64_t now)
{
	uint64_t may_take = worker_visit_tsc(w);
	uint64_t begin = rte_rdtsc();
	uint64_t more = RTE_MAX(may_take, begin - now) / 4;
	uint64_t end = begin;
	unsigned work = 0;

	do {
		uint16_t most = worker_visit_frames(w, slot->burst);
		unsigned n = pipeline_resume(w->pipeline, w->snap, slot->port, slot->side, most);
		uint64_t before = end;

		end = rte_rdtsc();
		slot->burst = worker_burst_next(slot->burst, n, end - before, may_take);
		charge(w, end - before, n);
		work += n;
	} while (shaper_due(slot->shaper) <= now && end - begin < more);
	return work;
}

unsigned worker_shapers_run(struct worker *w, uint64_t now)
{
	unsigned work = 0;

	for (unsigned i = 0; i < w->n_shapers; i++)
		if (shaper_due(w->shapers[i].shaper) <= now)
			work += shaper_run(w, &w->shapers[i], now);
	return work;
}

uint64_t worker_shapers_due(const struct worker *w)
{
	uint64_t due = SHAPER_NEVER;

	for (unsigned i = 0; i < w->n_shapers; i++)
		due = RTE_MIN(due, shaper_due(w->shapers[i].shaper));
	return due;
}
