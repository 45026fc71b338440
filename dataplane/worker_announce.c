/* SPDX-License-Identifier: BSD-3-Clause */
/* An announcement that the control side asks for: one worker takes it between two rounds. */
#include <errno.h>

#include <rte_cycles.h>

#include "dataplane/worker_private.h"

#define ANNOUNCE_POLL_US 20 /* between two looks at whether the worker has done it */

struct announcement {
	uint16_t port;
	struct announced announced;
	bool done; /* stored by the worker with release, loaded by the control side with acquire */
};

/* Any worker can send by any port: it takes the first. */
int worker_announce(uint16_t port, unsigned deadline_ms, struct announced *ret)
{
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * deadline_ms;
	struct announcement announcement = {.port = port};
	struct worker *w = &workers[0];

	__atomic_store_n(&w->announcement, &announcement, __ATOMIC_RELEASE);
	worker_wake_all();
	while (!__atomic_load_n(&announcement.done, __ATOMIC_ACQUIRE)) {
		/* What the worker has taken it does at once; what it has not is taken back. */
		if (rte_rdtsc() >= deadline &&
			__atomic_exchange_n(&w->announcement, NULL, __ATOMIC_ACQ_REL) != NULL)
			return -ETIMEDOUT;
		rte_delay_us_sleep(ANNOUNCE_POLL_US);
	}
	*ret = announcement.announced;
	return 0;
}

struct announcement *worker_announcement_take(struct worker *w)
{
	if (__atomic_load_n(&w->announcement, __ATOMIC_RELAXED) == NULL)
		return NULL;
	return __atomic_exchange_n(&w->announcement, NULL, __ATOMIC_ACQ_REL);
}

void worker_announcement_send(struct worker *w, struct announcement *announcement, uint64_t now)
{
	pipeline_clock(w->pipeline, now);
	if (w->snap != NULL)
		pipeline_announce(
			w->pipeline, w->snap, announcement->port, &announcement->announced);
	__atomic_store_n(&announcement->done, true, __ATOMIC_RELEASE);
}
