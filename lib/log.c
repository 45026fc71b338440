/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};
#define N_LEVELS (int)(sizeof(levels) / sizeof(levels[0]))

/* Written by log.set, read by whoever logs; relaxed: one line more or less at the change. */
static _Atomic int threshold = LOG_LEVEL_INFO;

void log_level_set(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level_get(void)
{
	return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_level_find(const char *name)
{
	for (int i = 0; i < N_LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return i;
	}
	return -1;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	size_t length;
	va_list ap;

	if (level > log_level_get())
		return;
	if (getenv("JOURNAL_STREAM") != NULL)
		snprintf(line, sizeof(line), "<%d>", levels[level].priority);
	else
		snprintf(line, sizeof(line), "leatd: %s: ", levels[level].name);
	length = strlen(line);
	va_start(ap, fmt);
	vsnprintf(line + length, sizeof(line) - length - 1, fmt, ap);
	va_end(ap);
	for (char *c = line + length; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	length = strlen(line);
	line[length++] = '\n';
	while (length > 0 && write(STDERR_FILENO, line, length) < 0) {
		/* Nobody to tell. */
		break;
	}
}
