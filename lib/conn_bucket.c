/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/conn_bucket.h"

#include "lib/spinlock.h"

int place_lock(const struct conn_place *place, struct conn_bucket **ret)
{
	for (unsigned i = 0; i < 2; i++) {
		struct conn_bucket *b = place->bucket[i];
		int slot;

		if (tags_match(b, place->tag) == 0)
			continue;
		spin_lock(&b->lock);
		slot = bucket_find(b, place);
		if (slot >= 0) {
			*ret = b;
			return slot;
		}
		spin_unlock(&b->lock);
	}
	return -1;
}

void slot_report(const struct conn_bucket *b, int slot, const struct conn_place *place,
	struct conn_info *ret_info, enum conn_direction *ret_direction)
{
	const struct conn_entry *e = &b->entry[slot];
	enum conn_state state = due_state(b->due[slot]);

	*ret_info = (struct conn_info){
		.gen = e->gen,
		.rule_out = e->rule_out,
		.rule_in = e->rule_in,
		.sides = e->sides,
		.a_port = e->a_port,
		.confirmed = conn_state_flags(state) & CONN_CONFIRMED,
		.idle_ms = conn_state_timeout_ms(state),
	};
	*ret_direction = e->swapped == place->swapped ? CONN_ORIGINAL : CONN_REPLY;
}

void slot_set_info(struct conn_bucket *b, int slot, const struct conn_info *info)
{
	struct conn_entry *e = &b->entry[slot];

	e->gen = info->gen;
	e->rule_out = info->rule_out;
	e->rule_in = info->rule_in;
	e->sides = info->sides;
	e->a_port = info->a_port;
}

void slot_fill(struct conn_bucket *b, int slot, const struct conn_place *place,
	const struct conn_info *info, enum conn_state state, uint64_t now_ms)
{
	struct conn_entry *e = &b->entry[slot];

	for (unsigned i = 0; i < CONN_KEY_WORDS; i++)
		__atomic_store_n(&e->key[i], place->key[i], __ATOMIC_RELAXED);
	e->swapped = place->swapped;
	slot_set_info(b, slot, info);
	slot_set_state(b, slot, state, now_ms);
	__atomic_store_n(&b->tag[slot], place->tag, __ATOMIC_RELAXED);
}

/* What a bucket has to give: places that are free or expired, and connections to be given up. */
struct conn_room {
	unsigned vacant;
	unsigned cheap;
	int vacant_slot;
	int cheap_slot; /* the one that expires first */
	uint64_t cheap_due;
};

/* The bucket need not be locked. */
static void room_of(const struct conn_bucket *b, uint64_t now_ms, struct conn_room *room)
{
	*room = (struct conn_room){.cheap_due = UINT64_MAX};
	for (int slot = 0; slot < CONN_BUCKET_SLOTS; slot++) {
		uint64_t due = __atomic_load_n(&b->due[slot], __ATOMIC_RELAXED);

		if (due_is_over(due, now_ms)) { /* 0 is over, too */
			room->vacant++;
			room->vacant_slot = slot;
		} else if (conn_state_is_cheap(due_state(due))) {
			room->cheap++;
			if (due < room->cheap_due) {
				room->cheap_due = due;
				room->cheap_slot = slot;
			}
		}
	}
}

int place_find_room(const struct conn_place *place, uint64_t now_ms, struct conn_bucket **ret)
{
	struct conn_room room[2];
	bool second;

	room_of(place->bucket[0], now_ms, &room[0]);
	room_of(place->bucket[1], now_ms, &room[1]);
	if (room[0].vacant + room[1].vacant != 0) {
		second = room[1].vacant > room[0].vacant;
		*ret = place->bucket[second];
		return room[second].vacant_slot;
	}
	if (room[0].cheap + room[1].cheap == 0)
		return -1;
	second = room[0].cheap != room[1].cheap ? room[1].cheap > room[0].cheap
						: room[1].cheap_due < room[0].cheap_due;
	*ret = place->bucket[second];
	return room[second].cheap_slot;
}
