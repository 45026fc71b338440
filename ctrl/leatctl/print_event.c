/* SPDX-License-Identifier: BSD-3-Clause */
/* One event a line, for people. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ctrl/leatctl/print.h"

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

static void time_print(json_int_t ts_ns)
{
	time_t seconds = (time_t)(ts_ns / NS_PER_S);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%03d", text, (int)(ts_ns % NS_PER_S / NS_PER_MS));
}

void print_event(json_t *event, const struct printed *what)
{
	json_t *data = json_object_get(event, "data");
	const char *object = json_string_value(json_object_get(event, "object"));
	const char *type = json_string_value(json_object_get(event, "type"));
	const char *name;
	json_t *value;

	(void)what;
	time_print(json_integer_value(json_object_get(event, "ts_ns")));
	printf(" %-14s", type != NULL ? type : "");
	if (object != NULL) {
		putchar(' ');
		text_print(stdout, object);
	}
	json_object_foreach (data, name, value) {
		char *text = json_is_string(value)
				     ? NULL
				     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		if (json_is_object(value) && json_object_size(value) == 0) {
			free(text);
			continue;
		}
		printf(" %s=", name);
		text_print(stdout, text != NULL ? text : json_string_value(value));
		free(text);
	}
	putchar('\n');
}
