/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "lib/alloc.h"

#define KNOWN_MAX 384 /* bytes of a list of names in a message */
#define KIND "kind"   /* the member that tells the variants of a union apart */

/* What is left of one argument on its way down the schema. */
struct place {
	const char *name;  /* the rest of the dotted name */
	const char *value; /* as text */
	struct error *err;
};

static int put(const struct object_schema *schema, bool is_union, json_t *into, const char *path,
	const struct place *place);

static void known_add(char *known, const char *name)
{
	size_t n = strlen(known);

	snprintf(known + n, KNOWN_MAX - n, "%s%s", n == 0 ? "" : ", ", name);
}

static const char *prefix_of(const char *path)
{
	return path[0] == '/' ? path + 1 : path;
}

/* The one required object of the params, for names without its own: packet of policy.trace. */
static const struct field *implied_object(const struct object_schema *schema)
{
	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		if (f->type == FIELD_OBJECT && (f->flags & FIELD_REQUIRED))
			return f;
	}
	return NULL;
}

static int unknown_field(const struct object_schema *schema, const char *path, const char *name,
	const struct place *place)
{
	const struct field *implied = implied_object(schema);
	const char *near = schema_nearest_field(schema, name);
	const char *inside = prefix_of(path);
	char where[POINTER_MAX];
	char known[KNOWN_MAX] = "";

	pointer_join(where, path, name);
	if (near == NULL && implied != NULL)
		near = schema_nearest_field(implied->object, name);
	if (near != NULL)
		return decode_invalid(place->err, where, "no such field; did you mean \"%s%s%s\"?",
			inside, inside[0] == '\0' ? "" : ".", near);
	for (const struct field *f = schema->fields; f->name != NULL; f++)
		known_add(known, f->name);
	if (known[0] == '\0')
		return decode_invalid(place->err, where, "no such field; there are none");
	return decode_invalid(place->err, where, "no such field; there are %s", known);
}

/* The object at into[name], made where it is not there yet. */
static json_t *member_object(json_t *into, const char *name)
{
	json_t *member = json_object_get(into, name);

	if (member == NULL) {
		member = json_object();
		json_object_set_new(into, name, member);
	}
	return member;
}

static int leaf_set(
	json_t *into, const char *name, json_t *value, const char *where, const struct place *place)
{
	if (value == NULL)
		return -1;
	if (json_object_get(into, name) != NULL) {
		json_decref(value);
		return decode_invalid(place->err, where, "is given twice");
	}
	return json_object_set_new(into, name, value);
}

static int map_put(json_t *into, const char *where, const struct place *place)
{
	json_t *value = json_string(place->value);
	char key[POINTER_MAX];

	pointer_join(key, where, place->name);
	if (value == NULL)
		return decode_invalid(place->err, key, "is not UTF-8");
	return leaf_set(into, place->name, value, key, place);
}

static int kind_missing(const struct field *field, const char *where, const struct place *place)
{
	char known[KNOWN_MAX] = "";
	char kind[POINTER_MAX];

	for (const struct variant *v = field->variants; v->kind != NULL; v++)
		known_add(known, v->kind);
	pointer_join(kind, where, KIND);
	return decode_invalid(place->err, kind, "is to be one of %s", known);
}

static int union_put(
	const struct field *field, json_t *into, const char *where, const struct place *place)
{
	const char *kind = json_string_value(json_object_get(into, KIND));
	const struct variant *variant;

	if (strcmp(place->name, KIND) == 0) {
		char path[POINTER_MAX];

		pointer_join(path, where, KIND);
		if (schema_variant(field, place->value) == NULL)
			return kind_missing(field, where, place);
		return leaf_set(into, KIND, json_string(place->value), path, place);
	}
	variant = kind != NULL ? schema_variant(field, kind) : NULL;
	if (variant == NULL)
		return kind_missing(field, where, place);
	return put(variant->object, true, into, where, place);
}

static int inside_put(
	const struct field *field, json_t *into, const char *where, const struct place *place)
{
	switch (field->type) {
	case FIELD_OBJECT:
		return put(field->object, false, member_object(into, field->name), where, place);
	case FIELD_UNION:
		return union_put(field, member_object(into, field->name), where, place);
	case FIELD_MAP:
		return map_put(member_object(into, field->name), where, place);
	default:
		return decode_invalid(place->err, where, "has no fields inside");
	}
}

static int put(const struct object_schema *schema, bool is_union, json_t *into, const char *path,
	const struct place *place)
{
	size_t length = strcspn(place->name, ".");
	bool is_leaf = place->name[length] == '\0';
	char *name = alloc_printf("%.*s", (int)length, place->name);
	const struct field *field = schema_field(schema, name);
	const struct field *implied = is_union ? NULL : implied_object(schema);
	struct place rest = *place;
	char where[POINTER_MAX];
	int result;

	if (implied != NULL && schema_field(implied->object, name) == NULL)
		implied = NULL;
	pointer_join(where, path, field != NULL || implied == NULL ? name : implied->name);
	rest.name = is_leaf ? "" : place->name + length + 1;
	if (field == NULL && implied != NULL)
		result = put(
			implied->object, false, member_object(into, implied->name), where, place);
	else if (field == NULL)
		result = unknown_field(schema, path, name, place);
	else if (is_leaf)
		result = leaf_set(into, name, decode_text(field, place->value, where, place->err),
			where, place);
	else
		result = inside_put(field, into, where, &rest);
	free(name);
	return result;
}

int args_put_one(const struct object_schema *schema, json_t *params, const char *name,
	const char *value, struct error *err)
{
	struct place place = {.name = name, .value = value, .err = err};

	return put(schema, false, params, "", &place);
}

/* Kinds first: what else a union has depends on its kind. */
static bool names_a_kind(const char *name)
{
	const char *last = strrchr(name, '.');

	return last != NULL && strcmp(last + 1, KIND) == 0;
}

int args_put(const struct object_schema *schema, json_t *params, char *const *args, size_t n,
	struct error *err)
{
	for (int kinds = 1; kinds >= 0; kinds--) {
		for (size_t i = 0; i < n; i++) {
			const char *equals = strchr(args[i], '=');
			char *name;
			int result = 0;

			if (equals == NULL || equals == args[i])
				return decode_invalid(
					err, args[i], "is not of the form field=value");
			name = alloc_printf("%.*s", (int)(equals - args[i]), args[i]);
			if (names_a_kind(name) == (kinds == 1))
				result = args_put_one(schema, params, name, equals + 1, err);
			free(name);
			if (result < 0)
				return -1;
		}
	}
	return 0;
}

int args_check(const struct object_schema *schema, json_t *params, struct error *err)
{
	struct error why = {0};
	json_t *decoded = decode_object(schema, params, "", &why);

	json_decref(decoded);
	if (decoded != NULL || why.code == LEAT_UNSUPPORTED)
		return 0;
	*err = why;
	return -1;
}

char *args_message(const struct error *err)
{
	size_t length = strlen(err->path);
	char *text;

	if (length < 2 || err->path[0] != '/' || strncmp(err->message, err->path, length) != 0)
		return alloc_strdup(err->message);
	text = alloc_strdup(err->message + 1);
	for (size_t i = 0; i < length - 1; i++) {
		if (text[i] == '/')
			text[i] = '.';
	}
	return text;
}
