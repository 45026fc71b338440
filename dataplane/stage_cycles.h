/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each stage of a worker's rounds costs, in cycles of the time-stamp counter.
 *
 * Counted only while somebody asks (worker_measure_until()): pipeline.c and worker.c are compiled twice, and
 * what runs otherwise has none of this. The worker alone writes, as with all counters; the counters
 * never go back, so who measures takes the difference of two reads.
 *
 * The counter is read between the stages without a fence: the processor may still finish one stage
 * when the next one's time has begun, and each reading costs some 20 cycles, which are in the figures.
 */
#ifndef LEAT_DATAPLANE_STAGE_CYCLES_H
#define LEAT_DATAPLANE_STAGE_CYCLES_H

#include <stdint.h>

#include <rte_cycles.h>

#include "dataplane/counters.h"

/*
 * In their order; packets of a stage are those it was given: of decide and keep, the misses of the flow
 * cache. empty: looks at queues that had nothing; loop: all else. Both in rounds that found packets somewhere, and so
 * is notify: their packets are those of the round. Together they are all cycles of such rounds.
 */
#define TIMED_STAGES(X)                                                                            \
	X(receive)                                                                                 \
	X(vlan)                                                                                    \
	X(parse)                                                                                   \
	X(lookup)                                                                                  \
	X(decide)                                                                                  \
	X(act)                                                                                     \
	X(transmit)                                                                                \
	X(keep)                                                                                    \
	X(release)                                                                                 \
	X(notify)                                                                                  \
	X(empty)                                                                                   \
	X(loop)

enum timed_stage {
#define X(name) TIMED_##name,
	TIMED_STAGES(X)
#undef X
		TIMED_STAGE_COUNT,
};

struct stage_count {
	uint64_t cycles;
	uint64_t packets;
};

struct stage_cycles {
	/* Worker only: when the last lap ended, and cycles of this round in laps and in empty looks. */
	uint64_t lap_tsc;
	uint64_t round_laps;
	uint64_t round_empty;

	/* Written by the worker (relaxed), read by the control side. */
	uint64_t bursts;
	struct stage_count stage[TIMED_STAGE_COUNT];
};

/* "receive" for TIMED_receive. Static storage. */
const char *timed_stage_name(enum timed_stage stage);

/* Read as above. */
void stage_cycles_read(struct stage_cycles *ret, const struct stage_cycles *c);

/* Cycles since the last lap ended; the next one begins. */
static inline uint64_t stage_lap_take(struct stage_cycles *c)
{
	uint64_t now = rte_rdtsc();
	uint64_t took = now - c->lap_tsc;

	c->lap_tsc = now;
	return took;
}

static inline void stage_count_add(
	struct stage_cycles *c, enum timed_stage stage, uint64_t cycles, uint64_t packets)
{
	stat_add(&c->stage[stage].cycles, cycles);
	stat_add(&c->stage[stage].packets, packets);
}

/* What has passed since the last lap ended is this stage's. */
static inline void stage_lap(struct stage_cycles *c, enum timed_stage stage, unsigned packets)
{
	uint64_t took = stage_lap_take(c);

	c->round_laps += took;
	stage_count_add(c, stage, took, packets);
}

/* Or was spent on a queue that had nothing. */
static inline void stage_lap_empty(struct stage_cycles *c)
{
	c->round_empty += stage_lap_take(c);
}

static inline void stage_round_begin(struct stage_cycles *c)
{
	c->round_laps = 0;
	c->round_empty = 0;
}

/* A round that found packets is over, and took so many cycles in all. */
static inline void stage_round_end(struct stage_cycles *c, uint64_t cycles, unsigned packets)
{
	stage_count_add(c, TIMED_empty, c->round_empty, packets);
	stage_count_add(c, TIMED_loop, cycles - c->round_laps - c->round_empty, packets);
}

#endif
