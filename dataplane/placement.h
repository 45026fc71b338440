/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker polls which queue. A pure function of its arguments, so that a test can show it on a
 * machine it makes up.
 */
#ifndef LEAT_DATAPLANE_PLACEMENT_H
#define LEAT_DATAPLANE_PLACEMENT_H

#include <stddef.h>

#include "dataplane/snapshot.h"

struct placement_queue {
	struct snapshot_poll poll;
	int node;	 /* NUMA node of the port's memory, -1 unknown */
	unsigned worker; /* the answer */
};

/*
 * Queues of a known node go to the workers of that node where there are any, each to the one with
 * the fewest queues so far; the others to the least loaded of all. Ties: the lower worker.
 * worker_node may be NULL: all on one node. n_workers at least 1.
 */
void placement_spread(
	struct placement_queue *queues, size_t n, const int *worker_node, unsigned n_workers);

#endif
