/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/worker_private.h"

struct worker workers[WORKERS_MAX];
unsigned n_workers;
struct shared_tables shared_tables;

/* Stored by the control side, loaded by workers once a round; relaxed: nothing else hangs on either. */
static struct {
	bool stopping;
	uint64_t measure_until; /* rounds that begin before this time, in TSC, are timed; 0: none */
} __attribute__((aligned(64))) orders;

static int slots_reserve(struct worker *w, unsigned n)
{
	struct poll_slot *slots;
	uint16_t *order;

	if (n <= w->slots_room)
		return 0;
	slots = realloc(w->slots, n * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	w->slots = slots;
	order = realloc(w->order, n * sizeof(*order));
	if (order == NULL)
		return -ENOMEM;
	w->order = order;
	w->slots_room = n;
	return 0;
}

/* Poll what the new snapshot says. Without memory for that the old list, cut to nothing, is safe.
 */
static void worker_take_snapshot(struct worker *w, const struct snapshot *snap)
{
	unsigned n = snap == NULL ? 0 : snap->n_polls[w->index];

	w->snap = snap;
	w->gen = snap == NULL ? 0 : snap->gen;
	w->settled = worker_is_settled(snap);
	w->n_slots = 0;
	w->n_lively = 0;
	w->has_syscall_ports = false;
	w->syscall_ports_busy = false;
	if (slots_reserve(w, n) != 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct poll_slot *slot = &w->slots[w->n_slots];

		slot->poll = snap->polls[w->index][i];
		if (slot->poll.moved && !w->settled)
			continue;
		slot->port = snap->ports[slot->poll.port].port;
		slot->rx_syscall = slot->port->rx_syscall;
		slot->must_poll = false;
		slot->hot = true;
		slot->watched = false;
		slot->silent_rounds = 0;
		slot->burst = BURST_FIRST;
		slot->busy_looks = 0;
		slot->last_found_tsc = 0;
		slot->rests_alone = false;
		slot->rests_until = 0;
		slot->rest_most = worker_rest_most(snap, &snap->ports[slot->poll.port]);
		/* It may have been asked to signal by a worker that slept through its move. */
		slot->port->ops->wait_end(slot->port, slot->poll.queue);
		w->has_syscall_ports |= slot->rx_syscall;
		w->order[w->n_slots] = (uint16_t)w->n_slots;
		w->n_slots++;
	}
	/* Without memory for that nothing is polled, so nothing can wait. */
	if (worker_shapers_take(w) != 0)
		w->n_slots = 0;
	w->n_lively = w->n_slots;
	worker_shares_take(w);
	stat_add(&w->polls, n - w->polls);
	__atomic_store_n(&w->rearm, true, __ATOMIC_RELAXED);
	w->last_work_tsc = rte_rdtsc();
}

/* A round and everything that is done once a round; `timed` as in pipeline.c. */
static inline __attribute__((always_inline)) void worker_turn(
	struct worker *w, uint64_t now, const bool timed)
{
	struct announcement *announcement;
	unsigned work;

	if (timed)
		stage_round_begin(&w->pipeline->cycles);
	/* First the report, then the look: what was loaded before it may be freed by it. */
	rte_rcu_qsbr_quiescent(worker_qsbr(), w->index);
	announcement = worker_announcement_take(w);
	if (worker_snapshot_changed(w)) {
		worker_take_snapshot(w, worker_published());
		now = rte_rdtsc(); /* of no port's time */
	}
	if (announcement != NULL) {
		worker_announcement_send(w, announcement, now);
		now = rte_rdtsc();
	}
	work = timed ? worker_round_timed(w, now) : worker_round(w, now);
	stat_add(&w->rounds, 1);
	if (work != 0) {
		uint64_t took;

		if (w->waited)
			worker_adapt_spin(w, now);
		w->last_work_tsc = now;
		w->sleep_us = 0;
		w->frames += work;
		took = rte_rdtsc() - now;
		stat_add(&w->busy_tsc, took);
		if (timed)
			stage_round_end(&w->pipeline->cycles, took, work);
	} else {
		worker_idle(w, now);
	}
}

static __attribute__((noinline)) void worker_turn_timed(struct worker *w, uint64_t now)
{
	worker_turn(w, now, true);
}

static void worker_loop(struct worker *w)
{
	uint64_t before = rte_rdtsc();

	while (!__atomic_load_n(&orders.stopping, __ATOMIC_RELAXED)) {
		uint64_t now = rte_rdtsc();

		if (now < __atomic_load_n(&orders.measure_until, __ATOMIC_RELAXED))
			worker_turn_timed(w, now);
		else
			worker_turn(w, now, false);
		stat_add(&w->total_tsc, now - before);
		before = now;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	rte_thread_register();
	rte_rcu_qsbr_thread_register(worker_qsbr(), w->index);
	rte_rcu_qsbr_thread_online(worker_qsbr(), w->index);
	w->last_work_tsc = rte_rdtsc();
	worker_loop(w);
	rte_rcu_qsbr_thread_offline(worker_qsbr(), w->index);
	rte_rcu_qsbr_thread_unregister(worker_qsbr(), w->index);
	rte_thread_unregister();
	return NULL;
}

static int tables_create(const struct worker_options *options)
{
	shared_tables.macs = mac_table_create(LEARNED_MACS_MAX, PORTS_MAX);
	shared_tables.conns = conn_table_create(options->conn_capacity, options->node[0]);
	shared_tables.frags = frag_table_create(FRAG_CAPACITY);
	shared_tables.groups = group_table_create(GROUPS_JOINED_MAX);
	if (shared_tables.macs == NULL || shared_tables.conns == NULL ||
		shared_tables.frags == NULL || shared_tables.groups == NULL)
		return -ENOMEM;
	return worker_publish_init();
}

static void tables_free(void)
{
	mac_table_free(shared_tables.macs);
	conn_table_free(shared_tables.conns);
	frag_table_free(shared_tables.frags);
	group_table_free(shared_tables.groups);
	memset(&shared_tables, 0, sizeof(shared_tables));
}

static void worker_release(struct worker *w)
{
	pipeline_free(w->pipeline);
	free(w->slots);
	free(w->order);
	free(w->shapers);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	memset(w, 0, sizeof(*w));
}

static int worker_prepare(
	struct worker *w, unsigned index, const struct worker_options *options, struct error *err)
{
	memset(w, 0, sizeof(*w));
	w->index = index;
	w->cpu = options->cpu[index];
	w->node = options->node[index];
	w->rearm = true;
	w->epoll_fd = -1;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		return error_device(err, errno, "eventfd");
	w->pipeline = pipeline_create(index, w->node, options->flow_entries, &shared_tables, false);
	if (w->pipeline == NULL)
		return error_set(err, LEAT_EXHAUSTED,
			"no memory for worker %u on NUMA node %d: give --memory more", index,
			w->node);
	return 0;
}

static int worker_start(struct worker *w, struct error *err)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	char name[16];
	int ret;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	ret = pthread_create(&w->thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	if (ret != 0)
		return error_device(
			err, ret, "cannot start worker %u on core %d", w->index, w->cpu);
	snprintf(name, sizeof(name), "leat-worker-%u", w->index);
	pthread_setname_np(w->thread, name);
	return 0;
}

int workers_start(const struct worker_options *options, struct error *err)
{
	if (tables_create(options) != 0) {
		tables_free();
		return error_set(
			err, LEAT_EXHAUSTED, "no memory for the shared tables: give --memory more");
	}
	__atomic_store_n(&orders.stopping, false, __ATOMIC_RELAXED);
	__atomic_store_n(&orders.measure_until, 0, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < options->n; i++) {
		if (worker_prepare(&workers[i], i, options, err) != 0 ||
			worker_start(&workers[i], err) != 0) {
			worker_release(&workers[i]);
			workers_stop();
			return -1;
		}
		worker_started();
	}
	return 0;
}

void workers_stop(void)
{
	unsigned n = n_workers;

	__atomic_store_n(&orders.stopping, true, __ATOMIC_RELAXED);
	worker_wake_all();
	for (unsigned i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	/* From here on nobody wakes them or waits for them. */
	worker_publish_fini();
	for (unsigned i = 0; i < n; i++)
		worker_release(&workers[i]);
	tables_free();
}

unsigned worker_count(void)
{
	return n_workers;
}

int worker_node(unsigned worker)
{
	return workers[worker].node;
}

uint64_t worker_measure_until(uint64_t tsc)
{
	if (tsc > orders.measure_until)
		__atomic_store_n(&orders.measure_until, tsc, __ATOMIC_RELAXED);
	return orders.measure_until;
}
