/* SPDX-License-Identifier: BSD-3-Clause */
/* One event a line, for people. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void data_print(json_t *data)
{
	const char *name;
	json_t *value;

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
}

/* " 10.1.0.3:40000", "[2001:db8::1]:443", or without a port. */
static void end_print(json_t *data, const char *ip_name, const char *port_name)
{
	const char *ip = json_string_value(json_object_get(data, ip_name));
	json_t *port = json_object_get(data, port_name);
	bool six = ip != NULL && strchr(ip, ':') != NULL && port != NULL;

	printf(" %s", six ? "[" : "");
	text_print(stdout, ip != NULL ? ip : "");
	if (six)
		putchar(']');
	if (port != NULL)
		printf(":%" JSON_INTEGER_FORMAT, json_integer_value(port));
}

static void word_print(json_t *data, const char *before, const char *name)
{
	json_t *value = json_object_get(data, name);

	if (value == NULL)
		return;
	printf("%s", before);
	if (json_is_string(value))
		text_print(stdout, json_string_value(value));
	else
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* " deny tcp 10.1.0.3:40000 > 10.1.0.1:6379, endpoint batch, network blue; 17 more not told" */
static void rule_log_print(json_t *data)
{
	if (json_object_get(data, "verdict") != NULL) {
		word_print(data, " ", "verdict");
		word_print(data, " ", "proto");
		word_print(data, " type ", "icmp_type");
		word_print(data, " code ", "icmp_code");
		end_print(data, "src_ip", "src_port");
		printf(" >");
		end_print(data, "dst_ip", "dst_port");
		word_print(data, ", endpoint ", "endpoint");
		word_print(data, ", uplink ", "uplink");
		word_print(data, ", network ", "network");
	}
	if (json_object_get(data, "left_out") != NULL) {
		word_print(data, "; ", "left_out");
		printf(" more not told");
	}
}

void print_event(json_t *event, const struct printed *what)
{
	json_t *data = json_object_get(event, "data");
	const char *object = json_string_value(json_object_get(event, "object"));
	const char *type = json_string_value(json_object_get(event, "type"));

	(void)what;
	time_print(json_integer_value(json_object_get(event, "ts_ns")));
	printf(" %-14s", type != NULL ? type : "");
	if (object != NULL) {
		putchar(' ');
		text_print(stdout, object);
	}
	if (type != NULL && strcmp(type, "rule.log") == 0)
		rule_log_print(data);
	else
		data_print(data);
	putchar('\n');
}
