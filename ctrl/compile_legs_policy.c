/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of the policy form: one leg for each other side; in the contiv mode the legs that Contiv makes of them. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "ctrl/compile_legs_private.h"

static struct leg_asks reversed(const struct leg_asks *m)
{
	return (struct leg_asks){
		.src_group = m->dst_group,
		.dst_group = m->src_group,
		.src_ip = m->dst_ip,
		.dst_ip = m->src_ip,
		.src_port_lo = m->dst_port_lo,
		.src_port_hi = m->dst_port_hi,
		.dst_port_hi = UINT16_MAX,
	};
}

/*
 * A rule of the policy form as the legs that Contiv makes of it: one against the direction of the
 * connection too where a port tells which packets those are; without a port TCP's first segments
 * alone.
 */
static void put_legs(struct leg_maker *mk, struct leg_asks *m)
{
	bool any_port =
		m->dst_port_hi == 0 || (m->dst_port_lo == 0 && m->dst_port_hi == UINT16_MAX);
	bool tcp = mk->rule->proto == IPPROTO_TCP;

	if (any_port) {
		m->dst_port_hi = UINT16_MAX;
		m->tcp_flags = tcp ? TH_SYN : 0;
		m->tcp_mask = tcp ? TH_SYN | TH_ACK : 0;
	}
	leg_put_flat(mk, m);
	if (!any_port && (tcp || mk->rule->proto == IPPROTO_UDP)) {
		struct leg_asks back = reversed(m);

		leg_put_flat(mk, &back);
	}
}

/* One other side of a rule of the policy form. */
static void policy_put(
	struct leg_maker *mk, uint32_t group, uint32_t remote, const struct prefix *prefix)
{
	const struct rule *rule = mk->rule;
	bool out = rule->direction == DIRECTION_OUT;
	struct leg_asks m = {
		.src_group = out ? group : remote,
		.dst_group = out ? remote : group,
		.dst_port_lo = rule->port_lo,
		.dst_port_hi = rule->port_hi,
	};

	if (prefix != NULL)
		*(out ? &m.dst_ip : &m.src_ip) = *prefix;
	if (!mk->contiv)
		leg_put(mk, rule->direction, &m);
	else if (prefix == NULL || prefix->addr.family == 4)
		put_legs(mk, &m);
}

void legs_of_policy_form(struct leg_maker *mk)
{
	const struct rule *rule = mk->rule;
	uint32_t group = names_index(&mk->names->group, rule->group);
	uint32_t remote = 0;
	size_t position;

	if (group == NAME_NONE)
		return;
	switch (rule->remote_kind) {
	case REMOTE_ANY:
		policy_put(mk, group, 0, NULL);
		break;
	case REMOTE_GROUP:
		remote = names_index(&mk->names->group, rule->remote);
		if (remote != NAME_NONE)
			policy_put(mk, group, remote, NULL);
		break;
	case REMOTE_CIDR:
		policy_put(mk, group, 0, &rule->remote_cidr);
		break;
	case REMOTE_NETWORK:
		position = names_position(&mk->names->network, rule->remote);
		for (int six = 0; six < 2 && position != NAME_NONE; six++) {
			const struct network *network = mk->want->networks[position];
			const struct prefix *prefix = six ? &network->subnet6 : &network->subnet;

			if (prefix->addr.family != 0)
				policy_put(mk, group, 0, prefix);
		}
		break;
	}
}
