/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "dataplane/placement.h"

#define VLANS 4096
#define PCP_SHIFT 13 /* in a tag (IEEE 802.1Q, 9.6) */

static int alloc_views(struct snapshot *s, const struct snapshot_spec *spec)
{
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i].port->index >= s->n_ports)
			s->n_ports = spec->ports[i].port->index + 1U;
	s->ports = calloc(s->n_ports == 0 ? 1 : s->n_ports, sizeof(*s->ports));
	s->networks = calloc(NETWORKS_MAX, sizeof(*s->networks));
	s->groups = calloc(GROUPS_MAX, sizeof(*s->groups));
	s->uplinks = calloc(spec->n_ports == 0 ? 1 : spec->n_ports, sizeof(*s->uplinks));
	s->vlan_network = malloc(VLANS * sizeof(*s->vlan_network));
	s->macs = addr_table_create(spec->n_ports);
	s->remotes = addr_table_create(spec->n_remotes);
	s->addresses = addr_table_create(spec->n_addresses);
	s->of_tenant = addr_table_create(spec->n_addresses);
	if (s->ports == NULL || s->networks == NULL || s->groups == NULL || s->uplinks == NULL ||
		s->vlan_network == NULL || s->macs == NULL || s->remotes == NULL ||
		s->addresses == NULL || s->of_tenant == NULL)
		return -1;
	for (unsigned v = 0; v < VLANS; v++)
		s->vlan_network[v] = NETWORK_NONE;
	return 0;
}

static bool has_uplink(const struct snapshot_spec *spec)
{
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i].uplink)
			return true;
	return false;
}

static int fill_networks(struct snapshot *s, const struct snapshot_spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->n_networks; i++) {
		const struct snapshot_network *from = &spec->networks[i];
		struct network_view *net = &s->networks[from->index];

		net->present = true;
		net->tagged = from->tagged;
		net->vlan = from->vlan;
		net->tenant = from->tenant;
		net->mtu = from->mtu;
		net->snooping = from->snooping;
		if (!from->tagged) {
			if (s->untagged_network != NETWORK_NONE && has_uplink(spec))
				return error_set(
					err, LEAT_CONFLICT, "two untagged networks on one uplink");
			s->untagged_network = from->index;
			continue;
		}
		if (s->vlan_network[from->vlan] != NETWORK_NONE)
			return error_set(
				err, LEAT_CONFLICT, "two networks with VLAN %u", from->vlan);
		net->tag = (uint32_t)RTE_ETHER_TYPE_VLAN << 16 | from->vlan;
		s->vlan_network[from->vlan] = from->index;
	}
	return 0;
}

/* What is untagged has no place for a priority. */
static uint32_t tag_of(const struct snapshot *s, const struct snapshot_port *port)
{
	uint32_t tag = s->networks[port->network].tag;

	return tag == 0 ? 0 : tag | (uint32_t)port->pcp << PCP_SHIFT;
}

static uint64_t shortest_burst(const struct snapshot_port *port)
{
	uint64_t ticks = RTE_MIN(meter_fill(port->tx), meter_fill(port->rx));

	for (unsigned kind = 0; kind < FLOOD_KINDS; kind++)
		ticks = RTE_MIN(ticks, meter_fill(port->flood[kind]));
	return ticks;
}

static int fill_ports(struct snapshot *s, const struct snapshot_spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->n_ports; i++) {
		const struct snapshot_port *from = &spec->ports[i];
		uint16_t index = from->port->index;

		if (s->ports[index].port != NULL)
			return error_set(err, LEAT_INTERNAL, "two ports with index %u", index);
		s->ports[index] = *from;
		s->burst_shortest = RTE_MIN(s->burst_shortest, shortest_burst(from));
		if (from->uplink) {
			s->uplinks[s->n_uplinks++] = index;
			continue;
		}
		s->ports[index].tag = tag_of(s, from);
		s->networks[from->network].n_members++;
		s->networks[from->network].n_learning += from->learning;
		if (!mac_is_zero(&from->mac) &&
			addr_table_add_mac(s->macs, from->network, &from->mac, index) != 0)
			return error_set(err, LEAT_CONFLICT,
				"two endpoints of one network with the same MAC");
	}
	return 0;
}

/* Members by port index, so that two snapshots of one configuration are alike. */
static int fill_members(struct snapshot *s)
{
	for (unsigned n = 0; n < NETWORKS_MAX; n++) {
		struct network_view *net = &s->networks[n];

		if (net->n_members == 0)
			continue;
		net->members = calloc(2U * net->n_members, sizeof(*net->members));
		if (net->members == NULL)
			return -1;
		net->learning = net->members + net->n_members;
		net->n_members = 0;
		net->n_learning = 0;
	}
	for (uint16_t i = 0; i < s->n_ports; i++) {
		const struct snapshot_port *port = &s->ports[i];
		struct network_view *net;

		if (port->port == NULL || port->uplink)
			continue;
		net = &s->networks[port->network];
		net->members[net->n_members++] = i;
		if (port->learning)
			net->learning[net->n_learning++] = i;
	}
	return 0;
}

