/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What would happen to a described packet: the same stages as for a real one, by the published
 * snapshot, with nothing counted, learned, tracked or sent.
 */
#ifndef LEAT_DATAPLANE_TRACE_H
#define LEAT_DATAPLANE_TRACE_H

#include <stdint.h>

#include "dataplane/snapshot.h"

#define TRACE_STEPS_MAX 24
#define TRACE_STEP_LEN 160

enum trace_verdict { TRACE_DROP, TRACE_FORWARD, TRACE_FLOOD };

struct trace_result {
	enum trace_verdict verdict;
	enum drop_reason reason; /* with TRACE_DROP */
	uint32_t rule;		 /* index of the rule that decided it, 0 none */
	uint16_t n_out;
	uint16_t out[PORTS_MAX]; /* port indexes */
	unsigned n_steps;
	char step[TRACE_STEPS_MAX][TRACE_STEP_LEN]; /* a sentence each */
};

/* frame: a whole frame of len bytes (at least 14) as it would come by port. Executor thread. 0, or
 * -1: no memory. */
int trace_frame(const struct snapshot *snapshot, uint16_t port, const uint8_t *frame, uint16_t len,
	struct trace_result *ret);

#endif
