/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/rule_log.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/counters.h"
#include "dataplane/snapshot.h"

/* What one rule has taken. */
struct rule_use {
	uint64_t left_out; /* read by the control side */
	uint32_t window;
	uint32_t n; /* in that window */
};

/* Both ends count up for ever; a line each for who writes them. */
struct rule_log {
	uint32_t head __attribute__((aligned(64))); /* the worker: records handed over */
	struct rule_use *use;			    /* by rule index */
	uint32_t tail __attribute__((aligned(64))); /* the control side: records taken */
	struct rule_log_record record[RULE_LOG_RECORDS];
};

struct rule_log *rule_log_create(void)
{
	struct rule_log *log = aligned_alloc(64, sizeof(*log));

	if (log == NULL)
		return NULL;
	memset(log, 0, sizeof(*log));
	log->use = calloc(RULES_MAX, sizeof(*log->use));
	if (log->use != NULL)
		return log;
	free(log);
	return NULL;
}

void rule_log_free(struct rule_log *log)
{
	if (log != NULL)
		free(log->use);
	free(log);
}

struct rule_log_record *rule_log_begin(struct rule_log *log, uint32_t rule, uint64_t now_ms)
{
	struct rule_use *use = &log->use[rule];
	uint32_t window = (uint32_t)(now_ms >> RULE_LOG_WINDOW_SHIFT);
	uint32_t n = log->head - __atomic_load_n(&log->tail, __ATOMIC_ACQUIRE);

	if (use->window != window) {
		use->window = window;
		use->n = 0;
	}
	if (n == RULE_LOG_RECORDS || use->n == RULE_LOG_BURST) {
		stat_add(&use->left_out, 1);
		return NULL;
	}
	use->n++;
	return &log->record[log->head % RULE_LOG_RECORDS];
}

void rule_log_end(struct rule_log *log)
{
	__atomic_store_n(&log->head, log->head + 1, __ATOMIC_RELEASE);
}

bool rule_log_take(struct rule_log *log, struct rule_log_record *ret)
{
	if (log->tail == __atomic_load_n(&log->head, __ATOMIC_ACQUIRE))
		return false;
	*ret = log->record[log->tail % RULE_LOG_RECORDS];
	__atomic_store_n(&log->tail, log->tail + 1, __ATOMIC_RELEASE);
	return true;
}

uint64_t rule_log_left_out(const struct rule_log *log, uint32_t rule)
{
	return stat_read(&log->use[rule].left_out);
}

void rule_log_forget(struct rule_log *log, uint32_t rule)
{
	memset(&log->use[rule], 0, sizeof(log->use[rule]));
}
