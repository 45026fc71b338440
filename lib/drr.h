/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deficit round robin (Shreedhar and Varghese, 1995): who has something to send takes turns, each turn worth a quantum of bytes
 * times its weight. Who had nothing lately goes before those who always have (RFC 8290, 4.1 and 4.2).
 *
 * Members are numbered; their turns lie in an array of the caller's. All zero is a round without anybody in it. One thread at a
 * time; no allocation.
 */
#ifndef LEAT_LIB_DRR_H
#define LEAT_LIB_DRR_H

#include <stdbool.h>
#include <stdint.h>

#define DRR_MEMBERS_MAX 65535
#define DRR_NONE UINT32_MAX

struct drr_turn {
	int32_t deficit; /* bytes it may still send in this turn */
	uint16_t next;	 /* in its list: 1 + a number; 0: it is the last */
	bool listed;
};

struct drr_list {
	uint16_t first; /* 1 + a number; 0: it is empty */
	uint16_t last;
};

struct drr {
	struct drr_list fresh; /* "new" and "old" in RFC 8290, 4.2 */
	struct drr_list aged;
};

/* A list by itself takes turns, too: the first is taken off, and put at the end if it is to come again. */
void drr_append(struct drr_list *list, struct drr_turn *turns, uint16_t member);
uint16_t drr_pop(struct drr_list *list, const struct drr_turn *turns); /* not of an empty one */

/* It has something to send; nothing changes if it had. quantum: bytes of a turn times its weight. */
void drr_add(struct drr *d, struct drr_turn *turns, uint16_t member, uint32_t quantum);

/*
 * Who is first, or DRR_NONE. If its turn is over (deficit <= 0), drr_next_turn() before it sends; once it has sent,
 * drr_charge(); if it turns out that it has nothing, drr_leave().
 */
static inline uint32_t drr_first(const struct drr *d)
{
	uint16_t first = d->fresh.first != 0 ? d->fresh.first : d->aged.first;

	return first == 0 ? DRR_NONE : first - 1U;
}

/* The first goes to the end, and may send a quantum when it is there again. */
void drr_next_turn(struct drr *d, struct drr_turn *turns, uint32_t quantum);

/* The first has nothing to send. */
void drr_leave(struct drr *d, struct drr_turn *turns);

static inline void drr_charge(struct drr_turn *turns, uint16_t member, uint32_t bytes)
{
	turns[member].deficit -= (int32_t)bytes;
}

/* For each of a list: for (m = drr_begin(&d->aged); m != DRR_NONE; m = drr_after(turns, m)) */
static inline uint32_t drr_begin(const struct drr_list *list)
{
	return list->first == 0 ? DRR_NONE : list->first - 1U;
}

static inline uint32_t drr_after(const struct drr_turn *turns, uint32_t member)
{
	return turns[member].next == 0 ? DRR_NONE : turns[member].next - 1U;
}

#endif
