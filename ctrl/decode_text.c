/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as a person types them, for leatctl's field=value. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/decode.h"

static json_t *number_from_text(const char *text)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return NULL;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno != 0 || *end != '\0' ? NULL : json_integer(value);
}

/* "a,b,c" as the elements of an array; "" is the empty array. */
static json_t *array_from_text(const char *text)
{
	json_t *array = json_array();

	while (*text != '\0') {
		size_t length = strcspn(text, ",");

		json_array_append_new(array, json_stringn(text, length));
		text += length;
		if (*text == ',')
			text++;
	}
	return array;
}

static json_t *json_from_text(const struct field *field, const char *text)
{
	json_t *value = NULL;

	switch (field->type) {
	case FIELD_INT:
	case FIELD_PROTO:
	case FIELD_PORT_RANGE:
	case FIELD_GROUP_REF:
		value = number_from_text(text);
		break;
	case FIELD_BOOL:
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			value = json_boolean(text[0] == 't');
		break;
	case FIELD_ARRAY:
		if (text[0] != '[')
			return array_from_text(text);
		value = json_loads(text, 0, NULL);
		break;
	case FIELD_OBJECT:
	case FIELD_UNION:
	case FIELD_MAP:
	case FIELD_ANY:
		value = json_loads(text, JSON_DECODE_ANY, NULL);
		break;
	default:
		break;
	}
	return value != NULL ? value : json_string(text);
}

json_t *decode_text(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	json_t *raw = json_from_text(field, text);
	json_t *value;

	if (raw == NULL) {
		decode_invalid(err, path, "is not UTF-8");
		return NULL;
	}
	value = decode_value(field, raw, path, err);
	json_decref(raw);
	return value;
}
