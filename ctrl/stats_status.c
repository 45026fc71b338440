/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers and memory as system.status shows them. */
#include <rte_eal.h>
#include <rte_malloc.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"
#include "ctrl/stats_json.h"

/*
 * The share of cycles in rounds that found work since the call before (since the start, at the
 * first). Callers share that window: who asks often sees short ones.
 */
static double busy_share(unsigned worker, const struct worker_status *status)
{
	static struct {
		uint64_t busy;
		uint64_t total;
	} before[WORKERS_MAX];
	uint64_t busy;
	uint64_t total;

	/* Counters that run anew belong to a worker started anew. */
	if (status->total_tsc < before[worker].total || status->busy_tsc < before[worker].busy)
		before[worker].busy = before[worker].total = 0;
	busy = status->busy_tsc - before[worker].busy;
	total = status->total_tsc - before[worker].total;
	before[worker].busy = status->busy_tsc;
	before[worker].total = status->total_tsc;
	if (total == 0)
		return 0;
	return busy < total ? (double)busy / (double)total : 1;
}

json_t *status_workers(void)
{
	json_t *ret = json_array();

	for (unsigned i = 0; i < worker_count(); i++) {
		struct worker_status status = {0};
		json_t *json = json_object();

		worker_status_get(i, &status);
		set_worker_place(json, &status);
		json_object_set_new(json, "busy", json_real(busy_share(i, &status)));
		set_worker_counts(json, &status);
		json_array_append_new(ret, json);
	}
	return ret;
}

json_t *status_memory(void)
{
	struct rte_malloc_socket_stats stats;
	json_t *sockets = json_array();
	json_t *ret = json_object();
	uint64_t total = 0;
	uint64_t unused = 0;

	for (unsigned i = 0; i < rte_socket_count(); i++) {
		int node = rte_socket_id_by_idx(i);
		json_t *socket;

		if (node < 0 || rte_malloc_get_socket_stats(node, &stats) != 0)
			continue;
		total += stats.heap_totalsz_bytes;
		unused += stats.heap_freesz_bytes;
		socket = json_object();
		json_object_set_new(socket, "node", json_integer(node));
		set_count(socket, "total_bytes", stats.heap_totalsz_bytes);
		set_count(socket, "free_bytes", stats.heap_freesz_bytes);
		json_array_append_new(sockets, socket);
	}
	json_object_set_new(ret, "hugepages", json_boolean(rte_eal_has_hugepages()));
	set_count(ret, "heap_total_bytes", total);
	set_count(ret, "heap_free_bytes", unused);
	json_object_set_new(ret, "nodes", sockets);
	set_count(ret, "connections", worker_conn_count());
	set_count(ret, "learned_macs", worker_mac_count());
	return ret;
}
