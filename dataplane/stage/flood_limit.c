/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many frames a second that several receive a port may send, each kind by itself: the broadcast, multicast and
 * unknown unicast limits of storm control. Asked on the slow path, where all floods are: none is cached.
 */
#include "dataplane/stage/stage.h"

enum flood_kind flood_kind_of(const struct frame *f)
{
	static const uint8_t broadcast[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (!(f->flags & FRAME_MULTICAST))
		return FLOOD_UNKNOWN_UNICAST;
	return memcmp(f->head, broadcast, MAC_LEN) == 0 ? FLOOD_BROADCAST : FLOOD_MULTICAST;
}

uint8_t flood_limit_check(
	const struct pipeline *p, const struct snapshot_port *in, const struct frame *f)
{
	static const uint8_t drops[FLOOD_KINDS] = {
		[FLOOD_BROADCAST] = DROPPED(DROP_broadcast_rate),
		[FLOOD_MULTICAST] = DROPPED(DROP_multicast_rate),
		[FLOOD_UNKNOWN_UNICAST] = DROPPED(DROP_unknown_unicast_rate),
	};
	enum flood_kind kind = flood_kind_of(f);
	struct meter *meter = in->flood[kind];
	enum meter_verdict verdict;

	if (meter == NULL || p->dry || p->paid)
		return 0;
	meter_lock(meter);
	verdict = meter_take(meter, 0, offload_wire_frames(f), p->now_tsc);
	meter_unlock(meter);
	return verdict == METER_PASS ? 0 : drops[kind];
}
