/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get */
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/rpc/methods.h"
#include "lib/clock.h"

static bool kind_wanted(json_t *kinds, const char *kind)
{
	if (kinds == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		if (strcmp(json_string_value(json_array_get(kinds, i)), kind) == 0)
			return true;
	}
	return false;
}

/*
 * The first call of a stats.get with stages_ms opens the window and is to be made again, the second finds
 * it over. False: there is no answer yet, or a failure.
 */
static bool window_is_over(const struct call *call, unsigned ms)
{
	struct session *session = call->session;

	if (session->window != NULL)
		return true;
	session->window = stats_window_open(ms);
	session->again_ns = monotonic_ns() + ms * CLOCK_NS_PER_MS;
	return false;
}

json_t *stats_get(const struct call *call, struct failure *failure)
{
	json_t *kinds = json_object_get(call->params, "kinds");
	json_t *ids = json_object_get(call->params, "ids");
	json_t *stages_ms = json_object_get(call->params, "stages_ms");
	json_t *result;

	if (stages_ms != NULL && !kind_wanted(kinds, "worker")) {
		decode_invalid(&failure->error, "/stages_ms", "goes with the kind \"worker\"");
		return NULL;
	}
	if (stages_ms != NULL && !window_is_over(call, (unsigned)json_integer_value(stages_ms)))
		return NULL;
	result = json_object();
	json_object_set_new(result, "rev", json_integer((json_int_t)model_rev(call->ctx->model)));
	json_object_set_new(result, "ts_ns", json_integer((json_int_t)clock_ns(CLOCK_REALTIME)));
	if (kind_wanted(kinds, "port")) {
		json_object_set_new(result, "port", stats_ports(ids));
		json_object_set_new(result, "gone", stats_gone());
	}
	if (kind_wanted(kinds, "endpoint"))
		json_object_set_new(result, "endpoint", stats_endpoints(ids));
	if (kind_wanted(kinds, "uplink"))
		json_object_set_new(result, "uplink", stats_uplinks(ids));
	if (kind_wanted(kinds, "rule"))
		json_object_set_new(result, "rule", stats_rules(ids));
	if (kind_wanted(kinds, "worker"))
		json_object_set_new(result, "worker", stats_workers(call->session->window));
	if (kind_wanted(kinds, "drop"))
		json_object_set_new(result, "drop", stats_drops());
	stats_window_free(call->session->window);
	call->session->window = NULL;
	return result;
}