static int fill_policy(struct snapshot *s, const struct snapshot_spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->n_groups; i++) {
		struct group_view *group = &s->groups[spec->groups[i].index];

		group->present = true;
		group->default_allow = spec->groups[i].default_allow;
		group->in = spec->groups[i].in;
		group->out = spec->groups[i].out;
	}
	for (size_t i = 0; i < spec->n_remotes; i++)
		if (addr_table_add_ip(s->remotes, spec->remotes[i].network, &spec->remotes[i].ip,
			    spec->remotes[i].group) != 0)
			return error_set(err, LEAT_CONFLICT,
				"two remote endpoints of one network with the same IP");
	for (size_t i = 0; i < spec->n_addresses; i++) {
		const struct snapshot_remote *at = &spec->addresses[i];

		if (addr_table_add_ip(s->addresses, at->network, &at->ip, at->group) != 0)
			return error_set(err, LEAT_CONFLICT,
				"two endpoints of one network with the same IP");
		/* In another network of the tenant the same address may be somebody else's. */
		addr_table_add_ip(
			s->of_tenant, s->networks[at->network].tenant, &at->ip, at->group);
	}
	return 0;
}

static int fill_neighbours(struct snapshot *s, const struct snapshot_spec *spec, struct error *err)
{
	if (spec->n_neighbours == 0)
		return 0;
	s->neighbours = calloc(spec->n_neighbours, sizeof(*s->neighbours));
	s->neighbour_at = addr_table_create(spec->n_neighbours);
	if (s->neighbours == NULL || s->neighbour_at == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for a snapshot");
	for (size_t i = 0; i < spec->n_neighbours; i++) {
		const struct snapshot_neighbour *from = &spec->neighbours[i];

		s->neighbours[i] = (struct neighbour_view){.port = from->port, .mac = from->mac};
		if (addr_table_add_ip(s->neighbour_at, from->network, &from->ip, (uint32_t)i) != 0)
			return error_set(err, LEAT_CONFLICT,
				"two endpoints of one network with the same IP");
	}
	return 0;
}

static int fill_polls(struct snapshot *s, const struct snapshot_spec *spec)
{
	struct placement_queue *queues;
	size_t n = 0;

	for (uint16_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port != NULL)
			n += s->ports[i].port->n_rxq;
	queues = calloc(n == 0 ? 1 : n, sizeof(*queues));
	if (queues == NULL)
		return -1;
	n = 0;
	for (uint16_t i = 0; i < s->n_ports; i++)
		for (uint16_t q = 0; s->ports[i].port != NULL && q < s->ports[i].port->n_rxq; q++) {
			queues[n].poll.port = i;
			queues[n].poll.queue = q;
			queues[n++].node = s->ports[i].port->numa_node;
		}
	placement_spread(queues, n, spec->worker_node, spec->n_workers);
	for (size_t i = 0; i < n; i++)
		if (queues[i].poll.queue == 0)
			s->ports[queues[i].poll.port].worker = (uint16_t)queues[i].worker;
	for (unsigned w = 0; w < spec->n_workers; w++) {
		s->polls[w] = calloc(n == 0 ? 1 : n, sizeof(*s->polls[w]));
		if (s->polls[w] == NULL) {
			free(queues);
			return -1;
		}
		for (size_t i = 0; i < n; i++)
			if (queues[i].worker == w)
				s->polls[w][s->n_polls[w]++] = queues[i].poll;
	}
	free(queues);
	return 0;
}

struct snapshot *snapshot_create(const struct snapshot_spec *spec, struct error *err)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a snapshot");
		return NULL;
	}
	s->mac_age_s = spec->mac_age_s;
	s->tcp_midstream_drop = spec->tcp_midstream_drop;
	s->contiv = spec->contiv;
	s->any[0] = spec->any_out;
	s->any[1] = spec->any_in;
	s->rule_rank = spec->rule_rank;
	s->rule_logs = spec->rule_logs;
	s->untagged_network = NETWORK_NONE;
	s->burst_shortest = UINT64_MAX;
	s->n_workers = spec->n_workers;
	if (alloc_views(s, spec) != 0) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a snapshot");
		goto fail;
	}
	if (fill_networks(s, spec, err) != 0 || fill_ports(s, spec, err) != 0 ||
		fill_policy(s, spec, err) != 0 || fill_neighbours(s, spec, err) != 0)
		goto fail;
	if (fill_members(s) != 0 || fill_polls(s, spec) != 0) {
		error_set(err, LEAT_EXHAUSTED, "no memory for a snapshot");
		goto fail;
	}
	return s;
fail:
	snapshot_free(s);
	return NULL;
}

void snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	for (unsigned n = 0; s->networks != NULL && n < NETWORKS_MAX; n++)
		free(s->networks[n].members);
	for (unsigned w = 0; w < s->n_workers; w++)
		free(s->polls[w]);
	addr_table_free(s->macs);
	addr_table_free(s->remotes);
	addr_table_free(s->addresses);
	addr_table_free(s->of_tenant);
	addr_table_free(s->neighbour_at);
	free(s->neighbours);
	free(s->vlan_network);
	free(s->uplinks);
	free(s->groups);
	free(s->networks);
	free(s->ports);
	free(s);
}
