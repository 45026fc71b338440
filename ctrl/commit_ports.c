/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/commit_ports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/alloc.h"
#include "lib/log.h"

#define LINGER_TRIES 50
#define LINGER_PAUSE_NS 2000000

/* What happened besides the error itself. */
__attribute__((format(printf, 2, 3))) static void error_append(
	struct error *err, const char *fmt, ...)
{
	size_t used;
	va_list args;

	if (err == NULL)
		return;
	used = strlen(err->message);
	va_start(args, fmt);
	vsnprintf(err->message + used, sizeof(err->message) - used, fmt, args);
	va_end(args);
}

/*
 * Publish the config that stands once more, without the ports of `skip` (by index, NULL: none) and
 * those that are lost. 0; 1: published, not confirmed; -1 and err.
 */
static int republish(const bool *skip, unsigned deadline_ms, struct error *err)
{
	struct commit_state *s = &commit_state;
	struct snapshot_spec spec = s->compiled->spec;
	struct snapshot_port *ports = alloc_zero(spec.n_ports + 1, sizeof(*ports));
	struct snapshot *snapshot;
	struct retired *r;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < spec.n_ports; i++) {
		uint16_t index = s->compiled->port_index[i];

		if (s->port[index].port == NULL || (skip != NULL && skip[index]))
			continue;
		ports[n] = spec.ports[i];
		ports[n++].port = s->port[index].port;
	}
	spec.ports = ports;
	spec.n_ports = n;
	snapshot = commit_snapshot_create(&spec, err);
	free(ports);
	if (snapshot == NULL)
		return -1;
	r = alloc_zero(1, sizeof(*r));
	r->snapshot = s->snapshot;
	retire(r);
	s->snapshot = snapshot;
	rc = commit_publish(snapshot, deadline_ms);
	if (rc == 0)
		reclaim();
	return rc == 0 ? 0 : 1;
}

struct port *port_open_patiently(const struct birth *birth, uint16_t index, struct error *err)
{
	const struct timespec pause = {.tv_nsec = LINGER_PAUSE_NS};
	struct port *port = NULL;

	for (unsigned i = 0; i < LINGER_TRIES; i++) {
		*err = (struct error){0};
		port = birth_open(birth, index, worker_count(), err);
		if (port != NULL || birth->spec.kind != PORT_TAP || err->sys_errno != EBUSY ||
			!ports_may_linger())
			break;
		nanosleep(&pause, NULL);
	}
	return port;
}

static int open_one(struct plan_open *open, struct error *err)
{
	struct error why = {0};

	if (open->blocked)
		return 0;
	open->port = port_open_patiently(&open->birth, open->index, &why);
	if (open->port != NULL)
		return 0;
	if (open->optional) {
		struct port_record *record = &commit_state.port[open->index];

		if (strcmp(record->error, why.message) != 0)
			log_warning("%s %s has no port: %s", open->type, open->id, why.message);
		snprintf(record->error, sizeof(record->error), "%s", why.message);
		return 0;
	}
	snprintf(why.object, sizeof(why.object), "%s:%s", open->type, open->id);
	if (err != NULL)
		*err = why;
	return -1;
}

static int open_all(struct plan *plan, bool late, struct error *err)
{
	for (size_t i = 0; i < plan->n_open; i++)
		if (plan->open[i].late == late && open_one(&plan->open[i], err) != 0)
			return -1;
	return 0;
}

/* Close those that leave early, after a snapshot without them. 0, or -1 and err: they stay. */
static int make_room(struct port_change *change, unsigned deadline_ms, struct error *err)
{
	const struct plan *plan = &change->plan;
	struct port *early[PORTS_MAX];
	bool skip[PORTS_MAX] = {false};
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < plan->n_leave; i++)
		skip[plan->leave[i].index] = plan->leave[i].early;
	rc = republish(skip, deadline_ms, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		struct error again = {0};

		error_set(err, LEAT_BUSY,
			"a worker has not let go of a former port in time; nothing has changed, "
			"try again");
		if (republish(NULL, deadline_ms, &again) < 0)
			error_append(err, ", but that port rests until the next commit: %s",
				again.message);
		return -1;
	}
	for (size_t i = 0; i < plan->n_leave; i++) {
		struct port_record *record = &commit_state.port[plan->leave[i].index];

		if (!plan->leave[i].early)
			continue;
		port_keep(record->port, false);
		early[n++] = record->port;
		record->port = NULL;
	}
	ports_close(early, n);
	change->room_made = true;
	return 0;
}

