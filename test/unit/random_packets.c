/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/random_packets.h"

#include <string.h>

#define REMOTE_FIRST 9	 /* hosts behind uplinks: 9..12 */
#define LEARNED_FIRST 30 /* hosts behind learning ports: 30..33 */

static bool chance(struct rnd *r, unsigned percent)
{
	return rnd_below(r, 100) < percent;
}

static const uint16_t ports[] = {22, 53, 80, 443, 1000, 1001};
static const uint16_t dhcp_ports[] = {67, 68, 546, 547};
static const uint8_t protos[] = {0, 6, 17, 6, 17, 1, 58, 132, 47};

#define PICK(r, list) ((list)[rnd_below(r, sizeof(list) / sizeof((list)[0]))])

static struct prefix random_prefix(struct rnd *r)
{
	struct prefix p = {0};
	unsigned host = 1 + (unsigned)rnd_below(r, 12);

	switch (rnd_below(r, 6)) {
	case 0:
		return (struct prefix){{.family = 4}, 0};
	case 1:
		return (struct prefix){{.family = 4, .b = {10, 0, 0, 0}}, 29};
	case 2:
		return (struct prefix){host_ip4(host), 32};
	case 3:
		p.addr = host_ip6(host);
		p.len = 128;
		return p;
	case 4:
		return (struct prefix){{.family = 6, .b = {0x20, 1, 0xd, 0xb8}}, 64};
	default:
		return (struct prefix){{.family = 6}, 0};
	}
}

static void random_rule(struct rnd *r, struct test_rule *rule, bool one_group)
{
	memset(rule, 0, sizeof(*rule));
	rule->group = one_group ? 1 : (uint16_t)(1 + rnd_below(r, 3));
	rule->direction = one_group || chance(r, 50) ? TEST_IN : TEST_OUT;
	rule->allow = chance(r, 60);
	rule->proto = PICK(r, protos);
	if ((rule->proto == 6 || rule->proto == 17 || rule->proto == 132) && chance(r, 60)) {
		rule->port_lo = PICK(r, ports);
		rule->port_hi = chance(r, 60) ? rule->port_lo : (uint16_t)(rule->port_lo + 420);
	}
	if (chance(r, 40))
		rule->remote_group = (uint16_t)(1 + rnd_below(r, 3));
	else if (chance(r, 50))
		rule->remote_prefix = random_prefix(r);
}

static void random_remotes(struct rnd *r, struct topology *t)
{
	unsigned n = (unsigned)rnd_below(r, TOPOLOGY_REMOTES_MAX + 1);

	memset(t->remote, 0, sizeof(t->remote));
	for (unsigned i = 0; i < n; i++) {
		unsigned host = REMOTE_FIRST + i / 2;

		t->remote[i].ip = i & 1 ? host_ip6(host) : host_ip4(host);
		t->remote[i].group = (uint16_t)(1 + rnd_below(r, 3));
	}
}

void random_policy(struct rnd *r, struct topology *t)
{
	unsigned n = chance(r, 15) ? 0 : (unsigned)rnd_below(r, TOPOLOGY_RULES_MAX + 1);
	bool one_group = chance(r, 20);

	for (unsigned g = 1; g <= 3; g++) {
		t->group[g].present = chance(r, 90);
		t->group[g].default_deny = chance(r, 50);
	}
	memset(t->rule, 0, sizeof(t->rule));
	for (unsigned i = 0; i < n; i++)
		random_rule(r, &t->rule[i], one_group);
	random_remotes(r, t);
	t->tcp_midstream_drop = chance(r, 30);
	for (unsigned i = 0; i < TOPOLOGY_PORTS_MAX; i++) {
		struct test_port_spec *port = &t->port[i];

		if (!port->present || port->uplink)
			continue;
		port->group = chance(r, 80) ? (uint16_t)(1 + rnd_below(r, 3)) : 0;
		port->dhcp_server = chance(r, 30);
		port->router = chance(r, 30);
		port->marked = chance(r, 30);
		port->dscp = (uint8_t)rnd_below(r, 64);
		port->pcp = (uint8_t)(chance(r, 30) ? rnd_below(r, 8) : 0);
	}
}

