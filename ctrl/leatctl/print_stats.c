/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, the state of the switch, and what became of a traced packet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/print.h"
#include "dataplane/counters.h"

#define GONE "(deleted)" /* what the counters of deleted ports add up to */
#define SECONDS_PER_DAY 86400
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60

static bool is_first_table;

static void title(const char *text)
{
	printf("%s%s\n", is_first_table ? "" : "\n", text);
	is_first_table = false;
}

static const char *drop_doc(const char *name)
{
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		if (strcmp(drop_reason_name((enum drop_reason)i), name) == 0)
			return drop_reason_doc((enum drop_reason)i);
	}
	return "";
}

static json_int_t drops_sum(json_t *drops)
{
	json_int_t sum = 0;
	const char *name;
	json_t *n;

	json_object_foreach (drops, name, n) {
		sum += json_integer_value(n);
	}
	return sum;
}

/* A row for one member of an object of counters. */
static json_t *row_of(const char *id, json_t *counters)
{
	json_t *row = json_copy(counters);
	json_t *drops = json_object_get(counters, "drops");

	json_object_set_new(row, "id", json_string(id));
	if (drops != NULL)
		json_object_set_new(row, "dropped", json_integer(drops_sum(drops)));
	return row;
}

static bool has_packets(json_t *port)
{
	return json_integer_value(json_object_get(port, "rx_packets")) > 0 ||
	       json_integer_value(json_object_get(port, "tx_packets")) > 0 ||
	       json_object_size(json_object_get(port, "drops")) > 0;
}

static json_t *rows_of(json_t *by_id)
{
	json_t *rows = json_array();
	const char *id;
	json_t *counters;

	json_object_foreach (by_id, id, counters) {
		json_array_append_new(rows, row_of(id, counters));
	}
	return rows;
}

