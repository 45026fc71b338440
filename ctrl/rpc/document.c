/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking objects in, each checked as it comes. */
#include "ctrl/rpc/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/limits.h"
#include "ctrl/rpc/document_private.h"
#include "lib/alloc.h"

struct document *document_new(void)
{
	struct document *document = alloc_zero(1, sizeof(*document));

	document->names = json_object();
	return document;
}

static void truncate_to(struct document *document, size_t n)
{
	char name[OBJECT_NAME_MAX];

	while (document->n > n) {
		struct document_object *last = &document->objects[--document->n];

		document_object_name(last, name);
		json_object_del(document->names, name);
		json_decref(last->decoded);
	}
}

void document_free(struct document *document)
{
	if (document == NULL)
		return;
	truncate_to(document, 0);
	json_decref(document->names);
	free(document->objects);
	free(document);
}

size_t document_size(const struct document *document)
{
	return document->n;
}

void document_object_name(const struct document_object *object, char name[static OBJECT_NAME_MAX])
{
	const char *id = json_string_value(json_object_get(object->decoded, "id"));

	object_name(object->type, id != NULL ? id : "", name);
}

bool type_listed(json_t *list, enum object_type type)
{
	if (list == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), object_type_name(type)) == 0)
			return true;
	}
	return false;
}

static int object_add(struct document *document, enum object_type type, json_t *raw,
	const char *path, struct error *err)
{
	struct document_object object = {type, decode_object(schema_object(type), raw, path, err)};
	char name[OBJECT_NAME_MAX];
	char where[POINTER_MAX];

	if (object.decoded == NULL)
		return -1;
	document_object_name(&object, name);
	if (json_object_get(document->names, name) != NULL) {
		json_decref(object.decoded);
		pointer_join(where, path, "id");
		return decode_invalid(
			err, type == OBJECT_GLOBAL ? path : where, "%s is there twice", name);
	}
	if (document->n == document->room) {
		document->room = 2 * document->room + 64;
		document->objects =
			alloc_resize(document->objects, document->room, sizeof(*document->objects));
	}
	json_object_set_new(document->names, name, json_true());
	document->objects[document->n++] = object;
	return 0;
}

static int type_add(struct document *document, const char *name, json_t *array, json_t *scope,
	struct error *err)
{
	char list_path[POINTER_MAX];
	char path[POINTER_MAX];
	int type = object_type_find(name);

	pointer_join(list_path, "/objects", name);
	if (type < 0)
		return decode_invalid(err, list_path, "no such type of objects");
	if (!type_listed(scope, type))
		return decode_invalid(err, list_path, "is outside the scope");
	if (!json_is_array(array))
		return decode_invalid(err, list_path, "is to be an array");
	if (document->n + json_array_size(array) > LIMIT_DOCUMENT_OBJECTS)
		return error_set(err, LEAT_EXHAUSTED, "more than %d objects at once",
			LIMIT_DOCUMENT_OBJECTS);
	for (size_t i = 0; i < json_array_size(array); i++) {
		pointer_index(path, list_path, i);
		if (object_add(document, type, json_array_get(array, i), path, err) < 0)
			return -1;
	}
	return 0;
}

int document_add(struct document *document, json_t *objects, json_t *scope, struct error *err)
{
	size_t before = document->n;
	const char *name;
	json_t *array;

	if (!json_is_object(objects))
		return decode_invalid(err, "/objects", "is to be an object of arrays by type");
	json_object_foreach (objects, name, array) {
		if (type_add(document, name, array, scope, err) < 0) {
			truncate_to(document, before);
			return -1;
		}
	}
	return 0;
}