static void random_endpoint(struct rnd *r, struct test_port_spec *port, unsigned host)
{
	if (chance(r, 25)) {
		port->no_guard = true;
		port->learning = true;
		port->macs_max = (uint16_t)rnd_below(r, 4);
		port->host = chance(r, 50) ? host : 0;
		return;
	}
	port->host = host;
	port->no_guard = chance(r, 20);
	if (chance(r, 70))
		port->ips[0] = host_ip4(host);
	if (port->ips[0].family != 0 && chance(r, 60))
		port->ips[1] = host_ip6(host);
}

void random_topology(struct rnd *r, struct topology *t)
{
	unsigned n_networks = 2 + (unsigned)rnd_below(r, 2);
	unsigned n_uplinks = (unsigned)rnd_below(r, 3);
	unsigned n = n_uplinks + 2 + (unsigned)rnd_below(r, 7);
	unsigned hosts[TOPOLOGY_NETWORKS_MAX] = {0};

	memset(t, 0, sizeof(*t));
	t->name = "random";
	t->network[0] = (struct test_network){.present = true, .vlan = 10};
	t->network[1] = (struct test_network){.present = true, .vlan = 20, .mtu = 1000};
	if (n_networks > 2)
		t->network[2] =
			(struct test_network){.present = true, .vlan = chance(r, 50) ? 0 : 30};
	for (unsigned i = 0; i < n; i++) {
		struct test_port_spec *port = &t->port[i];

		port->present = true;
		port->uplink = i < n_uplinks;
		if (port->uplink)
			continue;
		port->network = (uint16_t)rnd_below(r, n_networks);
		random_endpoint(r, port, ++hosts[port->network]);
	}
	random_policy(r, t);
}

uint16_t random_port(struct rnd *r, const struct topology *t)
{
	for (;;) {
		uint16_t i = (uint16_t)rnd_below(r, TOPOLOGY_PORTS_MAX);

		if (t->port[i].present)
			return i;
	}
}

/* Who sends by this port, mostly as it should be. */
static unsigned random_source(struct rnd *r, const struct test_port_spec *from)
{
	if (from->uplink)
		return chance(r, 80) ? REMOTE_FIRST + (unsigned)rnd_below(r, 4)
				     : (unsigned)rnd_below(r, 34);
	if (from->learning)
		return LEARNED_FIRST + (unsigned)rnd_below(r, 4);
	return chance(r, 92) ? from->host : 1 + (unsigned)rnd_below(r, 8);
}

static unsigned random_destination(struct rnd *r)
{
	if (chance(r, 60))
		return 1 + (unsigned)rnd_below(r, 8);
	return (chance(r, 60) ? REMOTE_FIRST : LEARNED_FIRST) + (unsigned)rnd_below(r, 4);
}

static void random_dst_mac(struct rnd *r, struct packet *p)
{
	if (chance(r, 8))
		p->dst = (struct mac){{255, 255, 255, 255, 255, 255}};
	else if (chance(r, 4))
		p->dst = (struct mac){{0x33, 0x33, 0, 0, 0, 1}};
	else if (chance(r, 1))
		p->dst = (struct mac){{1, 0x80, 0xc2, 0, 0, (uint8_t)(14 + rnd_below(r, 4))}};
	else if (chance(r, 3))
		p->dst = host_mac(1 + (unsigned)rnd_below(r, 12));
	if (chance(r, 1))
		p->src.b[0] |= 1;
}

static void random_tags(struct rnd *r, const struct test_port_spec *from, struct packet *p)
{
	static const uint16_t vlans[] = {10, 10, 10, 10, 20, 20, 20, 30, 0};
	unsigned n = 0;

	if (from->uplink && chance(r, 92)) {
		p->tag[n].tpid = chance(r, 90) ? 0x8100 : 0x88a8;
		p->tag[n++].tci = (uint16_t)(chance(r, 97) ? PICK(r, vlans) : rnd_below(r, 65536));
	}
	while (n < PACKET_TAGS_MAX - 1U && chance(r, 5)) {
		p->tag[n].tpid = chance(r, 90) ? 0x8100 : 0x88a8;
		p->tag[n++].tci = (uint16_t)(chance(r, 60) ? 0 : rnd_below(r, 4096));
	}
}

