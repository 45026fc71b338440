/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/reference_switch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "test/unit/reference_private.h"

#define NOBODY UINT16_MAX

struct reference_switch *reference_create(const struct topology *topology)
{
	struct reference_switch *sw = alloc_zero(1, sizeof(*sw));

	sw->t = topology;
	sw->config = 1;
	return sw;
}

void reference_free(struct reference_switch *sw)
{
	free(sw);
}

void reference_reconfigure(struct reference_switch *sw, const struct topology *topology)
{
	sw->t = topology;
	sw->config++;
}

void reference_drop(struct journey *j, enum drop_reason reason)
{
	j->ret->dropped = true;
	j->ret->reason = reason;
}

void reference_send(struct journey *j, uint16_t port)
{
	struct reference_out *out = &j->ret->out[j->ret->n_out++];

	out->port = port;
	out->tci = j->t->port[port].uplink ? j->t->network[j->network].vlan : 0;
	if (out->tci != 0)
		out->tci = (uint16_t)(out->tci + j->from->pcp * 0x2000);
}

static bool is_ip(const struct packet *p)
{
	return p->kind == PACKET_IPV4 || p->kind == PACKET_IPV6;
}

/* An uplink is a trunk; an endpoint's frames are its network's. */
static bool find_network(struct journey *j)
{
	const struct packet_tag *outer = &j->p->tag[0];
	uint16_t vlan = 0;

	j->inner = outer;
	if (!j->from->uplink) {
		j->network = j->from->network;
	} else {
		if (outer->tpid != 0) {
			vlan = outer->tci & 0xfff;
			j->inner++;
		}
		for (j->network = 0; j->network < TOPOLOGY_NETWORKS_MAX; j->network++)
			if (j->t->network[j->network].present &&
				j->t->network[j->network].vlan == vlan)
				break;
		if (j->network == TOPOLOGY_NETWORKS_MAX) {
			reference_drop(j, DROP_unknown_vlan);
			return false;
		}
	}
	while (j->inner + j->n_inner < j->p->tag + PACKET_TAGS_MAX &&
		j->inner[j->n_inner].tpid != 0)
		j->n_inner++;
	return true;
}

/* Whole headers, and as many bytes as they say. */
static bool is_whole(const struct journey *j, size_t on_wire)
{
	size_t l3 = 14 + 4U * j->n_inner + (j->from->uplink && j->p->tag[0].tpid != 0 ? 4 : 0);

	if (j->n_inner > 2)
		return false;
	if (is_ip(j->p))
		return on_wire >= j->len - j->p->pad;
	return j->p->kind != PACKET_ARP || on_wire >= l3 + 28;
}

static bool check_form(struct journey *j, size_t on_wire)
{
	const struct test_network *net = &j->t->network[j->network];
	size_t l3_len = on_wire - 14 - 4U * j->n_inner;

	if (j->from->uplink && j->p->tag[0].tpid != 0)
		l3_len -= 4;
	if (!is_whole(j, on_wire)) {
		reference_drop(j, DROP_malformed);
		return false;
	}
	if (l3_len > (net->mtu != 0 ? net->mtu : 1500)) {
		reference_drop(j, DROP_mtu_exceeded);
		return false;
	}
	for (unsigned i = 0; i < j->n_inner && !j->from->uplink && net->vlan == 0; i++)
		if ((j->inner[i].tci & 0xfff) != 0) {
			reference_drop(j, DROP_unknown_vlan);
			return false;
		}
	return true;
}

static bool may_use(const struct journey *j, const struct ip *ip)
{
	struct ip link_local = host_link_local(j->from->host);

	if (j->from->ips[0].family == 0 || ip_equal(ip, &link_local))
		return true;
	for (unsigned i = 0; i < TOPOLOGY_IPS_MAX; i++)
		if (j->from->ips[i].family != 0 && ip_equal(&j->from->ips[i], ip))
			return true;
	return false;
}

static int guard_arp(const struct journey *j)
{
	struct mac own = host_mac(j->from->host);
	const struct ip *claimed = ip_is_zero(&j->p->src_ip) ? &j->p->dst_ip : &j->p->src_ip;

	return mac_equal(&j->p->arp_sender, &own) && may_use(j, claimed) ? ALLOWED
									 : DROP_spoofed_arp;
}

