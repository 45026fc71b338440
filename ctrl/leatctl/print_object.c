/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects, lists of them, and what became of changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/print.h"

#define COLUMNS_END                                                                                \
	{                                                                                          \
		NULL, NULL, CELL_TEXT                                                              \
	}

static const struct table_column network_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"TENANT", "tenant", CELL_TEXT},
	{"ENCAP", "encap", CELL_TEXT},
	{"VLAN", "vlan", CELL_NUMBER},
	{"SUBNET", "subnet", CELL_TEXT},
	{"GATEWAY", "gateway", CELL_TEXT},
	{"SUBNET6", "subnet6", CELL_TEXT},
	{"GATEWAY6", "gateway6", CELL_TEXT},
	{"MTU", "mtu", CELL_NUMBER},
	COLUMNS_END,
};

static const struct table_column uplink_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"DEVICE", "device", CELL_PORT},
	{"MTU", "mtu", CELL_NUMBER},
	{"QUEUES", "queues", CELL_NUMBER},
	{"CAPACITY", "capacity_kbps", CELL_KBPS},
	{"STATE", "oper", CELL_STATE},
	COLUMNS_END,
};

static const struct table_column group_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"TENANT", "tenant", CELL_TEXT},
	{"NUM", "num", CELL_NONZERO},
	{"NETWORK", "network", CELL_TEXT},
	{"DEFAULT", "default_action", CELL_TEXT},
	{"TX LIMIT", "qos.tx_kbps", CELL_KBPS},
	{"RX LIMIT", "qos.rx_kbps", CELL_KBPS},
	{"TX PPS", "qos.tx_pps", CELL_NONZERO},
	{"RX PPS", "qos.rx_pps", CELL_NONZERO},
	{"KEPT", "qos.min_kbps", CELL_KBPS},
	{"WEIGHT", "qos.weight", CELL_NUMBER},
	{"DSCP", "qos.dscp", CELL_NUMBER},
	{"PCP", "qos.pcp", CELL_NUMBER},
	{"WAITS FOR", "oper.pending", CELL_TEXT},
	COLUMNS_END,
};

static const struct table_column endpoint_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"NETWORK", "network", CELL_TEXT},
	{"GROUP", "group", CELL_TEXT},
	{"MAC", "mac", CELL_TEXT},
	{"ADDRESSES", "ips", CELL_TEXT},
	{"PORT", "port", CELL_PORT},
	{"TX LIMIT", "qos.tx_kbps", CELL_KBPS},
	{"RX LIMIT", "qos.rx_kbps", CELL_KBPS},
	{"TX PPS", "qos.tx_pps", CELL_NONZERO},
	{"RX PPS", "qos.rx_pps", CELL_NONZERO},
	{"KEPT", "qos.min_kbps", CELL_KBPS},
	{"WEIGHT", "qos.weight", CELL_NUMBER},
	{"DSCP", "qos.dscp", CELL_NUMBER},
	{"PCP", "qos.pcp", CELL_NUMBER},
	{"STATE", "oper", CELL_STATE},
	COLUMNS_END,
};

static const struct table_column remote_endpoint_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"NETWORK", "network", CELL_TEXT},
	{"GROUP", "group", CELL_TEXT},
	{"MAC", "mac", CELL_TEXT},
	{"ADDRESSES", "ips", CELL_TEXT},
	{"WAITS FOR", "oper.pending", CELL_TEXT},
	COLUMNS_END,
};

static const struct table_column rule_columns[] = {
	{"ID", "id", CELL_TEXT},
	{"PRIORITY", "priority", CELL_NUMBER},
	{"ACTION", "action", CELL_TEXT},
	{"GROUP", "group", CELL_TEXT},
	{"DIRECTION", "direction", CELL_TEXT},
	{"PROTO", "proto", CELL_TEXT},
	{"PORT", "port", CELL_TEXT},
	{"REMOTE", "remote", CELL_REMOTE},
	{"LEG", "leg", CELL_TEXT},
	{"SOURCE", "src_group", CELL_TEXT},
	{"DESTINATION", "dst_group", CELL_TEXT},
	{"WAITS FOR", "oper.pending", CELL_TEXT},
	COLUMNS_END,
};

const struct table_column *list_columns(enum object_type type)
{
	static const struct table_column *const columns[OBJECT_TYPES] = {
		[OBJECT_NETWORK] = network_columns,
		[OBJECT_UPLINK] = uplink_columns,
		[OBJECT_GROUP] = group_columns,
		[OBJECT_ENDPOINT] = endpoint_columns,
		[OBJECT_REMOTE_ENDPOINT] = remote_endpoint_columns,
		[OBJECT_RULE] = rule_columns,
	};

	return columns[type];
}

void print_json(json_t *result, const struct printed *what)
{
	(void)what;
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
}

void print_fields(json_t *result, const struct printed *what)
{
	(void)what;
	if (json_object_size(result) == 0)
		puts("done");
	else
		table_print_fields(result);
}

