/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What worker.c (threads, loop), worker_round.c, worker_share.c (by weight), worker_publish.c (snapshots), worker_moves.c,
 * worker_idle.c (sleeping), worker_watch.c (readiness), worker_shape.c, worker_announce.c and worker_stats.c share.
 */
#ifndef LEAT_DATAPLANE_WORKER_PRIVATE_H
#define LEAT_DATAPLANE_WORKER_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <rte_cycles.h>

#include "dataplane/pipeline.h"
#include "dataplane/shaper.h"
#include "dataplane/stage/stage.h"
#include "dataplane/worker.h"

#define WORKER_EVENTS_MAX 64 /* taken from the epoll set at a time */
#define VISIT_US 20	     /* what a queue may take of a round, and others wait for it */
#define CHARGED_US 200	     /* at once at most: more is what interrupted the worker */
#define BURST_FIRST 32	     /* frames of a visit, until it is known what they cost */
/* And at most, where ports that cost a system call a frame are busy: the more lines pass by, the slower those calls run. */
#define BURST_BESIDE 32

/* One queue a worker polls, and what it knows about its readiness. Worker only. */
struct poll_slot {
	struct snapshot_poll poll;
	struct port *port;
	bool rx_syscall;	 /* of port: not to touch that for every look */
	bool must_poll;		 /* its fd cannot be waited for */
	bool hot;		 /* worth a receive that costs a system call */
	bool watched;		 /* its fd, if it has one, is in the epoll set */
	bool rests_alone;	 /* also where nobody else has work */
	bool never_waits;	 /* see worker_share.c */
	uint8_t silent_rounds;	 /* looks in a row that found nothing */
	uint8_t burst;		 /* frames of the next visit at most, 1..BURST_MAX */
	uint32_t busy_looks;	 /* in a row, that found frames after a short silence */
	uint64_t last_found_tsc; /* when a look last found frames */
	uint64_t rests_until;	 /* in TSC: see worker_round.c */
	uint64_t rest_most;	 /* ticks */
};

/* A shaper this worker takes from: of an endpoint of whose port it polls the first queue. Worker only. */
struct shaper_slot {
	uint16_t port;
	enum meter_side side;
	uint8_t burst; /* as of a poll_slot */
	struct shaper *shaper;
};

/* What a port has used of a worker's time: see worker_share.c. Worker only. */
struct worker_share {
	uint64_t used;	/* ticks by their price */
	uint32_t price; /* of a tick, by the port's weight; 0: nothing of it is polled here */
	bool waiting;	/* frames of it still are, after this round */
	uint8_t weight; /* 0: of an uplink, which has that of all who have work */
	uint16_t next_waiting; /* in the list: 1 + index, 0 none */
};

struct worker {
	/* Set before the thread starts, read by all. */
	unsigned index;
	int cpu;
	int node;
	pthread_t thread;
	int wake_fd; /* eventfd: written by anyone, drained by the worker */
	struct pipeline *pipeline;

	/* Worker only. */
	const struct snapshot *snap;
	uint32_t gen; /* of snap: another one may come to lie at the same address */
	bool settled; /* polls what was moved, too */
	struct poll_slot *slots;
	uint16_t *order; /* of the slots: the lively ones first, then the silent ones */
	unsigned n_slots;
	unsigned n_lively;
	unsigned next_silent; /* place in order, where to look next */
	unsigned slots_room;  /* of slots and order */
	struct shaper_slot *shapers;
	unsigned n_shapers;
	uint64_t share_least;	 /* used, of those to be waited for; UINT64_MAX: nobody */
	uint64_t share_most;	 /* used, of those visited in this round */
	uint64_t share_floor;	 /* who has used less counts as having used about so much */
	uint16_t share_waiting;	 /* of the list of ports with more frames: 1 + index, 0 none */
	uint64_t share_ahead;	 /* one may be, and be visited */
	uint32_t share_heaviest; /* of the weights of ports polled, at least 1; */
	uint32_t share_visited;	 /* the sum of those visited in this round, */
	uint32_t share_active;	 /* and the most that it was of late */
	uint64_t frame_cost;	 /* on average, of ports that cost no system call */
	bool has_syscall_ports;
	bool syscall_ports_busy; /* as of the last look: some are too busy to be watched */
	bool busy;		 /* the last round had work */
	bool look_found;	 /* this round found frames of ports that cost a system call */
	int epoll_fd;
	uint64_t next_look_tsc;	 /* when to look for frames of rx_syscall ports again */
	uint32_t look_us;	 /* between looks */
	uint64_t look_found_tsc; /* when a look last found frames */
	uint64_t lap_tsc;	 /* when the last visit with frames, or the round, began */
	uint64_t last_work_tsc;
	uint64_t rests_until; /* the longest rest of a slot that rests alone ends */
	uint32_t sleep_us;
	uint32_t spin_us; /* without work before it waits */
	uint64_t frames;  /* since the last wait */
	bool waited;	  /* since the last work */
	struct worker_share shares[PORTS_MAX];

	/* Written by anyone (true), taken by the worker: what the epoll set holds may be stale. */
	bool rearm;

	/* Stored by the control side, exchanged for NULL by whoever takes it. NULL: none. */
	struct announcement *announcement;

