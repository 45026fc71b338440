/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/shaper.h"

#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "dataplane/offload.h"

#define ROOM_FIRST_US 10U    /* until one looks for room again, */
#define ROOM_LAST_US 5000U   /* and at most, while there is none, */
#define ROOM_LOST_US 100000U /* or, where there has been none for a second */
#define FATTEST_STANDS 31    /* questions after the one for which it was looked for */

_Static_assert(SHAPER_FRAMES_MAX + BURST_MAX + 1 <= FRAME_STORE_FRAMES,
	"room for what waits, what is next and what is under way");

static void destroy(struct shaper *s)
{
	frame_store_free(s->store);
	fair_queue_fini(&s->queue);
	free(s->class_stats);
	free(s);
}

struct shaper *shaper_create(bool shared, uint16_t n_classes)
{
	struct shaper *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->store = frame_store_create();
	s->class_stats = calloc(n_classes, sizeof(*s->class_stats));
	if (fair_queue_init(&s->queue, n_classes) != 0 || s->store == NULL ||
		s->class_stats == NULL) {
		destroy(s);
		return NULL;
	}
	s->shared = shared;
	s->refs = 1;
	s->due_tsc = SHAPER_NEVER;
	return s;
}

void shaper_ref(struct shaper *s)
{
	s->refs++;
}

uint64_t shaper_unref(struct shaper *s)
{
	uint64_t lost;

	if (s == NULL || --s->refs > 0)
		return 0;
	lost = s->stats.waiting_packets;
	destroy(s);
	return lost;
}

static void due_at(struct shaper *s, uint64_t tsc)
{
	__atomic_store_n(&s->due_tsc, tsc, __ATOMIC_RELAXED);
}

static struct stored_frame *stored_of(struct fq_packet *packet)
{
	return container_of(packet, struct stored_frame, packet);
}

static void forget(struct shaper *s, const struct stored_frame *stored)
{
	stat_add(&s->stats.waiting_packets, -1ULL);
	stat_add(&s->stats.waiting_bytes, -(uint64_t)stored->packet.bytes);
}

static void drop(struct shaper *s, struct stored_frame *stored)
{
	stat_add(&s->class_stats[stored->packet.class].dropped_packets, 1);
	forget(s, stored);
	frame_store_drop(s->store, stored);
}

static void count_full(struct shaper *s, struct shaper_drops *drops)
{
	stat_add(&s->stats.full_packets, 1);
	drops->full++;
}

/* To look for it costs as much as several frames: once for a few drops will do. false: nothing waits but what is next. */
static bool find_fattest(struct shaper *s)
{
	if (s->fattest_stands != 0) {
		s->fattest_stands--;
		return true;
	}
	s->fattest_stands = FATTEST_STANDS;
	return fair_queue_fattest(&s->queue, &s->fattest);
}

/* Makes room. false: there is nothing to be dropped. */
static bool evict(struct shaper *s, struct shaper_drops *drops)
{
	struct fq_packet *packet;

	if (!find_fattest(s))
		return false;
	packet = fair_queue_evict(&s->queue, &s->fattest);
	if (packet == NULL) {
		s->fattest_stands = 0;
		return s->queue.packets != 0;
	}
	drop(s, stored_of(packet));
	count_full(s, drops);
	return true;
}

static bool is_full(const struct shaper *s, const struct shape *shape, uint64_t more_bytes)
{
	return s->queue.packets >= shape->frames_max ||
	       s->queue.bytes + more_bytes > shape->bytes_max;
}

/* A frame of the flow that would lose one in any case need not be stored first. */
static bool is_refused(struct shaper *s, const struct shaper_place *place)
{
	return find_fattest(s) && s->fattest.class == place->class &&
	       s->fattest.flow == fq_codel_flow(place->hash);
}

static void count_refused(
	struct shaper *s, const struct shaper_place *place, struct shaper_drops *drops)
{
	stat_add(&s->class_stats[place->class].dropped_packets, 1);
	count_full(s, drops);
}

