/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers as stats.get shows them, and what they spend on each stage while somebody wants to know. */
#include <stdlib.h>

#include <rte_cycles.h>

#include "ctrl/commit.h"
#include "ctrl/stats_json.h"
#include "lib/alloc.h"

/* What the counters were when it began: they never go back, and other windows may be open. */
struct stats_window {
	uint64_t begin_tsc;
	struct stage_cycles before[WORKERS_MAX];
};

struct stats_window *stats_window_open(unsigned ms)
{
	struct stats_window *window = alloc_zero(1, sizeof(*window));

	for (unsigned i = 0; i < worker_count(); i++)
		worker_cycles_get(i, &window->before[i]);
	window->begin_tsc = rte_rdtsc();
	worker_measure_until(window->begin_tsc + ms * (rte_get_tsc_hz() / MS_PER_S));
	return window;
}

void stats_window_free(struct stats_window *window)
{
	free(window);
}

/* Until now, where another window keeps the workers counting, or until they ceased to count. */
static uint64_t window_cycles(const struct stats_window *window)
{
	uint64_t until = worker_measure_until(0);
	uint64_t now = rte_rdtsc();

	return (now < until ? now : until) - window->begin_tsc;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

/* Adds `stages` to the worker; returns what was counted in them all. */
static uint64_t set_stages(json_t *json, const struct stage_cycles *during)
{
	json_t *stages = json_object();
	uint64_t sum = 0;

	for (size_t i = 0; i < TIMED_STAGE_COUNT; i++) {
		const struct stage_count *count = &during->stage[i];
		json_t *stage = json_object();

		set_count(stage, "cycles", count->cycles);
		set_count(stage, "packets", count->packets);
		json_object_set_new(stage, "cycles_per_packet",
			json_real(ratio(count->cycles, count->packets)));
		json_object_set_new(stages, timed_stage_name((enum timed_stage)i), stage);
		sum += count->cycles;
	}
	json_object_set_new(json, "stages", stages);
	return sum;
}

/* A round that was under way at one end of the window may be missing, or be too much. */
static void set_measured(json_t *json, const struct stage_cycles *during, uint64_t cycles)
{
	json_t *measured = json_object();
	uint64_t packets = during->stage[TIMED_receive].packets;
	uint64_t worked = set_stages(json, during);
	uint64_t idle = worked < cycles ? cycles - worked : 0;

	set_count(measured, "cycles", worked + idle);
	set_count(measured, "idle_cycles", idle);
	json_object_set_new(measured, "idle", json_real(ratio(idle, worked + idle)));
	set_count(measured, "bursts", during->bursts);
	set_count(measured, "packets", packets);
	json_object_set_new(
		measured, "packets_per_burst", json_real(ratio(packets, during->bursts)));
	json_object_set_new(measured, "cycles_per_packet", json_real(ratio(worked, packets)));
	json_object_set_new(json, "measured", measured);
}

static void worker_during(
	struct stage_cycles *ret, unsigned worker, const struct stage_cycles *before)
{
	worker_cycles_get(worker, ret);
	ret->bursts -= before->bursts;
	for (size_t i = 0; i < TIMED_STAGE_COUNT; i++) {
		ret->stage[i].cycles -= before->stage[i].cycles;
		ret->stage[i].packets -= before->stage[i].packets;
	}
}

static uint64_t nanoseconds(uint64_t tsc)
{
	return (uint64_t)((double)tsc / (double)rte_get_tsc_hz() * NS_PER_S);
}

json_t *stats_workers(const struct stats_window *window)
{
	json_t *ret = json_array();

	for (unsigned i = 0; i < worker_count(); i++) {
		struct worker_status status = {0};
		json_t *json = json_object();

		worker_status_get(i, &status);
		set_worker_place(json, &status);
		set_count(json, "busy_ns", nanoseconds(status.busy_tsc));
		set_count(json, "total_ns", nanoseconds(status.total_tsc));
		set_worker_counts(json, &status);
		if (window != NULL) {
			struct stage_cycles during;

			worker_during(&during, i, &window->before[i]);
			set_measured(json, &during, window_cycles(window));
		}
		json_array_append_new(ret, json);
	}
	return ret;
}
