/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables as JSON: what system.schema and system.methods give. */
#include "ctrl/schema.h"

static json_t *object_to_json(const struct object_schema *schema);

static json_t *strings_to_json(const char *const *values, bool as_json)
{
	json_t *array = json_array();

	for (; *values != NULL; values++)
		json_array_append_new(array, as_json ? json_loads(*values, JSON_DECODE_ANY, NULL)
						     : json_string(*values));
	return array;
}

static json_t *variants_to_json(const struct variant *variants)
{
	json_t *kinds = json_object();

	for (const struct variant *v = variants; v->kind != NULL; v++)
		json_object_set_new(kinds, v->kind, object_to_json(v->object));
	return kinds;
}

static bool type_has_range(enum field_type type)
{
	return type == FIELD_INT || type == FIELD_STRING || type == FIELD_ARRAY ||
	       type == FIELD_MAP;
}

static json_t *field_to_json(const struct field *f)
{
	json_t *out = json_object();

	if (f->name != NULL)
		json_object_set_new(out, "name", json_string(f->name));
	json_object_set_new(out, "type", json_string(field_type_name(f->type)));
	if (f->flags & FIELD_REQUIRED)
		json_object_set_new(out, "required", json_true());
	if (type_has_range(f->type)) {
		json_object_set_new(out, "min", json_integer(f->min));
		json_object_set_new(out, "max", json_integer(f->max));
	}
	if ((f->type == FIELD_IP || f->type == FIELD_PREFIX) && f->max != 0)
		json_object_set_new(out, "family", json_integer(f->max));
	if (f->values != NULL)
		json_object_set_new(out, "values", strings_to_json(f->values, false));
	if (f->enforced != NULL)
		json_object_set_new(out, "enforced", strings_to_json(f->enforced, true));
	if (f->flags & FIELD_LATER)
		json_object_set_new(out, "enforced", json_array());
	if (f->fallback != NULL)
		json_object_set_new(out, "default", json_loads(f->fallback, JSON_DECODE_ANY, NULL));
	if (f->refers != NULL)
		json_object_set_new(out, "refers", json_string(f->refers));
	if (f->element != NULL)
		json_object_set_new(out, "element", field_to_json(f->element));
	if (f->object != NULL)
		json_object_set_new(out, "object", object_to_json(f->object));
	if (f->variants != NULL)
		json_object_set_new(out, "kinds", variants_to_json(f->variants));
	if (f->doc != NULL)
		json_object_set_new(out, "doc", json_string(f->doc));
	return out;
}

static json_t *object_to_json(const struct object_schema *schema)
{
	json_t *out = json_object();
	json_t *fields = json_array();

	if (schema->doc != NULL)
		json_object_set_new(out, "doc", json_string(schema->doc));
	if (schema->flags & OBJECT_EXACTLY_ONE)
		json_object_set_new(out, "exactly_one", json_true());
	for (const struct field *f = schema->fields; f->name != NULL; f++)
		json_array_append_new(fields, field_to_json(f));
	json_object_set_new(out, "fields", fields);
	return out;
}

static json_t *methods_to_json(bool with_params)
{
	size_t n;
	const struct method *methods = schema_methods(&n);
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *m = json_object();

		json_object_set_new(m, "name", json_string(methods[i].name));
		json_object_set_new(m, "doc", json_string(methods[i].doc));
		if (with_params)
			json_object_set_new(m, "params", object_to_json(methods[i].params));
		json_object_set_new(m, "result", json_string(methods[i].result));
		json_object_set_new(m, "changes", json_boolean(methods[i].flags & METHOD_CHANGES));
		json_array_append_new(array, m);
	}
	return array;
}

json_t *schema_to_json(void)
{
	json_t *types = json_object();
	json_t *out = json_object();

	for (int type = 0; type < OBJECT_TYPES; type++)
		json_object_set_new(
			types, object_type_name(type), object_to_json(schema_object(type)));
	json_object_set_new(out, "version", json_integer(PROTOCOL_VERSION));
	json_object_set_new(out, "revision", json_integer(WIRE_REVISION));
	json_object_set_new(out, "types", types);
	json_object_set_new(out, "methods", methods_to_json(true));
	return out;
}

json_t *schema_methods_to_json(void)
{
	json_t *out = json_object();

	json_object_set_new(out, "methods", methods_to_json(false));
	return out;
}