static void print_ports(const char *what, json_t *ports, json_t *gone)
{
	static const struct table_column columns[] = {
		{"ID", "id", CELL_TEXT},
		{"RX PACKETS", "rx_packets", CELL_NUMBER},
		{"RX BYTES", "rx_bytes", CELL_BYTES},
		{"TX PACKETS", "tx_packets", CELL_NUMBER},
		{"TX BYTES", "tx_bytes", CELL_BYTES},
		{"COPIES", "copies", CELL_NUMBER},
		{"DROPPED", "dropped", CELL_NUMBER},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *rows = rows_of(ports);

	if (has_packets(gone))
		json_array_append_new(rows, row_of(GONE, gone));
	if (json_array_size(rows) > 0) {
		title(what);
		table_print(columns, rows);
	}
	json_decref(rows);
}

static void print_rules(json_t *rules)
{
	static const struct table_column columns[] = {
		{"ID", "id", CELL_TEXT},
		{"PACKETS", "packets", CELL_NUMBER},
		{"BYTES", "bytes", CELL_BYTES},
		{"CONNECTIONS", "connections", CELL_NUMBER},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *rows = rows_of(rules);

	if (json_array_size(rows) > 0) {
		title("Rules");
		table_print(columns, rows);
	}
	json_decref(rows);
}

static void print_worker_table(json_t *workers)
{
	if (json_array_size(workers) > 0) {
		title("Workers");
		print_worker_rows(workers);
	}
}

static void drops_append(json_t *rows, const char *port, json_t *drops)
{
	const char *name;
	json_t *n;

	json_object_foreach (drops, name, n) {
		json_t *row = json_pack(
			"{s:s, s:O, s:s}", "reason", name, "packets", n, "meaning", drop_doc(name));

		if (port != NULL)
			json_object_set_new(row, "port", json_string(port));
		json_array_append_new(rows, row);
	}
}

static void print_drop_rows(json_t *rows)
{
	static const struct table_column columns[] = {
		{"PORT", "port", CELL_TEXT},
		{"REASON", "reason", CELL_TEXT},
		{"PACKETS", "packets", CELL_NUMBER},
		{"MEANING", "meaning", CELL_WRAPPED},
		{NULL, NULL, CELL_TEXT},
	};

	if (json_array_size(rows) > 0)
		table_print(columns, rows);
	else
		puts("no packet was dropped");
}

void print_stats(json_t *result, const struct printed *what)
{
	json_t *ports = json_object_get(result, "port");
	json_t *drops = json_object_get(result, "drop");

	(void)what;
	is_first_table = true;
	if (ports != NULL)
		print_ports("Ports", ports, json_object_get(result, "gone"));
	else
		print_ports("Endpoints", json_object_get(result, "endpoint"), NULL);
	print_rules(json_object_get(result, "rule"));
	print_worker_table(json_object_get(result, "worker"));
	if (json_object_size(drops) > 0) {
		json_t *rows = json_array();

		drops_append(rows, NULL, drops);
		title("Dropped packets");
		print_drop_rows(rows);
		json_decref(rows);
	}
	if (is_first_table)
		puts("nothing is counted");
}

void print_drops(json_t *result, const struct printed *what)
{
	json_t *rows = json_array();
	const char *id;
	json_t *port;

	(void)what;
	json_object_foreach (json_object_get(result, "port"), id, port) {
		drops_append(rows, id, json_object_get(port, "drops"));
	}
	drops_append(rows, GONE, json_object_get(json_object_get(result, "gone"), "drops"));
	print_drop_rows(rows);
	json_decref(rows);
}

static void print_uptime(json_int_t s)
{
	printf("Up        ");
	if (s >= SECONDS_PER_DAY)
		printf("%" JSON_INTEGER_FORMAT " d ", s / SECONDS_PER_DAY);
	printf("%02d:%02d:%02d\n", (int)(s % SECONDS_PER_DAY / SECONDS_PER_HOUR),
		(int)(s % SECONDS_PER_HOUR / SECONDS_PER_MINUTE), (int)(s % SECONDS_PER_MINUTE));
}

static void print_memory(json_t *memory)
{
	uint64_t total = (uint64_t)json_integer_value(json_object_get(memory, "heap_total_bytes"));
	uint64_t unused = (uint64_t)json_integer_value(json_object_get(memory, "heap_free_bytes"));
	char *used_text = bytes_text(total - unused);
	char *total_text = bytes_text(total);

	printf("Memory    %s of %s used, %s hugepages\n", used_text, total_text,
		json_is_true(json_object_get(memory, "hugepages")) ? "with" : "without");
	printf("Tables    %" JSON_INTEGER_FORMAT " connections, %" JSON_INTEGER_FORMAT
	       " learned MACs\n",
		json_integer_value(json_object_get(memory, "connections")),
		json_integer_value(json_object_get(memory, "learned_macs")));
	free(used_text);
	free(total_text);
}

void print_status(json_t *result, const struct printed *what)
{
	static const struct table_column columns[] = {
		{"TYPE", "type", CELL_TEXT},
		{"ID", "id", CELL_TEXT},
		{"PORT", "port", CELL_PORT},
		{"MTU", "port.mtu", CELL_NUMBER},
		{"STATE", "", CELL_STATE},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *ports = json_object_get(result, "ports");

	(void)what;
	is_first_table = false;
	printf("Revision  %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(result, "rev")));
	print_uptime(json_integer_value(json_object_get(result, "uptime_s")));
	print_memory(json_object_get(result, "memory"));
	printf("Clients   %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(result, "clients")));
	print_worker_table(json_object_get(result, "workers"));
	if (json_array_size(ports) > 0) {
		title("Ports");
		table_print(columns, ports);
	}
}

void print_trace(json_t *result, const struct printed *what)
{
	const char *verdict = json_string_value(json_object_get(result, "verdict"));
	const char *reason = json_string_value(json_object_get(result, "reason"));
	const char *rule = json_string_value(json_object_get(result, "rule"));
	json_t *out = json_object_get(result, "out");
	json_t *steps = json_object_get(result, "steps");
	char *out_text = out != NULL ? value_text(out) : NULL;

	(void)what;
	printf("Verdict   %s", verdict != NULL ? verdict : "?");
	if (json_array_size(out) > 0)
		printf(" to %s", out_text);
	if (reason != NULL)
		printf(", %s: %s", reason, drop_doc(reason));
	putchar('\n');
	if (rule != NULL)
		printf("Rule      %s\n", rule);
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const char *step = json_string_value(json_array_get(steps, i));

		printf("%9zu ", i + 1);
		text_print(stdout, step != NULL ? step : "");
		putchar('\n');
	}
	free(out_text);
}

void print_methods(json_t *result, const struct printed *what)
{
	static const struct table_column columns[] = {
		{"METHOD", "name", CELL_TEXT},
		{"WHAT", "doc", CELL_WRAPPED},
		{NULL, NULL, CELL_TEXT},
	};

	(void)what;
	table_print(columns, json_object_get(result, "methods"));
}
