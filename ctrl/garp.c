/* SPDX-License-Identifier: BSD-3-Clause */
/* garp.send: the endpoint by its name, and what a worker then sent. */
#include <stdio.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"

static int refused(const char *id, enum leat_error_code code, const char *why, struct error *err)
{
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "endpoint:%s", id);
	return error_set(err, code, "endpoint %s: %s", id, why);
}

int garp_run(const char *endpoint, json_t **ret, struct error *err)
{
	uint32_t index = names_index(&commit_state.names.endpoint, endpoint);
	struct announced announced;

	if (index == NAME_NONE)
		return refused(endpoint, LEAT_NOT_FOUND, "there is none", err);
	if (commit_state.port[index].port == NULL)
		return refused(endpoint, LEAT_DEVICE, commit_state.port[index].error, err);
	if (worker_announce((uint16_t)index, COMMIT_DEADLINE_MS, &announced) != 0)
		return refused(endpoint, LEAT_TIMEOUT, "no worker has sent it in time", err);
	*ret = json_pack("{s:I, s:I}", "frames", (json_int_t)announced.frames, "copies",
		(json_int_t)announced.copies);
	return 0;
}
