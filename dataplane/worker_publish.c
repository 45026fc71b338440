/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing snapshots over: the control side publishes, workers take and report, and nothing is freed
 * before all have.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/worker_private.h"

#define PUBLISH_POLL_US 20 /* between two looks at whether all workers have passed */

/* Stored by the control side with release, loaded by workers with acquire. */
static struct snapshot *published;
static struct rte_rcu_qsbr *qsbr; /* made once, and kept for who still waits when workers end */
/* Stored by the control side with release, loaded by workers with acquire: the generation up to
 * which queues that were moved may be polled. */
static uint32_t settled_gen;
static uint32_t last_gen;      /* control side */
static uint64_t publish_token; /* control side: of the last publish */
/*
 * Held for the length of a look by whoever waits for the workers or wakes them: the control side, and
 * the threads of ports, which do not know when the workers end.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int worker_publish_init(void)
{
	if (qsbr != NULL)
		return 0;
	qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(WORKERS_MAX), RTE_CACHE_LINE_SIZE);
	if (qsbr == NULL)
		return -ENOMEM;
	return rte_rcu_qsbr_init(qsbr, WORKERS_MAX) == 0 ? 0 : -EINVAL;
}

/* Who still waits goes on: workers that have ended hold up nobody. */
void worker_publish_fini(void)
{
	__atomic_store_n(&published, NULL, __ATOMIC_RELEASE);
	pthread_mutex_lock(&lock);
	n_workers = 0;
	pthread_mutex_unlock(&lock);
}

void worker_started(void)
{
	pthread_mutex_lock(&lock);
	n_workers++;
	pthread_mutex_unlock(&lock);
}

struct rte_rcu_qsbr *worker_qsbr(void)
{
	return qsbr;
}

const struct snapshot *worker_published(void)
{
	return __atomic_load_n(&published, __ATOMIC_ACQUIRE);
}

bool worker_is_settled(const struct snapshot *snap)
{
	uint32_t gen = __atomic_load_n(&settled_gen, __ATOMIC_ACQUIRE);

	return snap == NULL || (int32_t)(gen - snap->gen) >= 0;
}

bool worker_snapshot_changed(const struct worker *w)
{
	const struct snapshot *snap = worker_published();

	return snap != w->snap ||
	       (snap != NULL && (snap->gen != w->gen || worker_is_settled(snap) != w->settled));
}

/*
 * One thread at a time: what one has found out another may take from the library's own memory of
 * it, and has to see then what the workers did before.
 */
static bool all_passed(uint64_t token)
{
	int passed;

	pthread_mutex_lock(&lock);
	passed = rte_rcu_qsbr_check(qsbr, token, false);
	pthread_mutex_unlock(&lock);
	return passed == 1;
}

void worker_wake_all(void)
{
	static const uint64_t one = 1;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < n_workers; i++) {
		__atomic_store_n(&workers[i].rearm, true, __ATOMIC_RELEASE);
		if (write(workers[i].wake_fd, &one, sizeof(one)) < 0)
			continue; /* EAGAIN: as many wake-ups as fit are pending already */
	}
	pthread_mutex_unlock(&lock);
}

void worker_wake(unsigned worker)
{
	static const uint64_t one = 1;

	if (write(workers[worker].wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: as above */
}

struct snapshot *worker_snapshot(void)
{
	return published;
}

/* Everybody has taken the published snapshot: what it moved has no other owner any more. */
static void settle(void)
{
	if (published == NULL || worker_is_settled(published))
		return;
	__atomic_store_n(&settled_gen, published->gen, __ATOMIC_RELEASE);
	worker_wake_all();
}

static int wait_quiesced(uint64_t deadline)
{
	publish_token = rte_rcu_qsbr_start(qsbr);
	worker_wake_all();
	while (!worker_quiesced()) {
		if (rte_rdtsc() >= deadline)
			return -ETIMEDOUT;
		rte_delay_us_sleep(PUBLISH_POLL_US);
	}
	return 0;
}

int worker_publish(struct snapshot *snapshot, unsigned deadline_ms)
{
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * deadline_ms;
	bool quiesced = worker_quiesced();
	bool moved;
	int rc;

	/* Generation 0 marks an empty flow, also after 2^32 snapshots. */
	if (++last_gen == 0)
		last_gen = 1;
	snapshot->gen = last_gen;
	moved = worker_moves_mark(published, worker_is_settled(published), quiesced, snapshot);
	if (!moved)
		__atomic_store_n(&settled_gen, snapshot->gen, __ATOMIC_RELEASE);
	__atomic_store_n(&published, snapshot, __ATOMIC_RELEASE);
	rc = wait_quiesced(deadline);
	/* Once more: until what was moved is polled again. */
	return rc == 0 && moved ? wait_quiesced(deadline) : rc;
}

bool worker_quiesced(void)
{
	if (!all_passed(publish_token))
		return false;
	settle();
	return true;
}

void worker_quiesce(void)
{
	uint64_t token;

	if (qsbr == NULL)
		return; /* there have never been workers */
	token = rte_rcu_qsbr_start(qsbr);
	worker_wake_all();
	while (!all_passed(token))
		rte_delay_us_sleep(PUBLISH_POLL_US);
}
