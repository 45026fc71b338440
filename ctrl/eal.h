/* SPDX-License-Identifier: BSD-3-Clause */
/* The start of DPDK's environment, and which cores poll. */
#ifndef LEAT_CTRL_EAL_H
#define LEAT_CTRL_EAL_H

#include "ctrl/options.h"
#include "dataplane/worker.h"
#include "lib/error.h"

/*
 * Which cores poll: those asked for, else all this process may use but the first (where there is
 * one alone, that one). INVALID_PARAMS for a core that may not be used.
 */
int worker_options_make(
	const struct options *options, struct worker_options *ret, struct error *err);

/*
 * Start DPDK: memory of this process alone, no telemetry, the calling thread as its main one, kept
 * off the workers' cores where there are others. DEVICE or EXHAUSTED with the remedy.
 */
int eal_start(
	const struct options *options, const struct worker_options *workers, struct error *err);
void eal_stop(void);

/*
 * eal_tsc.c: from here on the time-stamp counter is measured; EAL reads the frequency in
 * rte_eal_init(), the later the more exactly.
 */
void eal_tsc_begin(void);

void eal_log_level_set(enum log_level level);
const char *eal_version(void);

#endif
