/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An idle worker: it spins for a little, then asks all ports to signal and waits. Where a port
 * cannot signal, the wait is short and grows; where all can, it lasts until one does.
 *
 * To be woken costs tens of microseconds, in a virtual machine more. So who is woken again and again
 * after less than half a millisecond spins longer, and who slept long spins little. Who has handled
 * many frames since its last wait spins longest: a crowd of clients pauses for a millisecond when
 * all of them are answered at once.
 *
 * While it waits a worker is offline for RCU: it touches nothing that a snapshot or a device owns.
 * Whoever changes something it cannot see writes wake_fd.
 */
#include <time.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/worker_private.h"

#define SPIN_FIRST_US 50  /* without work before the first wait */
#define SPIN_LAST_US 500  /* the same where work keeps coming soon after a wait began */
#define SPIN_BUSY_US 2000 /* the same after SPIN_BUSY_FRAMES since the last wait */
#define SPIN_BUSY_FRAMES 256
#define SLEEP_FIRST_US 10 /* the first short sleep where a port has to be polled */
#define SLEEP_LAST_US 500 /* and the longest: what such a port's first packet may wait */
#define WAIT_LAST_MS 1000 /* the longest wait of all */
#define SHAPER_SPIN_US 30 /* before a paced frame's time: what it takes to wake */

/* Ask every port to signal. How long to wait at most, in us; 0: there is work already. */
static uint64_t begin_waits(struct worker *w, unsigned *ret_begun)
{
	bool must_poll = false;
	unsigned i;

	for (i = 0; i < w->n_slots; i++) {
		struct poll_slot *slot = &w->slots[i];
		enum port_wait wait = slot->port->ops->wait_begin(slot->port, slot->poll.queue);

		if (wait == PORT_WAIT_WORK) {
			slot->hot = true;
			*ret_begun = i + 1;
			return 0;
		}
		must_poll |= wait == PORT_WAIT_POLL || slot->must_poll;
	}
	*ret_begun = i;
	if (!must_poll)
		return WAIT_LAST_MS * 1000ULL;
	w->sleep_us = w->sleep_us == 0 ? SLEEP_FIRST_US : w->sleep_us * 2;
	if (w->sleep_us > SLEEP_LAST_US)
		w->sleep_us = SLEEP_LAST_US;
	return w->sleep_us;
}

static void wait_for_events(struct worker *w, uint64_t us)
{
	struct timespec timeout = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};

	w->waited = true;
	w->frames = 0;
	rte_rcu_qsbr_thread_offline(worker_qsbr(), w->index);
	worker_wait(w, &timeout);
	rte_rcu_qsbr_thread_online(worker_qsbr(), w->index);
	if (us < WAIT_LAST_MS * 1000ULL)
		stat_add(&w->sleeps, 1);
	else
		stat_add(&w->waits, 1);
}

void worker_adapt_spin(struct worker *w, uint64_t now)
{
	bool soon = now - w->last_work_tsc < us_to_tsc(SPIN_LAST_US);

	w->waited = false;
	w->spin_us = soon ? w->spin_us * 2 : w->spin_us / 2;
	if (w->spin_us < SPIN_FIRST_US)
		w->spin_us = SPIN_FIRST_US;
	if (w->spin_us > SPIN_LAST_US)
		w->spin_us = SPIN_LAST_US;
}

/* How long until something that waits in a shaper may go; 0: too soon to sleep. */
static uint64_t shapers_us(const struct worker *w)
{
	uint64_t due = worker_shapers_due(w);
	uint64_t now = rte_rdtsc();
	uint64_t us;

	if (due == SHAPER_NEVER)
		return UINT64_MAX;
	us = due <= now ? 0 : (due - now) / us_to_tsc(1);
	return us <= SHAPER_SPIN_US ? 0 : us - SHAPER_SPIN_US;
}

static uint64_t spin_us(const struct worker *w)
{
	return w->frames >= SPIN_BUSY_FRAMES ? SPIN_BUSY_US : w->spin_us;
}

void worker_idle(struct worker *w, uint64_t now)
{
	unsigned begun = 0;
	uint64_t us;

	/* Who rests is not asked to signal: there is something already. */
	if (now - w->last_work_tsc < us_to_tsc(spin_us(w)) || now < w->rests_until) {
		rte_pause();
		return;
	}
	if (worker_watch_all(w) != 0) {
		rte_delay_us_sleep(SLEEP_LAST_US);
		return;
	}
	us = RTE_MIN(begin_waits(w, &begun), shapers_us(w));
	if (us != 0)
		wait_for_events(w, us);
	/*
	 * Published while this worker was offline: the slots' ports may be gone. Published after
	 * this look: they live until this worker's next quiescent point, since it is online.
	 */
	if (worker_snapshot_changed(w))
		return;
	for (unsigned i = 0; i < begun; i++) {
		struct poll_slot *slot = &w->slots[i];

		slot->port->ops->wait_end(slot->port, slot->poll.queue);
	}
}
