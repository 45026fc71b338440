/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contiv mode: each IPv4 packet that an endpoint sends is judged by itself, by the first of all
 * legs that matches it, else allowed. The source's group is that of the port it came by, the
 * destination's that of whoever has the destination address. Which rulesets hold the legs is in
 * ctrl/compile_legs.h.
 */
#include <netinet/in.h>

#include "dataplane/stage/stage.h"

/* In the network, else in another one of its tenant: a router may lie between. 0: nobody's. */
static uint16_t group_of_address(const struct snapshot *snap, uint16_t network, const struct ip *ip)
{
	uint32_t group = addr_table_find_ip(snap->addresses, network, ip);

	if (group == ADDR_TABLE_NONE)
		group = addr_table_find_ip(snap->of_tenant, snap->networks[network].tenant, ip);
	return group == ADDR_TABLE_NONE ? 0 : (uint16_t)group;
}

/* As the destination's group sees the packet. A later fragment has ports 0, and no flags. */
static void key_of_packet(const struct decision *d, const struct frame *f, struct ruleset_key *key)
{
	*key = (struct ruleset_key){
		.remote_ip = d->a.ip,
		.local_ip = d->b.ip,
		.remote_group = d->a.group,
		.proto = f->l4_proto,
		.tcp_flags = frame_tcp_flags(f),
	};
	frame_ports(f, &key->src_port, &key->dst_port);
}

/* And as the source's does. */
static void key_turn(const struct decision *d, struct ruleset_key *key)
{
	key->remote_ip = d->b.ip;
	key->local_ip = d->a.ip;
	key->remote_group = d->b.group;
}

static uint32_t classify(const struct ruleset *rules, const struct ruleset_key *key)
{
	uint32_t ret = 0;

	if (rules != NULL)
		ruleset_classify(rules, key, &ret, 1);
	return ret;
}

/* Of a TCP connection its first segment alone is logged where it is allowed. */
static bool begins(const struct frame *f)
{
	uint8_t flags = frame_tcp_flags(f);

	return f->l4_proto != IPPROTO_TCP ||
	       (flags & (CONN_TCP_SYN | CONN_TCP_ACK)) == CONN_TCP_SYN;
}

void flat_judge(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	const struct snapshot *snap = p->snap;
	struct ruleset_key key;
	uint32_t rule;

	if (in->uplink || !(f->flags & FRAME_IPV4))
		return;
	d->flat = true;
	frame_ips(f, &d->a.ip, &d->b.ip);
	d->a.group = snap->groups[in->group].present ? in->group : 0;
	d->b.group = group_of_address(snap, p->network[d->i], &d->b.ip);
	key_of_packet(d, f, &key);
	rule = classify(snap->any[1], &key);
	if (d->b.group != 0)
		rule = rule_first(snap, rule, classify(snap->groups[d->b.group].in, &key));
	key_turn(d, &key);
	if (d->a.group != 0)
		rule = rule_first(snap, rule, classify(snap->groups[d->a.group].out, &key));
	d->rule[0] = rule & ~RULE_ALLOWS;
	if (rule != 0 && !(rule & RULE_ALLOWS))
		d->drop = DROPPED(DROP_rule_deny);
	if (d->drop != 0)
		log_refused(p, d);
	else if (begins(f))
		log_allowed(p, d);
}
