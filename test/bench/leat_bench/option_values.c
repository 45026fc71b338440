/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/option_values.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bad_value(const char *option, const char *text)
{
	errx(BAD_USAGE, "--%s: \"%s\" is not acceptable; --help says what is", option, text);
}

double number(const char *option, const char *text, double low, double high)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(value) || value < low || value > high)
		bad_value(option, text);
	return value;
}

unsigned whole(const char *option, const char *text, unsigned low, unsigned high)
{
	double value = number(option, text, low, high);

	if (value != floor(value))
		bad_value(option, text);
	return (unsigned)value;
}

/* Two values with a comma between them. */
static void pair(const char *option, const char *text, char first[static INET6_ADDRSTRLEN],
	const char **second)
{
	const char *comma = strchr(text, ',');

	if (comma == NULL || comma - text >= INET6_ADDRSTRLEN)
		bad_value(option, text);
	snprintf(first, INET6_ADDRSTRLEN, "%.*s", (int)(comma - text), text);
	*second = comma + 1;
}

void macs_read(struct bench_options *o, const char *text)
{
	char first[INET6_ADDRSTRLEN];
	const char *second;

	pair("mac", text, first, &second);
	if (mac_parse(first, &o->mac[0]) != 0 || mac_parse(second, &o->mac[1]) != 0)
		bad_value("mac", text);
}

void ips_read(struct bench_options *o, const char *text)
{
	char first[INET6_ADDRSTRLEN];
	const char *second;

	pair("ip", text, first, &second);
	if (ip_parse(first, &o->ip[0]) != 0 || ip_parse(second, &o->ip[1]) != 0 ||
		o->ip[0].family != 4 || o->ip[1].family != 4)
		bad_value("ip", text);
}

void spread_read(struct bench_options *o, const char *text)
{
	o->spread = true;
	if (text != NULL && (prefix_parse(text, &o->prefix) != 0 || o->prefix.addr.family != 4))
		bad_value("spread", text);
}
