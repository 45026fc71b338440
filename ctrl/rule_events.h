/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules with `log`: from what the workers left (dataplane/rule_log.h) to what may be said, at a bounded rate, with a count
 * of what was left out on the way. One thread, the executor.
 */
#ifndef LEAT_CTRL_RULE_EVENTS_H
#define LEAT_CTRL_RULE_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct compile_names;

/* object: "rule:web-in"; takes over data. */
typedef void rule_event_fn(const char *object, json_t *data, void *arg);

/*
 * Say what there is to say now; about every 100 ms. wanted: does anybody listen? If not, what the workers left is thrown
 * away; what was left out is counted from when somebody does.
 */
void rule_events_say(rule_event_fn *fn, void *arg, bool wanted);

/*
 * Take what the workers left, while it is known which ids its indexes stand for: before next (NULL: there are none)
 * take the place of the names that stand, and before any index may be taken again.
 */
void rule_events_collect(const struct compile_names *next);
/* The rule is gone from the workers. */
void rule_events_forget(uint32_t rule);
/* Forget everything: at the end. */
void rule_events_fini(void);

#endif
