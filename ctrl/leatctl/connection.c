/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/clock.h"

#define READ_STEP (64u << 10)
#define NO_DEADLINE (-1)

static const char *remedy(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return ": is leatd running there?";
	case EACCES:
		return ": be root or in the socket's group";
	default:
		return "";
	}
}

int connection_open(struct connection *c, const char *path, int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	*c = (struct connection){.timeout_ms = timeout_ms, .next_id = 1};
	if (length >= sizeof(address.sun_path)) {
		snprintf(c->message, sizeof(c->message),
			"the socket's path is %zu bytes long, %zu "
			"are allowed",
			length, sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, length);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		snprintf(c->message, sizeof(c->message), "cannot connect to %s: %s%s", path,
			strerror(errno), remedy(errno));
		if (c->fd >= 0)
			close(c->fd);
		return -1;
	}
	return 0;
}

void connection_close(struct connection *c)
{
	close(c->fd);
	free(c->line);
}

static int failed(struct connection *c, const char *text)
{
	snprintf(c->message, sizeof(c->message), "%s", text);
	return -1;
}

/* Until the socket is ready for `events`; -1 after the deadline. */
static int wait_for(struct connection *c, short events, long long deadline_ms)
{
	struct pollfd poll_fd = {.fd = c->fd, .events = events};

	for (;;) {
		long long left =
			deadline_ms != NO_DEADLINE ? deadline_ms - (long long)monotonic_ms() : -1;
		int ready =
			poll(&poll_fd, 1, left > 0 || deadline_ms == NO_DEADLINE ? (int)left : 0);

		if (ready > 0)
			return 0;
		if (ready == 0)
			return failed(c, "the switch does not answer in time");
		if (errno != EINTR)
			return failed(c, strerror(errno));
	}
}

/* What the peer refuses to read it may still have answered, so that is no failure here. */
static int line_send(struct connection *c, const char *line, size_t length, long long deadline_ms)
{
	size_t sent = 0;

	while (sent < length) {
		ssize_t n;

		if (wait_for(c, POLLOUT, deadline_ms) < 0)
			return -1;
		n = send(c->fd, line + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		else if (errno != EINTR && errno != EAGAIN)
			return failed(c, strerror(errno));
	}
	return 0;
}

/* One more piece behind what has been read; -1: there will be none. */
static int more_read(struct connection *c, long long deadline_ms)
{
	ssize_t n;

	if (c->length >= REPLY_MAX)
		return failed(c, "the reply is too long");
	if (c->size - c->length < READ_STEP) {
		c->size = 2 * c->size + READ_STEP;
		c->line = alloc_resize(c->line, c->size, 1);
	}
	if (wait_for(c, POLLIN, deadline_ms) < 0)
		return -1;
	n = recv(c->fd, c->line + c->length, READ_STEP, 0);
	if (n > 0) {
		c->length += (size_t)n;
		return 0;
	}
	if (n < 0 && errno == EINTR)
		return 0;
	return failed(
		c, n == 0 ? "the switch closed the connection without an answer" : strerror(errno));
}

/* The next whole line as JSON. */
static json_t *message_read(struct connection *c, long long deadline_ms)
{
	size_t searched = 0;
	json_t *message;
	char *newline = NULL;
	size_t length;

	while (newline == NULL) {
		if (c->length > searched)
			newline = memchr(c->line + searched, '\n', c->length - searched);
		searched = c->length;
		if (newline == NULL && more_read(c, deadline_ms) < 0)
			return NULL;
	}
	length = (size_t)(newline - c->line);
	message = json_loadb(c->line, length, 0, NULL);
	if (message == NULL)
		failed(c, "the reply is not JSON");
	c->length -= length + 1;
	memmove(c->line, newline + 1, c->length);
	return message;
}

/* 0 or 1 as connection_call where the message answers request `id`, -1 where it does not. */
static int answer_of(json_t *message, int id, json_t **ret)
{
	json_t *result = json_object_get(message, "result");
	json_t *error = json_object_get(message, "error");
	json_t *about = json_object_get(message, "id");

	if (json_is_object(error) && (json_is_null(about) || json_integer_value(about) == id)) {
		*ret = json_incref(error);
		return 1;
	}
	if (result != NULL && json_integer_value(about) == id) {
		*ret = json_incref(result);
		return 0;
	}
	return -1;
}

int connection_call(struct connection *c, const char *method, json_t *params, json_t **ret)
{
	long long deadline_ms = (long long)monotonic_ms() + c->timeout_ms;
	int id = c->next_id++;
	json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", id, "method",
		method, "params", params);
	char *text = json_dumps(request, JSON_COMPACT);
	char *line = alloc_printf("%s\n", text);
	int answer = line_send(c, line, strlen(line), deadline_ms);

	free(text);
	free(line);
	json_decref(request);
	if (answer < 0)
		return -1;
	for (;;) {
		json_t *message = message_read(c, deadline_ms);

		if (message == NULL)
			return -1;
		answer = answer_of(message, id, ret);
		json_decref(message);
		if (answer >= 0)
			return answer;
	}
}

json_t *connection_next(struct connection *c)
{
	return message_read(c, NO_DEADLINE);
}
