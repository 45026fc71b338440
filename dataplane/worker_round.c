/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One round over the queues a worker polls: which of them are looked at. Those that had frames lately are, each
 * round. As long as they keep the worker busy, of the silent ones only a share is: a look costs as much as a frame,
 * and sixty silent ports would cost a busy pair of them a third of its rate. How long a look may take is bounded, so
 * that nobody waits long for a neighbour who floods.
 *
 * An endpoint's queue rests after a visit that was over its sender's rate, and where others have work also after one of
 * which much was dropped: what is left in the guest's ring costs nobody anything. It does so for less time than any token
 * bucket takes to fill up, so that no rate is missed by it. What comes by an uplink is for all, and does not wait.
 */
#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "dataplane/worker_private.h"

#define SILENT_ROUNDS 64   /* without a frame make a queue silent */
#define SILENT_SHARE 32	   /* one of so many silent queues is looked at in a busy round, */
#define SILENT_LOOKS_MIN 2 /* and so many at least */
#define WASTED_OF 4	   /* one in so many frames of a visit that is dropped is much */
#define REST_VISITS 8	   /* a queue rests so many times as long as was wasted, */
#define REST_US 60	   /* and so long at most */

static void order_swap(struct worker *w, unsigned i, unsigned j)
{
	uint16_t slot = w->order[i];

	w->order[i] = w->order[j];
	w->order[j] = slot;
}

/* Ticks since the last visit with frames, or the begin of the round. */
static inline uint64_t lap_take(struct worker *w)
{
	uint64_t before = w->lap_tsc;

	w->lap_tsc = rte_rdtsc();
	return w->lap_tsc - before;
}

/*
 * What a frame costs differs a thousandfold: a broadcast to many TAPs takes as long as four hundred frames between
 * two rings. So how many frames a visit may have goes by what the last ones took.
 */
static inline void visit_ends(struct worker *w, struct poll_slot *slot, uint64_t took, unsigned n,
	unsigned wasted, bool limited)
{
	slot->burst = worker_burst_next(slot->burst, n, took, worker_visit_tsc(w));
	if (likely(wasted * WASTED_OF < n && !limited))
		return;
	slot->rests_alone = limited;
	took = limited ? took : took * wasted / n;
	slot->rests_until = w->lap_tsc + RTE_MIN(took * REST_VISITS, slot->rest_most);
	if (limited)
		w->rests_until = RTE_MAX(w->rests_until, slot->rests_until);
}

static inline __attribute__((always_inline)) unsigned slot_poll(
	struct worker *w, struct poll_slot *slot, uint64_t now, const bool timed)
{
	uint64_t kept = w->pipeline->kept, limited = w->pipeline->limited;
	uint16_t burst = worker_visit_frames(w, slot->burst);
	unsigned taken, n;
	uint16_t most;

	if (slot->rx_syscall && !slot->hot)
		return 0;
	most = slot->port->rx_burst == 0 ? burst : RTE_MIN(slot->port->rx_burst, burst);
	if (timed)
		n = pipeline_poll_timed(w->pipeline, w->snap, slot->poll, burst);
	else
		n = pipeline_poll(w->pipeline, w->snap, slot->poll, burst);
	taken = RTE_MAX(n, (unsigned)w->pipeline->burst.taken);
	if (taken != 0) {
		uint64_t took = lap_take(w);

		worker_share_visited(w, slot, taken, took, taken >= most);
		visit_ends(w, slot, took, taken, taken - RTE_MIN(taken, w->pipeline->kept - kept),
			limited != w->pipeline->limited);
	}
	if (slot->rx_syscall) {
		/* Less than it gives at most: that was all, and to see it costs a call more. */
		slot->hot = n >= most;
		worker_looked(w, slot, n != 0, now);
		w->look_found |= n != 0;
	}
	return n;
}

static inline bool is_resting(const struct worker *w, const struct poll_slot *slot, uint64_t now)
{
	return unlikely(slot->rests_until > now) && (slot->rests_alone || w->busy);
}

/* A queue whose readiness an epoll set tells is never silent: to pass it by costs nothing. */
static bool falls_silent(struct poll_slot *slot)
{
	return !slot->rx_syscall && ++slot->silent_rounds == SILENT_ROUNDS;
}

