/* SPDX-License-Identifier: BSD-3-Clause */
/* system.* and log.set */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ctrl/commit.h"
#include "ctrl/decode.h"
#include "ctrl/limits.h"
#include "ctrl/rpc/methods.h"
#include "lib/alloc.h"
#include "lib/clock.h"

#ifndef LEAT_RELEASE
#error "the build defines LEAT_RELEASE"
#endif

void boot_id_make(char boot_id[static BOOT_ID_LEN])
{
	unsigned char random[(BOOT_ID_LEN - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort(); /* not with 16 bytes and no flags: getrandom(2) */
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(boot_id + 2 * i, 3, "%02x", random[i]);
}

static json_t *limits_to_json(void)
{
	return json_pack("{s:I, s:i, s:i, s:i, s:I, s:i, s:i, s:i, s:i}", "line_bytes",
		(json_int_t)LIMIT_LINE_BYTES, "nesting", LIMIT_NESTING, "clients", LIMIT_CLIENTS,
		"requests_in_flight", LIMIT_CLIENT_REQUESTS, "output_bytes",
		(json_int_t)LIMIT_OUTPUT_BYTES, "txn_ops", LIMIT_TXN_OPS, "list_items",
		LIMIT_LIST_ITEMS, "id_chars", LIMIT_ID_CHARS, "endpoint_ips", LIMIT_ENDPOINT_IPS);
}

static void capability_add(json_t *list, const char *name)
{
	json_t *known;
	size_t i;

	json_array_foreach (list, i, known) {
		if (strcmp(json_string_value(known), name) == 0)
			return;
	}
	json_array_append_new(list, json_string(name));
}

/* The kinds of a union that are there. */
static void kinds_add(json_t *list, enum object_type type, const char *field)
{
	const struct variant *v = schema_field(schema_object(type), field)->variants;

	for (; v->kind != NULL; v++) {
		if (!v->later)
			capability_add(list, v->kind);
	}
}

static void policy_modes_add(json_t *list)
{
	const char *const *mode = schema_field(schema_object(OBJECT_GLOBAL), "policy_mode")->values;

	for (; *mode != NULL; mode++) {
		char *name = alloc_printf("policy-%s", *mode);

		capability_add(list, name);
		free(name);
	}
}

/* What can be seen in the schema is told by the schema. */
static json_t *capabilities_to_json(void)
{
	static const char *const others[] = {"vlan", "ipv6-policy", "qos-police", "qos-marking",
		"qos-shape", "spoof-guard", "dhcp-guard", "ra-guard", "storm-control", "rule-log",
		"trace", "events", "resync", "garp", "stages"};
	json_t *list = json_array();

	kinds_add(list, OBJECT_ENDPOINT, "port");
	kinds_add(list, OBJECT_UPLINK, "device");
	policy_modes_add(list);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		capability_add(list, others[i]);
	return list;
}

json_t *system_hello(const struct call *call, struct failure *failure)
{
	const char *owner = json_string_value(json_object_get(call->params, "owner"));
	json_t *api = json_object_get(call->params, "api");
	json_int_t min = json_integer_value(json_object_get(api, "min"));
	json_int_t max = json_integer_value(json_object_get(api, "max"));

	if (api != NULL && (min > PROTOCOL_VERSION || max < PROTOCOL_VERSION)) {
		error_set(&failure->error, LEAT_VERSION,
			"the switch speaks version %d of the protocol, the client "
			"%" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT,
			PROTOCOL_VERSION, min, max);
		return NULL;
	}
	if (owner != NULL) {
		free(call->session->owner);
		call->session->owner = alloc_strdup(owner);
	}
	return json_pack("{s:i, s:{s:s, s:s, s:s}, s:s, s:I, s:s, s:o, s:o}", "api",
		PROTOCOL_VERSION, "server", "name", "leatd", "version", LEAT_RELEASE, "dpdk",
		call->ctx->dpdk_version, "boot_id", call->ctx->boot_id, "rev",
		(json_int_t)model_rev(call->ctx->model), "config_source", call->ctx->config_source,
		"capabilities", capabilities_to_json(), "limits", limits_to_json());
}

json_t *system_ping(const struct call *call, struct failure *failure)
{
	(void)call;
	(void)failure;
	return json_pack("{s:I}", "ts_ns", (json_int_t)clock_ns(CLOCK_REALTIME));
}

json_t *system_methods(const struct call *call, struct failure *failure)
{
	(void)call;
	(void)failure;
	return schema_methods_to_json();
}

json_t *system_schema(const struct call *call, struct failure *failure)
{
	(void)call;
	(void)failure;
	return schema_to_json();
}

static void ports_add(json_t *ports, const struct model *model, enum object_type type)
{
	size_t n;
	struct object *const *list = model_list(model, type, &n);

	for (size_t i = 0; i < n; i++) {
		json_t *entry = object_oper(model, list[i]);

		if (!json_is_object(entry)) {
			json_decref(entry);
			entry = json_object();
		}
		json_object_set_new(entry, "type", json_string(object_type_name(type)));
		json_object_set_new(entry, "id", json_string(list[i]->id));
		json_array_append_new(ports, entry);
	}
}

json_t *system_status(const struct call *call, struct failure *failure)
{
	struct rpc_context *ctx = call->ctx;
	json_t *ports = json_array();
	uint64_t uptime_ns = monotonic_ns() - ctx->started_ns;

	(void)failure;
	ports_add(ports, ctx->model, OBJECT_UPLINK);
	ports_add(ports, ctx->model, OBJECT_ENDPOINT);
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:i}", "workers", status_workers(), "memory",
		status_memory(), "ports", ports, "rev", (json_int_t)model_rev(ctx->model),
		"uptime_s", (json_int_t)(uptime_ns / CLOCK_NS_PER_S), "clients",
		(int)ctx->clients(ctx->daemon));
}

json_t *system_shutdown(const struct call *call, struct failure *failure)
{
	const char *confirm = json_string_value(json_object_get(call->params, "confirm"));

	if (strcmp(confirm, call->ctx->boot_id) != 0) {
		decode_invalid(&failure->error, "/confirm",
			"is not the boot_id of this daemon; system.hello tells it");
		return NULL;
	}
	log_info("asked to end by a client of owner \"%s\"", session_owner(call->session));
	call->ctx->shutdown(call->ctx->daemon);
	return json_object();
}

json_t *log_set(const struct call *call, struct failure *failure)
{
	const char *level_name = json_string_value(json_object_get(call->params, "level"));
	const char *module = json_string_value(json_object_get(call->params, "module"));
	enum log_level level = (enum log_level)log_level_find(level_name);

	(void)failure;
	if (strcmp(module, "dpdk") == 0)
		call->ctx->dpdk_log_level(level);
	else
		log_level_set(level);
	return json_object();
}
