/* SPDX-License-Identifier: BSD-3-Clause */
/* One thread's way of taking bursts through the stages. A worker has one, and trace has one of its
 * own. */
#ifndef LEAT_DATAPLANE_PIPELINE_H
#define LEAT_DATAPLANE_PIPELINE_H

#include <stdint.h>

#include "dataplane/snapshot.h"

struct pipeline;
struct shared_tables;

/* NULL: no memory. rules: counters for RULES_MAX rules, which a dry pipeline does without. */
struct pipeline *pipeline_create(unsigned worker, int numa_node, uint32_t flow_entries,
	const struct shared_tables *tables, bool dry);
void pipeline_free(struct pipeline *p); /* NULL is fine */

/* Set the clock for what follows. */
void pipeline_clock(struct pipeline *p, uint64_t now_tsc);

/*
 * Receive one burst from a queue, of at most `max` frames (1..BURST_MAX), take it through all stages and give it
 * back. Returns its frames; p->burst.taken may be more (dataplane/frame.h).
 */
unsigned pipeline_poll(
	struct pipeline *p, const struct snapshot *snap, struct snapshot_poll poll, uint16_t max);
/* The same, and what each stage took is added to p->cycles, see dataplane/stage_cycles.h. */
unsigned pipeline_poll_timed(
	struct pipeline *p, const struct snapshot *snap, struct snapshot_poll poll, uint16_t max);

/*
 * One burst, of at most `max` frames, of what waited in a port's shaper (dataplane/shaper.h) and may go now, in the same
 * way; returns its frames. Only by the worker that polls the port's first queue.
 */
unsigned pipeline_resume(struct pipeline *p, const struct snapshot *snap, uint16_t port,
	enum meter_side side, uint16_t max);

/* What an announcement was: */
struct announced {
	uint32_t frames; /* one for each address of the endpoint */
	uint32_t copies; /* that were given to ports to send */
};

/*
 * Send a frame for each address of the endpoint at this port, as if it had sent them itself, to all of
 * its network. They are nobody's received frames: all of them count as the port's copies.
 */
void pipeline_announce(
	struct pipeline *p, const struct snapshot *snap, uint16_t port, struct announced *ret);

/* Tell the far sides of what they were given since the last time. Before snap or its ports may go. */
void pipeline_notify(struct pipeline *p);

#endif
