/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/model_harness.h"

struct rpc_context ctx;
struct session session;
struct failure failure;
json_t *last_result;
unsigned shutdowns;

static void note_shutdown(void *arg)
{
	(void)arg;
	shutdowns++;
}

static unsigned no_clients(void *arg)
{
	(void)arg;
	return 0;
}

int model_setup(void **state)
{
	(void)state;
	memset(&commit_recorder, 0, sizeof(commit_recorder));
	memset(&ctx, 0, sizeof(ctx));
	ctx.model = model_new();
	boot_id_make(ctx.boot_id);
	ctx.events = events_new(ctx.boot_id);
	model_observe(ctx.model, commit_note, &ctx);
	ctx.dpdk_version = "none";
	ctx.config_source = "empty";
	ctx.shutdown = note_shutdown;
	ctx.clients = no_clients;
	return 0;
}

static void results_free(void)
{
	json_decref(last_result);
	last_result = NULL;
	failure_fini(&failure);
	memset(&failure, 0, sizeof(failure));
}

int model_teardown(void **state)
{
	(void)state;
	results_free();
	session_fini(&session);
	model_free(ctx.model);
	events_free(ctx.events);
	return 0;
}

/* The result, borrowed until the next call; NULL with `failure`. */
json_t *call_json(const char *method, json_t *params)
{
	results_free();
	last_result = rpc_call(&ctx, &session, method, params, &failure);
	return last_result;
}

json_t *call(const char *method, const char *params)
{
	json_t *json = json_loads(params, JSON_ALLOW_NUL, NULL);

	assert_non_null(json);
	call_json(method, json);
	json_decref(json);
	return last_result;
}

json_t *ok(const char *method, const char *params)
{
	if (call(method, params) == NULL)
		fail_msg("%s %s: %s", method, params, failure.error.message);
	return last_result;
}

void refused(const char *method, const char *params, enum leat_error_code code)
{
	uint64_t rev = model_rev(ctx.model);

	if (call(method, params) != NULL)
		fail_msg("%s %s succeeded", method, params);
	if (failure.error.code != code)
		fail_msg("%s %s: %d %s", method, params, failure.error.code, failure.error.message);
	assert_int_equal(model_rev(ctx.model), rev);
}

bool changed(void)
{
	return json_is_true(json_object_get(last_result, "changed"));
}
