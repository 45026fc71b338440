/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/drr.h"

void drr_append(struct drr_list *list, struct drr_turn *turns, uint16_t member)
{
	turns[member].next = 0;
	if (list->first == 0)
		list->first = member + 1;
	else
		turns[list->last - 1].next = member + 1;
	list->last = member + 1;
}

uint16_t drr_pop(struct drr_list *list, const struct drr_turn *turns)
{
	uint16_t member = list->first - 1;

	list->first = turns[member].next;
	return member;
}

static struct drr_list *first_list(struct drr *d)
{
	return d->fresh.first != 0 ? &d->fresh : &d->aged;
}

void drr_add(struct drr *d, struct drr_turn *turns, uint16_t member, uint32_t quantum)
{
	if (turns[member].listed)
		return;
	turns[member].listed = true;
	turns[member].deficit = (int32_t)quantum;
	drr_append(&d->fresh, turns, member);
}

void drr_next_turn(struct drr *d, struct drr_turn *turns, uint32_t quantum)
{
	uint16_t member = drr_pop(first_list(d), turns);

	turns[member].deficit += (int32_t)quantum;
	drr_append(&d->aged, turns, member);
}

void drr_leave(struct drr *d, struct drr_turn *turns)
{
	bool fresh = d->fresh.first != 0;
	uint16_t member = drr_pop(first_list(d), turns);

	/* Who is new waits for a turn of the others before it may be new again: RFC 8290, 4.2. */
	if (fresh && d->aged.first != 0)
		drr_append(&d->aged, turns, member);
	else
		turns[member].listed = false;
}
