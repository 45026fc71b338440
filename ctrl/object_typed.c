/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From normalised JSON to the structs of ctrl/config.h. The schema has been checked before, so
 * nothing here can fail: what is absent is optional.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/object.h"
#include "lib/alloc.h"

static const char *text_of(json_t *body, const char *name)
{
	return json_string_value(json_object_get(body, name));
}

static bool text_is(json_t *body, const char *name, const char *text)
{
	const char *value = text_of(body, name);

	return value != NULL && strcmp(value, text) == 0;
}

static char *text_copy(json_t *body, const char *name)
{
	return alloc_strdup(text_of(body, name));
}

static int64_t int_of(json_t *body, const char *name, int64_t fallback)
{
	json_t *value = json_object_get(body, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void id_fill(char id[static ID_MAX + 1], const struct object *object)
{
	snprintf(id, ID_MAX + 1, "%s", object->id);
}

static void prefix_fill(struct prefix *ret, json_t *body, const char *name)
{
	const char *text = text_of(body, name);

	if (text != NULL)
		prefix_parse(text, ret);
}

static void ip_fill(struct ip *ret, json_t *body, const char *name)
{
	const char *text = text_of(body, name);

	if (text != NULL)
		ip_parse(text, ret);
}

static uint16_t ips_fill(struct ip *ips, json_t *body)
{
	json_t *array = json_object_get(body, "ips");
	uint16_t n = 0;

	for (; n < json_array_size(array) && n < ENDPOINT_IPS_MAX; n++)
		ip_parse(json_string_value(json_array_get(array, n)), &ips[n]);
	return n;
}

static enum arp arp_of(json_t *body)
{
	if (text_is(body, "arp", "proxy"))
		return ARP_PROXY;
	return text_is(body, "arp", "flood") ? ARP_FLOOD : ARP_AS_GLOBAL;
}

static void network_fill(struct network *n, const struct object *object)
{
	json_t *body = object->body;

	id_fill(n->id, object);
	n->tenant = text_copy(body, "tenant");
	n->encap = text_is(body, "encap", "vlan") ? ENCAP_VLAN : ENCAP_NONE;
	n->vlan = (uint16_t)int_of(body, "vlan", 0);
	prefix_fill(&n->subnet, body, "subnet");
	prefix_fill(&n->subnet6, body, "subnet6");
	ip_fill(&n->gateway, body, "gateway");
	ip_fill(&n->gateway6, body, "gateway6");
	n->mtu = (uint16_t)int_of(body, "mtu", 0);
	n->arp = arp_of(body);
	n->snooping = json_is_true(json_object_get(body, "snooping"));
}

static enum port_kind kind_of(json_t *port)
{
	static const struct {
		const char *name;
		enum port_kind kind;
	} kinds[] = {
		{"vhost-user", PORT_VHOST_USER},
		{"tap", PORT_TAP},
		{"af_xdp", PORT_AF_XDP},
		{"af_packet", PORT_AF_PACKET},
		{"memif", PORT_MEMIF},
		{"pci", PORT_PCI},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (text_is(port, "kind", kinds[i].name))
			return kinds[i].kind;
	}
	return PORT_DPDK;
}

static void port_fill(struct port_spec *p, json_t *port)
{
	p->kind = kind_of(port);
	p->socket = text_copy(port, "socket");
	p->server = text_is(port, "mode", "server") || text_is(port, "role", "server");
	p->queues = (uint16_t)int_of(port, "queues", 1);
	p->uid = int_of(port, "uid", -1);
	p->gid = int_of(port, "gid", -1);
	p->perm = file_mode_from_json(json_object_get(port, "perm"));
	p->netns = text_copy(port, "netns");
	p->name = text_copy(port, "name");
	p->netdev = text_copy(port, "netdev");
	p->memif_id = (uint32_t)int_of(port, "id", 0);
	p->address = text_copy(port, "address");
	p->devargs = text_copy(port, "devargs");
}

static void flood_limits_fill(struct flood_limits *limits, json_t *guard)
{
	limits->broadcast_pps = (uint64_t)int_of(guard, "broadcast_pps", 0);
	limits->multicast_pps = (uint64_t)int_of(guard, "multicast_pps", 0);
	limits->unknown_unicast_pps = (uint64_t)int_of(guard, "unknown_unicast_pps", 0);
}

static void uplink_fill(struct uplink *u, const struct object *object)
{
	id_fill(u->id, object);
	port_fill(&u->device, json_object_get(object->body, "device"));
	u->device.queues = (uint16_t)int_of(object->body, "queues", 1);
	u->mtu = (uint16_t)int_of(object->body, "mtu", 0);
	u->capacity_kbps = (uint64_t)int_of(object->body, "capacity_kbps", 0);
	flood_limits_fill(&u->floods, json_object_get(object->body, "guard"));
}

static bool qos_fill(struct qos *q, json_t *body)
{
	json_t *qos = json_object_get(body, "qos");

	q->tx_kbps = (uint64_t)int_of(qos, "tx_kbps", 0);
	q->tx_burst_kbit = (uint64_t)int_of(qos, "tx_burst_kbit", 0);
	q->rx_kbps = (uint64_t)int_of(qos, "rx_kbps", 0);
	q->rx_burst_kbit = (uint64_t)int_of(qos, "rx_burst_kbit", 0);
	q->tx_pps = (uint64_t)int_of(qos, "tx_pps", 0);
	q->rx_pps = (uint64_t)int_of(qos, "rx_pps", 0);
	q->min_kbps = (uint64_t)int_of(qos, "min_kbps", 0);
	q->weight = (uint8_t)int_of(qos, "weight", 1);
	q->shape = text_is(qos, "mode", "shape");
	q->has_dscp = json_object_get(qos, "dscp") != NULL;
	q->dscp = (uint8_t)int_of(qos, "dscp", 0);
	q->pcp = (uint8_t)int_of(qos, "pcp", 0);
	return qos != NULL;
}

static void group_fill(struct group *g, const struct object *object)
{
	json_t *body = object->body;

	id_fill(g->id, object);
	g->tenant = text_copy(body, "tenant");
	g->num = (uint16_t)int_of(body, "num", 0);
	g->network = text_copy(body, "network");
	g->default_action = text_is(body, "default_action", "allow") ? ACTION_ALLOW : ACTION_DENY;
	g->has_qos = qos_fill(&g->qos, body);
}

static void guard_fill(struct guard *g, json_t *guard)
{
	g->spoof = json_is_true(json_object_get(guard, "spoof"));
	g->macs = (uint16_t)int_of(guard, "macs", 0);
	g->dhcp_server = json_is_true(json_object_get(guard, "dhcp_server"));
	g->router = json_is_true(json_object_get(guard, "router"));
	flood_limits_fill(&g->floods, guard);
}

static void endpoint_fill(struct endpoint *e, const struct object *object)
{
	json_t *body = object->body;

	id_fill(e->id, object);
	e->network = text_copy(body, "network");
	e->group = text_copy(body, "group");
	mac_parse(text_of(body, "mac"), &e->mac);
	e->n_ips = ips_fill(e->ips, body);
	port_fill(&e->port, json_object_get(body, "port"));
	e->has_qos = qos_fill(&e->qos, body);
	guard_fill(&e->guard, json_object_get(body, "guard"));
}

static void remote_endpoint_fill(struct remote_endpoint *r, const struct object *object)
{
	id_fill(r->id, object);
	r->network = text_copy(object->body, "network");
	r->group = text_copy(object->body, "group");
	mac_parse(text_of(object->body, "mac"), &r->mac);
	r->n_ips = ips_fill(r->ips, object->body);
}

void object_typed_init(struct object *object)
{
	switch (object->type) {
	case OBJECT_GLOBAL:
		object->as.global.policy_mode = text_is(object->body, "policy_mode", "contiv")
							? POLICY_CONTIV
							: POLICY_STRICT;
		object->as.global.arp = arp_of(object->body);
		object->as.global.mac_age_s = (uint32_t)int_of(object->body, "mac_age_s", 0);
		object->as.global.tcp_midstream_drop =
			text_is(object->body, "tcp_midstream", "drop");
		break;
	case OBJECT_NETWORK:
		network_fill(&object->as.network, object);
		break;
	case OBJECT_UPLINK:
		uplink_fill(&object->as.uplink, object);
		break;
	case OBJECT_GROUP:
		group_fill(&object->as.group, object);
		break;
	case OBJECT_ENDPOINT:
		endpoint_fill(&object->as.endpoint, object);
		break;
	case OBJECT_REMOTE_ENDPOINT:
		remote_endpoint_fill(&object->as.remote_endpoint, object);
		break;
	case OBJECT_RULE:
		id_fill(object->as.rule.id, object);
		object_rule_init(&object->as.rule, object->body);
		break;
	}
}

static void port_free(struct port_spec *p)
{
	free(p->socket);
	free(p->netns);
	free(p->name);
	free(p->netdev);
	free(p->address);
	free(p->devargs);
}

void object_typed_fini(struct object *object)
{
	switch (object->type) {
	case OBJECT_GLOBAL:
		break;
	case OBJECT_NETWORK:
		free(object->as.network.tenant);
		break;
	case OBJECT_UPLINK:
		port_free(&object->as.uplink.device);
		break;
	case OBJECT_GROUP:
		free(object->as.group.tenant);
		free(object->as.group.network);
		break;
	case OBJECT_ENDPOINT:
		free(object->as.endpoint.network);
		free(object->as.endpoint.group);
		port_free(&object->as.endpoint.port);
		break;
	case OBJECT_REMOTE_ENDPOINT:
		free(object->as.remote_endpoint.network);
		free(object->as.remote_endpoint.group);
		break;
	case OBJECT_RULE:
		object_rule_fini(&object->as.rule);
		break;
	}
}
