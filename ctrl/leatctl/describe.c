/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/leatctl/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct walk {
	void (*each)(const struct described *d, void *arg);
	void *arg;
};

static void fields_walk(const struct walk *walk, const struct object_schema *schema,
	const char *prefix, const char *kind);

static void union_walk(const struct walk *walk, const struct field *field, const char *name)
{
	char kind_name[DESCRIBE_NAME_MAX + sizeof(".kind")];
	struct described d = {.name = kind_name, .field = field};

	snprintf(kind_name, sizeof(kind_name), "%s.kind", name);
	walk->each(&d, walk->arg);
	for (const struct variant *v = field->variants; v->kind != NULL; v++)
		fields_walk(walk, v->object, name, v->kind);
}

static void fields_walk(const struct walk *walk, const struct object_schema *schema,
	const char *prefix, const char *kind)
{
	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		char name[DESCRIBE_NAME_MAX];
		struct described d = {.name = name, .field = f, .kind = kind};

		snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".",
			f->name);
		if (f->type == FIELD_OBJECT)
			fields_walk(walk, f->object, name, kind);
		else if (f->type == FIELD_UNION)
			union_walk(walk, f, name);
		else
			walk->each(&d, walk->arg);
	}
}

void describe_fields(const struct object_schema *schema,
	void (*each)(const struct described *d, void *arg), void *arg)
{
	struct walk walk = {.each = each, .arg = arg};

	fields_walk(&walk, schema, "", NULL);
}

/* Printed text behind what is there, cut off where there is no more room. */
#define APPEND(ret, ...) snprintf((ret) + strlen(ret), DESCRIBE_MAX - strlen(ret), __VA_ARGS__)

/* "a, b or c" */
static void append_choice(char ret[static DESCRIBE_MAX], size_t i, bool is_last, const char *text)
{
	APPEND(ret, "%s%s",
		i == 0	  ? ""
		: is_last ? " or "
			  : ", ",
		text[0] == '\0' ? "empty" : text);
}

static void describe_text(const struct field *field, char ret[static DESCRIBE_MAX])
{
	static const char *const formats[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_OWNER] = "text of [A-Za-z0-9._:/-]",
		[FORMAT_PATH] = "absolute path",
		[FORMAT_IFNAME] = "interface name",
		[FORMAT_PCI_ADDRESS] = "PCI address",
	};

	APPEND(ret, "%s, ", formats[field->format]);
	if (field->min > 0)
		APPEND(ret, "%" PRId64 "..%" PRId64 " bytes", field->min, field->max);
	else
		APPEND(ret, "up to %" PRId64 " bytes", field->max);
}

static void describe_range(const struct field *field, char ret[static DESCRIBE_MAX])
{
	if (field->max == INT64_MAX)
		APPEND(ret, "integer from %" PRId64, field->min);
	else
		APPEND(ret, "integer %" PRId64 "..%" PRId64, field->min, field->max);
}

static const char *family_name(const struct field *field)
{
	return field->max == 0 ? "IPv4 or IPv6" : field->max == 4 ? "IPv4" : "IPv6";
}

static void describe_list(const struct field *field, char ret[static DESCRIBE_MAX])
{
	char element[DESCRIBE_MAX];

	describe_type(field->element, element);
	APPEND(ret, "list of %s%" PRId64 ": %s", field->min > 0 ? "1.." : "up to ", field->max,
		element);
}

static void describe_choice(const struct field *field, char ret[static DESCRIBE_MAX])
{
	if (field->type == FIELD_ENUM) {
		for (size_t i = 0; field->values[i] != NULL; i++)
			append_choice(ret, i, field->values[i + 1] == NULL, field->values[i]);
		return;
	}
	for (size_t i = 0; field->variants[i].kind != NULL; i++)
		append_choice(ret, i, field->variants[i + 1].kind == NULL, field->variants[i].kind);
}

void describe_type(const struct field *field, char ret[static DESCRIBE_MAX])
{
	ret[0] = '\0';
	switch (field->type) {
	case FIELD_STRING:
		describe_text(field, ret);
		break;
	case FIELD_ID:
		APPEND(ret, "id%s%s", field->refers != NULL ? " of type " : "",
			field->refers != NULL ? field->refers : "");
		break;
	case FIELD_INT:
		describe_range(field, ret);
		break;
	case FIELD_BOOL:
		APPEND(ret, "true or false");
		break;
	case FIELD_ENUM:
	case FIELD_UNION:
		describe_choice(field, ret);
		break;
	case FIELD_MAC:
		APPEND(ret, "%sMAC", field->flags & FIELD_UNICAST ? "unicast " : "");
		break;
	case FIELD_IP:
		APPEND(ret, "%s address", family_name(field));
		break;
	case FIELD_PREFIX:
		APPEND(ret, "%s prefix", family_name(field));
		break;
	case FIELD_PORT_RANGE:
		APPEND(ret, "0..65535, or a range as 8000-8080");
		break;
	case FIELD_PROTO:
		APPEND(ret, "0..255, tcp, udp, icmp, icmp6 or sctp");
		break;
	case FIELD_GROUP_REF:
		APPEND(ret, "id, or number 0..65535");
		break;
	case FIELD_FILE_MODE:
		APPEND(ret, "octal text, 0..0777");
		break;
	case FIELD_ARRAY:
		describe_list(field, ret);
		break;
	case FIELD_MAP:
		APPEND(ret, "object of up to %" PRId64 " strings", field->max);
		break;
	case FIELD_OBJECT:
		APPEND(ret, "object");
		break;
	case FIELD_ANY:
		APPEND(ret, "JSON");
		break;
	}
}

void describe_presence(const struct field *field, char ret[static DESCRIBE_MAX])
{
	ret[0] = '\0';
	if (field->flags & FIELD_LATER) {
		APPEND(ret, "not enforced yet");
		return;
	}
	if (field->flags & FIELD_REQUIRED)
		APPEND(ret, "required");
	else if (field->fallback != NULL && field->type != FIELD_UNION)
		APPEND(ret, "default %s", field->fallback);
	for (size_t i = 0; field->enforced != NULL && field->enforced[i] != NULL; i++)
		APPEND(ret, "%s%s",
			i > 0		 ? ", "
			: ret[0] != '\0' ? "; only "
					 : "only ",
			field->enforced[i]);
	if (field->enforced != NULL)
		APPEND(ret, " enforced yet");
}
