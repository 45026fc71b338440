/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers: one polling thread a core, each running every packet it receives to its end.
 *
 * Life of a snapshot: the control side publishes it with worker_publish(), which stores one pointer
 * with release; a worker loads it with acquire at the top of each round and reports a quiescent
 * state (rte_rcu_qsbr) there; worker_publish() waits for all of them. What only older snapshots
 * used may be freed when it has returned 0. A sleeping worker is offline for that wait and takes
 * the newest snapshot when it wakes.
 */
#ifndef LEAT_DATAPLANE_WORKER_H
#define LEAT_DATAPLANE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/counters.h"
#include "dataplane/pipeline.h"
#include "dataplane/snapshot.h"
#include "dataplane/stage_cycles.h"
#include "lib/error.h"
#include "lib/group_table.h"

#define LEARNED_MACS_MAX (1U << 14) /* in all networks */
#define FRAG_CAPACITY 4096
#define GROUPS_JOINED_MAX 4096 /* multicast groups, in all networks */

struct worker_options {
	unsigned n;		/* 1..WORKERS_MAX */
	int cpu[WORKERS_MAX];	/* core of each */
	int node[WORKERS_MAX];	/* its NUMA node */
	uint32_t flow_entries;	/* of each worker's flow cache, a power of two from 1024 on */
	uint32_t conn_capacity; /* connections, from 1024 on; rounded up to a power of two */
};

/* After rte_eal_init(). Allocates the tables, starts the threads, publishes nothing yet. 0, or -1
 * and err. */
int workers_start(const struct worker_options *options, struct error *err);

/* Stop and join the threads; ports may be closed afterwards. */
void workers_stop(void);

unsigned worker_count(void);
int worker_node(unsigned worker);

/*
 * Hand a snapshot to all workers. Control side, one thread. Gives it its generation. 0: every
 * worker forwards by it and the former one (worker_snapshot() before the call) may be freed.
 * -ETIMEDOUT: it is published, but some worker has not said so within deadline_ms; the former one
 * must live on until worker_quiesced() says otherwise. A queue that goes from one worker to another
 * rests from when the former owner takes the snapshot until all have.
 */
int worker_publish(struct snapshot *snapshot, unsigned deadline_ms);

/* The published snapshot, NULL before the first; control side. */
struct snapshot *worker_snapshot(void);

/* Block until every worker has passed a quiescent point after the call. Not from a worker. */
void worker_quiesce(void);

/* Have all workers passed one since the last worker_publish()? Does not block. */
bool worker_quiesced(void);

/* Wake sleeping workers: something they cannot see (a vhost peer's arrival) has changed. Any
 * thread. */
void worker_wake_all(void);

/* Wake one: it has something to do that another worker gave it. Workers. */
void worker_wake(unsigned worker);

/*
 * A worker announces the addresses of the endpoint at this port: see pipeline_announce(). The port is one
 * of the published snapshot. Control side, one thread; waits for the worker. 0, or -ETIMEDOUT: it has not done
 * so within deadline_ms, and will not.
 */
int worker_announce(uint16_t port, unsigned deadline_ms, struct announced *ret);

/* Forget what was learned and tracked by a port or network that is gone, and zero their counters;
 * after its last snapshot has been let go. Control side. */
void worker_forget_port(uint16_t port);
void worker_forget_network(uint16_t network);
/* Of a network whose snooping begins: what was joined meanwhile is not known. Before it is published. */
void worker_forget_groups(uint16_t network);
void worker_forget_rule(uint32_t rule);

/* About once a second: forget learned MACs that are too old. Control side. */
void worker_housekeeping(void);

/* Sums over the workers. Control side, at any time. */
void worker_port_stats(uint16_t port, struct port_stats *ret);
void worker_rule_stats(uint32_t rule, struct rule_stats *ret);

/* What snooping knows of a network, see stage/snoop.h and lib/group_table.h. Control side, while a snapshot is published. */
struct snoop_status;
void worker_snooping_get(uint16_t network, uint8_t family, struct snoop_status *ret);
void worker_groups_each(uint16_t network, group_table_fn *fn, void *arg);
uint64_t worker_groups_refused(uint16_t network);

/* rule_log_take() of a worker, rule_log_left_out() of all. Control side, one thread. */
struct rule_log_record;
bool worker_rule_log_take(unsigned worker, struct rule_log_record *ret);
uint64_t worker_rule_log_left_out(uint32_t rule);

struct worker_status {
	int cpu;
	int node;
	uint64_t busy_tsc;  /* cycles spent on rounds that found work, since the start */
	uint64_t total_tsc; /* all cycles since the start */
	uint64_t rounds;
	uint64_t sleeps; /* short sleeps */
	uint64_t waits;	 /* waits for a signal */
	uint64_t packets;
	uint64_t flow_hits;
	uint64_t flow_misses;
	uint16_t polls; /* queues it polls */
};
void worker_status_get(unsigned worker, struct worker_status *ret);

/*
 * Have all workers time the stages of the rounds that begin before `tsc`, or before the latest time asked for, which is
 * returned; 0 only asks. A worker that sleeps is not woken: it has nothing to time. Control side, one thread.
 */
uint64_t worker_measure_until(uint64_t tsc);
/* What one has counted in all such rounds since the start. Control side, at any time. */
void worker_cycles_get(unsigned worker, struct stage_cycles *ret);

/* Shared tables, for oper and tests: connections and learned MACs now. */
size_t worker_conn_count(void);
size_t worker_mac_count(void);

/* The shared tables, for trace. Owned by the workers' module; valid between start and stop. */
struct shared_tables;
const struct shared_tables *worker_tables(void);

#endif
