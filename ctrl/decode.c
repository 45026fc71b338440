/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects, unions, arrays and maps; single values are in decode_value.c. */
#include "ctrl/decode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/decode_value.h"
#include "ctrl/limits.h"

int decode_invalid(struct error *err, const char *path, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (err != NULL)
		snprintf(err->path, sizeof(err->path), "%s", path);
	return error_set(err, LEAT_INVALID_PARAMS, "%s%s%s", path[0] == '\0' ? "params" : path,
		text[0] == '\0' ? "" : ": ", text);
}

void pointer_join(char ret[static POINTER_MAX], const char *path, const char *name)
{
	size_t n = (size_t)snprintf(ret, POINTER_MAX, "%s/", path);

	for (; *name != '\0' && n + 2 < POINTER_MAX; name++) {
		if (*name == '~' || *name == '/') {
			ret[n++] = '~';
			ret[n++] = *name == '~' ? '0' : '1';
		} else {
			ret[n++] = *name;
		}
	}
	ret[n < POINTER_MAX ? n : POINTER_MAX - 1] = '\0';
}

void pointer_index(char ret[static POINTER_MAX], const char *path, size_t index)
{
	snprintf(ret, POINTER_MAX, "%s/%zu", path, index);
}

/* How a field is called in a message about enforcement: the pointer without its first slash. */
static int unsupported(struct error *err, const char *path, json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	if (err != NULL)
		snprintf(err->path, sizeof(err->path), "%s", path);
	error_set(err, LEAT_UNSUPPORTED, "%s: %.200s is of the protocol but not enforced yet", path,
		text != NULL ? text : "this value");
	free(text);
	return -1;
}

static bool value_is_enforced(const struct field *field, json_t *value)
{
	if (field->flags & FIELD_LATER)
		return false;
	if (field->enforced == NULL)
		return true;
	for (const char *const *text = field->enforced; *text != NULL; text++) {
		json_t *allowed = json_loads(*text, JSON_DECODE_ANY, NULL);
		bool same = json_equal(allowed, value);

		json_decref(allowed);
		if (same)
			return true;
	}
	return false;
}

static int names_check(const struct object_schema *schema, json_t *in, bool is_union,
	const char *path, struct error *err)
{
	char where[POINTER_MAX];
	const char *name;
	json_t *value;

	json_object_foreach (in, name, value) {
		const char *near;

		if (schema_field(schema, name) != NULL)
			continue;
		if (is_union && strcmp(name, "kind") == 0)
			continue;
		pointer_join(where, path, name);
		near = schema_nearest_field(schema, name);
		if (near != NULL)
			return decode_invalid(
				err, where, "no such field; did you mean \"%s\"?", near);
		return decode_invalid(err, where, "no such field");
	}
	return 0;
}

/* The fields that are there, then the first one that is not enforced. */
static int members_decode(const struct object_schema *schema, json_t *in, const char *path,
	json_t *out, struct error *err)
{
	const struct field *refused = NULL;
	char where[POINTER_MAX];

	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		json_t *given = json_object_get(in, f->name);
		json_t *value;

		pointer_join(where, path, f->name);
		if (given != NULL)
			value = decode_value(f, given, where, err);
		else
			continue;
		if (value == NULL)
			return -1;
		if (refused == NULL && !value_is_enforced(f, value))
			refused = f;
		json_object_set_new(out, f->name, value);
	}
	if (refused == NULL)
		return 0;
	pointer_join(where, path, refused->name);
	return unsupported(err, where, json_object_get(out, refused->name));
}

