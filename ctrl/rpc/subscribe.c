/* SPDX-License-Identifier: BSD-3-Clause */
/* events.subscribe, events.unsubscribe, and what becomes an event. */
#include <stdio.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/limits.h"
#include "ctrl/rpc/events.h"
#include "ctrl/rpc/methods.h"
#include "ctrl/rule_events.h"

static json_t *port_data(const struct port_status *port)
{
	json_t *data = json_pack("{s:s}", "state", port->state);

	if (port->error != NULL && port->error[0] != '\0')
		json_object_set_new(data, "error", json_string(port->error));
	return data;
}

static void port_name(const struct port_status *port, char name[static OBJECT_NAME_MAX])
{
	snprintf(name, OBJECT_NAME_MAX, "%s:%s", port->type, port->id);
}

static void port_note(const struct port_status *port, void *arg)
{
	char name[OBJECT_NAME_MAX];

	port_name(port, name);
	events_add(arg, EVENT_PORT_STATE, name, port_data(port));
}

void ports_watch(struct rpc_context *ctx)
{
	commit_port_changes(port_note, ctx->events);
}

static void rule_tell(const char *object, json_t *data, void *arg)
{
	events_tell_all(arg, EVENT_RULE_LOG, object, data);
}

void rules_watch(struct rpc_context *ctx)
{
	rule_events_say(rule_tell, ctx->events, events_wanted(ctx->events, EVENT_RULE_LOG));
}

/* The states as they are, to one session. */
static void port_tell(const struct port_status *port, void *arg)
{
	const struct call *call = arg;
	json_t *data = port_data(port);
	char name[OBJECT_NAME_MAX];

	port_name(port, name);
	json_object_set_new(data, "snapshot", json_true());
	events_tell(call->ctx->events, call->session, EVENT_PORT_STATE, name, data);
}

/* What became of an object: "added", "changed", "removed", NULL: nothing. */
static const char *fate_of(const struct txn_change *c)
{
	if (c->before == c->after)
		return NULL;
	if (c->before == NULL)
		return "added";
	return c->after == NULL ? "removed" : "changed";
}

static const char *owner_of(const struct txn_change *c)
{
	return c->after != NULL ? c->after->owner : c->before->owner;
}

static void fate_append(json_t *data, const struct txn_change *c, const char *fate)
{
	json_t *by_type = json_object_get(data, fate);
	const char *type = object_type_name(c->type);

	if (json_object_get(by_type, type) == NULL)
		json_object_set_new(by_type, type, json_array());
	json_array_append_new(json_object_get(by_type, type), json_string(c->id));
}

void commit_note(const struct txn *txn, uint64_t rev, void *arg)
{
	const struct rpc_context *ctx = arg;
	json_t *data = json_pack("{s:I, s:n, s:{}, s:{}, s:{}}", "rev", (json_int_t)rev, "owner",
		"added", "changed", "removed");
	json_int_t n = 0;

	for (const struct txn_change *c = NULL; (c = txn_next(txn, c)) != NULL;) {
		const char *fate = fate_of(c);

		if (fate == NULL)
			continue;
		if (n++ == 0)
			json_object_set_new(data, "owner", json_string(owner_of(c)));
		if (n <= LIMIT_EVENT_NAMES)
			fate_append(data, c, fate);
	}
	if (n > LIMIT_EVENT_NAMES) {
		json_object_del(data, "added");
		json_object_del(data, "changed");
		json_object_del(data, "removed");
		json_object_set_new(data, "n", json_integer(n));
	}
	events_add(ctx->events, EVENT_CONFIG_CHANGED, NULL, data);
}

json_t *events_subscribe_method(const struct call *call, struct failure *failure)
{
	struct rpc_context *ctx = call->ctx;
	json_t *since = json_object_get(call->params, "since");
	struct events_wish wish = {
		.types = json_object_get(call->params, "types"),
		.boot_id = json_string_value(json_object_get(since, "boot_id")),
		.seq = (uint64_t)json_integer_value(json_object_get(since, "seq")),
	};

	(void)failure;
	ports_watch(ctx);
	events_subscribe(ctx->events, call->session, &wish);
	rules_watch(ctx);
	if (json_is_true(json_object_get(call->params, "snapshot")))
		commit_ports_each(port_tell, (void *)(uintptr_t)call);
	return json_pack(
		"{s:s, s:I}", "boot_id", ctx->boot_id, "seq", (json_int_t)events_seq(ctx->events));
}

json_t *events_unsubscribe_method(const struct call *call, struct failure *failure)
{
	(void)failure;
	events_unsubscribe(call->ctx->events, call->session);
	return json_object();
}
