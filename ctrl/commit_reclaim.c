/* SPDX-License-Identifier: BSD-3-Clause */
/* What older snapshots alone used: kept until every worker has left them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/commit_state.h"
#include "ctrl/rule_events.h"

void retired_free(struct retired *r)
{
	if (r == NULL)
		return;
	free(r->closing);
	free(r->resources);
	free(r->ports);
	free(r->networks);
	free(r->groups);
	free(r->rules);
	free(r);
}

static uint32_t *list_of(size_t n)
{
	return calloc(n + 1, sizeof(uint32_t));
}

struct retired *retired_create(const struct compile_names *next)
{
	const struct compile_names *now = &commit_state.names;
	struct retired *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->closing = calloc(now->endpoint.n + now->uplink.n + 1, sizeof(*r->closing));
	r->resources = calloc(now->endpoint.n + now->uplink.n + 1, sizeof(*r->resources));
	r->ports = list_of(now->endpoint.n + now->uplink.n);
	r->networks = list_of(now->network.n);
	r->groups = list_of(now->group.n);
	r->rules = list_of(now->rule.n);
	if (r->closing == NULL || r->resources == NULL || r->ports == NULL || r->networks == NULL ||
		r->groups == NULL || r->rules == NULL) {
		retired_free(r);
		return NULL;
	}
	r->n_ports = names_gone(&now->endpoint, &next->endpoint, r->ports);
	r->n_ports += names_gone(&now->uplink, &next->uplink, r->ports + r->n_ports);
	r->n_networks = names_gone(&now->network, &next->network, r->networks);
	r->n_groups = names_gone(&now->group, &next->group, r->groups);
	r->n_rules = names_gone(&now->rule, &next->rule, r->rules);
	return r;
}

void retired_close(struct retired *r, struct port *port, const struct birth *birth)
{
	snprintf(r->resources[r->n_closing], RESOURCE_MAX, "%s", birth->resource);
	r->closing[r->n_closing++] = port;
}

void retire(struct retired *r)
{
	struct retired **last = &commit_state.retired;

	while (*last != NULL)
		last = &(*last)->next;
	*last = r;
}

/* The index of a port may be taken again only when nothing of its former owner is left behind it.
 */
static void forget_ports(const struct retired *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		struct port_stats stats = {0};
		uint16_t index = (uint16_t)r->ports[i];

		worker_port_stats(index, &stats);
		port_stats_add(&commit_state.gone, &stats);
		worker_forget_port(index);
		id_pool_release(commit_state.ports, index);
	}
}

/* Ports first: a snapshot does not own what it points at. */
static void release(struct retired *r)
{
	ports_close(r->closing, r->n_closing);
	snapshot_free(r->snapshot);
	commit_state.gone.drops[DROP_shaper_gone] += compiled_free(r->compiled);
}

static void forget(const struct retired *r)
{
	rule_events_collect(NULL);
	forget_ports(r);
	for (size_t i = 0; i < r->n_networks; i++) {
		worker_forget_network((uint16_t)r->networks[i]);
		id_pool_release(commit_state.networks, r->networks[i]);
	}
	for (size_t i = 0; i < r->n_groups; i++)
		id_pool_release(commit_state.groups, r->groups[i]);
	for (size_t i = 0; i < r->n_rules; i++) {
		worker_forget_rule(r->rules[i]);
		rule_events_forget(r->rules[i]);
		id_pool_release(commit_state.rules, r->rules[i]);
	}
}

static struct retired *retired_pop(void)
{
	struct retired *r = commit_state.retired;

	if (r != NULL)
		commit_state.retired = r->next;
	return r;
}

void reclaim(void)
{
	struct retired *r;

	while ((r = retired_pop()) != NULL) {
		release(r);
		forget(r);
		retired_free(r);
	}
}

void reclaim_without_workers(void)
{
	struct retired *r;

	while ((r = retired_pop()) != NULL) {
		release(r);
		retired_free(r);
	}
}

void reclaim_if_quiesced(void)
{
	if (commit_state.retired != NULL && worker_quiesced())
		reclaim();
}

bool retired_collides(const struct birth *birth)
{
	for (const struct retired *r = commit_state.retired; r != NULL; r = r->next)
		for (size_t i = 0; i < r->n_closing; i++)
			if (birth->resource[0] != '\0' &&
				strcmp(birth->resource, r->resources[i]) == 0)
				return true;
	return false;
}

void gone_stats(struct port_stats *ret)
{
	*ret = commit_state.gone;
	for (const struct retired *r = commit_state.retired; r != NULL; r = r->next)
		for (size_t i = 0; i < r->n_ports; i++) {
			struct port_stats stats = {0};

			worker_port_stats((uint16_t)r->ports[i], &stats);
			port_stats_add(ret, &stats);
		}
}