/* Defaults of what is absent; given and defaulted members in the schema's order. */
static json_t *members_complete(
	const struct object_schema *schema, json_t *given, const char *path, struct error *err)
{
	json_t *out = json_object();
	json_t *kind = json_object_get(given, "kind");
	char where[POINTER_MAX];

	if (kind != NULL && schema_field(schema, "kind") == NULL)
		json_object_set(out, "kind", kind);
	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		json_t *value = json_object_get(given, f->name);

		pointer_join(where, path, f->name);
		if (value != NULL) {
			json_object_set(out, f->name, value);
		} else if (f->fallback != NULL) {
			json_t *fallback = json_loads(f->fallback, JSON_DECODE_ANY, NULL);

			value = decode_value(f, fallback, where, err);
			json_decref(fallback);
			json_object_set_new(out, f->name, value);
		} else if (f->flags & FIELD_REQUIRED) {
			decode_invalid(err, where, "required, and absent");
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *fields_decode(const struct object_schema *schema, json_t *in, json_t *kind,
	const char *path, struct error *err)
{
	json_t *given;
	json_t *out;

	if (names_check(schema, in, kind != NULL, path, err) < 0)
		return NULL;
	given = json_object();
	if (kind != NULL)
		json_object_set(given, "kind", kind);
	if (members_decode(schema, in, path, given, err) < 0) {
		json_decref(given);
		return NULL;
	}
	out = members_complete(schema, given, path, err);
	if (out != NULL && (schema->flags & OBJECT_EXACTLY_ONE) && json_object_size(given) != 1) {
		decode_invalid(err, path, "exactly one of its fields is to be given");
		json_decref(out);
		out = NULL;
	}
	json_decref(given);
	if (out != NULL && schema->check != NULL && schema->check(out, path, err) < 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}

json_t *decode_object(
	const struct object_schema *schema, json_t *in, const char *path, struct error *err)
{
	if (!json_is_object(in)) {
		decode_invalid(err, path, "is to be an object");
		return NULL;
	}
	return fields_decode(schema, in, NULL, path, err);
}

static json_t *union_decode(
	const struct field *field, json_t *in, const char *path, struct error *err)
{
	char where[POINTER_MAX];
	json_t *kind = json_object_get(in, "kind");
	const struct variant *variant;

	if (!json_is_object(in)) {
		decode_invalid(err, path, "is to be an object with a \"kind\"");
		return NULL;
	}
	pointer_join(where, path, "kind");
	if (kind == NULL) {
		decode_invalid(err, where, "required, and absent");
		return NULL;
	}
	variant = json_is_string(kind) ? schema_variant(field, json_string_value(kind)) : NULL;
	if (variant == NULL) {
		char known[256] = "";
		size_t n = 0;

		for (const struct variant *v = field->variants; v->kind != NULL; v++)
			n += (size_t)snprintf(
				known + n, sizeof(known) - n, "%s%s", n == 0 ? "" : ", ", v->kind);
		decode_invalid(err, where, "is to be one of %s", known);
		return NULL;
	}
	if (variant->later) {
		unsupported(err, where, kind);
		return NULL;
	}
	return fields_decode(variant->object, in, kind, path, err);
}

static json_t *array_decode(
	const struct field *field, json_t *in, const char *path, struct error *err)
{
	char where[POINTER_MAX];
	json_t *out;
	size_t n = json_array_size(in);

	if (!json_is_array(in)) {
		decode_invalid(err, path, "is to be an array");
		return NULL;
	}
	if ((int64_t)n < field->min || (int64_t)n > field->max) {
		decode_invalid(err, path, "%zu elements, %" PRId64 "..%" PRId64 " are allowed", n,
			field->min, field->max);
		return NULL;
	}
	out = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *value;

		pointer_index(where, path, i);
		value = decode_value(field->element, json_array_get(in, i), where, err);
		if (value == NULL) {
			json_decref(out);
			return NULL;
		}
		json_array_append_new(out, value);
	}
	return out;
}

static int label_check(const char *name, json_t *value, const char *where, struct error *err)
{
	size_t length = strlen(name);

	if (length < 1 || length > LIMIT_LABEL_KEY_CHARS)
		return decode_invalid(err, where, "a name has 1..%d bytes", LIMIT_LABEL_KEY_CHARS);
	if (!json_is_string(value))
		return decode_invalid(err, where, "is to be a string");
	length = json_string_length(value);
	if (length > LIMIT_LABEL_VALUE_CHARS || length != strlen(json_string_value(value)))
		return decode_invalid(err, where, "is to be a string of at most %d bytes, no NUL",
			LIMIT_LABEL_VALUE_CHARS);
	return 0;
}

static json_t *map_decode(
	const struct field *field, json_t *in, const char *path, struct error *err)
{
	char where[POINTER_MAX];
	const char *name;
	json_t *value;

	if (!json_is_object(in)) {
		decode_invalid(err, path, "is to be an object of strings");
		return NULL;
	}
	if ((int64_t)json_object_size(in) > field->max) {
		decode_invalid(err, path, "%zu members, at most %" PRId64 " are allowed",
			json_object_size(in), field->max);
		return NULL;
	}
	json_object_foreach (in, name, value) {
		pointer_join(where, path, name);
		if (label_check(name, value, where, err) < 0)
			return NULL;
	}
	return json_incref(in);
}

json_t *decode_value(const struct field *field, json_t *in, const char *path, struct error *err)
{
	switch (field->type) {
	case FIELD_OBJECT:
		return decode_object(field->object, in, path, err);
	case FIELD_UNION:
		return union_decode(field, in, path, err);
	case FIELD_ARRAY:
		return array_decode(field, in, path, err);
	case FIELD_MAP:
		return map_decode(field, in, path, err);
	case FIELD_ANY:
		return json_incref(in);
	default:
		return decode_scalar(field, in, path, err);
	}
}
