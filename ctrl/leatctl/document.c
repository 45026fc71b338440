/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents larger than a message: resync.begin, as many resync.put as it takes, resync.commit. */
#include "ctrl/leatctl/document.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/document_private.h"
#include "ctrl/limits.h"
#include "lib/alloc.h"

#define ENVELOPE_BYTES 256   /* of a request around its params, and of a put around its objects */
#define PUT_BYTES (1u << 20) /* of objects in one put; a larger object goes alone */

/* A put: some objects of one type. */
struct put {
	const char *type;
	json_t *objects;
	size_t first; /* the index in the document of the first of them */
	size_t bytes;
};

static size_t text_bytes(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void member_rewrite(json_t *object, const char *member, const char *from, const char *to)
{
	const char *text = json_string_value(json_object_get(object, member));
	char *rewritten;

	if (text == NULL || strncmp(text, from, strlen(from)) != 0)
		return;
	rewritten = alloc_printf("%s%s", to, text + strlen(from));
	json_object_set_new(object, member, json_string(rewritten));
	free(rewritten);
}

/* "/objects/rule/3/port" of a put, in path and message, becomes that of the document. */
static void error_rebase(json_t *error, const struct put *put)
{
	json_t *data = json_object_get(error, "data");
	const char *path = json_string_value(json_object_get(data, "path"));
	char *head = alloc_printf("/objects/%s/", put->type);

	if (path != NULL && strncmp(path, head, strlen(head)) == 0) {
		size_t in_put = strtoul(path + strlen(head), NULL, 10);
		char *from = alloc_printf("%s%zu", head, in_put);
		char *to = alloc_printf("%s%zu", head, put->first + in_put);

		member_rewrite(error, "message", from, to);
		member_rewrite(data, "path", from, to);
		free(from);
		free(to);
	}
	free(head);
}

/* As connection_call(), without a result. */
static int put_send(struct connection *c, const struct put *put, json_t *value, json_t **ret)
{
	json_t *params = json_pack("{s:{s:O}}", "objects", put->type, value);
	json_t *answer = NULL;
	int asked = connection_call(c, "resync.put", params, &answer);

	json_decref(params);
	if (asked == 1) {
		error_rebase(answer, put);
		*ret = answer;
	} else {
		json_decref(answer);
	}
	return asked;
}

/* Send what has been gathered, if anything. */
static int put_flush(struct connection *c, struct put *put, json_t **ret)
{
	size_t n = json_array_size(put->objects);
	int asked = n > 0 ? put_send(c, put, put->objects, ret) : 0;

	json_array_clear(put->objects);
	put->first += n;
	put->bytes = 0;
	return asked;
}

static int type_put(struct connection *c, const char *type, json_t *array, json_t **ret)
{
	struct put put = {.type = type, .objects = json_array()};
	json_t *object;
	size_t i;
	int asked = 0;

	json_array_foreach (array, i, object) {
		size_t bytes = text_bytes(object) + 1;

		if (put.bytes + bytes > PUT_BYTES)
			asked = put_flush(c, &put, ret);
		if (asked != 0)
			break;
		json_array_append(put.objects, object);
		put.bytes += bytes;
	}
	if (asked == 0)
		asked = put_flush(c, &put, ret);
	json_decref(put.objects);
	return asked;
}

/* All objects; what is no array of them is left to the switch to refuse. */
static int all_put(struct connection *c, json_t *objects, json_t **ret)
{
	const char *type;
	json_t *array;

	json_object_foreach (objects, type, array) {
		struct put other = {.type = type};
		int asked = json_is_array(array) ? type_put(c, type, array, ret)
						 : put_send(c, &other, array, ret);

		if (asked != 0)
			return asked;
	}
	return 0;
}

static int nothing_call(struct connection *c, const char *method, json_t **ret)
{
	json_t *nothing = json_object();
	int asked = connection_call(c, method, nothing, ret);

	json_decref(nothing);
	return asked;
}

static int resync_call(struct connection *c, json_t *params, json_t **ret)
{
	json_t *begin = json_copy(params);
	json_t *answer = NULL;
	int asked;

	json_object_del(begin, "objects");
	json_object_del(begin, "rev");
	asked = connection_call(c, "resync.begin", begin, &answer);
	json_decref(begin);
	if (asked != 0) {
		*ret = answer;
		return asked;
	}
	json_decref(answer);
	answer = NULL;
	asked = all_put(c, json_object_get(params, "objects"), ret);
	if (asked == 0)
		return nothing_call(c, "resync.commit", ret);
	if (asked == 1 && nothing_call(c, "resync.abort", &answer) >= 0)
		json_decref(answer);
	return asked;
}

int document_call(struct connection *c, const char *method, json_t *params, json_t **ret)
{
	int asked;

	if (strcmp(method, "state.replace") == 0 &&
		json_is_object(json_object_get(params, "objects")) &&
		text_bytes(params) + ENVELOPE_BYTES > LIMIT_LINE_BYTES)
		return resync_call(c, params, ret);
	asked = connection_call(c, method, params, ret);
	if (asked == 1 && strcmp(method, "state.get") == 0 && is_too_large(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return document_fetch(c, params, ret);
	}
	return asked;
}
