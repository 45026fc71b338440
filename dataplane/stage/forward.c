/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a frame goes: to the endpoint its destination MAC is configured on, to where it was
 * learned, or, unknown, to the uplinks and to those ports of its network whose MACs are learned.
 * Nothing goes from an uplink to an uplink: the host is no transit, and a loop outside stays
 * outside.
 */
#include "dataplane/stage/snoop.h"

static void output_candidate(
	struct pipeline *p, const struct snapshot_port *in, uint16_t port, unsigned *n)
{
	if (port != in->port->index)
		p->flood[(*n)++] = port;
}

static unsigned add_uplinks(struct pipeline *p, const struct snapshot_port *in, unsigned n)
{
	if (in->uplink)
		return n;
	for (unsigned i = 0; i < p->snap->n_uplinks; i++)
		output_candidate(p, in, p->snap->uplinks[i], &n);
	return n;
}

unsigned flood_outputs(
	struct pipeline *p, const struct snapshot_port *in, const struct frame *f, uint16_t network)
{
	const struct network_view *net = &p->snap->networks[network];
	bool all = (f->flags & FRAME_MULTICAST) != 0;
	const uint16_t *members = all ? net->members : net->learning;
	unsigned n_members = all ? net->n_members : net->n_learning;
	struct group_ports wanted;
	bool some = all && net->snooping && snoop_selects(p, f, network, &wanted);
	unsigned n = 0;

	for (unsigned i = 0; i < n_members; i++)
		if (!some || group_ports_has(&wanted, members[i]))
			output_candidate(p, in, members[i], &n);
	return add_uplinks(p, in, n);
}

/* Link-local group addresses (IEEE 802.1Q, table 8-1) stay on their link. */
static bool is_reserved(const uint8_t *mac)
{
	static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return memcmp(mac, prefix, sizeof(prefix)) == 0 && mac[5] < 0x10;
}

static void forward_unknown(struct pipeline *p, const struct snapshot_port *in, struct decision *d,
	const struct frame *f, uint16_t network)
{
	unsigned n = flood_outputs(p, in, f, network);

	d->learned = p->snap->networks[network].n_learning > 0 || p->snap->n_uplinks > 1;
	if (n == 0)
		d->drop = DROPPED(DROP_no_destination);
	else if (n == 1)
		d->out = p->flood[0];
	else
		d->flood = true;
}

/* An address may have been learned where, by this snapshot, it cannot be any more. */
static bool may_be_behind(const struct snapshot *snap, uint16_t port, uint16_t network)
{
	const struct snapshot_port *to;

	if (port == MAC_TABLE_NONE || port >= snap->n_ports)
		return false;
	to = &snap->ports[port];
	return to->port != NULL && (to->uplink || (to->network == network && to->learning));
}

void forward_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	uint16_t network = p->network[d->i];
	uint32_t known;

	d->out = FLOW_OUT_NONE;
	if (f->flags & FRAME_MULTICAST) {
		d->flood = true;
		if (is_reserved(f->head))
			d->drop = DROPPED(DROP_reserved_mac);
		else if (flood_outputs(p, in, f, network) == 0)
			d->drop = p->snap->networks[network].snooping
					  ? DROPPED(DROP_no_listener)
					  : DROPPED(DROP_no_destination);
		return;
	}
	known = addr_table_find_mac(p->snap->macs, network, f->head);
	if (known == ADDR_TABLE_NONE) {
		uint16_t learned = mac_table_find(p->tables->macs, network, f->head,
			p->snap->mac_age_s, (uint32_t)(p->now_ms / 1000));

		if (!may_be_behind(p->snap, learned, network)) {
			forward_unknown(p, in, d, f, network);
			return;
		}
		d->learned = true;
		known = learned;
	}
	d->out = (uint16_t)known;
	if (known == in->port->index)
		d->drop = DROPPED(DROP_same_port);
	else if (in->uplink && p->snap->ports[known].uplink)
		d->drop = DROPPED(DROP_no_destination);
}
