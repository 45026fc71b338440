/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get */
#include <string.h>
#include <time.h>

#include "ctrl/commit.h"
#include "ctrl/rpc/methods.h"

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

json_t *stats_get(const struct call *call, struct failure *failure)
{
	json_t *kinds = json_object_get(call->params, "kinds");
	json_t *ids = json_object_get(call->params, "ids");
	json_t *result = json_object();
	struct timespec now;

	(void)failure;
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(result, "rev", json_integer((json_int_t)model_rev(call->ctx->model)));
	json_object_set_new(
		result, "ts_ns", json_integer((json_int_t)now.tv_sec * 1000000000 + now.tv_nsec));
	if (kind_wanted(kinds, "port")) {
		json_object_set_new(result, "port", stats_ports(ids));
		json_object_set_new(result, "gone", stats_gone());
	}
	if (kind_wanted(kinds, "endpoint"))
		json_object_set_new(result, "endpoint", stats_endpoints(ids));
	if (kind_wanted(kinds, "rule"))
		json_object_set_new(result, "rule", stats_rules(ids));
	if (kind_wanted(kinds, "worker"))
		json_object_set_new(result, "worker", stats_workers());
	if (kind_wanted(kinds, "drop"))
		json_object_set_new(result, "drop", stats_drops());
	return result;
}
