/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls whose answers need time and no work: the executor goes on, and makes them again when they are due. What
 * their connections ask meanwhile waits behind them. Executor thread only.
 */
#include <stdlib.h>

#include "ctrl/rpc/server_internal.h"
#include "lib/alloc.h"
#include "lib/clock.h"

/* One connection that waits. */
struct postponed {
	struct session *session;
	struct request_list requests; /* the first is to be called again */
	uint64_t due_ns;
	struct postponed *next;
};

static uint64_t due_of(const struct session *session, const struct request_list *requests)
{
	const struct request *last = requests->first;

	while (last->next != NULL)
		last = last->next;
	/* Nobody is there any more who could take the answer. */
	return last->goodbye ? 0 : session->again_ns;
}

void postpone(struct postponed **list, struct request_list *requests)
{
	struct postponed *p = alloc_zero(1, sizeof(*p));

	p->session = requests->first->session;
	p->due_ns = due_of(p->session, requests);
	request_list_move(&p->requests, requests);
	p->next = *list;
	*list = p;
}

bool postponed_append(struct postponed *list, struct request *request)
{
	for (struct postponed *p = list; p != NULL; p = p->next) {
		if (p->session != request->session)
			continue;
		request_list_append(&p->requests, request);
		p->due_ns = request->goodbye ? 0 : p->due_ns;
		return true;
	}
	return false;
}

bool postponed_due(struct postponed **list, bool all, struct request_list *ret)
{
	uint64_t now = monotonic_ns();

	for (struct postponed **at = list; *at != NULL; at = &(*at)->next) {
		struct postponed *p = *at;

		if (!all && p->due_ns > now)
			continue;
		*at = p->next;
		request_list_move(ret, &p->requests);
		free(p);
		return true;
	}
	return false;
}

int postponed_wait_ms(const struct postponed *list, int wait_ms)
{
	uint64_t now = monotonic_ns();

	for (const struct postponed *p = list; p != NULL; p = p->next) {
		uint64_t ns = p->due_ns > now ? p->due_ns - now : 0;
		int ms = (int)((ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);

		if (wait_ms < 0 || ms < wait_ms)
			wait_ms = ms;
	}
	return wait_ms;
}
