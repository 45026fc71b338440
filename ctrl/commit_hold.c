/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * At a start: the TAPs that an earlier daemon left are opened first, beside what takes a start its time. So their carrier is back
 * soon, and what containers send meanwhile waits instead of being lost, which TCP would repeat after 200 ms at the
 * earliest, and then ever later.
 */
#include "ctrl/commit.h"

#include <pthread.h>

#include "ctrl/commit_port.h"

static pthread_t thread;
static bool runs; /* the thread, until it is waited for */

static void hold(struct birth *birth, const char *type, const char *id)
{
	struct tap_params params = {
		.netns = birth->spec.netns,
		.name = birth->spec.name,
		.mark = birth->mark,
	};

	if (birth->spec.kind != PORT_TAP)
		return;
	birth_mark(birth, type, id);
	port_tap_hold(&params);
}

static void *hold_all(void *arg)
{
	const struct config *want = arg;
	struct birth birth;

	for (size_t i = 0; i < want->n_endpoints; i++) {
		birth_of_endpoint(&birth, want->endpoints[i], 0);
		hold(&birth, "endpoint", want->endpoints[i]->id);
	}
	for (size_t i = 0; i < want->n_uplinks; i++) {
		birth_of_uplink(&birth, want->uplinks[i]);
		hold(&birth, "uplink", want->uplinks[i]->id);
	}
	return NULL;
}

void commit_hold_begin(const struct config *want)
{
	/* Without the thread they are opened when their ports are. */
	runs = pthread_create(&thread, NULL, hold_all, (void *)(uintptr_t)want) == 0;
}

void commit_hold_wait(void)
{
	if (runs)
		pthread_join(thread, NULL);
	runs = false;
}

void commit_hold_end(void)
{
	commit_hold_wait();
	port_tap_let_go();
}
