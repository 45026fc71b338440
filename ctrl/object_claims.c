/* SPDX-License-Identifier: BSD-3-Clause */
/* What an object claims for itself alone; two holders of one claim are a CONFLICT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/object.h"
#include "lib/alloc.h"

/* id, device, MAC, addresses */
#define CLAIMS_MAX (ENDPOINT_IPS_MAX + 3)

static void claim_add(struct object *object, bool address, char *key)
{
	struct claim *claim;

	if (object->claims == NULL)
		object->claims = alloc_zero(CLAIMS_MAX, sizeof(*object->claims));
	claim = &object->claims[object->n_claims++];
	claim->key = key;
	claim->address = address;
	claim->holder = object;
}

static void addresses_claim(struct object *object, const char *network, const struct mac *mac,
	const struct ip *ips, uint16_t n_ips)
{
	char text[INET6_ADDRSTRLEN];
	char mac_text[MAC_TEXT_LEN];

	mac_format(mac, mac_text);
	claim_add(object, true, alloc_printf("MAC %s in network %s", mac_text, network));
	for (uint16_t i = 0; i < n_ips; i++) {
		ip_format(&ips[i], text);
		claim_add(object, true, alloc_printf("address %s in network %s", text, network));
	}
}

static char *device_key(const struct port_spec *p)
{
	switch (p->kind) {
	case PORT_VHOST_USER:
		return alloc_printf("socket %s", p->socket);
	case PORT_TAP:
		return alloc_printf("interface %s in namespace %s", p->name,
			p->netns != NULL ? p->netns : "of the switch");
	case PORT_AF_XDP:
	case PORT_AF_PACKET:
		return alloc_printf("interface %s in namespace of the switch", p->netdev);
	case PORT_MEMIF:
		return alloc_printf("memif %u on socket %s", p->memif_id, p->socket);
	case PORT_PCI:
		return alloc_printf("PCI device %s", p->address);
	case PORT_DPDK:
		break;
	}
	return alloc_printf("DPDK device %.*s", (int)strcspn(p->devargs, ","), p->devargs);
}

/* Counters go by the id of an endpoint or uplink alike, so the two share their ids. */
static void port_claim(struct object *object, const struct port_spec *spec)
{
	claim_add(object, false, alloc_printf("port id %s", object->id));
	claim_add(object, false, device_key(spec));
}

void object_claims_init(struct object *object)
{
	const struct endpoint *e = &object->as.endpoint;
	const struct remote_endpoint *r = &object->as.remote_endpoint;

	switch (object->type) {
	case OBJECT_NETWORK:
		/* Every uplink carries every network. */
		if (object->as.network.encap == ENCAP_VLAN)
			claim_add(object, false, alloc_printf("VLAN %u", object->as.network.vlan));
		break;
	case OBJECT_UPLINK:
		port_claim(object, &object->as.uplink.device);
		break;
	case OBJECT_GROUP:
		if (object->as.group.num != 0)
			claim_add(object, false,
				alloc_printf("number %u in tenant %s", object->as.group.num,
					object->as.group.tenant));
		break;
	case OBJECT_ENDPOINT:
		addresses_claim(object, e->network, &e->mac, e->ips, e->n_ips);
		port_claim(object, &e->port);
		break;
	case OBJECT_REMOTE_ENDPOINT:
		addresses_claim(object, r->network, &r->mac, r->ips, r->n_ips);
		break;
	case OBJECT_GLOBAL:
	case OBJECT_RULE:
		break;
	}
}

void object_claims_fini(struct object *object)
{
	for (size_t i = 0; i < object->n_claims; i++)
		free(object->claims[i].key);
	free(object->claims);
}