void print_list(json_t *result, const struct printed *what)
{
	json_t *items = json_object_get(result, "items");
	int type = object_type_find(what->noun);

	if (type < 0 || list_columns(type) == NULL)
		print_json(result, what);
	else if (json_array_size(items) == 0)
		printf("no %s\n", what->noun);
	else
		table_print(list_columns(type), items);
}

/* Multicast groups of a network with snooping, taken out of `oper`, which the rest of is printed in another way. */
static json_t *groups_take(json_t *oper)
{
	json_t *snooping = json_object_get(oper, "snooping");
	json_t *groups = json_incref(json_object_get(snooping, "groups"));

	json_object_del(snooping, "groups");
	return groups;
}

static void print_groups(json_t *groups)
{
	static const struct table_column columns[] = {
		{"MULTICAST GROUP", "group", CELL_TEXT},
		{"ENDPOINTS", "endpoints", CELL_TEXT},
		{"FLOODED", "flooded", CELL_TEXT},
		COLUMNS_END,
	};

	if (json_array_size(groups) == 0)
		return;
	putchar('\n');
	table_print(columns, groups);
}

void print_object(json_t *result, const struct printed *what)
{
	json_t *object = json_copy(json_object_get(result, what->noun));
	json_t *oper = json_object_get(result, "oper");
	json_t *groups;

	if (object == NULL) {
		print_json(result, what);
		return;
	}
	groups = groups_take(oper);
	if (json_object_size(oper) > 0)
		json_object_set(object, "oper", oper);
	table_print_fields(object);
	print_groups(groups);
	json_decref(groups);
	json_decref(object);
}

static void print_ids(const char *label, json_t *ids)
{
	char *text;

	if (json_array_size(ids) == 0)
		return;
	text = value_text(ids);
	printf("; %s ", label);
	text_print(stdout, text);
	free(text);
}

static const char *change_word(json_t *result, const struct printed *what)
{
	bool changed = json_is_true(json_object_get(result, "changed"));

	if (strcmp(what->verb, "delete") == 0)
		return changed ? "deleted" : "was not there";
	return changed ? "done" : "unchanged";
}

void print_change(json_t *result, const struct printed *what)
{
	const char *state = json_string_value(json_object_get(result, "state"));
	const char *error = json_string_value(json_object_get(result, "error"));

	printf("%s%s%s: %s, revision %" JSON_INTEGER_FORMAT, what->noun,
		what->id != NULL ? " " : "", what->id != NULL ? what->id : "",
		change_word(result, what), json_integer_value(json_object_get(result, "rev")));
	if (state != NULL)
		printf(", %s", state);
	if (error != NULL) {
		fputs(": ", stdout);
		text_print(stdout, error);
	}
	print_ids("waits for", json_object_get(result, "pending"));
	print_ids("took over from", json_object_get(result, "removed"));
	putchar('\n');
}

size_t list_length(const json_t *list)
{
	return json_is_integer(list) ? (size_t)json_integer_value(list) : json_array_size(list);
}

/* "added      endpoint web1,web2"; of a list that was too long for the reply "added      rule: 100000" */
static size_t print_by_type(json_t *result, const char *label)
{
	size_t n = 0;
	const char *type;
	json_t *ids;

	json_object_foreach (json_object_get(result, label), type, ids) {
		char *text = value_text(ids);

		printf("%-9s  %s%s ", label, type, json_is_integer(ids) ? ":" : "");
		text_print(stdout, text);
		putchar('\n');
		free(text);
		n += list_length(ids);
	}
	return n;
}

void print_id_lines(json_t *result, const struct printed *what)
{
	json_t *items = json_object_get(result, "items");

	(void)what;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *id = json_string_value(value_at(json_array_get(items, i), "id"));

		if (id == NULL)
			continue;
		text_print(stdout, id);
		putchar('\n');
	}
}

void print_replace(json_t *result, const struct printed *what)
{
	size_t added = print_by_type(result, "added");
	size_t changed = print_by_type(result, "changed");
	size_t removed = print_by_type(result, "removed");
	size_t unchanged = 0;
	const char *type;
	json_t *ids;

	(void)what;
	json_object_foreach (json_object_get(result, "unchanged"), type, ids) {
		unchanged += list_length(ids);
	}
	printf("%zu added, %zu changed, %zu removed, %zu unchanged, revision "
	       "%" JSON_INTEGER_FORMAT "\n",
		added, changed, removed, unchanged,
		json_integer_value(json_object_get(result, "rev")));
}

void print_txn(json_t *result, const struct printed *what)
{
	json_t *results = json_object_get(result, "results");
	size_t changed = 0;

	(void)what;
	for (size_t i = 0; i < json_array_size(results); i++)
		changed += json_is_true(json_object_get(json_array_get(results, i), "changed"));
	printf("%zu operations, ", list_length(results));
	if (json_is_array(results))
		printf("%zu changed something, ", changed);
	printf("revision %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(result, "rev")));
}
