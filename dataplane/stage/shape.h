/* SPDX-License-Identifier: BSD-3-Clause */
/* stage/shape.c: into the shapers of endpoints (dataplane/shaper.h), and out of them. */
#ifndef LEAT_DATAPLANE_STAGE_SHAPE_H
#define LEAT_DATAPLANE_STAGE_SHAPE_H

#include "dataplane/stage/stage.h"

/*
 * Where a meter shapes and not all of a burst has room, in the rate or in the receiver's ring, all of it waits: what the
 * sender's meter was asked for, then held[i] says of each frame whether it does; or all of an out_queue.
 */
void shape_sender(struct pipeline *p, const struct snapshot_port *in, bool held[BURST_MAX]);
void shape_receiver(struct pipeline *p, uint16_t port, struct out_queue *q);

/* p->burst becomes what has waited for long enough at a port; how many. And is given back. */
unsigned shape_take(struct pipeline *p, uint16_t port, enum meter_side side);
void shape_release(struct pipeline *p, uint16_t port, enum meter_side side);

/* stage/mark.c: do the ends of a parsed frame understand ECN (RFC 3168)? Then they can be told that there is congestion. */
bool frame_knows_ecn(const struct frame *f);
void mark_congestion(struct frame *f);

#endif