static void random_nd(struct rnd *r, struct packet *p, unsigned src, unsigned dst)
{
	p->icmp_type = (uint8_t)(133 + rnd_below(r, 5));
	p->payload = 0;
	p->nd.target = host_ip6(chance(r, 50) ? src : dst);
	if (chance(r, 70)) {
		p->nd.option = (uint8_t)(1 + rnd_below(r, 3));
		p->nd.option_mac = host_mac(chance(r, 80) ? src : dst);
	}
	if (chance(r, 20))
		p->src_ip = (struct ip){.family = 6};
}

static void random_l4(struct rnd *r, struct packet *p, unsigned src, unsigned dst)
{
	static const uint8_t flags[] = {0x02, 0x02, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14};
	static const uint8_t types4[] = {8, 8, 8, 0, 0, 5, 9, 13};
	static const uint8_t types6[] = {128, 128, 128, 129, 129, 130, 131, 143, 2};

	p->proto = PICK(r, protos);
	if (p->proto == 0 || (p->proto == 58) != (p->kind == PACKET_IPV6 && p->proto != 1))
		p->proto = p->proto == 1 || p->proto == 58 ? (p->kind == PACKET_IPV6 ? 58 : 1)
							   : p->proto;
	if (p->proto == 0)
		p->proto = 17;
	if (p->proto == 1 && p->kind == PACKET_IPV6)
		p->proto = 58;
	p->sport = PICK(r, ports);
	p->dport = PICK(r, ports);
	if (chance(r, 8))
		p->dport = PICK(r, dhcp_ports);
	if (chance(r, 8))
		p->sport = PICK(r, dhcp_ports);
	p->tcp_flags = PICK(r, flags);
	p->icmp_type = p->kind == PACKET_IPV6 ? PICK(r, types6) : PICK(r, types4);
	p->payload = (uint16_t)(8 + rnd_below(r, 40));
	if (p->kind == PACKET_IPV6 && chance(r, 15)) {
		p->proto = 58;
		random_nd(r, p, src, dst);
	}
}

static void random_fragment(struct rnd *r, struct packet *p)
{
	p->fragment = true;
	p->frag_id = (uint32_t)rnd_below(r, 3);
	if (chance(r, 40))
		p->more = true;
	if (chance(r, 60))
		p->frag_off = (uint16_t)(1 + rnd_below(r, 9));
}

static void random_ip(struct rnd *r, struct packet *p, unsigned src, unsigned dst)
{
	bool six = p->kind == PACKET_IPV6;

	if (chance(r, 5))
		src = 1 + (unsigned)rnd_below(r, 33);
	if (chance(r, 5))
		dst = 1 + (unsigned)rnd_below(r, 33);
	p->src_ip = six ? host_ip6(src) : host_ip4(src);
	p->dst_ip = six ? host_ip6(dst) : host_ip4(dst);
	if (six && chance(r, 8))
		p->src_ip = host_link_local(src);
	random_l4(r, p, src, dst);
	if (chance(r, 50))
		p->tos = (uint8_t)rnd_below(r, 256);
	if (chance(r, 10))
		random_fragment(r, p);
	if (p->proto != 58 || p->icmp_type < 133 || p->icmp_type > 137) {
		if (chance(r, 4))
			p->payload = (uint16_t)(920 + rnd_below(r, 60));
		if (chance(r, 3))
			p->payload = (uint16_t)(1420 + rnd_below(r, 60));
	}
	if (!six && chance(r, 5))
		p->ip_options = (uint8_t)(1 + rnd_below(r, 10));
	if (six && chance(r, 5))
		p->hop_by_hop = true;
	if (six && chance(r, 5))
		p->extensions = (uint8_t)(1 + rnd_below(r, 2));
}

