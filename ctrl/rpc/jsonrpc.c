/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rpc/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/limits.h"
#include "lib/alloc.h"

#define LOAD_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/* How deep objects and arrays are nested in a text; brackets in strings do not count. */
static unsigned nesting_of(const char *text, size_t length)
{
	unsigned depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '"':
			in_string = !in_string;
			break;
		case '\\':
			i += in_string;
			break;
		case '{':
		case '[':
			if (!in_string && ++depth > deepest)
				deepest = depth;
			break;
		case '}':
		case ']':
			if (!in_string && depth > 0)
				depth--;
			break;
		default:
			break;
		}
	}
	return deepest;
}

static json_t *id_of(json_t *document)
{
	json_t *id = json_object_get(document, "id");

	if (json_is_string(id) || json_is_number(id) || json_is_null(id))
		return json_incref(id);
	return NULL;
}

/*
 * The id of what is refused for a number or a key: read once more, less strictly. Whole numbers
 * come as reals there.
 */
static json_t *id_salvage(const char *line, size_t length)
{
	json_t *document = json_loadb(line, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	json_t *id = id_of(document);

	if (json_is_real(id)) {
		double value = json_real_value(id);

		if (value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
			value == (double)(json_int_t)value) {
			json_decref(id);
			id = json_integer((json_int_t)value);
		}
	}
	json_decref(document);
	return id != NULL ? id : json_null();
}

static int refuse(struct message *message, json_t *id, enum leat_error_code code, const char *text,
	struct error *err)
{
	json_decref(message->id);
	message->id = id != NULL ? id : json_null();
	return error_set(err, code, "%s", text);
}

static int load_failure(struct message *message, const char *line, size_t length,
	const json_error_t *cause, struct error *err)
{
	switch (json_error_code(cause)) {
	case json_error_duplicate_key:
		return refuse(message, id_salvage(line, length), LEAT_INVALID_REQUEST,
			"an object has the same key twice", err);
	case json_error_numeric_overflow:
		return refuse(message, id_salvage(line, length), LEAT_INVALID_PARAMS,
			"a number does not fit in 64 bits", err);
	case json_error_stack_overflow:
		return refuse(message, NULL, LEAT_INVALID_REQUEST, "nested too deeply", err);
	default:
		return refuse(message, NULL, LEAT_PARSE, cause->text, err);
	}
}

static int envelope_check(struct message *message, struct error *err)
{
	static const char *const members[] = {"jsonrpc", "id", "method", "params"};
	json_t *document = message->document;
	const char *version = json_string_value(json_object_get(document, "jsonrpc"));
	json_t *method = json_object_get(document, "method");
	json_t *id = id_of(document);
	const char *name;
	json_t *value;

	if (json_object_get(document, "id") != NULL && id == NULL)
		return refuse(message, NULL, LEAT_INVALID_REQUEST,
			"\"id\" is to be a string, a number or null", err);
	message->id = id;
	if (version == NULL || strcmp(version, "2.0") != 0)
		return refuse(message, json_incref(id), LEAT_INVALID_REQUEST,
			"\"jsonrpc\" is to be \"2.0\"", err);
	if (!json_is_string(method) ||
		strlen(json_string_value(method)) != json_string_length(method))
		return refuse(message, json_incref(id), LEAT_INVALID_REQUEST,
			"\"method\" is to be a string", err);
	json_object_foreach (document, name, value) {
		bool known = false;

		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			known |= strcmp(name, members[i]) == 0;
		if (!known)
			return refuse(message, json_incref(id), LEAT_INVALID_REQUEST,
				"a request has jsonrpc, id, method and params, and nothing else",
				err);
	}
	message->method = json_string_value(method);
	message->params = json_object_get(document, "params");
	return 0;
}

int message_parse(const char *line, size_t length, struct message *message, struct error *err)
{
	json_error_t cause;

	memset(message, 0, sizeof(*message));
	message->document = json_loadb(line, length, LOAD_FLAGS, &cause);
	if (message->document == NULL)
		return load_failure(message, line, length, &cause, err);
	if (nesting_of(line, length) > LIMIT_NESTING)
		return refuse(message, id_of(message->document), LEAT_INVALID_REQUEST,
			"nested too deeply: 16 levels are allowed", err);
	if (json_is_array(message->document))
		return refuse(message, NULL, LEAT_INVALID_REQUEST,
			"no batches: send one request a line, or use txn.apply", err);
	if (!json_is_object(message->document))
		return refuse(message, NULL, LEAT_INVALID_REQUEST, "a request is an object", err);
	return envelope_check(message, err);
}

void message_fini(struct message *message)
{
	json_decref(message->id);
	json_decref(message->document);
	memset(message, 0, sizeof(*message));
}

static char *line_of(json_t *reply, size_t *length)
{
	size_t size = json_dumpb(reply, NULL, 0, JSON_COMPACT);
	char *line = alloc_zero(size + 1, 1);

	json_dumpb(reply, line, size, JSON_COMPACT);
	line[size] = '\n';
	*length = size + 1;
	json_decref(reply);
	return line;
}

static json_t *reply_begin(json_t *id)
{
	json_t *reply = json_object();

	json_object_set_new(reply, "jsonrpc", json_string("2.0"));
	json_object_set_new(reply, "id", id != NULL ? json_incref(id) : json_null());
	return reply;
}

char *reply_failure(json_t *id, const struct failure *failure, size_t *length)
{
	json_t *reply = reply_begin(id);

	json_object_set_new(reply, "error", failure_to_json(failure));
	return line_of(reply, length);
}

char *reply_result(json_t *id, json_t *result, size_t *length)
{
	json_t *reply = reply_begin(id);
	struct failure failure = {0};
	char *line;

	json_object_set_new(reply, "result", result);
	line = line_of(reply, length);
	if (*length <= LIMIT_LINE_BYTES)
		return line;
	free(line);
	error_set(&failure.error, LEAT_MESSAGE_TOO_LARGE,
		"the reply would be %zu bytes long, %u are allowed: ask for less, by types, ids, "
		"owner or limit",
		*length, LIMIT_LINE_BYTES);
	return reply_failure(id, &failure, length);
}

/* Messages are made of what clients sent: cut off inside a UTF-8 character, or not. */
static json_t *text_to_json(const char *text)
{
	char *copy = alloc_strdup(text);
	size_t length = strlen(copy);
	json_t *value = json_string(copy);

	while (value == NULL && length > 0) {
		copy[--length] = '\0';
		value = json_string(copy);
	}
	free(copy);
	return value;
}

json_t *failure_to_json(const struct failure *failure)
{
	const struct error *e = &failure->error;
	json_t *out = json_object();
	json_t *data = json_object();

	json_object_set_new(data, "reason", json_string(error_reason(e->code)));
	json_object_set_new(data, "retryable", json_boolean(error_retryable(e->code)));
	if (e->object[0] != '\0')
		json_object_set_new(data, "object", text_to_json(e->object));
	if (e->path[0] != '\0' || e->code == LEAT_INVALID_PARAMS)
		json_object_set_new(data, "path", text_to_json(e->path));
	if (e->sys_errno != 0)
		json_object_set_new(data, "errno", json_integer(e->sys_errno));
	if (failure->data != NULL)
		json_object_update(data, failure->data);
	json_object_set_new(out, "code", json_integer(e->code));
	json_object_set_new(out, "message", text_to_json(e->message));
	json_object_set_new(out, "data", data);
	return out;
}

void failure_fini(struct failure *failure)
{
	json_decref(failure->data);
	failure->data = NULL;
}
