/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control side reads of the workers, and what it makes them forget. */
#include <string.h>

#include <rte_cycles.h>

#include "dataplane/stage/snoop.h"
#include "dataplane/worker_private.h"

void worker_port_stats(uint16_t port, struct port_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < n_workers; i++)
		port_stats_add(ret, &workers[i].pipeline->stats[port]);
}

void worker_rule_stats(uint32_t rule, struct rule_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < n_workers; i++) {
		const struct rule_stats *rs = &workers[i].pipeline->rules[rule];

		ret->packets += stat_read(&rs->packets);
		ret->bytes += stat_read(&rs->bytes);
		ret->connections += stat_read(&rs->connections);
	}
}

void worker_forget_port(uint16_t port)
{
	mac_table_flush_port(shared_tables.macs, port);
	group_table_flush_port(shared_tables.groups, port);
	for (unsigned i = 0; i < n_workers; i++)
		memset(&workers[i].pipeline->stats[port], 0, sizeof(struct port_stats));
}

void worker_forget_network(uint16_t network)
{
	mac_table_flush_network(shared_tables.macs, network);
	conn_table_flush_network(shared_tables.conns, network);
	worker_forget_groups(network);
}

void worker_forget_groups(uint16_t network)
{
	group_table_flush_network(shared_tables.groups, network);
}

/* As pipelines count them. */
static uint32_t seconds(void)
{
	return (uint32_t)(rte_rdtsc() / (rte_get_tsc_hz() / MS_PER_S) / MS_PER_S);
}

void worker_snooping_get(uint16_t network, uint8_t family, struct snoop_status *ret)
{
	snoop_status(shared_tables.groups, worker_snapshot(), network, family, seconds(), ret);
}

void worker_groups_each(uint16_t network, group_table_fn *fn, void *arg)
{
	group_table_each(shared_tables.groups, network, seconds(), fn, arg);
}

uint64_t worker_groups_refused(uint16_t network)
{
	return group_table_refused(shared_tables.groups, network);
}

void worker_forget_rule(uint32_t rule)
{
	for (unsigned i = 0; i < n_workers; i++) {
		memset(&workers[i].pipeline->rules[rule], 0, sizeof(struct rule_stats));
		rule_log_forget(workers[i].pipeline->log, rule);
	}
}

bool worker_rule_log_take(unsigned worker, struct rule_log_record *ret)
{
	return rule_log_take(workers[worker].pipeline->log, ret);
}

uint64_t worker_rule_log_left_out(uint32_t rule)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < n_workers; i++)
		n += rule_log_left_out(workers[i].pipeline->log, rule);
	return n;
}

void worker_housekeeping(void)
{
	const struct snapshot *snap = worker_snapshot();

	if (snap != NULL)
		mac_table_age(shared_tables.macs, snap->mac_age_s, seconds());
}

void worker_status_get(unsigned worker, struct worker_status *ret)
{
	const struct worker *w = &workers[worker];
	const struct pipeline *p = w->pipeline;

	ret->cpu = w->cpu;
	ret->node = w->node;
	ret->busy_tsc = stat_read(&w->busy_tsc);
	ret->total_tsc = stat_read(&w->total_tsc);
	ret->rounds = stat_read(&w->rounds);
	ret->sleeps = stat_read(&w->sleeps);
	ret->waits = stat_read(&w->waits);
	ret->packets = stat_read(&p->packets);
	ret->flow_hits = stat_read(&p->hits);
	ret->flow_misses = stat_read(&p->misses);
	ret->polls = (uint16_t)stat_read(&w->polls);
}

void worker_cycles_get(unsigned worker, struct stage_cycles *ret)
{
	stage_cycles_read(ret, &workers[worker].pipeline->cycles);
}

size_t worker_conn_count(void)
{
	return conn_table_count(shared_tables.conns);
}

size_t worker_mac_count(void)
{
	return mac_table_count(shared_tables.macs);
}

const struct shared_tables *worker_tables(void)
{
	return &shared_tables;
}
