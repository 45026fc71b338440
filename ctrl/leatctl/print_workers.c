/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers: what they have done, and what each stage costs them. */
#include <stdio.h>
#include <string.h>

#include "ctrl/leatctl/print.h"

#define PERCENT 100.0
#define BAR_LENGTH 40 /* of a stage that takes all */

/* A share as "12.3 %". */
static json_t *percentage(double share)
{
	return json_sprintf("%.1f %%", share * PERCENT);
}

/* "busy" of system.status, or of stats.get what was measured, else since the start. */
static double busy_share(json_t *worker)
{
	json_t *idle = value_at(worker, "measured.idle");
	double total = json_number_value(json_object_get(worker, "total_ns"));

	if (idle != NULL)
		return 1 - json_number_value(idle);
	if (total > 0)
		return json_number_value(json_object_get(worker, "busy_ns")) / total;
	return json_number_value(json_object_get(worker, "busy"));
}

void print_worker_rows(json_t *workers)
{
	static const struct table_column columns[] = {
		{"CPU", "cpu", CELL_NUMBER},
		{"NODE", "node", CELL_NUMBER},
		{"BUSY", "busy", CELL_NUMBER},
		{"QUEUES", "ports", CELL_NUMBER},
		{"PACKETS", "packets", CELL_NUMBER},
		{"FLOW HITS", "flow_hits", CELL_NUMBER},
		{"FLOW MISSES", "flow_misses", CELL_NUMBER},
		{"SLEEPS", "sleeps", CELL_NUMBER},
		{"WAITS", "waits", CELL_NUMBER},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *rows = json_deep_copy(workers);

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		json_object_set_new(row, "busy", percentage(busy_share(row)));
	}
	table_print(columns, rows);
	json_decref(rows);
}

/* cycles: of all stages. */
static json_t *stage_row(const char *name, json_t *stage, double cycles)
{
	double part = json_number_value(json_object_get(stage, "cycles"));
	double share = part < cycles ? part / cycles : 1;
	char bar[BAR_LENGTH + 1] = "";

	memset(bar, '#', (size_t)(share * BAR_LENGTH + 0.5));
	return json_pack("{s:s, s:O, s:o, s:o, s:s}", "stage", name, "packets",
		json_object_get(stage, "packets"), "each",
		json_sprintf(
			"%.1f", json_number_value(json_object_get(stage, "cycles_per_packet"))),
		"share", percentage(share), "bar", bar);
}

static void print_stages(json_t *worker)
{
	static const struct table_column columns[] = {
		{"STAGE", "stage", CELL_TEXT},
		{"PACKETS", "packets", CELL_NUMBER},
		{"CYCLES/PACKET", "each", CELL_NUMBER},
		{"SHARE", "share", CELL_NUMBER},
		{"", "bar", CELL_TEXT},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *measured = json_object_get(worker, "measured");
	double cycles = json_number_value(json_object_get(measured, "cycles")) -
			json_number_value(json_object_get(measured, "idle_cycles"));
	json_t *rows = json_array();
	const char *name;
	json_t *stage;

	printf("\nCPU %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
	       " packets, %.1f a burst, %.1f cycles each; %.1f %% of all cycles idle\n",
		json_integer_value(json_object_get(worker, "cpu")),
		json_integer_value(json_object_get(measured, "packets")),
		json_number_value(json_object_get(measured, "packets_per_burst")),
		json_number_value(json_object_get(measured, "cycles_per_packet")),
		json_number_value(json_object_get(measured, "idle")) * PERCENT);
	json_object_foreach (json_object_get(worker, "stages"), name, stage) {
		if (json_integer_value(json_object_get(stage, "packets")) > 0)
			json_array_append_new(rows, stage_row(name, stage, cycles));
	}
	if (json_array_size(rows) > 0)
		table_print(columns, rows);
	json_decref(rows);
}

void print_workers(json_t *result, const struct printed *what)
{
	json_t *workers = json_object_get(result, "worker");

	(void)what;
	print_worker_rows(workers);
	for (size_t i = 0; i < json_array_size(workers); i++)
		print_stages(json_array_get(workers, i));
}