bool shaper_hold(struct shaper *s, const struct shape *shape, const struct frame *f,
	const struct shaper_place *place, uint64_t now_tsc, struct shaper_drops *drops)
{
	uint32_t bytes = (uint32_t)offload_wire_bytes(f);
	struct stored_frame *stored;

	if (is_full(s, shape, bytes) && is_refused(s, place)) {
		count_refused(s, place, drops);
		return false;
	}
	while ((stored = frame_store_put(s->store, f)) == NULL && evict(s, drops))
		;
	if (stored == NULL) {
		count_refused(s, place, drops);
		return false;
	}
	stored->frame.held_of = place->from;
	stored->frame.held_tag = place->tag;
	stored->packet.bytes = bytes;
	stored->packet.ecn = place->ecn;
	fair_queue_set_share(&s->queue, place->class, &place->share, shape->codel.quantum,
		rte_get_tsc_hz(), now_tsc);
	fair_queue_enqueue(
		&s->queue, &shape->codel, &stored->packet, place->class, place->hash, now_tsc);
	stat_add(&s->stats.waiting_packets, 1);
	stat_add(&s->stats.waiting_bytes, bytes);
	while ((s->queue.bytes > shape->bytes_max || s->queue.packets > shape->frames_max) &&
		evict(s, drops))
		;
	if (shaper_is_idle(s))
		due_at(s, now_tsc);
	return true;
}

/* What CoDel lets go next. */
static struct stored_frame *choose_next(
	struct shaper *s, const struct shape *shape, uint64_t now_tsc, struct shaper_drops *drops)
{
	struct fq_packet *dropped;
	struct fq_packet *packet = fair_queue_dequeue(&s->queue, &shape->codel, now_tsc, &dropped);

	while (dropped != NULL) {
		struct fq_packet *after = dropped->next;

		drop(s, stored_of(dropped));
		stat_add(&s->stats.codel_packets, 1);
		drops->codel++;
		dropped = after;
	}
	if (packet == NULL)
		return NULL;
	if (packet->next != NULL)
		frame_store_fetch(stored_of(packet->next));
	return stored_of(packet);
}

static void count_sent(struct shaper *s, const struct stored_frame *stored, uint64_t now_tsc)
{
	uint64_t since = stored->packet.since;
	uint64_t us = now_tsc <= since ? 0 : (now_tsc - since) * 1000000 / rte_get_tsc_hz();
	unsigned slot = us == 0 ? 0 : 64U - (unsigned)__builtin_clzll(us);

	stat_add(&s->stats.sent_packets, 1);
	stat_add(&s->stats.sent_bytes, stored->packet.bytes);
	stat_add(&s->class_stats[stored->packet.class].sent_packets, 1);
	stat_add(&s->class_stats[stored->packet.class].sent_bytes, stored->packet.bytes);
	stat_add(&s->stats.marked_packets, stored->packet.marked);
	stat_add(&s->stats.wait_us_sum, us);
	if (us > s->stats.wait_us_max)
		stat_add(&s->stats.wait_us_max, us - s->stats.wait_us_max);
	stat_add(&s->stats.waits[RTE_MIN(slot, SHAPER_WAITS - 1U)], 1);
}

static void hand_out(const struct shaper *s, const struct stored_frame *stored, struct burst *b)
{
	struct frame *f = &b->frame[b->n++];

	frame_store_fetch_bytes(stored);
	*f = stored->frame;
	f->tail = &b->seg[b->n_segs];
	f->n_tail = frame_store_describe(s->store, stored, &b->seg[b->n_segs]);
	f->cookie = frame_store_index(s->store, stored);
	b->n_segs = (uint16_t)(b->n_segs + f->n_tail);
}

/* For a second, that is. */
static bool waited_long(const struct shaper *s, uint64_t now_tsc)
{
	return s->room_us != 0 && now_tsc - s->room_since > rte_get_tsc_hz();
}

