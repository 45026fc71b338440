/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/table.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"

#define STEP 1000.0
#define NAME_LENGTH_MAX 256

json_t *value_at(json_t *object, const char *path)
{
	while (object != NULL && *path != '\0') {
		size_t length = strcspn(path, ".");

		object = json_object_getn(object, path, length);
		path += length;
		if (*path == '.')
			path++;
	}
	return object;
}

static char *list_text(const json_t *list)
{
	char *text = alloc_strdup("");

	for (size_t i = 0; i < json_array_size(list); i++) {
		char *element = value_text(json_array_get(list, i));
		char *longer = alloc_printf("%s%s%s", text, i == 0 ? "" : ",", element);

		free(element);
		free(text);
		text = longer;
	}
	return text;
}

char *value_text(const json_t *value)
{
	char *dumped;
	char *text;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return alloc_strdup(json_string_value(value));
	case JSON_INTEGER:
		return alloc_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	case JSON_REAL:
		return alloc_printf("%.4g", json_real_value(value));
	case JSON_TRUE:
		return alloc_strdup("true");
	case JSON_FALSE:
		return alloc_strdup("false");
	case JSON_NULL:
		return alloc_strdup("-");
	case JSON_ARRAY:
		return list_text(value);
	case JSON_OBJECT:
		break;
	}
	dumped = json_dumps(value, JSON_COMPACT);
	text = alloc_strdup(dumped != NULL ? dumped : "");
	free(dumped);
	return text;
}

static char *scaled_text(double value, const char *const *units)
{
	while (value >= STEP && units[1] != NULL) {
		value /= STEP;
		units++;
	}
	if (value == (double)(uint64_t)value)
		return alloc_printf("%.0f %s", value, *units);
	return alloc_printf(value < 10 ? "%.2f %s" : "%.1f %s", value, *units);
}

char *bytes_text(uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", NULL};

	return scaled_text((double)bytes, units);
}

char *kbps_text(uint64_t kbps)
{
	static const char *const units[] = {"kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", NULL};

	return scaled_text((double)kbps, units);
}

void text_print(void *stream, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		fputc(c < ' ' || c == 0x7f ? '?' : c, stream);
	}
}

/* Where a port is attached, in two words. */
static char *port_text(json_t *port)
{
	static const char *const names[] = {"name", "netdev", "socket", "address", "devargs"};
	const char *kind = json_string_value(json_object_get(port, "kind"));
	const char *name = NULL;

	for (size_t i = 0; name == NULL && i < sizeof(names) / sizeof(names[0]); i++)
		name = json_string_value(json_object_get(port, names[i]));
	return alloc_printf("%s%s%s", kind != NULL ? kind : "", name != NULL ? " " : "",
		name != NULL ? name : "");
}

static char *state_text(json_t *oper)
{
	const char *state = json_string_value(json_object_get(oper, "state"));
	const char *error = json_string_value(json_object_get(oper, "error"));

	if (state == NULL)
		return NULL;
	return alloc_printf("%s%s%s", state, error != NULL ? ": " : "", error != NULL ? error : "");
}

static char *remote_text(json_t *remote)
{
	const char *name;
	json_t *value;

	json_object_foreach (remote, name, value) {
		const char *text = json_string_value(value);

		return alloc_printf("%s %s", name, text != NULL ? text : "");
	}
	return NULL;
}

/* NULL: nothing to show. */
static char *cell_text(json_t *value, enum cell_format format)
{
	uint64_t number = (uint64_t)json_integer_value(value);

	if (value == NULL || (json_is_array(value) && json_array_size(value) == 0))
		return NULL;
	switch (format) {
	case CELL_BYTES:
		return bytes_text(number);
	case CELL_KBPS:
		return number == 0 ? NULL : kbps_text(number);
	case CELL_NONZERO:
		return number == 0 ? NULL : value_text(value);
	case CELL_PORT:
		return port_text(value);
	case CELL_STATE:
		return state_text(value);
	case CELL_REMOTE:
		return remote_text(value);
	default:
		return value_text(value);
	}
}

static const char *state_colour(const char *state)
{
	if (strcmp(state, "active") == 0)
		return "green";
	return strncmp(state, "error", strlen("error")) == 0 ? "red" : "yellow";
}

bool colours_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static void cell_set(struct libscols_line *line, size_t at, json_t *row,
	const struct table_column *column, bool *is_used)
{
	char *text = cell_text(value_at(row, column->path), column->format);

	if (text == NULL)
		return;
	*is_used = true;
	scols_line_set_data(line, at, text);
	if (column->format == CELL_STATE)
		scols_cell_set_color(scols_line_get_cell(line, at), state_colour(text));
	free(text);
}

static int column_flags(enum cell_format format)
{
	switch (format) {
	case CELL_NUMBER:
	case CELL_NONZERO:
	case CELL_BYTES:
	case CELL_KBPS:
		return SCOLS_FL_RIGHT;
	case CELL_WRAPPED:
		return SCOLS_FL_WRAP;
	default:
		return 0;
	}
}

void table_print(const struct table_column *columns, json_t *rows)
{
	struct libscols_table *table = scols_new_table();
	size_t n = 0;

	scols_table_enable_colors(table, colours_wanted());
	for (; columns[n].title != NULL; n++)
		scols_table_new_column(table, columns[n].title, 0, column_flags(columns[n].format));
	for (size_t i = 0; i < json_array_size(rows); i++)
		scols_table_new_line(table, NULL);
	for (size_t c = 0; c < n; c++) {
		struct libscols_column *column = scols_table_get_column(table, c);
		bool is_used = false;

		for (size_t i = 0; i < json_array_size(rows); i++)
			cell_set(scols_table_get_line(table, i), c, json_array_get(rows, i),
				&columns[c], &is_used);
		if (!is_used)
			scols_column_set_flags(
				column, scols_column_get_flags(column) | SCOLS_FL_HIDDEN);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

static void fields_add(struct libscols_table *table, const char *prefix, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach (object, name, value) {
		char full[NAME_LENGTH_MAX];
		struct libscols_line *line;
		char *text;

		snprintf(full, sizeof(full), "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", name);
		if (json_is_object(value)) {
			fields_add(table, full, value);
			continue;
		}
		line = scols_table_new_line(table, NULL);
		text = value_text(value);
		scols_line_set_data(line, 0, full);
		scols_line_set_data(line, 1, text);
		if (strcmp(name, "state") == 0)
			scols_cell_set_color(scols_line_get_cell(line, 1), state_colour(text));
		free(text);
	}
}

void table_print_fields(json_t *object)
{
	struct libscols_table *table = scols_new_table();

	scols_table_enable_colors(table, colours_wanted());
	scols_table_enable_noheadings(table, 1);
	scols_table_new_column(table, "NAME", 0, 0);
	scols_table_new_column(table, "VALUE", 0, SCOLS_FL_WRAP);
	fields_add(table, "", object);
	scols_print_table(table);
	scols_unref_table(table);
}
