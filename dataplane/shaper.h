/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is over an endpoint's rate in one direction, or over an uplink's capacity, waits here: copied, in the order of
 * lib/fair_queue.h, until its meter has room for it. At an uplink each port that sends is a class of its own. A shaper outlives
 * meters, so that another rate keeps what waits.
 *
 * The control side makes and frees it. Workers hold frames and take them, under shaper_lock(), where they also hold
 * meter_lock() of the meter by which they take; the lock is nobody's but where several workers use the shaper. One worker takes at
 * a time: that which polls the endpoint's first queue.
 */
#ifndef LEAT_DATAPLANE_SHAPER_H
#define LEAT_DATAPLANE_SHAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/frame.h"
#include "dataplane/frame_store.h"
#include "dataplane/meter.h"
#include "lib/fair_queue.h"
#include "lib/spinlock.h"

#define SHAPER_FRAMES_MAX 4000 /* that wait at a time; the store has more, for those under way */
#define SHAPER_BYTES_MAX (4U << 20) /* of them */
#define SHAPER_NEVER UINT64_MAX

/* Waits by powers of two: [0] below 1 us, [i] below 2^i us, the last: all longer ones. */
#define SHAPER_WAITS 20

/* Since the shaper was made, but for the first two. Frames are those that wait: the pieces of a segment that was cut. */
struct shaper_stats {
	uint64_t waiting_packets; /* now */
	uint64_t waiting_bytes;
	uint64_t sent_packets; /* after a wait */
	uint64_t sent_bytes;
	uint64_t marked_packets; /* of those: ECN was set to "congestion experienced" */
	uint64_t codel_packets;	 /* dropped, because their flow had waited for too long */
	uint64_t full_packets;	 /* dropped, because there was no room */
	uint64_t wait_us_sum;	 /* of what was sent */
	uint64_t wait_us_max;
	uint64_t waits[SHAPER_WAITS];
};

/* What became of the frames of one class, since the shaper was made; large segments that were cut are several. */
struct shaper_class_stats {
	uint64_t sent_packets; /* after a wait */
	uint64_t sent_bytes;
	uint64_t dropped_packets; /* by CoDel, or where there was no room */
};

struct shaper {
	uint64_t
		due_tsc; /* when there may be something to take; SHAPER_NEVER: nothing waits. Relaxed, any thread */
	bool shared; /* by several workers */
	uint8_t lock;
	unsigned refs; /* control side */
	struct frame_store *store;
	struct stored_frame *next; /* its turn has come, and it waits for the meter */
	struct fair_flow fattest;  /* as it was found last, */
	unsigned fattest_stands;   /* and for so many more drops it is not looked for again */
	uint32_t room_us; /* it waits for room, and was last told to for so long; 0: it does not */
	uint32_t
		room_never; /* so many descriptors there were not within a second; 0: as many as were needed */
	uint64_t room_since; /* TSC: it has waited for room */
	struct fair_queue queue;
	struct shaper_stats stats; /* written under the lock, read at any time, relaxed */
	struct shaper_class_stats *class_stats; /* of each class; likewise */
};

/* Drops of one call, for the caller to count on a port. */
struct shaper_drops {
	uint32_t codel;
	uint32_t full;
};

/* How a frame waits. */
struct shaper_place {
	uint16_t from;		 /* the port it came by */
	uint16_t class;		 /* below n_classes */
	struct fair_share share; /* of that class from now on */
	uint32_t hash;		 /* of its flow */
	bool ecn;		 /* its ends understand a mark */
	uint32_t tag;		 /* as in tx_item: becomes held_tag when it goes */
};

/* With one reference. n_classes: 1..PORTS_MAX. NULL: no memory. */
struct shaper *shaper_create(bool shared, uint16_t n_classes);
void shaper_ref(struct shaper *s);
/* With the last one it is freed: how many frames then still waited. NULL is fine. */
uint64_t shaper_unref(struct shaper *s);

static inline void shaper_lock(struct shaper *s)
{
	if (s->shared)
		spin_lock(&s->lock);
}

static inline void shaper_unlock(struct shaper *s)
{
	if (s->shared)
		spin_unlock(&s->lock);
}

static inline uint64_t shaper_due(const struct shaper *s)
{
	return __atomic_load_n(&s->due_tsc, __ATOMIC_RELAXED);
}

static inline bool shaper_is_idle(const struct shaper *s)
{
	return shaper_due(s) == SHAPER_NEVER;
}

/* May all of that go at once? Then it is taken of the meter. Where some waits already, all else does. Under meter_lock(). */
static inline bool shaper_lets_pass(
	struct meter *meter, uint64_t wire_bytes, uint32_t wire_frames, uint64_t now_tsc)
{
	if (meter->shaper != NULL && !shaper_is_idle(meter->shaper))
		return false;
	return meter_take(meter, wire_bytes, wire_frames, now_tsc) == METER_PASS;
}

/*
 * A copy of the frame waits. Where there is no room the flow with the most bytes loses a frame (lib/fair_queue.h): the one that
 * comes, if it is of that flow, else its oldest. false: the one that comes.
 */
bool shaper_hold(struct shaper *s, const struct shape *shape, const struct frame *f,
	const struct shaper_place *place, uint64_t now_tsc, struct shaper_drops *drops);

/* What the receiver has room for: free of tx_room's descriptors (port.h), of which more than ROOM_MOST make no difference. */
#define SHAPER_ROOM_MOST BURST_MAX
#define SHAPER_ROOM_ANY UINT32_MAX
struct shaper_room {
	uint32_t free;
	uint32_t caps; /* the receiver's */
};

/*
 * Fill b with frames that meter and receiver have room for, at most b->max; returns how many. Where there is no room for the
 * next it is due a while later, which is longer each time until something is taken. What finds some room, but not enough, for
 * a second may never find more: it goes for what there is, and so does what needs as much, until there is as much.
 * ret_marked: which are to be marked. They stay the shaper's until shaper_release(), which comes before the next take. Sets due_tsc.
 */
uint16_t shaper_take(struct shaper *s, struct meter *meter, uint64_t now_tsc,
	struct shaper_room room, struct burst *b, bool ret_marked[BURST_MAX],
	struct shaper_drops *drops);
void shaper_release(struct shaper *s, const struct burst *b);

/* Another rate may have made something due earlier: look again at once. */
void shaper_recheck(struct shaper *s);

void shaper_stats_read(const struct shaper *s, struct shaper_stats *ret);
void shaper_class_stats_read(
	const struct shaper *s, uint16_t class, struct shaper_class_stats *ret);

#endif
