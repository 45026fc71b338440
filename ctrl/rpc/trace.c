/* SPDX-License-Identifier: BSD-3-Clause */
/* policy.trace */
#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/rpc/methods.h"

static int source_check(const struct call *call, struct error *err)
{
	static const enum object_type sources[] = {OBJECT_ENDPOINT, OBJECT_UPLINK};
	const char *found = NULL;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const char *type = object_type_name(sources[i]);
		const char *id = json_string_value(json_object_get(call->params, type));

		if (id == NULL)
			continue;
		if (found != NULL)
			return decode_invalid(
				err, "/uplink", "either an endpoint or an uplink, not both");
		found = id;
		if (model_find(call->ctx->model, sources[i], id) == NULL) {
			object_name(sources[i], id, err->object);
			return error_set(err, LEAT_NOT_FOUND, "there is no %s \"%s\"", type, id);
		}
	}
	if (found == NULL)
		return decode_invalid(err, "/endpoint", "an endpoint or an uplink is required");
	return 0;
}

json_t *policy_trace(const struct call *call, struct failure *failure)
{
	json_t *result = NULL;

	if (source_check(call, &failure->error) < 0)
		return NULL;
	if (trace_run(call->params, &result, &failure->error) < 0)
		return NULL;
	return result;
}
