/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports that are not there: a namespace or a device that comes late, a TAP that somebody deleted. */
#include <stdio.h>

#include "ctrl/commit.h"
#include "ctrl/commit_ports.h"
#include "ctrl/commit_state.h"
#include "lib/clock.h"
#include "lib/log.h"

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 16000

static uint64_t due_ms; /* monotonic; 0: nothing is to be tried */
static unsigned pause_ms;

/* Looked for after a commit or a change of some port's state: that is what loses and finds ports. */
static bool any_lost(void)
{
	static bool lost;

	if (!commit_state.ports_changed)
		return lost;
	commit_state.ports_changed = false;
	lost = false;
	for (size_t i = 0; i < PORTS_MAX; i++)
		lost |= port_is_lost(&commit_state.port[i]);
	return lost;
}

/* The opened one is the record's from now on; the next commit has it in its snapshot. */
static bool try_one(uint16_t index)
{
	struct port_record *record = &commit_state.port[index];
	struct error why = {0};
	const char *id;
	const char *type = commit_port_owner(index, &id);

	birth_find_resource(&record->birth);
	for (size_t i = 0; i < PORTS_MAX; i++)
		if (commit_state.port[i].port != NULL &&
			birth_collides(&commit_state.port[i].birth, &record->birth))
			return false;
	if (retired_collides(&record->birth))
		return false;
	record->port = birth_open(&record->birth, index, worker_count(), &why);
	if (record->port == NULL) {
		snprintf(record->error, sizeof(record->error), "%s", why.message);
		return false;
	}
	record->error[0] = '\0';
	port_keep(record->port, commit_state.keep_interfaces);
	log_info("%s %s has its port now", type, id);
	return true;
}

static void retry_all(void)
{
	struct commit_options options = {.lenient = true};
	struct error why = {0};
	bool commit = false;

	commit_state.ports_changed = true;
	for (size_t i = 0; i < PORTS_MAX; i++) {
		if (!port_is_lost(&commit_state.port[i]))
			continue;
		/* One that is gone is let go of, and tried for, by the commit. */
		commit |= commit_state.port[i].port != NULL || try_one((uint16_t)i);
	}
	if (commit && commit_apply(commit_state.config, &options, &why) != 0)
		log_warning(
			"ports that were opened late wait for the next commit: %s", why.message);
}

int commit_retry(void)
{
	if (!any_lost()) {
		due_ms = 0;
		return -1;
	}
	if (due_ms == 0) {
		pause_ms = RETRY_FIRST_MS;
	} else if (monotonic_ms() < due_ms) {
		return (int)(due_ms - monotonic_ms());
	} else {
		retry_all();
		pause_ms = pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS;
	}
	due_ms = monotonic_ms() + pause_ms;
	return any_lost() ? (int)pause_ms : -1;
}

void commit_retry_soon(void)
{
	if (due_ms != 0)
		due_ms = 1;
}
