/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints and uplinks as the data plane sees them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/compile.h"

_Static_assert(ENDPOINT_IPS_MAX <= SNAPSHOT_IPS_MAX, "every configured address is guarded");

static const struct qos *qos_of(
	const struct config *want, const struct compile_names *names, const struct endpoint *e)
{
	size_t group = names_position(&names->group, e->group);

	return qos_in_force(e, group != NAME_NONE ? want->groups[group] : NULL);
}

static void qos_fill(struct snapshot_port *port, const struct qos *q)
{
	if (q == NULL)
		return;
	port->share.kept_bits_per_s = q->min_kbps * BITS_PER_KBIT;
	port->share.weight = q->weight;
	port->marked = q->has_dscp;
	port->dscp = q->dscp;
	port->pcp = q->pcp;
}

static int compile_endpoint(struct compiled *c, const struct config *want,
	const struct compile_names *names, const struct compiled *prev, const struct endpoint *e,
	struct port *port, unsigned n_workers, struct snapshot_port *ret, struct error *err)
{
	uint32_t network = names_index(&names->network, e->network);
	uint32_t group = names_index(&names->group, e->group);
	const struct qos *qos = qos_of(want, names, e);
	struct meter_context ctx = {
		.endpoint = e,
		.mtu = compile_network_mtu(want, names, e->network),
		.tx_shared = n_workers > 1 && port->n_rxq > 1,
		.rx_shared = n_workers > 1,
	};

	if (network == NAME_NONE)
		return error_set(err, LEAT_DEPENDENCY, "there is no network %s", e->network);
	*ret = (struct snapshot_port){
		.port = port,
		.network = (uint16_t)network,
		.group = group != NAME_NONE ? (uint16_t)group : 0,
		.spoof_guard = e->guard.spoof,
		.dhcp_server = e->guard.dhcp_server,
		.router = e->guard.router,
		.learning = e->n_ips == 0 && !e->guard.spoof,
		.macs_max = e->guard.macs,
		.n_ips = e->n_ips,
		.mac = e->mac,
		.mtu = ctx.mtu,
	};
	memcpy(ret->ips, e->ips, e->n_ips * sizeof(e->ips[0]));
	qos_fill(ret, qos);
	if (compile_flood_meters(c, &e->guard.floods, ctx.tx_shared, prev, port->index, ret, err) !=
		0)
		return -1;
	return compile_meters(c, qos, &ctx, prev, port->index, ret, err);
}

static int compile_uplink(struct compiled *c, const struct compiled *prev, const struct uplink *u,
	struct port *port, unsigned n_workers, struct snapshot_port *ret, struct error *err)
{
	*ret = (struct snapshot_port){
		.port = port,
		.network = NETWORK_NONE,
		.uplink = true,
		.mac = port->mac,
		.mtu = u->mtu,
	};
	if (compile_uplink_meter(c, u, n_workers > 1, prev, port->index, ret, err) != 0)
		return -1;
	return compile_flood_meters(
		c, &u->floods, n_workers > 1 && port->n_rxq > 1, prev, port->index, ret, err);
}

static int name_failed(struct error *err, const char *type, const char *id)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "%s:%s", type, id);
	return -1;
}

int compile_ports(struct compiled *c, const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct port *const *ports, unsigned n_workers,
	struct error *err)
{
	size_t n = 0;

	c->ports = calloc(want->n_uplinks + want->n_endpoints + 1, sizeof(*c->ports));
	c->port_index = calloc(want->n_uplinks + want->n_endpoints + 1, sizeof(*c->port_index));
	if (c->ports == NULL || c->port_index == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for the ports");
	for (size_t i = 0; i < want->n_uplinks; i++) {
		struct port *port = ports[names->uplink.list[i].index];

		if (port == NULL)
			continue;
		c->port_index[n] = port->index;
		if (compile_uplink(
			    c, prev, want->uplinks[i], port, n_workers, &c->ports[n++], err) != 0)
			return name_failed(err, "uplink", want->uplinks[i]->id);
	}
	for (size_t i = 0; i < want->n_endpoints; i++) {
		struct port *port = ports[names->endpoint.list[i].index];

		if (port == NULL)
			continue;
		c->port_index[n] = port->index;
		if (compile_endpoint(c, want, names, prev, want->endpoints[i], port, n_workers,
			    &c->ports[n++], err) != 0)
			return name_failed(err, "endpoint", want->endpoints[i]->id);
	}
	c->spec.ports = c->ports;
	c->spec.n_ports = n;
	c->spec.n_workers = n_workers;
	return compile_neighbours(c, want, names, ports, err);
}
