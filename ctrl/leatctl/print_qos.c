/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates of endpoints and uplinks, and what became of what was sent by them; watched, also how much that is now. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/leatctl/print.h"

#define BITS_PER_BYTE 8
#define BITS_PER_KBIT 1000
#define NS_PER_S 1e9

static json_int_t count_at(json_t *side, const char *path)
{
	return json_integer_value(value_at(side, path));
}

/* By how much a counter grew, a second; the endpoint may have been born or made anew since. */
static double growth(json_t *side, json_t *former, const char *path, double seconds)
{
	double grown = (double)(count_at(side, path) - count_at(former, path));

	return former != NULL && grown > 0 ? grown / seconds : 0;
}

static void set_kbps(json_t *row, const char *name, double bits)
{
	char *words = kbps_text((uint64_t)(bits / BITS_PER_KBIT));

	json_object_set_new(row, name, json_string(words));
	free(words);
}

/* Below how many us a share of the waits were, by the histogram; 0: there were none. */
static json_int_t waits_below(json_t *waits, double share)
{
	json_int_t all = 0;
	json_int_t sum = 0;
	json_t *count;
	size_t i;

	json_array_foreach (waits, i, count)
		all += json_integer_value(count);
	json_array_foreach (waits, i, count) {
		sum += json_integer_value(count);
		if (all != 0 && (double)sum >= share * (double)all)
			return 1LL << i;
	}
	return 0;
}

static void set_waits(json_t *row, json_t *shaper)
{
	json_t *waits = json_object_get(shaper, "waits");

	json_object_set_new(row, "mode", json_string("shape"));
	if (count_at(shaper, "sent_packets") == 0)
		return;
	json_object_set_new(
		row, "p50", json_sprintf("< %" JSON_INTEGER_FORMAT " us", waits_below(waits, 0.5)));
	json_object_set_new(row, "p99",
		json_sprintf("< %" JSON_INTEGER_FORMAT " us", waits_below(waits, 0.99)));
	json_object_set_new(row, "max",
		json_sprintf("%" JSON_INTEGER_FORMAT " us", count_at(shaper, "wait_us_max")));
}

/* former: the same side `seconds` ago; 0: nobody watches. */
static json_t *row_of(
	const char *id, const char *direction, json_t *side, json_t *former, double seconds)
{
	json_t *row = json_copy(side);

	json_object_set_new(row, "id", json_string(id));
	json_object_set_new(row, "direction", json_string(direction));
	if (count_at(side, "burst_bits") != 0)
		json_object_set_new(row, "burst",
			json_sprintf(
				"%.0f kbit", (double)count_at(side, "burst_bits") / BITS_PER_KBIT));
	json_object_set_new(row, "mode", json_string("police"));
	if (json_object_get(side, "shaper") != NULL)
		set_waits(row, json_object_get(side, "shaper"));
	if (seconds <= 0)
		return row;
	set_kbps(row, "now", growth(side, former, "conforming.bytes", seconds) * BITS_PER_BYTE);
	json_object_set_new(row, "drops",
		json_sprintf("%.0f", growth(side, former, "over_kbps.packets", seconds) +
					     growth(side, former, "over_pps.packets", seconds)));
	return row;
}

static void rows_append(json_t *rows, const char *id, json_t *qos, json_t *former, double seconds)
{
	static const char *const directions[] = {"tx", "rx"};

	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		json_t *side = json_object_get(qos, directions[i]);

		if (side != NULL)
			json_array_append_new(
				rows, row_of(id, directions[i], side,
					      json_object_get(former, directions[i]), seconds));
	}
}

/* Who had to wait for an uplink, or is to have more of it than others. */
static void shares_append(
	json_t *rows, const char *uplink, json_t *shares, json_t *former, double seconds)
{
	const char *id;
	json_t *share;

	json_object_foreach (shares, id, share) {
		json_t *row;

		if (count_at(share, "sent_packets") == 0 &&
			count_at(share, "dropped_packets") == 0 && count_at(share, "weight") == 1 &&
			count_at(share, "min_kbps") == 0)
			continue;
		row = json_copy(share);
		json_object_set_new(row, "uplink", json_string(uplink));
		json_object_set_new(row, "id", json_string(id));
		if (seconds > 0)
			set_kbps(row, "now",
				growth(share, json_object_get(former, id), "sent_bytes", seconds) *
					BITS_PER_BYTE);
		json_array_append_new(rows, row);
	}
}