/* Solicitations and advertisements name addresses in their payload. */
static int guard_nd(const struct journey *j)
{
	struct mac own = host_mac(j->from->host);
	uint8_t type = j->p->icmp_type;
	bool claims = type == 136 || (type == 135 && ip_is_zero(&j->p->src_ip));

	if (j->p->proto != 58 || j->p->frag_off != 0 || (type != 133 && type != 135 && type != 136))
		return ALLOWED;
	if (claims && !may_use(j, &j->p->nd.target))
		return DROP_spoofed_nd;
	return (j->p->nd.option != 1 && j->p->nd.option != 2) ||
			       mac_equal(&j->p->nd.option_mac, &own)
		       ? ALLOWED
		       : DROP_spoofed_nd;
}

static bool is_dhcp_server(const struct packet *p)
{
	bool four = p->kind == PACKET_IPV4;

	return p->proto == 17 && (p->dport == (four ? 68 : 546) || p->sport == (four ? 67 : 547));
}

/* DHCP servers, routers, and neighbour discovery with a fragment header. */
static int guard_role(const struct journey *j)
{
	const struct packet *p = j->p;
	uint8_t type = p->icmp_type;
	bool nd = p->proto == 58 && type >= 133 && type <= 137;

	if (!is_ip(p) || p->frag_off != 0)
		return ALLOWED;
	if (is_dhcp_server(p) && !j->from->dhcp_server)
		return DROP_dhcp_guard;
	if (((nd && (type == 134 || type == 137)) || (p->proto == 1 && (type == 5 || type == 9))) &&
		!j->from->router)
		return DROP_ra_guard;
	if (p->proto == 58 && type == 130 && !j->from->router)
		return DROP_querier_guard;
	return nd && p->kind == PACKET_IPV6 && p->fragment ? DROP_nd_fragment : ALLOWED;
}

static int guard(const struct journey *j)
{
	struct mac own = host_mac(j->from->host);
	const struct packet *p = j->p;
	bool unspecified = p->kind == PACKET_IPV6 && ip_is_zero(&p->src_ip) && p->proto == 58 &&
			   p->frag_off == 0 &&
			   (p->icmp_type == 133 || p->icmp_type == 135 || p->icmp_type == 131 ||
				   p->icmp_type == 132 || p->icmp_type == 143);
	int role;

	if (mac_is_multicast(&p->src))
		return DROP_malformed;
	if (j->from->uplink)
		return ALLOWED;
	if (!j->from->no_guard && !mac_equal(&p->src, &own))
		return DROP_spoofed_mac;
	role = guard_role(j);
	if (role != ALLOWED || j->from->no_guard)
		return role;
	if (p->kind == PACKET_ARP)
		return guard_arp(j);
	if (!is_ip(p))
		return ALLOWED;
	if (!may_use(j, &p->src_ip) && !unspecified)
		return DROP_spoofed_ip;
	return p->kind == PACKET_IPV6 ? guard_nd(j) : ALLOWED;
}

/* The endpoint that has this MAC by configuration. */
static uint16_t find_configured(const struct journey *j, const struct mac *mac)
{
	for (uint16_t i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		const struct test_port_spec *port = &j->t->port[i];
		struct mac own = host_mac(port->host);

		if (port->present && !port->uplink && port->network == j->network &&
			port->host != 0 && mac_equal(&own, mac))
			return i;
	}
	return NOBODY;
}

static struct learned_mac *find_learned(const struct journey *j, const struct mac *mac)
{
	for (size_t i = 0; i < j->sw->n_macs; i++)
		if (j->sw->mac[i].network == j->network && mac_equal(&j->sw->mac[i].mac, mac))
			return &j->sw->mac[i];
	return NULL;
}

static unsigned count_learned(const struct journey *j)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->sw->n_macs; i++)
		n += j->sw->mac[i].port == j->in;
	return n;
}

static unsigned count_ports(const struct journey *j, bool uplinks)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		const struct test_port_spec *port = &j->t->port[i];

		if (uplinks)
			n += port->present && port->uplink;
		else
			n += port->present && port->learning && port->network == j->network;
	}
	return n;
}

