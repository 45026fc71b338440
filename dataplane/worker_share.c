/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the queues a worker polls have different weights (snapshot_port.share), they share it by deficit round robin in
 * frames: a round gives each queue credit by its weight, and a queue is visited when its credit pays for all that a visit
 * may take. The heaviest gets the smallest visit's worth of those that are polled, so that nobody has credit that one
 * visit a round could not use up. Nobody saves for more than two visits, so who was silent is served at once. Where
 * all weights are the same, each is visited each round, and nothing here costs anything.
 */
#include "dataplane/worker_private.h"

#define WEIGHT_SCALE PORT_QUEUES_MAX /* a port's weight is shared by its queues */

static unsigned queues_of(const struct worker *w, uint16_t port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_slots; i++)
		n += w->slots[i].poll.port == port;
	return n;
}

void worker_shares_take(struct worker *w)
{
	uint32_t heaviest = 1;
	uint32_t lightest = UINT32_MAX;

	for (unsigned i = 0; i < w->n_slots; i++) {
		const struct snapshot_port *in = &w->snap->ports[w->slots[i].poll.port];

		if (!in->uplink)
			heaviest = RTE_MAX(heaviest, (uint32_t)in->share.weight);
	}
	w->frame_credit = 0;
	for (unsigned i = 0; i < w->n_slots; i++) {
		struct poll_slot *slot = &w->slots[i];
		const struct snapshot_port *in = &w->snap->ports[slot->poll.port];
		/* What comes by an uplink is for all. */
		uint32_t weight = in->uplink ? heaviest : RTE_MAX(in->share.weight, 1U);

		slot->weight = weight * WEIGHT_SCALE;
		if (in->port->n_rxq > 1)
			slot->weight /= queues_of(w, slot->poll.port);
		w->frame_credit = RTE_MAX(w->frame_credit, slot->weight);
		lightest = RTE_MIN(lightest, slot->weight);
	}
	for (unsigned i = 0; i < w->n_slots; i++)
		w->slots[i].credit = w->frame_credit * BURST_MAX;
	if (lightest >= w->frame_credit)
		w->frame_credit = 0;
	w->rounds_credit = 1;
	w->rounds_wanted = UINT32_MAX;
	w->visit = w->next_visit = BURST_MAX;
}

/* Frames that one may take. */
static uint32_t visit_of(const struct worker *w, const struct poll_slot *slot)
{
	uint16_t frames = worker_visit_frames(w, slot->burst);

	return slot->rx_syscall ? RTE_MIN(frames, slot->port->rx_burst) : frames;
}

bool worker_share_has(struct worker *w, struct poll_slot *slot)
{
	uint32_t visit = visit_of(w, slot);
	uint32_t price = w->frame_credit * visit;
	uint32_t a_round = slot->weight * w->visit;
	uint32_t most = 2 * price;

	w->next_visit = RTE_MIN(w->next_visit, visit);
	if (slot->credit >= most || w->rounds_credit > (most - slot->credit) / a_round)
		slot->credit = most;
	else
		slot->credit += a_round * w->rounds_credit;
	if (slot->credit >= price)
		return true;
	w->rounds_wanted =
		RTE_MIN(w->rounds_wanted, (price - slot->credit + a_round - 1) / a_round);
	return false;
}

void worker_share_spend(struct worker *w, struct poll_slot *slot, unsigned frames)
{
	slot->credit -= RTE_MIN(slot->credit, w->frame_credit * frames);
}

void worker_shares_next_round(struct worker *w, bool worked)
{
	/* Those that would have to wait had the worker to themselves: as many rounds at once as the first one needs. */
	w->rounds_credit = worked || w->rounds_wanted == UINT32_MAX ? 1 : w->rounds_wanted;
	w->rounds_wanted = UINT32_MAX;
	w->visit = w->next_visit;
	w->next_visit = BURST_MAX;
}
