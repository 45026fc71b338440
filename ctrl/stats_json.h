/* SPDX-License-Identifier: BSD-3-Clause */
/* What stats.c and stats_status.c both write. Executor thread. */
#ifndef LEAT_CTRL_STATS_JSON_H
#define LEAT_CTRL_STATS_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "dataplane/worker.h"

static inline void set_count(json_t *object, const char *name, uint64_t n)
{
	json_object_set_new(object, name, json_integer((json_int_t)n));
}

/* The counters of a worker that both stats.get and system.status give. */
static inline void set_worker_counts(json_t *object, const struct worker_status *status)
{
	set_count(object, "packets", status->packets);
	set_count(object, "flow_hits", status->flow_hits);
	set_count(object, "flow_misses", status->flow_misses);
	set_count(object, "rounds", status->rounds);
	set_count(object, "sleeps", status->sleeps);
	set_count(object, "waits", status->waits);
}

#endif