	/* Written by the worker (relaxed), read by the control side. */
	uint64_t busy_tsc;
	uint64_t total_tsc;
	uint64_t rounds;
	uint64_t sleeps;
	uint64_t waits;
	uint64_t polls;
} __attribute__((aligned(64)));

/* worker_round.c: one burst of each queue that is worth a look; how many frames there were. */
unsigned worker_round(struct worker *w, uint64_t now);
unsigned worker_round_timed(struct worker *w, uint64_t now);
/* How many frames the next visit to a queue may have, after one with n of `burst` that took so many ticks of VISIT_US. */
uint8_t worker_burst_next(uint8_t burst, unsigned n, uint64_t took, uint64_t may_take);
/* How many ticks a queue of this port may rest at most. */
uint64_t worker_rest_most(const struct snapshot *snap, const struct snapshot_port *in);
/* Wait until there may be work; returns at once where there is. */
void worker_idle(struct worker *w, uint64_t now);
/* Work came after a wait: how long to spin the next time. */
void worker_adapt_spin(struct worker *w, uint64_t now);
/*
 * worker_moves.c: set `moved` of what next polls. settled: was everything that former moved polled
 * already; quiesced: have all workers taken former? True: something was moved.
 */
bool worker_moves_mark(
	const struct snapshot *former, bool settled, bool quiesced, struct snapshot *next);

/*
 * worker_announce.c: take what the control side asks for, before the look for a newer snapshot; and do it,
 * by the snapshot that the worker has then.
 */
struct announcement *worker_announcement_take(struct worker *w);
void worker_announcement_send(struct worker *w, struct announcement *announcement, uint64_t now);

/*
 * worker_share.c: the weights of the slots as they are. Before a visit: has this one used so much time that others go first?
 * After one with n frames, that took so many ticks; more: there are others. After sending of a port's frames that waited:
 * ticks, of worker_charged_tsc(). After a round.
 */
void worker_shares_take(struct worker *w);
bool worker_share_waits(const struct worker *w, const struct poll_slot *slot);
void worker_share_visited(
	struct worker *w, const struct poll_slot *slot, unsigned n, uint64_t took, bool more);
void worker_share_charge(struct worker *w, uint16_t port, uint64_t ticks);
void worker_shares_next_round(struct worker *w);

/* worker_shape.c: the shapers of the slots as they are. 0 or -errno: no memory. */
int worker_shapers_take(struct worker *w);
/* Take on what may go by now; how many frames. */
unsigned worker_shapers_run(struct worker *w, uint64_t now);
/* When the next may, in TSC; SHAPER_NEVER: none waits. */
uint64_t worker_shapers_due(const struct worker *w);

/* Is another snapshot published than the one the worker holds, or may it poll more of it now? */
bool worker_snapshot_changed(const struct worker *w);
/*
 * worker_watch.c: the epoll set. worker_rearm() makes it anew for the slots as they are; worker_watch_all() also
 * when that is not needed has every slot in it. 0 or -errno.
 */
int worker_rearm(struct worker *w);
int worker_watch_all(struct worker *w);
/* Wait for the set; the slots that are ready are hot after. */
void worker_wait(struct worker *w, const struct timespec *timeout);
/* Make the rx_syscall slots hot that have frames or are not watched. Does not block. */
void worker_look(struct worker *w);
/* After the round with the look: found frames of such ports? Had the worker any work? Sets when to look next. */
void worker_look_next(struct worker *w, bool found, bool busy, uint64_t now);
/* A receive of an rx_syscall slot found frames or none: is it worth watching? */
void worker_looked(struct worker *w, struct poll_slot *slot, bool found, uint64_t now);

static inline uint64_t us_to_tsc(uint64_t us)
{
	return us * (rte_get_tsc_hz() / 1000000);
}

/* Of as many frames as a visit may have by what they cost: how many it has. */
static inline uint16_t worker_visit_frames(const struct worker *w, uint16_t burst)
{
	return w->syscall_ports_busy ? RTE_MIN(burst, BURST_BESIDE) : burst;
}

/* VISIT_US in ticks, without a call. */
static inline uint64_t worker_visit_tsc(const struct worker *w)
{
	return w->pipeline->tsc_khz * VISIT_US / 1000;
}

/* What of so many ticks a port is charged for. */
static inline uint64_t worker_charged_tsc(const struct worker *w, uint64_t took)
{
	return RTE_MIN(took, w->pipeline->tsc_khz * CHARGED_US / 1000);
}

/* The threads, for the files named above. */
extern struct worker workers[WORKERS_MAX];
extern unsigned n_workers;
extern struct shared_tables shared_tables;

/* worker_publish.c: before the threads start, and after they have ended, when there are none any more. 0
 * or -errno. */
int worker_publish_init(void);
void worker_publish_fini(void);
/* One more is there to be woken: the n_workers-th. */
void worker_started(void);
struct rte_rcu_qsbr *worker_qsbr(void);
/* The newest snapshot, with acquire; NULL before the first. Workers. */
const struct snapshot *worker_published(void);
/* May what this snapshot moved to other workers be polled already? */
bool worker_is_settled(const struct snapshot *snap);

#endif
