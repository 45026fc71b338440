/* SPDX-License-Identifier: BSD-3-Clause */
/* The shapers that a worker takes from, once a round. */
#include <errno.h>
#include <stdlib.h>

#include "dataplane/worker_private.h"

/* Of one shaper in one round: it may let go many small frames for what came as few large ones. */
#define BURSTS_PER_ROUND 4

static void shaper_add(struct worker *w, uint16_t port, enum meter_side side, struct meter *meter)
{
	if (meter == NULL || meter->shaper == NULL)
		return;
	w->shapers[w->n_shapers++] = (struct shaper_slot){port, side, meter->shaper};
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

unsigned worker_shapers_run(struct worker *w, uint64_t now)
{
	unsigned work = 0;

	for (unsigned i = 0; i < w->n_shapers; i++) {
		const struct shaper_slot *slot = &w->shapers[i];

		for (unsigned k = 0; k < BURSTS_PER_ROUND && shaper_due(slot->shaper) <= now; k++)
			work += pipeline_resume(w->pipeline, w->snap, slot->port, slot->side);
	}
	return work;
}

uint64_t worker_shapers_due(const struct worker *w)
{
	uint64_t due = SHAPER_NEVER;

	for (unsigned i = 0; i < w->n_shapers; i++)
		due = RTE_MIN(due, shaper_due(w->shapers[i].shaper));
	return due;
}
