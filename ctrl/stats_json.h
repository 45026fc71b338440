/* SPDX-License-Identifier: BSD-3-Clause */
/* What stats.c, stats_qos.c, stats_workers.c and stats_status.c write. Executor thread. */
#ifndef LEAT_CTRL_STATS_JSON_H
#define LEAT_CTRL_STATS_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "dataplane/worker.h"

static inline void set_count(json_t *object, const char *name, uint64_t n)
{
	json_object_set_new(object, name, json_integer((json_int_t)n));
}

/* Where a worker runs, and how many queues it polls: the first members in both. */
static inline void set_worker_place(json_t *object, const struct worker_status *status)
{
	json_object_set_new(object, "cpu", json_integer(status->cpu));
	json_object_set_new(object, "node", json_integer(status->node));
	set_count(object, "ports", status->polls);
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

/* stats_qos.c: of the endpoint with this port index and these counters, {tx, rx}: what it has a limit for. */
json_t *stats_qos_json(uint32_t index, const struct port_stats *stats);

/* Of the uplink with this port index: the same of its capacity, and who shared it; null without one. */
json_t *stats_capacity_json(uint32_t index, const struct port_stats *stats);

#endif
