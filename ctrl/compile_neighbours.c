/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses that the switch answers ARP and neighbour discovery for. */
#include <stdlib.h>

#include "ctrl/compile.h"

static bool is_proxied(
	const struct config *want, const struct compile_names *names, const char *network)
{
	size_t position = names_position(&names->network, network);
	enum arp arp;

	if (position == NAME_NONE)
		return false;
	arp = want->networks[position]->arp;
	return (arp == ARP_AS_GLOBAL ? want->global.arp : arp) == ARP_PROXY;
}

static void add(struct compiled *c, const struct snapshot_neighbour *owner, const struct ip *ips,
	uint16_t n_ips)
{
	for (uint16_t i = 0; i < n_ips; i++) {
		struct snapshot_neighbour *to = &c->neighbours[c->spec.n_neighbours++];

		*to = *owner;
		to->ip = ips[i];
	}
}

static size_t addresses(const struct config *want)
{
	size_t n = 0;

	for (size_t i = 0; i < want->n_endpoints; i++)
		n += want->endpoints[i]->n_ips;
	for (size_t i = 0; i < want->n_remote_endpoints; i++)
		n += want->remote_endpoints[i]->n_ips;
	return n;
}

int compile_neighbours(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct port *const *ports, struct error *err)
{
	c->neighbours = calloc(addresses(want) + 1, sizeof(*c->neighbours));
	if (c->neighbours == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for the neighbours");
	for (size_t i = 0; i < want->n_endpoints; i++) {
		const struct endpoint *e = want->endpoints[i];
		const struct port *port = ports[names->endpoint.list[i].index];
		struct snapshot_neighbour owner = {.mac = e->mac};

		if (port == NULL || !is_proxied(want, names, e->network))
			continue;
		owner.network = (uint16_t)names_index(&names->network, e->network);
		owner.port = port->index;
		add(c, &owner, e->ips, e->n_ips);
	}
	for (size_t i = 0; i < want->n_remote_endpoints; i++) {
		const struct remote_endpoint *e = want->remote_endpoints[i];
		struct snapshot_neighbour owner = {.port = PORT_NONE, .mac = e->mac};

		if (!is_proxied(want, names, e->network))
			continue;
		owner.network = (uint16_t)names_index(&names->network, e->network);
		add(c, &owner, e->ips, e->n_ips);
	}
	c->spec.neighbours = c->neighbours;
	return 0;
}