static bool is_never(const struct shaper *s, uint32_t need)
{
	return s->room_never != 0 && need >= s->room_never;
}

/* Whom it is for has no room for the next. */
static void postpone(struct shaper *s, uint64_t now_tsc)
{
	uint32_t last = waited_long(s, now_tsc) ? ROOM_LOST_US : ROOM_LAST_US;

	if (s->room_us == 0)
		s->room_since = now_tsc;
	s->room_us = s->room_us == 0 ? ROOM_FIRST_US : RTE_MIN(2 * s->room_us, last);
	due_at(s, now_tsc + s->room_us * rte_get_tsc_hz() / 1000000);
}

/* Is there room for it, or reason to try without? Then it is taken of that. */
static bool room_take(struct shaper *s, const struct stored_frame *stored, uint64_t now_tsc,
	struct shaper_room *room)
{
	uint32_t need = offload_buffers(&stored->frame, room->caps);

	if (room->free == SHAPER_ROOM_ANY)
		return true;
	need = RTE_MIN(need, (uint32_t)SHAPER_ROOM_MOST);
	if (need > room->free) {
		if (room->free != 0 && waited_long(s, now_tsc) && !is_never(s, need))
			s->room_never = need;
		if (room->free == 0 || !is_never(s, need))
			return false;
		need = room->free;
	}
	room->free -= need;
	s->room_us = 0;
	return true;
}

uint16_t shaper_take(struct shaper *s, struct meter *meter, uint64_t now_tsc,
	struct shaper_room room, struct burst *b, bool ret_marked[BURST_MAX],
	struct shaper_drops *drops)
{
	const struct shape *shape = &meter->shape;

	b->n = 0;
	b->n_segs = 0;
	s->fattest_stands = 0;
	if (room.free >= s->room_never)
		s->room_never = 0;
	due_at(s, now_tsc);
	while (b->n < b->max) {
		uint64_t bytes;
		uint32_t frames;

		if (s->next == NULL)
			s->next = choose_next(s, shape, now_tsc, drops);
		if (s->next == NULL) {
			due_at(s, SHAPER_NEVER);
			break;
		}
		if (b->n_segs + s->next->n_blocks > BURST_SEGS_MAX)
			break;
		if (!room_take(s, s->next, now_tsc, &room)) {
			if (b->n == 0)
				postpone(s, now_tsc);
			break;
		}
		/* Held by a meter with a larger burst, it could wait for ever. */
		bytes = RTE_MIN(s->next->packet.bytes, shape->price_max);
		frames = RTE_MIN(
			offload_wire_frames(&s->next->frame), (uint32_t)METER_BURST_PACKETS_MIN);
		if (meter_take(meter, bytes, frames, now_tsc) != METER_PASS) {
			due_at(s, now_tsc + meter_wait(meter, bytes, frames, now_tsc));
			break;
		}
		ret_marked[b->n] = s->next->packet.marked;
		count_sent(s, s->next, now_tsc);
		forget(s, s->next);
		hand_out(s, s->next, b);
		s->next = NULL;
	}
	return b->n;
}

void shaper_release(struct shaper *s, const struct burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		frame_store_drop(s->store, frame_store_at(s->store, b->frame[i].cookie));
}

void shaper_recheck(struct shaper *s)
{
	if (!shaper_is_idle(s))
		due_at(s, 0);
}

static void counters_read(const uint64_t *from, uint64_t *to, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*to); i++)
		to[i] = stat_read(&from[i]);
}

void shaper_stats_read(const struct shaper *s, struct shaper_stats *ret)
{
	counters_read((const uint64_t *)&s->stats, (uint64_t *)ret, sizeof(*ret));
}

void shaper_class_stats_read(const struct shaper *s, uint16_t class, struct shaper_class_stats *ret)
{
	counters_read((const uint64_t *)&s->class_stats[class], (uint64_t *)ret, sizeof(*ret));
}
