/* SPDX-License-Identifier: BSD-3-Clause */
/* One JSON-RPC 2.0 message a line: from bytes to a call, from an outcome to bytes. Any thread. */
#ifndef LEAT_CTRL_RPC_JSONRPC_H
#define LEAT_CTRL_RPC_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

/* Why a call failed, and what its error's data says beyond the common members. */
struct failure {
	struct error error;
	json_t *data; /* object merged into data, or NULL; owned */
};

struct message {
	json_t *id;	    /* string, number or null; NULL: none given, so none is answered */
	const char *method; /* in document */
	json_t *params;	    /* borrowed of document, or NULL: none given */
	json_t *document;
};

/*
 * Parse one line (without its newline). 0, or -1 with PARSE, INVALID_REQUEST or INVALID_PARAMS (a
 * number outside 64 bits); then message->id is what could be made out, else null, to answer under.
 * message_fini() in either case.
 */
int message_parse(const char *line, size_t length, struct message *message, struct error *err);
void message_fini(struct message *message);

#define REPLY_ENVELOPE_BYTES 1024 /* kept free of a line for what is around a result */

/*
 * Of a result that would make its line longer than LIMIT_LINE_BYTES: a number in the place of `differences`,
 * and where that is not enough of every list. Then it has `abridged`.
 */
void result_abridge(json_t *result);

/* A whole line, newline included; takes over `result`. Never NULL; freed by free(). */
char *reply_result(json_t *id, json_t *result, size_t *length);
char *reply_failure(json_t *id, const struct failure *failure, size_t *length);

/* {"code", "message", "data"}: the error itself. New reference. */
json_t *failure_to_json(const struct failure *failure);
void failure_fini(struct failure *failure);

#endif
