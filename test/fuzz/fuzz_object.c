/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decoder of every method's params: a method's name, and behind it JSON. Where LEAT_FUZZ_METHOD names a
 * method, all of the input is its params. What is accepted must be accepted again, and come out the
 * same; what is refused must say why, and where.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/object.h"
#include "test/fuzz/fuzz.h"

/* A name that no method has stands for one all the same, so that no mutation is in vain. */
static const struct method *method_of(const char *text, size_t length)
{
	const struct method *methods, *method = NULL;
	char name[64];
	unsigned sum = 0;
	size_t n;

	methods = schema_methods(&n);
	if (length < sizeof(name)) {
		memcpy(name, text, length);
		name[length] = '\0';
		method = schema_method(name);
	}
	for (size_t i = 0; i < length; i++)
		sum += (unsigned char)text[i];
	return method != NULL ? method : &methods[sum % n];
}

/* The method, and what is left of the input as its params. */
static const struct method *method_take(const char **text, size_t *size)
{
	const char *fixed = getenv("LEAT_FUZZ_METHOD");
	const struct method *method;
	const char *params;

	if (fixed != NULL && fixed[0] != '\0') {
		method = schema_method(fixed);
		if (method == NULL)
			abort();
		return method;
	}
	params = memchr(*text, '{', *size);
	if (params == NULL)
		return NULL;
	method = method_of(*text, (size_t)(params - *text));
	*size -= (size_t)(params - *text);
	*text = params;
	return method;
}

static void object_try(const struct method *method, json_t *decoded)
{
	struct object *object = object_new(method->type, decoded, "fuzz");

	if (json_object_get(object->body, "owner") == NULL)
		abort();
	object_unref(object);
}

static void refusal_check(const struct error *err)
{
	if (err->message[0] == '\0')
		abort();
	if (err->code != LEAT_INVALID_PARAMS && err->code != LEAT_UNSUPPORTED)
		abort();
	if (err->path[0] != '\0' && err->path[0] != '/')
		abort();
}

static void decode_try(const struct method *method, json_t *in)
{
	struct error err = {0};
	json_t *out = decode_object(method->params, in, "", &err);
	json_t *again;

	if (out == NULL) {
		refusal_check(&err);
		return;
	}
	again = decode_object(method->params, out, "", &err);
	if (again == NULL || !json_equal(out, again))
		abort();
	if (method->verb == VERB_UPSERT)
		object_try(method, out);
	json_decref(again);
	json_decref(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const struct method *method;
	json_t *in;

	if (size == 0)
		return 0;
	method = method_take(&text, &size);
	if (method == NULL)
		return 0;
	in = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (in == NULL)
		return 0;
	decode_try(method, in);
	json_decref(in);
	return 0;
}
