/* SPDX-License-Identifier: BSD-3-Clause */
/* The executor: one request after the other, and events in between. */
#include <stddef.h>
#include <stdlib.h>

#include "ctrl/rpc/events.h"
#include "ctrl/rpc/server_internal.h"
#include "lib/alloc.h"
#include "lib/log.h"

static bool message_take(struct request *request, struct error *err)
{
	if (request->line == NULL)
		return true;
	if (message_parse(request->line, request->length, &request->message, err) < 0)
		return false;
	free(request->line);
	request->line = NULL;
	return true;
}

/* Its reply is filled in where one is to be sent. False: it is to be called again later. */
static bool request_execute(struct rpc_context *ctx, struct request *request)
{
	struct failure failure = {0};
	struct message *message = &request->message;
	struct session *session = request->session;
	json_t *result;

	if (!message_take(request, &failure.error)) {
		request_fail(request, message->id, &failure.error);
		return true;
	}
	result = rpc_call(ctx, session, message->method, message->params, &failure);
	if (result != NULL && (schema_method(message->method)->flags & METHOD_CHANGES))
		result_abridge(result);
	if (result == NULL && session->again_ns != 0)
		return false;
	if (message->id == NULL)
		json_decref(result);
	else if (result != NULL)
		request->reply = reply_result(message->id, result, &request->reply_length);
	else
		request->reply = reply_failure(message->id, &failure, &request->reply_length);
	if (result == NULL)
		log_debug("%s: %s: %s", message->method, error_reason(failure.error.code),
			failure.error.message);
	failure_fini(&failure);
	return true;
}

static bool request_run(struct server *server, struct request *request, bool stopping)
{
	struct error ending = {0};

	if (request->goodbye) {
		events_unsubscribe(server->ctx->events, request->session);
	} else if (request->reply != NULL) {
		; /* found wrong by the io thread; it only keeps its place here */
	} else if (!stopping) {
		return request_execute(server->ctx, request);
	} else if (request->line != NULL || request->message.id != NULL) {
		error_set(&ending, LEAT_NOT_READY, "the daemon is ending");
		request_fail(request, request->message.id, &ending);
	}
	return true;
}

/* Requests of one connection, until one of them is to be called again: that one and the rest wait. */
static void requests_run(struct server *server, struct request_list *requests, bool stopping)
{
	while (requests->first != NULL) {
		if (!request_run(server, requests->first, stopping)) {
			postpone(&server->postponed, requests);
			return;
		}
		queue_finish(&server->queue, request_list_take(requests));
	}
}

static void event_send(struct session *session, char *line, size_t length, void *arg)
{
	struct server *server = arg;
	struct request *request = alloc_zero(1, sizeof(*request));

	/* It is there: the executor is told before a client goes, and has not been told yet. */
	request->client = (struct client *)((char *)session - offsetof(struct client, session));
	request->notification = true;
	request->reply = line;
	request->reply_length = length;
	queue_finish(&server->queue, request);
}

void executor_run(struct server *server)
{
	struct rpc_context *ctx = server->ctx;
	bool stopping = false;

	for (;;) {
		int wait_ms = ctx->idle != NULL && !stopping ? ctx->idle(ctx->daemon) : -1;
		struct request_list due;
		struct request_list fresh = {NULL, &fresh.first};
		struct request *request;

		events_deliver(ctx->events, event_send, server);
		wait_ms = postponed_wait_ms(server->postponed, wait_ms);
		request = queue_pop(&server->queue, wait_ms, &stopping);
		if (request != NULL && !postponed_append(server->postponed, request))
			request_list_append(&fresh, request);
		/* First what has waited: it is to end before anything new begins. */
		while (postponed_due(&server->postponed, stopping, &due))
			requests_run(server, &due, stopping);
		requests_run(server, &fresh, stopping);
		if (request == NULL && stopping)
			return;
	}
}
