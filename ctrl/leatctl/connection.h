/* SPDX-License-Identifier: BSD-3-Clause */
/* leatctl's side of the control socket: one request, one reply, one after the other. */
#ifndef LEAT_CTRL_LEATCTL_CONNECTION_H
#define LEAT_CTRL_LEATCTL_CONNECTION_H

#include <jansson.h>
#include <stddef.h>

#define REPLY_MAX (64u << 20) /* bytes of one line that are read */
#define MESSAGE_MAX 256

struct connection {
	int fd;
	int timeout_ms; /* bound of the wait for one reply */
	int next_id;
	char *line; /* what has been read and not been used */
	size_t length;
	size_t size;
	char message[MESSAGE_MAX]; /* after a failure: what is wrong, and the remedy */
};

/* 0, or -1 with `message`; then there is nothing to close. */
int connection_open(struct connection *c, const char *path, int timeout_ms);
void connection_close(struct connection *c);

/*
 * Ask and wait for the answer; `params` stays the caller's. 0: *ret is the result; 1: *ret is the
 * error object, a new reference either way. -1: no answer, with `message`.
 */
int connection_call(struct connection *c, const char *method, json_t *params, json_t **ret);

/* The next message, however long it takes; NULL with `message`. */
json_t *connection_next(struct connection *c);

#endif
