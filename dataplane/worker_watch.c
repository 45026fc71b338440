/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ports have something to receive, where a look costs a system call (TAP, AF_XDP): one epoll
 * set says it for all.
 *
 * The kernel walks the set's callback for each frame, on the sender's core and whether anybody sleeps or not. So a
 * port that is busy is taken out of the set and looked at directly, until it falls silent or the
 * worker goes to sleep.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "dataplane/worker_private.h"

#define LOOK_FIRST_US 5 /* how often such ports are looked at, */
#define LOOK_LAST_US                                                                               \
	80 /* and at the least, where others keep the worker busy and these are silent */
#define LOOK_OFTEN_US                                                                              \
	200 /* looks stay frequent for so long after one that found frames: an answer may come */
#define BUSY_GAP_US 100 /* frames after a shorter silence than this, */
#define BUSY_LOOKS 8	/* so many times in a row, make a port busy */
#define SILENT_US 1000	/* and so long a silence ends it */
#define WAKE_TAG UINT32_MAX

/* An fd that epoll refuses leaves the slot to be polled, and to be watched the next time. */
static void slot_watch(struct worker *w, struct poll_slot *slot)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(slot - w->slots)};
	int fd = slot->port->ops->wait_fd(slot->port, slot->poll.queue);

	slot->busy_looks = 0;
	slot->must_poll = fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0;
	slot->watched = !slot->must_poll;
}

static void slot_unwatch(struct worker *w, struct poll_slot *slot)
{
	int fd = slot->port->ops->wait_fd(slot->port, slot->poll.queue);

	slot->watched = fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, NULL) != 0;
}

int worker_rearm(struct worker *w)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = WAKE_TAG};

	/* Cleared first: a change that comes while the set is made is seen the next time. */
	__atomic_store_n(&w->rearm, false, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < w->n_slots; i++)
		w->slots[i].watched = false;
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &event) != 0) {
		int error = errno;

		__atomic_store_n(&w->rearm, true, __ATOMIC_RELAXED);
		return -error;
	}
	for (unsigned i = 0; i < w->n_slots; i++)
		slot_watch(w, &w->slots[i]);
	return 0;
}

int worker_watch_all(struct worker *w)
{
	if (__atomic_load_n(&w->rearm, __ATOMIC_ACQUIRE))
		return worker_rearm(w);
	for (unsigned i = 0; i < w->n_slots; i++)
		if (!w->slots[i].watched)
			slot_watch(w, &w->slots[i]);
	return 0;
}

void worker_wait(struct worker *w, const struct timespec *timeout)
{
	struct epoll_event events[WORKER_EVENTS_MAX];
	int n = epoll_pwait2(w->epoll_fd, events, WORKER_EVENTS_MAX, timeout, NULL);
	uint64_t drained;

	for (int i = 0; i < n; i++) {
		uint32_t tag = events[i].data.u32;

		if (tag == WAKE_TAG) {
			if (read(w->wake_fd, &drained, sizeof(drained)) < 0)
				continue; /* EAGAIN: somebody's wake-up was taken already */
		} else if (tag < w->n_slots) {
			w->slots[tag].hot = true;
		}
	}
}

void worker_look(struct worker *w)
{
	static const struct timespec at_once = {0};
	bool any_watched = false;

	w->syscall_ports_busy = false;
	/* Where that fails nothing is watched, and all is looked at. */
	if (__atomic_load_n(&w->rearm, __ATOMIC_ACQUIRE))
		worker_rearm(w);
	for (unsigned i = 0; i < w->n_slots; i++) {
		struct poll_slot *slot = &w->slots[i];

		if (!slot->rx_syscall)
			continue;
		any_watched |= slot->watched;
		w->syscall_ports_busy |= !slot->watched && !slot->must_poll;
		slot->hot |= !slot->watched;
	}
	if (any_watched)
		worker_wait(w, &at_once);
}

void worker_look_next(struct worker *w, bool found, bool busy, uint64_t now)
{
	if (found)
		w->look_found_tsc = now;
	if (!busy || now - w->look_found_tsc < us_to_tsc(LOOK_OFTEN_US))
		w->look_us = LOOK_FIRST_US;
	else
		w->look_us = RTE_MIN(w->look_us * 2, LOOK_LAST_US);
	w->next_look_tsc = now + us_to_tsc(w->look_us);
}

void worker_looked(struct worker *w, struct poll_slot *slot, bool found, uint64_t now)
{
	bool soon = now - slot->last_found_tsc < us_to_tsc(BUSY_GAP_US);

	if (!found) {
		if (!slot->watched && now - slot->last_found_tsc > us_to_tsc(SILENT_US))
			slot_watch(w, slot);
		return;
	}
	slot->last_found_tsc = now;
	slot->busy_looks = soon ? slot->busy_looks + 1 : 0;
	if (slot->watched && slot->busy_looks >= BUSY_LOOKS)
		slot_unwatch(w, slot);
}