/* Open again what left early. */
static void restore(const struct plan *plan, unsigned deadline_ms, struct error *err)
{
	struct error why = {0};

	commit_state.ports_changed = true;
	for (size_t i = 0; i < plan->n_leave; i++) {
		uint16_t index = plan->leave[i].index;
		struct port_record *record = &commit_state.port[index];
		const char *id;
		const char *type = commit_port_owner(index, &id);

		if (!plan->leave[i].early)
			continue;
		record->port = port_open_patiently(&record->birth, index, &why);
		if (record->port != NULL) {
			port_keep(record->port, commit_state.keep_interfaces);
			log_warning("%s %s: its former port has been opened again", type, id);
			error_append(err, "; the former port of %s %s works again", type, id);
			continue;
		}
		snprintf(record->error, sizeof(record->error), "%s", why.message);
		log_error("%s %s has lost its port: %s", type, id, why.message);
		error_append(err,
			"; %s %s has lost its former port, which cannot be opened again (%s)", type,
			id, why.message);
	}
	if (republish(NULL, deadline_ms, &why) < 0)
		error_append(err, "; it rests until the next commit: %s", why.message);
}

static int mtus_set(struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_mtu; i++) {
		struct plan_mtu *m = &plan->mtu[i];
		struct port *port = commit_state.port[m->index].port;

		if (port->ops->set_mtu(port, m->to, err) != 0)
			return -1;
		m->done = true;
	}
	return 0;
}

static void mtus_restore(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_mtu; i++) {
		const struct plan_mtu *m = &plan->mtu[i];
		struct port *port = commit_state.port[m->index].port;
		struct error why = {0};

		if (m->done && port->ops->set_mtu(port, m->from, &why) != 0)
			log_warning("%s keeps an MTU of %u: %s", port->name, m->to, why.message);
	}
}

void port_change_keep_leaving(const struct port_change *change, bool keep)
{
	const struct plan *plan = &change->plan;

	if (!commit_state.keep_interfaces)
		return;
	for (size_t i = 0; i < plan->n_leave; i++) {
		struct port *port = commit_state.port[plan->leave[i].index].port;

		if (port != NULL)
			port_keep(port, keep);
	}
}

int port_change_begin(struct port_change *ret, const struct config *want,
	const struct compile_names *next, const struct commit_options *options, struct error *err)
{
	struct plan *plan = &ret->plan;
	unsigned deadline_ms = options->deadline_ms;

	memset(ret, 0, sizeof(*ret));
	if (plan_make(plan, want, next, options->lenient, err) != 0)
		return -1;
	if (open_all(plan, false, err) != 0 ||
		(plan->any_early && make_room(ret, deadline_ms, err) != 0) ||
		open_all(plan, true, err) != 0 || mtus_set(plan, err) != 0) {
		port_change_undo(ret, deadline_ms, err);
		return -1;
	}
	for (size_t i = 0; i < PORTS_MAX; i++)
		ret->ports[i] = commit_state.port[i].port;
	for (size_t i = 0; i < plan->n_open; i++)
		ret->ports[plan->open[i].index] = plan->open[i].port;
	return 0;
}

void port_change_undo(struct port_change *change, unsigned deadline_ms, struct error *err)
{
	struct plan *plan = &change->plan;
	struct port *opened[PORTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < plan->n_open; i++)
		if (plan->open[i].port != NULL)
			opened[n++] = plan->open[i].port;
	ports_close(opened, n);
	mtus_restore(plan);
	if (change->room_made)
		restore(plan, deadline_ms, err);
	port_change_free(change);
}

static void records_clear(const struct retired *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		struct port_record *record = &commit_state.port[r->ports[i]];

		birth_free(&record->birth);
		memset(record, 0, sizeof(*record));
	}
}

void port_change_done(struct port_change *change, struct retired *r, const struct config *want,
	const struct compile_names *next)
{
	const struct plan *plan = &change->plan;
	struct port_record *records = commit_state.port;

	commit_state.ports_changed = true;
	for (size_t i = 0; i < plan->n_leave; i++) {
		struct port_record *record = &records[plan->leave[i].index];

		if (!plan->leave[i].early)
			retired_close(r, record->port, &record->birth);
		record->port = NULL;
	}
	records_clear(r);
	for (size_t i = 0; i < plan->n_open; i++) {
		const struct plan_open *open = &plan->open[i];
		struct port_record *record = &records[open->index];

		birth_free(&record->birth);
		birth_copy(&record->birth, &open->birth);
		record->used = true;
		record->port = open->port;
		if (record->port == NULL)
			continue;
		record->error[0] = '\0';
		port_keep(record->port, commit_state.keep_interfaces);
	}
	for (size_t i = 0; i < plan->n_mtu; i++)
		records[plan->mtu[i].index].birth.mtu = plan->mtu[i].to;
	for (size_t i = 0; i < want->n_endpoints; i++)
		records[next->endpoint.list[i].index].mac = want->endpoints[i]->mac;
}

void port_change_free(struct port_change *change)
{
	plan_free(&change->plan);
}