/* A round through a thousand busy ports is long, and whoever publishes waits for its end: both loops end for that. */
static inline __attribute__((always_inline)) unsigned lively_poll(
	struct worker *w, uint64_t now, const bool timed)
{
	unsigned work = 0;
	unsigned i = 0;

	while (i < w->n_lively) {
		struct poll_slot *slot = &w->slots[w->order[i]];
		unsigned n;

		if (is_resting(w, slot, now) || worker_share_waits(w, slot)) {
			i++;
			continue;
		}
		n = slot_poll(w, slot, now, timed);
		if (n == 0 && falls_silent(slot)) {
			order_swap(w, i, --w->n_lively);
			continue;
		}
		i++;
		if (n == 0)
			continue;
		work += n;
		slot->silent_rounds = 0;
		if (worker_snapshot_changed(w))
			break;
	}
	return work;
}

static inline __attribute__((always_inline)) unsigned silent_poll(
	struct worker *w, unsigned looks, uint64_t now, const bool timed)
{
	unsigned work = 0;

	for (; looks != 0; looks--) {
		struct poll_slot *slot;
		unsigned n;

		if (w->next_silent < w->n_lively || w->next_silent >= w->n_slots)
			w->next_silent = w->n_lively;
		slot = &w->slots[w->order[w->next_silent]];
		n = slot_poll(w, slot, now, timed);
		if (n == 0) {
			w->next_silent++;
			continue;
		}
		/* Its place is taken by one that may have waited as long: look there next. */
		work += n;
		slot->silent_rounds = 0;
		order_swap(w, w->next_silent, w->n_lively++);
		if (worker_snapshot_changed(w))
			break;
	}
	return work;
}

static unsigned silent_looks(const struct worker *w)
{
	unsigned silent = w->n_slots - w->n_lively;

	if (!w->busy)
		return silent;
	return RTE_MIN(silent, RTE_MAX(silent / SILENT_SHARE, SILENT_LOOKS_MIN));
}

static inline __attribute__((always_inline)) unsigned round_poll(
	struct worker *w, uint64_t now, const bool timed)
{
	bool look = w->has_syscall_ports && now >= w->next_look_tsc;
	unsigned looks = silent_looks(w);
	unsigned work;

	w->look_found = false;
	w->lap_tsc = now;
	if (look) {
		worker_look(w);
		w->lap_tsc = rte_rdtsc(); /* the look is charged to nobody */
	}
	pipeline_clock(w->pipeline, now);
	work = lively_poll(w, now, timed);
	if (!worker_snapshot_changed(w))
		work += silent_poll(w, looks, now, timed);
	work += worker_shapers_run(w, now);
	if (timed)
		w->pipeline->cycles.lap_tsc = rte_rdtsc();
	pipeline_notify(w->pipeline);
	if (timed && work != 0)
		stage_lap(&w->pipeline->cycles, TIMED_notify, work);
	w->busy = work != 0;
	worker_shares_next_round(w);
	if (look)
		worker_look_next(w, w->look_found, work != 0, now);
	return work;
}

uint64_t worker_rest_most(const struct snapshot *snap, const struct snapshot_port *in)
{
	/* Half of it: the next visit takes its time, too. */
	return in->uplink ? 0 : RTE_MIN(us_to_tsc(REST_US), snap->burst_shortest / 2);
}

uint8_t worker_burst_next(uint8_t burst, unsigned n, uint64_t took, uint64_t may_take)
{
	if (took > may_take)
		return (uint8_t)RTE_MAX(n / 2, 1U);
	/* By half: where frames cost the same each, the next visit takes no longer than it may. */
	if (took < may_take * 2 / 3 && n == burst)
		return (uint8_t)RTE_MIN(burst + (burst + 1U) / 2, (unsigned)BURST_MAX);
	return burst;
}

unsigned worker_round(struct worker *w, uint64_t now)
{
	return round_poll(w, now, false);
}

unsigned worker_round_timed(struct worker *w, uint64_t now)
{
	return round_poll(w, now, true);
}
