/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decoder of every method's params: the first byte chooses the method, the rest is JSON. What is
 * accepted must be accepted again, and come out the same; what is refused must say why.
 */
#include <stdlib.h>

#include "ctrl/decode.h"
#include "ctrl/object.h"
#include "test/fuzz/fuzz.h"

static void object_try(const struct method *method, json_t *decoded)
{
	struct object *object = object_new(method->type, decoded, "fuzz");

	if (json_object_get(object->body, "owner") == NULL)
		abort();
	object_unref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n;
	const struct method *methods = schema_methods(&n);
	const struct method *method;
	struct error err = {0};
	json_t *in, *out, *again;

	if (size == 0)
		return 0;
	method = &methods[data[0] % n];
	in = json_loadb(
		(const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (in == NULL)
		return 0;
	out = decode_object(method->params, in, "", &err);
	if (out == NULL) {
		if (err.message[0] == '\0' ||
			(err.code != LEAT_INVALID_PARAMS && err.code != LEAT_UNSUPPORTED))
			abort();
	} else {
		again = decode_object(method->params, out, "", &err);
		if (again == NULL || !json_equal(out, again))
			abort();
		if (method->verb == VERB_UPSERT)
			object_try(method, out);
		json_decref(again);
		json_decref(out);
	}
	json_decref(in);
	return 0;
}
