/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose turn it is where a worker has not enough time for all: fair queueing of time, after Goyal, Vin and Cheng (SIGCOMM
 * 1996), charged afterwards. A port is charged what visits to it take, and what it takes to send its frames that waited in
 * a shaper: by its weight (snapshot_port.share), a light one is charged more. Who is ahead of one whose frames were still
 * waiting after the last round waits as well, until that one has caught up or has none: his frames stay in the guest's
 * ring. Nobody is behind by more than BEHIND_US of his time, so who was silent is served at once, and each keeps others
 * waiting no longer than that. Nor is anybody ahead by what he used while nobody waited.
 *
 * Where each frame costs a system call it makes no difference whether they come one by one: such a port is waited for
 * whenever it had any. Others come cheaper many at a time: to wait for those that had a few would only keep them few.
 *
 * Two kinds never wait. What comes by an uplink is for all, and has the weight of all who have work. And a container behind a
 * TAP or a veth pays for each frame with a system call of its own, and a visit to it is a few frames that cost much: to
 * wait beside a flood of small frames costs it more than the others gain. It waits only for heavier ones.
 */
#include "dataplane/worker_private.h"

#include <rte_branch_prediction.h>

#define AHEAD_US 20	  /* the heaviest may be ahead, and be visited */
#define BEHIND_US 60	  /* of a port's own time, that it may be at most */
#define PRICE_SCALE 65536 /* what a tick costs the heaviest */
#define COST_SCALE 65536
#define COST_FRAMES 256	 /* visits that the average is of */
#define ACTIVE_ROUNDS 64 /* in which who had work is forgotten, most of it */
#define USED_MOST (UINT64_MAX / 4)
#define NOBODY UINT64_MAX

static uint64_t used_in(const struct worker *w, uint64_t us, uint32_t price)
{
	return w->pipeline->tsc_khz * us / 1000 * price;
}

/* 0: of all who have work. */
static uint8_t weight_of(const struct snapshot_port *in)
{
	return in->uplink ? 0 : (uint8_t)RTE_MAX(in->share.weight, 1U);
}

static uint32_t heaviest_of(const struct worker *w)
{
	uint32_t heaviest = 1;

	for (unsigned i = 0; i < w->n_slots; i++)
		heaviest = RTE_MAX(heaviest, weight_of(&w->snap->ports[w->slots[i].poll.port]));
	return heaviest;
}

static uint32_t price_of(const struct worker *w, uint32_t weight)
{
	return PRICE_SCALE * w->share_heaviest / RTE_MAX(weight, 1U);
}

/* What was used by other prices says nothing, nor what an index used that was another port's or another worker's. */
static void share_set(struct worker *w, uint16_t port, uint8_t weight, uint32_t price)
{
	struct worker_share *share = &w->shares[port];

	if (share->price != price)
		share->used = RTE_MIN(share->used, w->share_floor);
	share->price = price;
	share->weight = weight;
	share->waiting = false;
}

void worker_shares_take(struct worker *w)
{
	bool polled[PORTS_MAX] = {false};

	w->share_heaviest = heaviest_of(w);
	for (unsigned i = 0; i < w->n_slots; i++) {
		struct poll_slot *slot = &w->slots[i];
		const struct snapshot_port *in = &w->snap->ports[slot->poll.port];
		uint8_t weight = weight_of(in);

		polled[slot->poll.port] = true;
		share_set(w, slot->poll.port, weight, price_of(w, weight));
		slot->never_waits = in->uplink || (slot->rx_syscall && weight == w->share_heaviest);
	}
	for (uint16_t i = 0; i < PORTS_MAX; i++)
		if (!polled[i])
			share_set(w, i, 0, 0);
	w->share_ahead = used_in(w, AHEAD_US, PRICE_SCALE);
	w->share_least = NOBODY;
	w->share_waiting = 0;
	w->share_most = 0;
}

bool worker_share_waits(const struct worker *w, const struct poll_slot *slot)
{
	return !slot->never_waits && w->share_least != NOBODY &&
	       w->shares[slot->poll.port].used > w->share_least + w->share_ahead;
}

/*
 * What about the average costs counts as the average. Who has to wait finds its lines colder: charged for that as well, it
 * would have less than its weight says of what it competes for with its like.
 */
static uint64_t charged(struct worker *w, const struct poll_slot *slot, unsigned n, uint64_t took)
{
	uint64_t average = w->frame_cost * n / COST_SCALE;

	took = worker_charged_tsc(w, took);
	if (slot->rx_syscall)
		return took;
	w->frame_cost -= w->frame_cost / COST_FRAMES;
	w->frame_cost += took * COST_SCALE / n / COST_FRAMES;
	return took * 3 < average * 4 && average * 3 < took * 4 ? average : took;
}

void worker_share_charge(struct worker *w, uint16_t port, uint64_t ticks)
{
	w->shares[port].used += ticks * w->shares[port].price;
}

void worker_share_visited(
	struct worker *w, const struct poll_slot *slot, unsigned n, uint64_t took, bool more)
{
	uint16_t port = slot->poll.port;
	struct worker_share *share = &w->shares[port];
	uint64_t behind;

	if (share->weight == 0)
		share->price = price_of(w, w->share_active);
	w->share_visited += share->weight;
	behind = RTE_MIN(used_in(w, BEHIND_US, share->price), w->share_floor);
	share->used = RTE_MAX(share->used, w->share_floor - behind);
	worker_share_charge(w, port, charged(w, slot, n, took));
	w->share_most = RTE_MAX(w->share_most, share->used);
	if ((more || slot->rx_syscall) && !share->waiting) {
		share->waiting = true;
		share->next_waiting = w->share_waiting;
		w->share_waiting = port + 1;
	}
}

/* Of all that wait, by what they have been charged until now. */
static uint64_t waiting_take_least(struct worker *w)
{
	uint64_t least = NOBODY;

	while (w->share_waiting != 0) {
		struct worker_share *share = &w->shares[w->share_waiting - 1];

		least = RTE_MIN(least, share->used);
		share->waiting = false;
		w->share_waiting = share->next_waiting;
	}
	return least;
}

/* The scale has an end; what anybody was ahead of others is forgotten. */
static void begin_anew(struct worker *w)
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		w->shares[i].used = 0;
	w->share_floor = 0;
	w->share_least = NOBODY;
}

void worker_shares_next_round(struct worker *w)
{
	uint64_t most = w->share_most;

	w->share_most = 0;
	w->share_active = RTE_MAX(w->share_visited,
		w->share_active - (w->share_active + ACTIVE_ROUNDS - 1) / ACTIVE_ROUNDS);
	w->share_visited = 0;
	w->share_least = waiting_take_least(w);
	/* Nobody waits, so nobody is owed anything. */
	w->share_floor = RTE_MAX(w->share_floor, w->share_least == NOBODY ? most : w->share_least);
	if (unlikely(RTE_MAX(w->share_floor, most) >= USED_MOST))
		begin_anew(w);
}
