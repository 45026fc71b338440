/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/compile_legs*.c alone: one rule on its way to its legs. */
#ifndef LEAT_CTRL_COMPILE_LEGS_PRIVATE_H
#define LEAT_CTRL_COMPILE_LEGS_PRIVATE_H

#include "ctrl/compile_legs.h"

/* Where a rule's legs go, and what they have in common. */
struct leg_maker {
	const struct config *want;
	const struct compile_names *names;
	struct leg_list *legs;
	const struct rule *rule;
	size_t position;
	bool contiv;
	enum { LEGS_MADE, LEGS_NO_MEMORY, LEGS_TOO_MANY } failure;
};

/* What a leg asks of a packet, beside its protocol. */
struct leg_asks {
	uint32_t src_group; /* index, 0 any */
	uint32_t dst_group;
	struct prefix src_ip; /* addr.family 0: any */
	struct prefix dst_ip;
	uint16_t src_port_lo; /* 0..0 any */
	uint16_t src_port_hi;
	uint16_t dst_port_lo; /* 0..65535 any */
	uint16_t dst_port_hi;
	uint8_t tcp_flags;
	uint8_t tcp_mask;
};

/* compile_legs.c: one leg, at the group of its destination (in) or of its source (out). */
void leg_put(struct leg_maker *mk, enum direction direction, const struct leg_asks *asks);
/* In the contiv mode: where compile_legs.h says that it stands. */
void leg_put_flat(struct leg_maker *mk, const struct leg_asks *asks);

/* All legs of mk->rule, a rule of the policy form (compile_legs_policy.c) or of the Contiv form (compile_legs_contiv.c). */
void legs_of_policy_form(struct leg_maker *mk);
void legs_of_contiv_form(struct leg_maker *mk);

#endif
