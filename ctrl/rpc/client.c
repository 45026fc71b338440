/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection: from bytes to lines to requests, and replies back in their order. io thread. */
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/limits.h"
#include "ctrl/rpc/server_internal.h"
#include "lib/alloc.h"
#include "lib/log.h"

#define OUTPUT_RESUME_BYTES (LIMIT_OUTPUT_PAUSE_BYTES / 4)

static void lines_take(struct client *client);

static void client_free(struct client *client)
{
	struct server *server = client->server;

	if (client->prev != NULL)
		client->prev->next = client->next;
	else
		server->clients = client->next;
	if (client->next != NULL)
		client->next->prev = client->prev;
	session_fini(&client->session);
	free(client);
}

static void request_queue(struct client *client, struct request *request)
{
	request->client = client;
	request->session = &client->session;
	client->outstanding++;
	client->outstanding_bytes += request->length;
	queue_push(&client->server->queue, request);
}

/* The connection is over; the rest of it goes when the executor has given its requests back. */
void client_drop(struct client *client)
{
	if (client->bev != NULL) {
		bufferevent_free(client->bev);
		client->bev = NULL;
		atomic_fetch_sub_explicit(&client->server->n_clients, 1, memory_order_relaxed);
	}
	/* The executor may have its session among those that want events. */
	if (!client->leaving && !client->server->ending) {
		struct request *goodbye = alloc_zero(1, sizeof(*goodbye));

		client->leaving = true;
		goodbye->goodbye = true;
		request_queue(client, goodbye);
	}
	if (client->outstanding == 0)
		client_free(client);
}

static size_t output_pending(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev));
}

static bool client_is_paused(const struct client *client)
{
	return client->outstanding >= LIMIT_CLIENT_REQUESTS ||
	       client->outstanding_bytes >= LIMIT_LINE_BYTES ||
	       output_pending(client) >= LIMIT_OUTPUT_PAUSE_BYTES;
}

static void send_bytes(struct client *client, const char *bytes, size_t length)
{
	bufferevent_write(client->bev, bytes, length);
}

/* Answer at once where nothing comes before, else behind what does. */
static void request_answered(struct client *client, struct request *request)
{
	if (client->outstanding > 0) {
		request_queue(client, request);
		return;
	}
	if (request->reply != NULL)
		send_bytes(client, request->reply, request->reply_length);
	request_free(request);
}

static bool is_idle_ping(const struct client *client, const struct request *request)
{
	const json_t *params = request->message.params;

	return client->outstanding == 0 && strcmp(request->message.method, "system.ping") == 0 &&
	       (params == NULL || (json_is_object(params) && json_object_size(params) == 0));
}

static void ping_answer(struct client *client, struct request *request)
{
	if (request->message.id != NULL)
		request->reply = reply_result(
			request->message.id, system_ping(NULL, NULL), &request->reply_length);
	request_answered(client, request);
}

static void line_handle(struct client *client, char *line, size_t length)
{
	struct request *request = alloc_zero(1, sizeof(*request));
	struct error error = {0};

	request->length = length;
	if (length > LIMIT_PARSE_IO_BYTES) {
		request->line = line;
		request_queue(client, request);
		return;
	}
	if (message_parse(line, length, &request->message, &error) < 0) {
		request_fail(request, request->message.id, &error);
		request_answered(client, request);
	} else if (is_idle_ping(client, request)) {
		ping_answer(client, request);
	} else {
		request_queue(client, request);
	}
	free(line);
}

static void too_long(struct client *client)
{
	struct request *request = alloc_zero(1, sizeof(*request));
	struct error error = {0};

	error_set(&error, LEAT_MESSAGE_TOO_LARGE, "a line is at most %u bytes", LIMIT_LINE_BYTES);
	request_fail(request, NULL, &error);
	request_answered(client, request);
}

