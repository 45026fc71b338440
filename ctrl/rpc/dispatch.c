/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/rpc/methods.h"

static const struct {
	const char *name;
	method_fn *fn;
} handlers[] = {
	{"system.hello", system_hello},
	{"system.ping", system_ping},
	{"system.methods", system_methods},
	{"system.schema", system_schema},
	{"system.status", system_status},
	{"system.shutdown", system_shutdown},
	{"global.get", global_get},
	{"txn.apply", txn_apply},
	{"state.get", state_get},
	{"state.replace", state_replace},
	{"endpoint.retain", endpoint_retain},
	{"resync.begin", resync_begin},
	{"resync.put", resync_put},
	{"resync.commit", resync_commit},
	{"resync.abort", resync_abort},
	{"stats.get", stats_get},
	{"policy.trace", policy_trace},
	{"garp.send", garp_send},
	{"log.set", log_set},
	{"events.subscribe", events_subscribe_method},
	{"events.unsubscribe", events_unsubscribe_method},
};

static method_fn *handler_find(const struct method *method)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (strcmp(handlers[i].name, method->name) == 0)
			return handlers[i].fn;
	}
	switch (method->verb) {
	case VERB_UPSERT:
		return object_upsert;
	case VERB_DELETE:
		return object_delete;
	case VERB_LIST:
		return object_list;
	case VERB_GET:
		return object_get;
	default:
		return NULL;
	}
}

const char *session_owner(const struct session *session)
{
	return session->owner != NULL ? session->owner : DEFAULT_OWNER;
}

void session_fini(struct session *session)
{
	free(session->owner);
	session->owner = NULL;
	resync_free(session->resync);
	session->resync = NULL;
	stats_window_free(session->window);
	session->window = NULL;
}

static void method_unknown(const char *name, struct error *err)
{
	const char *near = schema_nearest_method(name);

	if (near != NULL)
		error_set(err, LEAT_METHOD_NOT_FOUND, "no method \"%.64s\"; did you mean \"%s\"?",
			name, near);
	else
		error_set(err, LEAT_METHOD_NOT_FOUND,
			"no method \"%.64s\"; system.methods lists them", name);
}

json_t *rpc_call(struct rpc_context *ctx, struct session *session, const char *name,
	json_t *raw_params, struct failure *failure)
{
	struct call call = {.ctx = ctx, .session = session, .method = schema_method(name)};
	json_t *given = raw_params != NULL ? json_incref(raw_params) : json_object();
	json_t *result = NULL;

	session->again_ns = 0;
	if (call.method == NULL)
		method_unknown(name, &failure->error);
	else
		call.params = decode_object(call.method->params, given, "", &failure->error);
	if (call.params != NULL) {
		result = handler_find(call.method)(&call, failure);
		json_decref(call.params);
	}
	json_decref(given);
	return result;
}
