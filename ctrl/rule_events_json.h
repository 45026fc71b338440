/* SPDX-License-Identifier: BSD-3-Clause */
/* A record of dataplane/rule_log.h by the names that clients know. */
#ifndef LEAT_CTRL_RULE_EVENTS_JSON_H
#define LEAT_CTRL_RULE_EVENTS_JSON_H

#include <jansson.h>

#include "ctrl/compile_names.h"
#include "dataplane/rule_log.h"

struct compile_names;

/* Of an index in now, or else in next, which may be NULL; NULL: in neither. */
const char *rule_record_id(const struct names *now, const struct names *next, uint32_t index);

/* {verdict, endpoint or uplink, network, src_mac, ...}; a new reference. next: as for rule_events_collect(). */
json_t *rule_record_json(const struct rule_log_record *record, const struct compile_names *now,
	const struct compile_names *next);

#endif
