/* SPDX-License-Identifier: BSD-3-Clause */
/* What the switch answers itself: ARP requests and neighbour solicitations. */
#ifndef LEAT_DATAPLANE_STAGE_ANSWER_H
#define LEAT_DATAPLANE_STAGE_ANSWER_H

#include "dataplane/stage/stage.h"

/* True, and answer set: it asks for an address that the switch answers for. */
bool answer_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
/* Such a frame becomes its own answer. */
void answer_build(struct frame *f, const struct neighbour_view *owner);
/* Why there is no such frame any more. */
static inline enum drop_reason answer_reason(const struct frame *f)
{
	return f->flags & FRAME_ARP ? DROP_arp_answered : DROP_nd_answered;
}

#endif
