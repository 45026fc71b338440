/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/compile.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *err)
{
	return error_set(err, LEAT_EXHAUSTED, "no memory for the new configuration");
}

/* An array of at least one, so that NULL means failure. */
static void *array(size_t n, size_t size)
{
	return calloc(n + 1, size);
}

uint16_t compile_network_mtu(
	const struct config *want, const struct compile_names *names, const char *network)
{
	size_t position = names_position(&names->network, network);

	return position != NAME_NONE ? want->networks[position]->mtu : 0;
}

static int compile_networks(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	c->networks = array(want->n_networks, sizeof(*c->networks));
	if (c->networks == NULL)
		return no_memory(err);
	for (size_t i = 0; i < want->n_networks; i++) {
		const struct network *network = want->networks[i];

		c->networks[i] = (struct snapshot_network){
			.index = (uint16_t)names->network.list[i].index,
			.tagged = network->encap == ENCAP_VLAN,
			.vlan = network->vlan,
			.mtu = network->mtu,
			.snooping = network->snooping,
		};
	}
	c->spec.networks = c->networks;
	c->spec.n_networks = want->n_networks;
	return 0;
}

static int compile_groups(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	c->groups = array(want->n_groups, sizeof(*c->groups));
	if (c->groups == NULL)
		return no_memory(err);
	for (size_t i = 0; i < want->n_groups; i++)
		c->groups[i] = (struct snapshot_group){
			.index = (uint16_t)names->group.list[i].index,
			.default_allow = want->groups[i]->default_action == ACTION_ALLOW,
		};
	c->spec.groups = c->groups;
	c->spec.n_groups = want->n_groups;
	return 0;
}

/* What has no group yet, or an unresolved one, needs no entry: unknown addresses are in no group.
 */
static int compile_remotes(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < want->n_remote_endpoints; i++)
		n += want->remote_endpoints[i]->n_ips;
	c->remotes = array(n, sizeof(*c->remotes));
	if (c->remotes == NULL)
		return no_memory(err);
	n = 0;
	for (size_t i = 0; i < want->n_remote_endpoints; i++) {
		const struct remote_endpoint *remote = want->remote_endpoints[i];
		uint32_t network = names_index(&names->network, remote->network);
		uint32_t group = names_index(&names->group, remote->group);

		if (network == NAME_NONE || group == NAME_NONE)
			continue;
		for (uint16_t k = 0; k < remote->n_ips; k++)
			c->remotes[n++] = (struct snapshot_remote){
				.network = (uint16_t)network,
				.group = (uint16_t)group,
				.ip = remote->ips[k],
			};
	}
	c->spec.remotes = c->remotes;
	c->spec.n_remotes = n;
	return 0;
}

struct compiled *compile_policy(const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct error *err)
{
	struct compiled *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		no_memory(err);
		return NULL;
	}
	c->spec.mac_age_s = want->global.mac_age_s;
	c->spec.contiv = want->global.policy_mode == POLICY_CONTIV;
	c->spec.tcp_midstream_drop = want->global.tcp_midstream_drop;
	if (compile_networks(c, want, names, err) != 0 ||
		compile_groups(c, want, names, err) != 0 ||
		compile_remotes(c, want, names, err) != 0 ||
		compile_rules(c, want, names, prev, err) != 0 ||
		(c->spec.contiv && compile_addresses(c, want, names, err) != 0)) {
		compiled_free(c);
		return NULL;
	}
	return c;
}

uint64_t compiled_free(struct compiled *c)
{
	uint64_t lost = 0;

	if (c == NULL)
		return 0;
	for (size_t i = 0; i < GROUPS_MAX; i++)
		for (size_t d = 0; d < DIRECTIONS; d++)
			compiled_ruleset_unref(c->rulesets[i][d]);
	for (size_t i = 0; i < PORTS_MAX; i++) {
		for (size_t side = 0; side < METER_SIDES; side++)
			lost += compiled_meter_unref(c->meters[i][side]);
		for (size_t kind = 0; kind < FLOOD_KINDS; kind++)
			lost += compiled_meter_unref(c->floods[i][kind]);
	}
	free(c->networks);
	free(c->groups);
	free(c->remotes);
	free(c->addresses);
	free(c->neighbours);
	free(c->rule_rank);
	free(c->rule_logs);
	free(c->ports);
	free(c->port_index);
	free(c);
	return lost;
}
