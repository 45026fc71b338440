/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/commit_plan.h"

#include <stdio.h>
#include <stdlib.h>

static void plan_one(
	struct plan *plan, const char *type, const char *id, uint16_t index, struct birth *birth)
{
	const struct port_record *record = &commit_state.port[index];
	bool same = record->used && birth_equal(&record->birth, birth);

	if (commit_state.keep_interfaces)
		birth_mark(birth, type, id);
	if (same && !port_is_lost(record))
		return;
	if (!same && record->port != NULL && record->port->ops->set_mtu != NULL &&
		birth_equal_but_mtu(&record->birth, birth)) {
		plan->mtu[plan->n_mtu++] = (struct plan_mtu){
			.index = index,
			.from = record->birth.mtu,
			.to = birth->mtu,
		};
		return;
	}
	plan->open[plan->n_open] = (struct plan_open){
		.type = type,
		.id = id,
		.index = index,
		.birth = *birth,
		.optional = same || plan->lenient,
	};
	birth_find_resource(&plan->open[plan->n_open++].birth);
	if (record->port != NULL)
		plan->leave[plan->n_leave++] = (struct plan_leave){.index = index};
}

static void plan_gone(struct plan *plan, const struct names *now, const struct names *next)
{
	uint32_t gone[PORTS_MAX];
	size_t n = names_gone(now, next, gone);

	for (size_t i = 0; i < n; i++)
		if (commit_state.port[gone[i]].port != NULL)
			plan->leave[plan->n_leave++] =
				(struct plan_leave){(uint16_t)gone[i], false};
}

static bool leaves(const struct plan *plan, uint16_t index, size_t *which)
{
	for (size_t i = 0; i < plan->n_leave; i++)
		if (plan->leave[i].index == index) {
			*which = i;
			return true;
		}
	return false;
}

static int collision_error(struct error *err, enum leat_error_code code,
	const struct plan_open *open, const char *held_by)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "%s:%s", open->type, open->id);
	return error_set(err, code, "%s %s: %s is taken by %s", open->type, open->id,
		open->birth.resource, held_by);
}

static int collision_with_port(struct error *err, const struct plan_open *open, uint16_t index)
{
	const char *id = "";
	const char *type = commit_port_owner(index, &id);
	char held_by[OWNER_TEXT_MAX];

	snprintf(held_by, sizeof(held_by), "%s %s", type != NULL ? type : "a port", id);
	return collision_error(err, LEAT_CONFLICT, open, held_by);
}

/* Who holds what `open` needs, and is it about to go? */
static int plan_room(struct plan *plan, struct plan_open *open, struct error *err)
{
	for (uint16_t i = 0; i < PORTS_MAX; i++) {
		const struct port_record *record = &commit_state.port[i];
		size_t which;

		if (record->port == NULL || !birth_collides(&record->birth, &open->birth))
			continue;
		if (!leaves(plan, i, &which))
			return collision_with_port(err, open, i);
		plan->leave[which].early = true;
		plan->any_early = true;
		open->late = true;
	}
	if (retired_collides(&open->birth))
		return collision_error(err, LEAT_BUSY, open,
			"a former port that a worker has not let go of yet; try again");
	for (const struct plan_open *other = plan->open; other < open; other++)
		if (!other->blocked && birth_collides(&other->birth, &open->birth)) {
			char held_by[OWNER_TEXT_MAX];

			snprintf(held_by, sizeof(held_by), "%s %s", other->type, other->id);
			return collision_error(err, LEAT_CONFLICT, open, held_by);
		}
	return 0;
}

static int plan_rooms(struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_open;) {
		struct plan_open *open = &plan->open[i];
		struct error why = {0};

		if (plan_room(plan, open, &why) == 0) {
			i++;
		} else if (open->optional) {
			struct port_record *record = &commit_state.port[open->index];

			snprintf(record->error, sizeof(record->error), "%s", why.message);
			open->blocked = true;
			i++;
		} else {
			if (err != NULL)
				*err = why;
			return -1;
		}
	}
	return 0;
}

int plan_make(struct plan *ret, const struct config *want, const struct compile_names *next,
	bool lenient, struct error *err)
{
	size_t n_now = commit_state.names.endpoint.n + commit_state.names.uplink.n;
	struct birth birth;

	*ret = (struct plan){
		.lenient = lenient,
		.open = calloc(want->n_uplinks + want->n_endpoints + 1, sizeof(*ret->open)),
		.leave = calloc(n_now + 1, sizeof(*ret->leave)),
		.mtu = calloc(want->n_uplinks + want->n_endpoints + 1, sizeof(*ret->mtu)),
	};
	if (ret->open == NULL || ret->leave == NULL || ret->mtu == NULL) {
		plan_free(ret);
		return error_set(err, LEAT_EXHAUSTED, "no memory for the ports");
	}
	for (size_t i = 0; i < want->n_uplinks; i++) {
		birth_of_uplink(&birth, want->uplinks[i]);
		plan_one(ret, "uplink", want->uplinks[i]->id, (uint16_t)next->uplink.list[i].index,
			&birth);
	}
	for (size_t i = 0; i < want->n_endpoints; i++) {
		const struct endpoint *e = want->endpoints[i];

		birth_of_endpoint(&birth, e, compile_network_mtu(want, next, e->network));
		plan_one(ret, "endpoint", e->id, (uint16_t)next->endpoint.list[i].index, &birth);
	}
	plan_gone(ret, &commit_state.names.endpoint, &next->endpoint);
	plan_gone(ret, &commit_state.names.uplink, &next->uplink);
	if (plan_rooms(ret, err) != 0) {
		plan_free(ret);
		return -1;
	}
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->open);
	free(plan->leave);
	free(plan->mtu);
	*plan = (struct plan){0};
}
