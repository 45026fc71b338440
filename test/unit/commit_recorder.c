/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/commit_recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctrl/rule_events.h"
#include "lib/alloc.h"

struct commit_recorder commit_recorder;

int commit_init(bool keep_interfaces, struct error *err)
{
	(void)keep_interfaces;
	(void)err;
	return 0;
}

void commit_fini(void)
{
}

int commit_apply(const struct config *want, const struct commit_options *options, struct error *err)
{
	struct commit_recorder *r = &commit_recorder;
	enum leat_error_code fail = r->fail;
	char byte;

	r->applied++;
	r->deadline_ms = options->deadline_ms;
	r->fail = LEAT_OK;
	if (r->gate_fd > 0 && read(r->gate_fd, &byte, 1) != 1)
		return error_set(err, LEAT_INTERNAL, "the gate is broken");
	if ((fail == LEAT_OK || fail == LEAT_TIMEOUT) && options->seal != NULL &&
		options->seal(options->seal_arg, err) < 0)
		return -1;
	if (fail == LEAT_OK || fail == LEAT_TIMEOUT)
		r->last = want;
	if (fail == LEAT_OK)
		return 0;
	if (r->fail_object != NULL)
		snprintf(err->object, sizeof(err->object), "%s", r->fail_object);
	if (fail == LEAT_DEVICE)
		return error_device(err, 19, "told to");
	return error_set(err, fail, "told to");
}

int commit_retry(void)
{
	return -1;
}

void commit_retry_soon(void)
{
}

void commit_ports_each(port_status_fn *fn, void *arg)
{
	for (unsigned i = 0; i < commit_recorder.n_ports; i++)
		fn(&commit_recorder.ports[i], arg);
}

void commit_port_changes(port_status_fn *fn, void *arg)
{
	if (commit_recorder.ports_changed)
		commit_ports_each(fn, arg);
	commit_recorder.ports_changed = false;
}

void rule_events_say(rule_event_fn *fn, void *arg, bool wanted)
{
	(void)fn;
	(void)arg;
	(void)wanted;
}

json_t *commit_endpoint_oper(const char *id)
{
	return json_pack("{s:s, s:{s:s}}", "state", "pending", "port", "id", id);
}

json_t *commit_uplink_oper(const char *id)
{
	return commit_endpoint_oper(id);
}

json_t *commit_network_oper(const char *id)
{
	(void)id;
	return json_object();
}

json_t *stats_ports(json_t *ids)
{
	return json_pack("{s:b}", "all", ids == NULL);
}

json_t *stats_endpoints(json_t *ids)
{
	return stats_ports(ids);
}

json_t *stats_uplinks(json_t *ids)
{
	return stats_ports(ids);
}

json_t *stats_rules(json_t *ids)
{
	return stats_ports(ids);
}

struct stats_window {
	unsigned ms;
};

struct stats_window *stats_window_open(unsigned ms)
{
	struct stats_window *window = alloc_zero(1, sizeof(*window));

	window->ms = ms;
	return window;
}

void stats_window_free(struct stats_window *window)
{
	free(window);
}

json_t *stats_workers(const struct stats_window *window)
{
	return json_pack("[{s:i}]", "ms", window != NULL ? (int)window->ms : 0);
}

json_t *stats_drops(void)
{
	return json_object();
}

json_t *stats_gone(void)
{
	return json_object();
}

json_t *status_workers(void)
{
	return json_array();
}

json_t *status_memory(void)
{
	return json_object();
}

int garp_run(const char *endpoint, json_t **ret, struct error *err)
{
	(void)endpoint;
	(void)err;
	*ret = json_pack("{s:i, s:i}", "frames", 1, "copies", 0);
	return 0;
}

int trace_run(json_t *params, json_t **ret, struct error *err)
{
	(void)err;
	*ret = json_pack(
		"{s:s, s:O}", "verdict", "drop", "packet", json_object_get(params, "packet"));
	return 0;
}

void commit_hold_begin(const struct config *want)
{
	(void)want;
}

void commit_hold_wait(void)
{
}

void commit_hold_end(void)
{
}
