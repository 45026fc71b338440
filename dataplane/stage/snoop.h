/* SPDX-License-Identifier: BSD-3-Clause */
/* IGMP and MLD snooping: who wants which multicast. */
#ifndef LEAT_DATAPLANE_STAGE_SNOOP_H
#define LEAT_DATAPLANE_STAGE_SNOOP_H

#include "dataplane/stage/stage.h"

#define PIM_HELLO 0x20 /* version 2, type 0: RFC 7761, 4.9 */

/* In a network with snooping. What a frame that the guard lets pass says about groups and routers. */
void snoop_learn(struct pipeline *p, const struct snapshot_port *in, const struct frame *f,
	uint16_t network);
/* true: of a multicast frame's receivers only these, and uplinks, are to have it. */
bool snoop_selects(
	const struct pipeline *p, const struct frame *f, uint16_t network, struct group_ports *ret);

/* What is known of one IP version of a network besides its groups. */
struct snoop_status {
	bool querier; /* one is heard */
	bool active;  /* multicast goes to who wants it alone */
	struct group_ports routers;
};
/* Any thread; seconds: of the clock that the pipelines go by. Memberships are those of group_table_each() of family 4 and 6. */
void snoop_status(const struct group_table *groups, const struct snapshot *snap, uint16_t network,
	uint8_t family, uint32_t seconds, struct snoop_status *ret);

#endif
