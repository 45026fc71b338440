/* SPDX-License-Identifier: BSD-3-Clause */
/* One line from a client: parsed, and where it is a request, run against a model. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/rpc/events.h"
#include "ctrl/rpc/methods.h"
#include "test/fuzz/fuzz.h"

static void shutdown_ignored(void *daemon)
{
	(void)daemon;
}

static unsigned clients_none(void *daemon)
{
	(void)daemon;
	return 0;
}

static void level_ignored(enum log_level level)
{
	(void)level;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_context ctx = {.dpdk_version = "",
		.config_source = "empty",
		.shutdown = shutdown_ignored,
		.clients = clients_none,
		.dpdk_log_level = level_ignored};
	struct session session = {0};
	const char *line = (const char *)data;

	ctx.model = model_new();
	ctx.events = events_new(ctx.boot_id);
	/* Lines one after the other, as of one connection. */
	while (size > 0) {
		const char *newline = memchr(line, '\n', size);
		size_t length = newline != NULL ? (size_t)(newline - line) : size;
		size_t used = newline != NULL ? length + 1 : length;
		struct failure failure = {0};
		struct message message;
		json_t *result = NULL;
		size_t reply_length;

		if (message_parse(line, length, &message, &failure.error) == 0)
			result = rpc_call(&ctx, &session, message.method, message.params, &failure);
		/* As the executor does it, but at once. */
		if (result == NULL && session.again_ns != 0)
			result = rpc_call(&ctx, &session, message.method, message.params, &failure);
		if (result != NULL)
			free(reply_result(message.id, result, &reply_length));
		else
			free(reply_failure(message.id, &failure, &reply_length));
		failure_fini(&failure);
		message_fini(&message);
		line += used;
		size -= used;
	}
	session_fini(&session);
	model_free(ctx.model);
	events_free(ctx.events);
	return 0;
}
