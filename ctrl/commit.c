/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A commit, step by step: indexes, plan, rules, new ports, snapshot, publish, reclaim. Whatever
 * fails before the publishing is undone in the opposite order.
 */
#include "ctrl/commit.h"

#include <stdio.h>
#include <string.h>

#include "ctrl/commit_ports.h"
#include "ctrl/commit_state.h"
#include "ctrl/rule_events.h"
#include "lib/log.h"

/* One kind of object that has indexes. */
struct kind {
	const char *name;
	const void *const *items;
	size_t n;
	struct id_pool *pool;
	const struct names *now;
	struct names *next;
};

#define KINDS 5

static void kinds_of(
	struct kind ret[static KINDS], const struct config *want, struct compile_names *next)
{
	struct commit_state *s = &commit_state;
	const struct compile_names *now = &s->names;

	ret[0] = (struct kind){"network", (const void *const *)want->networks, want->n_networks,
		s->networks, &now->network, &next->network};
	ret[1] = (struct kind){"group", (const void *const *)want->groups, want->n_groups,
		s->groups, &now->group, &next->group};
	ret[2] = (struct kind){"endpoint", (const void *const *)want->endpoints, want->n_endpoints,
		s->ports, &now->endpoint, &next->endpoint};
	ret[3] = (struct kind){"uplink", (const void *const *)want->uplinks, want->n_uplinks,
		s->ports, &now->uplink, &next->uplink};
	ret[4] = (struct kind){"rule", (const void *const *)want->rules, want->n_rules, s->rules,
		&now->rule, &next->rule};
}

static void names_give_back(const struct config *want, struct compile_names *next, size_t n_kinds)
{
	struct kind kinds[KINDS];

	kinds_of(kinds, want, next);
	while (n_kinds-- > 0)
		names_undo(kinds[n_kinds].now, kinds[n_kinds].next, kinds[n_kinds].pool);
}

static int names_take(const struct config *want, struct compile_names *next, struct error *err)
{
	struct kind kinds[KINDS];

	kinds_of(kinds, want, next);
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];

		if (names_next(k->now, k->items, k->n, k->pool, k->next) == 0)
			continue;
		names_give_back(want, next, i);
		return error_set(err, LEAT_EXHAUSTED,
			"the switch has no room for %zu objects of type %s (those this commit "
			"deletes still count)",
			k->n, k->name);
	}
	return 0;
}

/* Counters and traces go by one name for both. */
static int names_check(const struct config *want, struct error *err)
{
	size_t u = 0;

	for (size_t e = 0; e < want->n_endpoints && u < want->n_uplinks;) {
		const char *id = want->uplinks[u]->id;
		int order = strcmp(want->endpoints[e]->id, id);

		if (order == 0) {
			if (err != NULL)
				snprintf(err->object, sizeof(err->object), "uplink:%s", id);
			return error_set(err, LEAT_CONFLICT,
				"%s is the id of both an endpoint and an uplink", id);
		}
		order < 0 ? e++ : u++;
	}
	return 0;
}

/* The new state takes the place of the old; what the old alone used goes into the queue. */
static void take_over(const struct config *want, struct compile_names *next,
	struct compiled *compiled, struct snapshot *snapshot, struct retired *r)
{
	struct commit_state *s = &commit_state;

	r->snapshot = s->snapshot;
	r->compiled = s->compiled;
	commit_names_free(&s->names);
	s->names = *next;
	s->compiled = compiled;
	s->snapshot = snapshot;
	s->config = want;
	retire(r);
}

/*
 * From here on the change is what a restart brings back. Interfaces that leave cease to outlive us before
 * it, and those that come do so after it: whenever we end, none is left that nobody owns.
 */
static int seal(struct port_change *change, const struct commit_options *options, struct error *err)
{
	port_change_keep_leaving(change, false);
	if (options->seal(options->seal_arg, err) == 0)
		return 0;
	port_change_keep_leaving(change, true);
	return -1;
}

/* Where snooping begins with this commit. */
static void forget_groups(const struct snapshot *former, const struct compiled *compiled)
{
	for (size_t i = 0; i < compiled->spec.n_networks; i++) {
		const struct snapshot_network *network = &compiled->networks[i];

		if (network->snooping &&
			(former == NULL || !former->networks[network->index].snooping))
			worker_forget_groups(network->index);
	}
}

/* Ports are open: build the snapshot, publish it. -1: nothing has changed; 1: published, not
 * confirmed. */
static int publish_new(const struct config *want, struct compile_names *next,
	struct compiled *compiled, struct port_change *change, const struct commit_options *options,
	struct error *err)
{
	struct retired *r;
	struct snapshot *snapshot;
	int rc;

	if (compile_ports(compiled, want, next, commit_state.compiled, change->ports,
		    worker_count(), err) != 0)
		return -1;
	r = retired_create(next);
	if (r == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for the commit");
	snapshot = commit_snapshot_create(&compiled->spec, err);
	if (snapshot == NULL) {
		retired_free(r);
		return -1;
	}
	if (options->seal != NULL && seal(change, options, err) != 0) {
		snapshot_free(snapshot);
		retired_free(r);
		return -1;
	}
	forget_groups(commit_state.snapshot, compiled);
	rc = commit_publish(snapshot, options->deadline_ms);
	rule_events_collect(next);
	port_change_done(change, r, want, next);
	take_over(want, next, compiled, snapshot, r);
	if (rc == 0)
		reclaim();
	return rc == 0 ? 0 : 1;
}

static int timed_out(struct error *err)
{
	log_warning("a worker has not confirmed the new configuration yet");
	return error_set(err, LEAT_TIMEOUT,
		"the new configuration stands, but a worker has not confirmed it in time");
}

int commit_apply(const struct config *want, const struct commit_options *options, struct error *err)
{
	struct compile_names next = {0};
	struct compiled *compiled;
	struct port_change change;
	int rc;

	reclaim_if_quiesced();
	if (names_check(want, err) != 0 || names_take(want, &next, err) != 0)
		return -1;
	compiled = compile_policy(want, &next, commit_state.compiled, err);
	if (compiled == NULL) {
		names_give_back(want, &next, KINDS);
		return -1;
	}
	rc = port_change_begin(&change, want, &next, options, err);
	if (rc == 0) {
		rc = publish_new(want, &next, compiled, &change, options, err);
		if (rc < 0)
			port_change_undo(&change, options->deadline_ms, err);
	}
	if (rc < 0) {
		compiled_free(compiled);
		names_give_back(want, &next, KINDS);
		return -1;
	}
	port_change_free(&change);
	return rc == 0 ? 0 : timed_out(err);
}
