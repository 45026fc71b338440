/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of the Contiv form: each is a leg, of as many groups as have the numbers it names. */
#include <netinet/tcp.h>

#include "ctrl/compile_legs_private.h"

/* Each index of the groups a reference means; with a number there may be one in each tenant. Returns how many. */
static size_t groups_of(const struct leg_maker *mk, const struct group_ref *ref, uint32_t *ret)
{
	size_t n = 0;

	ret[0] = 0;
	if (ref->id != NULL) {
		ret[0] = names_index(&mk->names->group, ref->id);
		return ret[0] != NAME_NONE;
	}
	if (ref->num == 0)
		return 1;
	for (size_t i = 0; i < mk->want->n_groups; i++)
		if (mk->want->groups[i]->num == ref->num)
			ret[n++] = mk->names->group.list[i].index;
	return n;
}

/* As a connection's first segment has it: SYN, no ACK. */
static bool fits_first(const struct leg_match *match)
{
	return (TH_SYN & match->tcp_mask) == match->tcp_flags;
}

void legs_of_contiv_form(struct leg_maker *mk)
{
	const struct rule *rule = mk->rule;
	const struct leg_match *match = &rule->match;
	uint32_t src[GROUPS_MAX];
	uint32_t dst[GROUPS_MAX];
	size_t n_src = groups_of(mk, &match->src_group, src);
	size_t n_dst = groups_of(mk, &match->dst_group, dst);
	struct leg_asks asks = {
		.src_ip = match->src_ip,
		.dst_ip = match->dst_ip,
		.src_port_lo = match->src_port_lo,
		.src_port_hi = match->src_port_hi,
		.dst_port_lo = rule->port_lo,
		.dst_port_hi = rule->port_hi,
	};

	if (mk->contiv) {
		asks.tcp_flags = match->tcp_flags;
		asks.tcp_mask = match->tcp_mask;
	} else if ((rule->leg != LEG_IN_RX && rule->leg != LEG_OUT_TX) || !fits_first(match)) {
		return;
	}
	for (size_t s = 0; s < n_src; s++)
		for (size_t d = 0; d < n_dst && mk->failure == LEGS_MADE; d++) {
			asks.src_group = src[s];
			asks.dst_group = dst[d];
			if (mk->contiv)
				leg_put_flat(mk, &asks);
			else
				leg_put(mk, rule->leg == LEG_IN_RX ? DIRECTION_IN : DIRECTION_OUT,
					&asks);
		}
}
