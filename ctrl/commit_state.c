/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/commit_state.h"

#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/rule_events.h"

struct commit_state commit_state;

static const struct config empty_config = {.global = {.mac_age_s = 300}};

const char *commit_port_owner(uint16_t index, const char **id)
{
	const struct port_record *record = &commit_state.port[index];
	const struct names *names =
		record->birth.uplink ? &commit_state.names.uplink : &commit_state.names.endpoint;

	*id = record->used ? names_id(names, index) : NULL;
	if (*id == NULL)
		return NULL;
	return record->birth.uplink ? "uplink" : "endpoint";
}

bool port_is_lost(const struct port_record *record)
{
	if (!record->used)
		return false;
	return record->port == NULL ||
	       (record->birth.spec.kind == PORT_TAP && port_state(record->port) == PORT_ERROR);
}

uint16_t commit_port_index(const char *id)
{
	uint32_t index = names_index(&commit_state.names.endpoint, id);

	if (index == NAME_NONE)
		index = names_index(&commit_state.names.uplink, id);
	return index != NAME_NONE ? (uint16_t)index : PORT_NONE;
}

void commit_names_free(struct compile_names *names)
{
	names_free(&names->network);
	names_free(&names->group);
	names_free(&names->endpoint);
	names_free(&names->uplink);
	names_free(&names->rule);
}

struct snapshot *commit_snapshot_create(const struct snapshot_spec *spec, struct error *err)
{
	struct snapshot_spec full = *spec;
	int nodes[WORKERS_MAX];

	full.n_workers = worker_count();
	for (unsigned i = 0; i < full.n_workers; i++)
		nodes[i] = worker_node(i);
	full.worker_node = nodes;
	return snapshot_create(&full, err);
}

int commit_publish(struct snapshot *snapshot, unsigned deadline_ms)
{
	return worker_publish(snapshot, deadline_ms != 0 ? deadline_ms : COMMIT_DEADLINE_MS);
}

int commit_init(bool keep_interfaces, struct error *err)
{
	struct commit_state *s = &commit_state;

	s->keep_interfaces = keep_interfaces;
	s->networks = id_pool_create(0, NETWORKS_MAX);
	s->groups = id_pool_create(1, GROUPS_MAX - 1);
	s->ports = id_pool_create(0, PORTS_MAX);
	s->rules = id_pool_create(1, RULES_MAX - 1);
	if (s->networks == NULL || s->groups == NULL || s->ports == NULL || s->rules == NULL) {
		commit_fini();
		return error_set(err, LEAT_EXHAUSTED, "no memory for the indexes");
	}
	s->config = &empty_config;
	s->compiled = compile_policy(&empty_config, &s->names, NULL, err);
	if (s->compiled != NULL)
		s->snapshot = commit_snapshot_create(&s->compiled->spec, err);
	if (s->snapshot == NULL) {
		commit_fini();
		return -1;
	}
	if (commit_publish(s->snapshot, 0) != 0)
		return error_set(err, LEAT_TIMEOUT, "the workers do not take a configuration");
	return 0;
}

void commit_fini(void)
{
	struct commit_state *s = &commit_state;
	struct port *ports[PORTS_MAX];
	size_t n = 0;

	reclaim_without_workers();
	rule_events_fini();
	for (size_t i = 0; i < PORTS_MAX; i++) {
		if (s->port[i].port != NULL)
			ports[n++] = s->port[i].port;
		birth_free(&s->port[i].birth);
	}
	ports_close(ports, n);
	snapshot_free(s->snapshot);
	compiled_free(s->compiled);
	commit_names_free(&s->names);
	id_pool_free(s->networks);
	id_pool_free(s->groups);
	id_pool_free(s->ports);
	id_pool_free(s->rules);
	memset(s, 0, sizeof(*s));
}
