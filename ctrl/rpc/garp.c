/* SPDX-License-Identifier: BSD-3-Clause */
/* garp.send */
#include "ctrl/commit.h"
#include "ctrl/rpc/methods.h"

json_t *garp_send(const struct call *call, struct failure *failure)
{
	const char *id = json_string_value(json_object_get(call->params, "endpoint"));
	json_t *result = NULL;

	if (model_find(call->ctx->model, OBJECT_ENDPOINT, id) == NULL) {
		object_name(OBJECT_ENDPOINT, id, failure->error.object);
		error_set(&failure->error, LEAT_NOT_FOUND, "there is no endpoint \"%s\"", id);
		return NULL;
	}
	if (garp_run(id, &result, &failure->error) < 0)
		return NULL;
	return result;
}