static void print_shares(json_t *rows)
{
	static const struct table_column columns[] = {
		{"UPLINK", "uplink", CELL_TEXT},
		{"SENDER", "id", CELL_TEXT},
		{"WEIGHT", "weight", CELL_NUMBER},
		{"KEPT", "min_kbps", CELL_KBPS},
		{"WAITED", "sent_packets", CELL_NUMBER},
		{"BYTES", "sent_bytes", CELL_BYTES},
		{"DROPPED", "dropped_packets", CELL_NUMBER},
		{"NOW", "now", CELL_NUMBER},
		{NULL, NULL, CELL_TEXT},
	};

	if (json_array_size(rows) == 0)
		return;
	puts("");
	table_print(columns, rows);
}

static double seconds_since(json_t *result, json_t *former)
{
	return former == NULL
		       ? 0
		       : (double)(count_at(result, "ts_ns") - count_at(former, "ts_ns")) / NS_PER_S;
}

/* The rates, and who shared uplinks; false: there is no endpoint or uplink. */
static bool collect(json_t *result, json_t *rows, json_t *shares)
{
	json_t *former = json_object_get(result, WATCH_FORMER);
	double seconds = seconds_since(result, former);
	const char *id;
	json_t *port;

	json_object_foreach (json_object_get(result, "endpoint"), id, port) {
		json_t *then = json_object_get(json_object_get(former, "endpoint"), id);

		rows_append(rows, id, json_object_get(port, "qos"), json_object_get(then, "qos"),
			seconds);
	}
	json_object_foreach (json_object_get(result, "uplink"), id, port) {
		json_t *then = json_object_get(
			json_object_get(json_object_get(former, "uplink"), id), "capacity");
		json_t *capacity = json_object_get(port, "capacity");

		if (!json_is_object(capacity))
			continue;
		json_array_append_new(rows, row_of(id, "out", capacity, then, seconds));
		shares_append(shares, id, json_object_get(capacity, "shares"),
			json_object_get(then, "shares"), seconds);
	}
	return json_object_size(json_object_get(result, "endpoint")) +
		       json_object_size(json_object_get(result, "uplink")) !=
	       0;
}

void print_qos(json_t *result, const struct printed *what)
{
	static const struct table_column columns[] = {
		{"PORT", "id", CELL_TEXT},
		{"DIRECTION", "direction", CELL_TEXT},
		{"MODE", "mode", CELL_TEXT},
		{"RATE", "kbps", CELL_KBPS},
		{"BURST", "burst", CELL_NUMBER},
		{"PPS", "pps", CELL_NONZERO},
		{"CONFORMING", "conforming.packets", CELL_NUMBER},
		{"BYTES", "conforming.bytes", CELL_BYTES},
		{"OVER RATE", "over_kbps.packets", CELL_NUMBER},
		{"OVER PPS", "over_pps.packets", CELL_NUMBER},
		{"WAITING", "shaper.waiting_packets", CELL_NUMBER},
		{"WAITED", "shaper.sent_packets", CELL_NUMBER},
		{"ECN", "shaper.ecn_packets", CELL_NONZERO},
		{"CODEL DROPS", "shaper.codel_drops", CELL_NUMBER},
		{"FULL DROPS", "shaper.queue_full_drops", CELL_NUMBER},
		{"WAIT P50", "p50", CELL_NUMBER},
		{"P99", "p99", CELL_NUMBER},
		{"MAX", "max", CELL_NUMBER},
		{"NOW", "now", CELL_NUMBER},
		{"DROPS/S", "drops", CELL_NUMBER},
		{NULL, NULL, CELL_TEXT},
	};
	json_t *rows = json_array();
	json_t *shares = json_array();
	bool any = collect(result, rows, shares);

	if (json_array_size(rows) > 0)
		table_print(columns, rows);
	else if (what->id != NULL && !any)
		printf("there is no endpoint or uplink %s\n", what->id);
	else
		puts("no rate");
	print_shares(shares);
	json_decref(rows);
	json_decref(shares);
}
