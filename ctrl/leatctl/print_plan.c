/* SPDX-License-Identifier: BSD-3-Clause */
/* What a document would change, object by object and field by field. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/describe.h"
#include "ctrl/leatctl/print.h"

#define NOTHING "(none)"

enum difference {
	ADDED,
	REMOVED,
	CHANGED,
	DIFFERENCES,
};

static const struct {
	char sign;
	const char *colour;
} looks[DIFFERENCES] = {
	[ADDED] = {'+', "\033[32m"},
	[REMOVED] = {'-', "\033[31m"},
	[CHANGED] = {'~', "\033[33m"},
};

static void value_print(const json_t *value)
{
	char *text = value != NULL ? value_text(value) : NULL;

	text_print(stdout, text != NULL && text[0] != '\0' ? text : NOTHING);
	free(text);
}

/* Does the value have members to be shown one by one? */
static bool has_members(const json_t *value)
{
	return json_is_object(value) && json_object_size(value) > 0;
}

static void fields_print(const char *prefix, json_t *before, json_t *after);

/* One member by its dotted name; of objects their members, if it is one on either side. */
static void field_print(const char *prefix, const char *member, json_t *before, json_t *after)
{
	char name[DESCRIBE_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", member);
	if (json_equal(before, after))
		return;
	if ((has_members(before) || before == NULL) && (has_members(after) || after == NULL)) {
		fields_print(name, before, after);
		return;
	}
	fputs("    ", stdout);
	text_print(stdout, name);
	fputs(": ", stdout);
	if (before != NULL) {
		value_print(before);
		fputs(" -> ", stdout);
	}
	value_print(after);
	putchar('\n');
}

/* What is only after counts as changed from nothing; `before` NULL: all is new. */
static void fields_print(const char *prefix, json_t *before, json_t *after)
{
	const char *member;
	json_t *value;

	json_object_foreach (before, member, value) {
		field_print(prefix, member, value, json_object_get(after, member));
	}
	json_object_foreach (after, member, value) {
		if (json_object_get(before, member) == NULL)
			field_print(prefix, member, NULL, value);
	}
}

static enum difference difference_of(json_t *item)
{
	if (json_is_null(json_object_get(item, "before")))
		return ADDED;
	return json_is_null(json_object_get(item, "after")) ? REMOVED : CHANGED;
}

/* "~ network blue", and its fields below it; of what goes the name alone. */
static void difference_print(json_t *item, bool coloured)
{
	enum difference kind = difference_of(item);
	const char *object = json_string_value(json_object_get(item, "object"));
	size_t type = strcspn(object, ":");

	printf("%s%c %.*s", coloured ? looks[kind].colour : "", looks[kind].sign, (int)type,
		object);
	if (object[type] != '\0') {
		putchar(' ');
		text_print(stdout, object + type + 1);
	}
	puts(coloured ? "\033[0m" : "");
	if (kind == ADDED)
		fields_print("", NULL, json_object_get(item, "after"));
	else if (kind == CHANGED)
		fields_print("", json_object_get(item, "before"), json_object_get(item, "after"));
}

/* Where they were too many to be told one by one: how many of each type. */
static size_t sum_print(json_t *result, const char *fate, enum difference kind)
{
	const char *type;
	json_t *ids;
	size_t n = 0;

	json_object_foreach (json_object_get(result, fate), type, ids) {
		printf("%c %s: %zu\n", looks[kind].sign, type, list_length(ids));
		n += list_length(ids);
	}
	return n;
}

void print_plan(json_t *result, const struct printed *what)
{
	json_t *list = json_object_get(result, "differences");
	json_int_t rev = json_integer_value(json_object_get(result, "rev"));
	size_t n[DIFFERENCES] = {0};
	bool coloured = colours_wanted();

	(void)what;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);

		if (!json_is_string(json_object_get(item, "object")))
			continue;
		difference_print(item, coloured);
		n[difference_of(item)]++;
	}
	if (json_is_integer(list)) {
		n[ADDED] = sum_print(result, "added", ADDED);
		n[CHANGED] = sum_print(result, "changed", CHANGED);
		n[REMOVED] = sum_print(result, "removed", REMOVED);
	}
	if (list_length(list) == 0) {
		printf("nothing to do at revision %" JSON_INTEGER_FORMAT "\n", rev);
		return;
	}
	printf("to add: %zu, to change: %zu, to remove: %zu\n"
	       "if_rev=%" JSON_INTEGER_FORMAT
	       " in the place of --plan does this and nothing else\n",
		n[ADDED], n[CHANGED], n[REMOVED], rev);
}