/* False: it has as many as it may. With one uplink and nobody else there is nothing to learn. */
static bool learn(struct journey *j)
{
	struct learned_mac *known = find_learned(j, &j->p->src);
	bool learns = j->from->learning ||
		      (j->from->uplink && (count_ports(j, true) > 1 || count_ports(j, false) > 0));

	if (!learns || find_configured(j, &j->p->src) != NOBODY)
		return true;
	if (known == NULL || known->port != j->in) {
		if (!j->from->uplink && count_learned(j) >= j->from->macs_max)
			return false;
		if (known == NULL) {
			assert(j->sw->n_macs < REFERENCE_LIST_MAX);
			known = &j->sw->mac[j->sw->n_macs++];
			known->network = j->network;
			known->mac = j->p->src;
		} else {
			j->ret->turned = true;
		}
		known->port = j->in;
	}
	known->seen_s = j->now_ms / 1000;
	return true;
}

static uint32_t mac_age(const struct topology *t)
{
	return t->mac_age_s != 0 ? t->mac_age_s : 300;
}

void reference_age(struct reference_switch *sw, uint64_t now_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < sw->n_macs; i++)
		if (now_ms / 1000 - sw->mac[i].seen_s <= mac_age(sw->t))
			sw->mac[n++] = sw->mac[i];
	sw->n_macs = n;
}

static void add_candidates(struct journey *j, bool uplinks, bool multicast)
{
	for (uint16_t i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		const struct test_port_spec *to = &j->t->port[i];

		if (!to->present || i == j->in || to->uplink != uplinks)
			continue;
		if (uplinks || (to->network == j->network && (multicast || to->learning)))
			j->candidate[j->n_candidates++] = i;
	}
}

/* Everybody in the network and the uplinks; of unknown unicast those whose MACs are not known. */
static void find_all(struct journey *j, bool multicast)
{
	add_candidates(j, false, multicast);
	if (!j->from->uplink)
		add_candidates(j, true, multicast);
	j->flood = multicast || j->n_candidates > 1;
	if (j->n_candidates == 0)
		reference_drop(j, DROP_no_destination);
}

static void find_destination(struct journey *j)
{
	static const uint8_t reserved[] = {1, 0x80, 0xc2, 0, 0};
	const struct learned_mac *learned = find_learned(j, &j->p->dst);
	uint16_t to = find_configured(j, &j->p->dst);

	if (mac_is_multicast(&j->p->dst)) {
		if (memcmp(j->p->dst.b, reserved, 5) == 0 && j->p->dst.b[5] < 16)
			reference_drop(j, DROP_reserved_mac);
		else
			find_all(j, true);
		return;
	}
	if (to == NOBODY && learned != NULL && j->now_ms / 1000 - learned->seen_s <= mac_age(j->t))
		to = learned->port;
	if (to == NOBODY)
		find_all(j, false);
	else if (to == j->in)
		reference_drop(j, DROP_same_port);
	else if (j->from->uplink && j->t->port[to].uplink)
		reference_drop(j, DROP_no_destination);
	else
		j->candidate[j->n_candidates++] = to;
}

void reference_judge(struct reference_switch *sw, uint16_t in, const struct packet *packet,
	size_t len, uint64_t now_ms, struct reference_result *ret)
{
	static uint8_t unused[PACKET_BYTES_MAX];
	struct packet whole = *packet;
	struct journey j = {
		.sw = sw,
		.t = sw->t,
		.p = packet,
		.now_ms = now_ms,
		.in = in,
		.from = &sw->t->port[in],
		.ret = ret,
	};
	int drop;

	memset(ret, 0, sizeof(*ret));
	ret->tos = j.from->marked ? (uint8_t)(j.from->dscp * 4 + packet->tos % 4) : packet->tos;
	whole.cut = 0;
	j.len = packet_build(&whole, unused, NULL);
	if (!find_network(&j) || !check_form(&j, len))
		return;
	j.len = len;
	drop = guard(&j);
	if (drop == ALLOWED && !learn(&j))
		drop = DROP_mac_limit;
	if (drop != ALLOWED) {
		reference_drop(&j, (enum drop_reason)drop);
		return;
	}
	find_destination(&j);
	if (!ret->dropped)
		reference_policy(&j);
}
