/* SPDX-License-Identifier: BSD-3-Clause */
/* Look-ups in the tables, and the methods every object type gives rise to. */
#include "ctrl/schema.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/limits.h"
#include "ctrl/schema_tables.h"

#define METHODS_MAX 64
#define METHOD_NAME_MAX 48
#define METHOD_DOC_MAX 96
#define LIST_FIELDS_MAX 48
#define NAME_MAX_COMPARED 64

static struct method all_methods[METHODS_MAX];
static size_t n_methods;
static char method_names[METHODS_MAX][METHOD_NAME_MAX];
static char method_docs[METHODS_MAX][METHOD_DOC_MAX];
static char get_results[OBJECT_TYPES][METHOD_DOC_MAX];
static struct field list_fields[OBJECT_TYPES][LIST_FIELDS_MAX];
static struct object_schema list_params[OBJECT_TYPES];
static pthread_once_t built = PTHREAD_ONCE_INIT;

const char *object_type_name(enum object_type type)
{
	return schema_object(type)->name;
}

int object_type_find(const char *name)
{
	for (int type = 0; type < OBJECT_TYPES; type++) {
		if (strcmp(object_type_name(type), name) == 0)
			return type;
	}
	return -1;
}

static bool field_is_filter(const struct field *field)
{
	if (field->flags & (FIELD_LATER | FIELD_TRANSIENT))
		return false;
	switch (field->type) {
	case FIELD_MAP:
	case FIELD_OBJECT:
	case FIELD_UNION:
	case FIELD_ANY:
		return false;
	default:
		return true;
	}
}

/* The params of <type>.list: a filter for each plain field, and the window. */
static void list_params_build(enum object_type type)
{
	static const struct field window[] = {
		{"after", FIELD_ID, .doc = "Only ids after this one: `next` of the former reply."},
		{"limit", FIELD_INT, .min = 1, .max = LIMIT_LIST_ITEMS, .fallback = "1000",
			.doc = "How many items at most."},
	};
	const struct object_schema *schema = schema_object(type);
	size_t n = 0;

	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		if (!field_is_filter(f))
			continue;
		list_fields[type][n] = *f;
		if (f->type == FIELD_ARRAY) {
			list_fields[type][n] = *f->element;
			list_fields[type][n].name = f->name;
			list_fields[type][n].doc = "Only objects with this one among theirs.";
		}
		list_fields[type][n].flags &= ~(unsigned)FIELD_REQUIRED;
		list_fields[type][n].enforced = NULL;
		list_fields[type][n++].fallback = NULL;
	}
	for (size_t i = 0; i < sizeof(window) / sizeof(window[0]); i++)
		list_fields[type][n++] = window[i];
	list_params[type].name = "list";
	list_params[type].fields = list_fields[type];
}

static void method_add(enum object_type type, enum method_verb verb, const char *verb_name,
	const char *doc, const struct object_schema *params, const char *result)
{
	struct method *m = &all_methods[n_methods];
	const char *name = object_type_name(type);

	snprintf(method_names[n_methods], METHOD_NAME_MAX, "%s.%s", name, verb_name);
	snprintf(method_docs[n_methods], METHOD_DOC_MAX, doc, name);
	m->name = method_names[n_methods];
	m->doc = method_docs[n_methods];
	m->params = params;
	m->result = result;
	m->verb = verb;
	m->type = type;
	if (verb == VERB_UPSERT || verb == VERB_DELETE)
		m->flags = METHOD_CHANGES | METHOD_IN_TXN;
	n_methods++;
}

static void type_methods_add(enum object_type type)
{
	const char *upsert = type == OBJECT_ENDPOINT
				     ? "{changed, rev, pending[], removed[], state, port:{id, "
				       "kind, name, socket, mtu, mac}}"
				     : "{changed, rev, pending[]}";

	list_params_build(type);
	snprintf(
		get_results[type], METHOD_DOC_MAX, "{rev, %s:{...}, oper}", object_type_name(type));
	method_add(type, VERB_UPSERT, "upsert", "Make the %s, or replace it as a whole.",
		schema_object(type), upsert);
	method_add(type, VERB_DELETE, "delete", "Delete the %s, if there is one.",
		schema_id_params(), "{changed, rev, pending[]}");
	method_add(type, VERB_LIST, "list", "All objects of type %s that fit the filters.",
		&list_params[type], "{rev, items:[{..., oper}], next}");
	method_add(
		type, VERB_GET, "get", "The %s of that id.", schema_id_params(), get_results[type]);
}

static void methods_build(void)
{
	size_t n;
	const struct method *fixed = schema_static_methods(&n);

	for (size_t i = 0; i < n; i++) {
		all_methods[n_methods] = fixed[i];
		if (strcmp(fixed[i].name, "global.set") == 0)
			all_methods[n_methods].params = schema_object(OBJECT_GLOBAL);
		n_methods++;
	}
	for (int type = OBJECT_GLOBAL + 1; type < OBJECT_TYPES; type++)
		type_methods_add(type);
}

const struct method *schema_methods(size_t *n)
{
	pthread_once(&built, methods_build);
	*n = n_methods;
	return all_methods;
}

const struct method *schema_method(const char *name)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

const struct field *schema_field(const struct object_schema *schema, const char *name)
{
	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

const struct variant *schema_variant(const struct field *field, const char *kind)
{
	for (const struct variant *v = field->variants; v->kind != NULL; v++) {
		if (strcmp(v->kind, kind) == 0)
			return v;
	}
	return NULL;
}

const char *field_type_name(enum field_type type)
{
	static const char *const names[] = {
		[FIELD_STRING] = "string",
		[FIELD_ID] = "id",
		[FIELD_INT] = "integer",
		[FIELD_BOOL] = "boolean",
		[FIELD_ENUM] = "enum",
		[FIELD_MAC] = "mac",
		[FIELD_IP] = "ip",
		[FIELD_PREFIX] = "prefix",
		[FIELD_PORT_RANGE] = "port range",
		[FIELD_PROTO] = "protocol",
		[FIELD_GROUP_REF] = "group or number",
		[FIELD_FILE_MODE] = "file mode",
		[FIELD_ARRAY] = "array",
		[FIELD_OBJECT] = "object",
		[FIELD_UNION] = "object by kind",
		[FIELD_MAP] = "object of strings",
		[FIELD_ANY] = "any",
	};

	return names[type];
}

/* Levenshtein's distance of two names, without regard to case. */
static size_t name_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1];
	size_t len_b = strlen(b);

	if (len_b > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= len_b; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			size_t cost = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
		}
	}
	return row[len_b];
}

static void nearest_consider(
	const char *name, const char *candidate, const char **best, size_t *best_distance)
{
	size_t distance = name_distance(name, candidate);

	if (distance * 3 <= strlen(candidate) + 2 && distance < *best_distance) {
		*best = candidate;
		*best_distance = distance;
	}
}

const char *schema_nearest_field(const struct object_schema *schema, const char *name)
{
	const char *best = NULL;
	size_t distance = NAME_MAX_COMPARED;

	for (const struct field *f = schema->fields; f->name != NULL; f++)
		nearest_consider(name, f->name, &best, &distance);
	return best;
}

const char *schema_nearest_method(const char *name)
{
	const char *best = NULL;
	size_t distance = NAME_MAX_COMPARED;
	size_t n;
	const struct method *methods = schema_methods(&n);

	for (size_t i = 0; i < n; i++)
		nearest_consider(name, methods[i].name, &best, &distance);
	return best;
}
