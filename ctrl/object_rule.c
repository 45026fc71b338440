/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of both forms from normalised JSON; as object_typed.c, nothing here can fail. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/object.h"
#include "lib/alloc.h"

static void remote_fill(struct rule *r, json_t *remote)
{
	static const struct {
		const char *name;
		int kind;
	} kinds[] = {
		{"group", REMOTE_GROUP},
		{"network", REMOTE_NETWORK},
		{"cidr", REMOTE_CIDR},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *text = json_string_value(json_object_get(remote, kinds[i].name));

		if (text == NULL)
			continue;
		r->remote_kind = kinds[i].kind;
		if (r->remote_kind == REMOTE_CIDR)
			prefix_parse(text, &r->remote_cidr);
		else
			r->remote = alloc_strdup(text);
	}
}

static void group_ref_fill(struct group_ref *ref, json_t *value)
{
	ref->id = alloc_strdup(json_string_value(value));
	ref->num = (uint16_t)json_integer_value(value);
}

static void ip_fill(struct prefix *ret, json_t *value)
{
	if (value != NULL)
		prefix_parse(json_string_value(value), ret);
}

/* Each flag that is named must be set; after a "!", clear. */
static void tcp_flags_fill(struct leg_match *match, const char *text)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} flags[] = {{"syn", TH_SYN}, {"ack", TH_ACK}};

	for (size_t i = 0; text != NULL && i < sizeof(flags) / sizeof(flags[0]); i++) {
		const char *at = strstr(text, flags[i].name);

		if (at == NULL)
			continue;
		match->tcp_mask |= flags[i].bit;
		if (at == text || at[-1] != '!')
			match->tcp_flags |= flags[i].bit;
	}
}

static void ports_fill(json_t *value, unsigned hi_of_any, uint16_t *ret_lo, uint16_t *ret_hi)
{
	unsigned lo = 0, hi = hi_of_any;

	port_range_from_json(value, &lo, &hi);
	*ret_lo = (uint16_t)lo;
	*ret_hi = (uint16_t)hi;
}

static void leg_fill(struct rule *r, json_t *body)
{
	struct leg_match *match = &r->match;

	group_ref_fill(&match->src_group, json_object_get(body, "src_group"));
	group_ref_fill(&match->dst_group, json_object_get(body, "dst_group"));
	ip_fill(&match->src_ip, json_object_get(body, "src_ip"));
	ip_fill(&match->dst_ip, json_object_get(body, "dst_ip"));
	ports_fill(json_object_get(body, "src_port"), 0, &match->src_port_lo, &match->src_port_hi);
	ports_fill(json_object_get(body, "dst_port"), UINT16_MAX, &r->port_lo, &r->port_hi);
	if (r->port_hi == 0)
		r->port_hi = UINT16_MAX; /* Contiv's 0 is any */
	tcp_flags_fill(match, json_string_value(json_object_get(body, "tcp_flags")));
}

static int leg_of(const char *text)
{
	static const char *const legs[] = {
		[LEG_IN_RX] = "inRx",
		[LEG_IN_TX] = "inTx",
		[LEG_OUT_TX] = "outTx",
		[LEG_OUT_RX] = "outRx",
	};
	int leg = LEG_IN_RX;

	if (text == NULL)
		return LEG_NONE;
	while (leg < LEG_OUT_RX && strcmp(legs[leg], text) != 0)
		leg++;
	return leg;
}

void object_rule_init(struct rule *r, json_t *body)
{
	const char *action = json_string_value(json_object_get(body, "action"));
	const char *group = json_string_value(json_object_get(body, "group"));
	const char *direction = json_string_value(json_object_get(body, "direction"));

	r->priority = (uint8_t)json_integer_value(json_object_get(body, "priority"));
	r->action = strcmp(action, "allow") == 0 ? ACTION_ALLOW : ACTION_DENY;
	r->log = json_is_true(json_object_get(body, "log"));
	r->proto = (int16_t)proto_from_json(json_object_get(body, "proto"));
	r->leg = leg_of(json_string_value(json_object_get(body, "leg")));
	if (r->leg != LEG_NONE) {
		leg_fill(r, body);
		return;
	}
	r->group = alloc_strdup(group);
	r->direction = strcmp(direction, "in") == 0 ? DIRECTION_IN : DIRECTION_OUT;
	ports_fill(json_object_get(body, "port"), UINT16_MAX, &r->port_lo, &r->port_hi);
	remote_fill(r, json_object_get(body, "remote"));
}

void object_rule_fini(struct rule *rule)
{
	free(rule->group);
	free(rule->remote);
	free(rule->match.src_group.id);
	free(rule->match.dst_group.id);
}
