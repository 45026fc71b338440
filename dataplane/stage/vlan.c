/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An endpoint's frames belong to its network. An uplink's belong to the network of their outer tag
 * (IEEE 802.1Q), which comes off here: the MAC addresses move four bytes up, the head begins there.
 */
#include <rte_ether.h>

#include "dataplane/stage/stage.h"

static uint8_t trunk_frame(const struct snapshot *snap, struct frame *f, uint16_t *ret_network)
{
	uint16_t type = load_be16(f->head + 12);
	uint16_t tci;

	*ret_network = snap->untagged_network;
	if (type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ) {
		if (f->head_len < FRAME_LEN_MIN + VLAN_TAG_LEN)
			return DROPPED(DROP_malformed);
		tci = load_be16(f->head + 14);
		if ((tci & 0xfff) != 0)
			*ret_network = snap->vlan_network[tci & 0xfff];
		memmove(f->head + VLAN_TAG_LEN, f->head, 2 * RTE_ETHER_ADDR_LEN);
		f->head += VLAN_TAG_LEN;
		f->head_len -= VLAN_TAG_LEN;
		f->len -= VLAN_TAG_LEN;
		f->outer_tci = tci;
		/* A start inside the tag wraps to far beyond the frame, where it is found invalid.
		 */
		if (f->offload & FRAME_NEEDS_CSUM)
			f->csum_start -= VLAN_TAG_LEN;
	}
	return *ret_network == NETWORK_NONE ? DROPPED(DROP_unknown_vlan) : 0;
}

void stage_vlan(struct pipeline *p, const struct snapshot_port *in)
{
	struct burst *b = &p->burst;

	for (unsigned i = 0; i < b->n; i++) {
		p->drop[i] = 0;
		p->network[i] = in->network;
		if (in->uplink)
			p->drop[i] = trunk_frame(p->snap, &b->frame[i], &p->network[i]);
	}
}
