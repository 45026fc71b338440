/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/placement.h"

static unsigned least_loaded(
	const unsigned *load, const int *worker_node, unsigned n_workers, int node)
{
	unsigned best = n_workers;

	for (unsigned w = 0; w < n_workers; w++) {
		if (node >= 0 && (worker_node == NULL || worker_node[w] != node))
			continue;
		if (best == n_workers || load[w] < load[best])
			best = w;
	}
	return best;
}

static void place(
	struct placement_queue *queue, unsigned *load, const int *worker_node, unsigned n_workers)
{
	unsigned w = n_workers;

	if (queue->node >= 0)
		w = least_loaded(load, worker_node, n_workers, queue->node);
	if (w == n_workers)
		w = least_loaded(load, worker_node, n_workers, -1);
	queue->worker = w;
	load[w]++;
}

void placement_spread(
	struct placement_queue *queues, size_t n, const int *worker_node, unsigned n_workers)
{
	unsigned load[WORKERS_MAX] = {0};

	/* First those that care where they go, so that the rest evens out what they leave. */
	for (size_t i = 0; i < n; i++)
		if (queues[i].node >= 0)
			place(&queues[i], load, worker_node, n_workers);
	for (size_t i = 0; i < n; i++)
		if (queues[i].node < 0)
			place(&queues[i], load, worker_node, n_workers);
}
