/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/limits.h"
#include "lib/addr.h"
#include "lib/alloc.h"

#define GLOBAL_ID "global"

void object_name(enum object_type type, const char *id, char text[static OBJECT_NAME_MAX])
{
	if (type == OBJECT_GLOBAL)
		snprintf(text, OBJECT_NAME_MAX, "%s", object_type_name(type));
	else
		snprintf(text, OBJECT_NAME_MAX, "%s:%s", object_type_name(type), id);
}

/*
 * A MAC that is the same at every start: 02 (locally administered, one interface's) and 40 bits of
 * the id's 64-bit FNV-1a, mixed (by MurmurHash3's finalizer) so that like ids get unlike MACs.
 */
static json_t *mac_of_id(const char *id)
{
	uint64_t hash = 0xcbf29ce484222325u;
	char text[MAC_TEXT_LEN];
	struct mac mac = {{0x02}};

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * 0x100000001b3u;
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
	hash ^= hash >> 33;
	for (int i = 1; i < MAC_LEN; i++)
		mac.b[i] = (uint8_t)(hash >> (8 * (MAC_LEN - 1 - i)));
	mac_format(&mac, text);
	return json_string(text);
}

static void burst_complete(json_t *qos, const char *rate_name, const char *burst_name)
{
	json_int_t kbps = json_integer_value(json_object_get(qos, rate_name));
	json_int_t burst = json_integer_value(json_object_get(qos, burst_name));

	if (kbps == 0 || burst != 0)
		return;
	burst = kbps * BURST_DEFAULT_MS / 1000;
	if (burst < BURST_DEFAULT_MIN_KBIT)
		burst = BURST_DEFAULT_MIN_KBIT;
	json_object_set_new(qos, burst_name, json_integer(burst));
}

static json_t *qos_complete(json_t *decoded)
{
	json_t *qos = json_copy(decoded);

	burst_complete(qos, "tx_kbps", "tx_burst_kbit");
	burst_complete(qos, "rx_kbps", "rx_burst_kbit");
	return qos;
}

static json_t *body_build(enum object_type type, json_t *decoded, const char *default_owner)
{
	json_t *body = json_object();

	for (const struct field *f = schema_object(type)->fields; f->name != NULL; f++) {
		json_t *value = json_object_get(decoded, f->name);

		if (f->flags & FIELD_TRANSIENT)
			continue;
		if (strcmp(f->name, "qos") == 0 && value != NULL)
			json_object_set_new(body, f->name, qos_complete(value));
		else if (value != NULL)
			json_object_set(body, f->name, value);
		else if (strcmp(f->name, "owner") == 0)
			json_object_set_new(body, f->name, json_string(default_owner));
		else if (strcmp(f->name, "mac") == 0)
			json_object_set_new(body, f->name,
				mac_of_id(json_string_value(json_object_get(decoded, "id"))));
	}
	return body;
}

struct object *object_new(enum object_type type, json_t *decoded, const char *default_owner)
{
	struct object *object = alloc_zero(1, sizeof(*object));
	const char *id = json_string_value(json_object_get(decoded, "id"));

	object->type = type;
	object->refs = 1;
	object->id = alloc_strdup(id != NULL ? id : GLOBAL_ID);
	object->body = body_build(type, decoded, default_owner);
	object->owner = json_string_value(json_object_get(object->body, "owner"));
	object_typed_init(object);
	object_claims_init(object);
	return object;
}

struct object *object_ref(struct object *object)
{
	object->refs++;
	return object;
}

void object_unref(struct object *object)
{
	if (object == NULL || --object->refs > 0)
		return;
	object_claims_fini(object);
	object_typed_fini(object);
	json_decref(object->body);
	free(object->id);
	free(object);
}

static int reference_call(
	enum object_type type, const char *id, bool hard, reference_fn *fn, void *ctx)
{
	return id == NULL ? 0 : fn(type, id, hard, ctx);
}

static int member_references(const char *network, const char *group, reference_fn *fn, void *ctx)
{
	int result = reference_call(OBJECT_NETWORK, network, true, fn, ctx);

	return result != 0 ? result : reference_call(OBJECT_GROUP, group, false, fn, ctx);
}

static int rule_references(const struct rule *rule, reference_fn *fn, void *ctx)
{
	const char *const groups[] = {
		rule->group, rule->match.src_group.id, rule->match.dst_group.id};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int result = reference_call(OBJECT_GROUP, groups[i], false, fn, ctx);

		if (result != 0)
			return result;
	}
	if (rule->remote_kind == REMOTE_GROUP)
		return reference_call(OBJECT_GROUP, rule->remote, false, fn, ctx);
	if (rule->remote_kind == REMOTE_NETWORK)
		return reference_call(OBJECT_NETWORK, rule->remote, false, fn, ctx);
	return 0;
}

int object_references(const struct object *object, reference_fn *fn, void *ctx)
{
	switch (object->type) {
	case OBJECT_GROUP:
		return reference_call(OBJECT_NETWORK, object->as.group.network, false, fn, ctx);
	case OBJECT_ENDPOINT:
		return member_references(
			object->as.endpoint.network, object->as.endpoint.group, fn, ctx);
	case OBJECT_REMOTE_ENDPOINT:
		return member_references(object->as.remote_endpoint.network,
			object->as.remote_endpoint.group, fn, ctx);
	case OBJECT_RULE:
		return rule_references(&object->as.rule, fn, ctx);
	default:
		return 0;
	}
}
