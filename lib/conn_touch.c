/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet came by: of one connection, or of many, whose memory is then waited for together. */
#include <rte_prefetch.h>

#include "lib/conn_bucket.h"
#include "lib/spinlock.h"

bool conn_place_touch(const struct conn_place *place, uint8_t tcp_flags, uint64_t now_ms,
	struct conn_info *ret_info, enum conn_direction *ret_direction)
{
	struct conn_bucket *b;
	enum conn_state state;
	bool alive;
	int slot = place_lock(place, &b);

	if (slot < 0)
		return false;
	state = due_state(b->due[slot]);
	alive = !due_is_over(b->due[slot], now_ms) && !conn_state_begins_anew(state, tcp_flags);
	if (alive) {
		enum conn_direction direction =
			b->entry[slot].swapped == place->swapped ? CONN_ORIGINAL : CONN_REPLY;

		slot_set_state(b, slot, conn_state_next(state, direction, tcp_flags), now_ms);
		slot_report(b, slot, place, ret_info, ret_direction);
	} else {
		slot_clear(b, slot);
	}
	spin_unlock(&b->lock);
	return alive;
}

/* The entries that may be it. */
static void place_prefetch_entries(const struct conn_place *place)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct conn_bucket *b = place->bucket[i];
		uint64_t match = tags_match(b, place->tag);

		if (match != 0)
			rte_prefetch0(&b->entry[tags_slot(match)]);
	}
}

void conn_place_touch_burst(struct conn_touch *touch, unsigned n, uint64_t now_ms)
{
	for (unsigned i = 0; i < n; i++)
		conn_place_prefetch(&touch[i].place);
	for (unsigned i = 0; i < n; i++)
		place_prefetch_entries(&touch[i].place);
	for (unsigned i = 0; i < n; i++)
		touch[i].alive = conn_place_touch(&touch[i].place, touch[i].tcp_flags, now_ms,
			&touch[i].info, &touch[i].direction);
}
