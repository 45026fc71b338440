/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One line a message to standard error, for the control side; never called by a worker's loop. With
 * JOURNAL_STREAM in the environment each line begins with systemd's "<N>" (sd-daemon(3)), else with
 * the level's name. Any thread; a line is written by one write(2).
 */
#ifndef LEAT_LIB_LOG_H
#define LEAT_LIB_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_LINE_MAX 1024

/* The least severe level that is written; LOG_LEVEL_INFO at the start. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);
/* -1: no such level. */
int log_level_find(const char *name);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
