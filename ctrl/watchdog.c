/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/watchdog.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>

#include "dataplane/worker.h"
#include "lib/clock.h"
#include "lib/log.h"

#define BEATS_OF_INTERVAL 3 /* so that one that comes late is still in time */
#define NS_PER_US 1000
#define US_PER_MS 1000

static uint64_t period_us; /* 0: nobody watches */
static uint64_t next_us;   /* when a beat is due */
static uint64_t rounds_told[WORKERS_MAX];
static bool silent;

static uint64_t now_us(void)
{
	return monotonic_ns() / NS_PER_US;
}

void watchdog_start(void)
{
	uint64_t interval_us = 0;

	if (sd_watchdog_enabled(0, &interval_us) <= 0)
		return;
	period_us = interval_us / BEATS_OF_INTERVAL;
	next_us = now_us() + period_us;
	log_debug("the service manager wants a sign of life within %" PRIu64 " ms",
		interval_us / US_PER_MS);
}

/* The first worker without a round since the last beat, or their number. */
static unsigned hanging_worker(uint64_t *ret_rounds)
{
	unsigned ret = worker_count();

	for (unsigned i = worker_count(); i-- > 0;) {
		struct worker_status status = {0};

		worker_status_get(i, &status);
		ret_rounds[i] = status.rounds;
		if (status.rounds == rounds_told[i])
			ret = i;
	}
	return ret;
}

void watchdog_beat(void)
{
	uint64_t rounds[WORKERS_MAX] = {0};
	unsigned hanging;
	uint64_t now;

	if (period_us == 0)
		return;
	now = now_us();
	if (now < next_us)
		return;
	hanging = hanging_worker(rounds);
	if (hanging < worker_count()) {
		if (!silent)
			log_warning("worker %u makes no rounds: no sign of life to the service "
				    "manager",
				hanging);
		silent = true;
		return;
	}
	for (unsigned i = 0; i < worker_count(); i++)
		rounds_told[i] = rounds[i];
	silent = false;
	next_us = now + period_us;
	sd_notify(0, "WATCHDOG=1");
	/* Those that sleep make a round, too, before the next. */
	worker_wake_all();
}