/* Take one whole line, or note that there is none. */
static bool line_take(struct client *client, struct evbuffer *input)
{
	size_t length = evbuffer_get_length(input);
	struct evbuffer_ptr start, newline;
	size_t line_length;
	char *line;

	if (length == client->scanned)
		return false;
	evbuffer_ptr_set(input, &start, client->scanned, EVBUFFER_PTR_SET);
	newline = evbuffer_search(input, "\n", 1, &start);
	if (newline.pos < 0) {
		client->scanned = length;
		if (length >= LIMIT_LINE_BYTES && !client->skipping) {
			client->skipping = true;
			too_long(client);
		}
		if (client->skipping) {
			evbuffer_drain(input, length);
			client->scanned = 0;
		}
		return false;
	}
	client->scanned = 0;
	line_length = (size_t)newline.pos;
	if (client->skipping || line_length + 1 > LIMIT_LINE_BYTES) {
		evbuffer_drain(input, line_length + 1);
		if (!client->skipping)
			too_long(client);
		client->skipping = false;
		return true;
	}
	line = alloc_zero(line_length + 1, 1);
	evbuffer_remove(input, line, line_length);
	evbuffer_drain(input, 1);
	line_handle(client, line, line_length);
	return true;
}

static void lines_take(struct client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);

	while (!client_is_paused(client)) {
		if (!line_take(client, input))
			break;
	}
	if (client_is_paused(client) || client->eof)
		bufferevent_disable(client->bev, EV_READ);
	else
		bufferevent_enable(client->bev, EV_READ);
	/* A client that only said goodbye gets its answers first. */
	if (client->eof && client->outstanding == 0 && output_pending(client) == 0 &&
		!client_is_paused(client))
		client_drop(client);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	lines_take(arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct client *client = arg;

	(void)bev;
	if (!client->server->ending)
		lines_take(client);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *client = arg;

	(void)bev;
	if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING)) {
		client->eof = true;
		/* EOF may come with the writing side gone as well; a write will tell. */
		lines_take(client);
		return;
	}
	client_drop(client);
}

void client_new(struct server *server, int fd)
{
	struct client *client = alloc_zero(1, sizeof(*client));

	client->server = server;
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->bev == NULL) {
		close(fd);
		free(client);
		return;
	}
	client->next = server->clients;
	if (client->next != NULL)
		client->next->prev = client;
	server->clients = client;
	atomic_fetch_add_explicit(&server->n_clients, 1, memory_order_relaxed);
	bufferevent_setcb(client->bev, on_read, on_write, on_event, client);
	bufferevent_setwatermark(client->bev, EV_WRITE, OUTPUT_RESUME_BYTES, 0);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

void client_refuse(int fd, enum leat_error_code code, const char *text)
{
	struct request request = {0};
	struct error error = {0};

	error_set(&error, code, "%s", text);
	request_fail(&request, NULL, &error);
	/* The socket's buffer is empty yet and takes it; if not, closing says it too. */
	if (send(fd, request.reply, request.reply_length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("a refused client went away first");
	free(request.reply);
	close(fd);
}

void client_reply(struct client *client, struct request *request)
{
	if (!request->notification)
		client->outstanding--;
	client->outstanding_bytes -= request->length;
	if (client->bev == NULL) {
		if (client->outstanding == 0)
			client_free(client);
	} else {
		/* What it has not read before counts: one answer may be long, and it may read it. */
		size_t unread = output_pending(client);

		if (request->reply != NULL)
			send_bytes(client, request->reply, request->reply_length);
		if (unread > LIMIT_OUTPUT_BYTES) {
			log_warning("a client that does not read its replies is dropped");
			client_drop(client);
		} else if (!client->server->ending) {
			lines_take(client);
		}
	}
	request_free(request);
}

bool client_flush(struct client *client)
{
	if (client->bev == NULL)
		return true;
	bufferevent_disable(client->bev, EV_READ);
	return output_pending(client) == 0;
}