/* The other way round, as the receiver would answer. */
static void random_answer(struct rnd *r, const struct history *h, uint16_t *in, struct packet *p)
{
	unsigned i = (unsigned)rnd_below(r, h->n);
	const struct packet *about = &h->packet[i];
	struct packet was = *about;

	*p = was;
	p->dst = was.src;
	p->src = was.dst;
	p->src_ip = was.dst_ip;
	p->dst_ip = was.src_ip;
	p->sport = was.dport;
	p->dport = was.sport;
	*in = h->out[i];
	memset(p->tag, 0, sizeof(p->tag));
	p->cut = 0;
	p->arp_sender = p->src;
	if (p->proto == 6)
		p->tcp_flags = was.tcp_flags == 0x02 ? 0x12 : chance(r, 80) ? 0x10 : 0x11;
	if (p->proto == 1 || p->proto == 58) {
		p->sport = was.sport;
		if (p->icmp_type == 8 || p->icmp_type == 128)
			p->icmp_type = p->proto == 1 ? 0 : 129;
	}
	if ((was.kind == PACKET_IPV4 || was.kind == PACKET_IPV6) && was.frag_off == 0 &&
		!was.fragment && !was.hop_by_hop && was.extensions == 0 && was.about == NULL &&
		was.proto != 58 && was.payload >= 8 && chance(r, 15)) {
		p->proto = was.kind == PACKET_IPV4 ? 1 : 58;
		p->icmp_type = was.kind == PACKET_IPV4 ? 3 : 1;
		p->icmp_code = 0;
		p->about = about;
		p->payload = 0;
		p->ip_options = 0;
	}
}

void history_add(struct history *h, const struct packet *p, uint16_t in, uint16_t out)
{
	unsigned i = h->n < HISTORY_MAX ? h->n++ : (unsigned)(p->sport + p->payload) % HISTORY_MAX;

	h->packet[i] = *p;
	h->packet[i].about = NULL;
	if (p->about != NULL) {
		h->packet[i].proto = 17;
		h->packet[i].payload = 8;
	}
	h->in[i] = in;
	h->out[i] = out;
}

void random_packet(struct rnd *r, const struct topology *t, const struct history *h, uint16_t *in,
	struct packet *p)
{
	unsigned src = random_source(r, &t->port[*in]);
	unsigned dst = random_destination(r);
	unsigned kind = (unsigned)rnd_below(r, 100);

	memset(p, 0, sizeof(*p));
	if (h->n > 0 && chance(r, 30)) {
		random_answer(r, h, in, p);
	} else if (h->n > 0 && chance(r, 20)) {
		unsigned i = (unsigned)rnd_below(r, h->n);

		*p = h->packet[i];
		*in = h->in[i];
		return;
	} else {
		p->kind = kind < 50   ? PACKET_IPV4
			  : kind < 78 ? PACKET_IPV6
			  : kind < 88 ? PACKET_ARP
				      : PACKET_RAW;
		p->ethertype = chance(r, 50) ? 0x88b5 : 0x9000;
		p->dst = host_mac(dst);
		p->src = host_mac(src);
		p->payload = (uint16_t)(46 + rnd_below(r, 10));
		p->arp_sender = host_mac(chance(r, 90) ? src : dst);
		p->arp_op = 1;
		p->src_ip = chance(r, 90) ? host_ip4(chance(r, 90) ? src : dst)
					  : (struct ip){.family = 4};
		p->dst_ip = host_ip4(chance(r, 80) ? dst : src);
		if (p->kind == PACKET_IPV4 || p->kind == PACKET_IPV6)
			random_ip(r, p, src, dst);
		random_dst_mac(r, p);
	}
	random_tags(r, &t->port[*in], p);
	if (chance(r, 3))
		p->pad = (uint16_t)(1 + rnd_below(r, 12));
	if (chance(r, 2))
		p->cut = (uint16_t)(34 + rnd_below(r, 40));
}
