/* SPDX-License-Identifier: BSD-3-Clause */
/* What no single field can tell. */
#include <string.h>

#include "ctrl/decode.h"
#include "ctrl/schema_tables.h"
#include "lib/addr.h"

static const char *text_of(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int invalid_field(struct error *err, const char *path, const char *name, const char *message)
{
	char where[POINTER_MAX];

	pointer_join(where, path, name);
	return decode_invalid(err, where, "%s", message);
}

static int gateway_check(json_t *object, const char *gateway_name, const char *subnet_name,
	const char *path, struct error *err)
{
	const char *gateway_text = text_of(object, gateway_name);
	const char *subnet_text = text_of(object, subnet_name);
	struct prefix subnet;
	struct ip gateway;

	if (gateway_text == NULL || subnet_text == NULL)
		return 0;
	if (ip_parse(gateway_text, &gateway) < 0 || prefix_parse(subnet_text, &subnet) < 0 ||
		!prefix_contains(&subnet, &gateway))
		return invalid_field(err, path, gateway_name, "is not inside the subnet");
	return 0;
}

int network_check(json_t *object, const char *path, struct error *err)
{
	bool tagged = strcmp(text_of(object, "encap"), "vlan") == 0;
	bool has_vlan = json_object_get(object, "vlan") != NULL;

	if (tagged && !has_vlan)
		return invalid_field(err, path, "vlan", "required with encap \"vlan\", and absent");
	if (!tagged && has_vlan)
		return invalid_field(err, path, "vlan", "goes with encap \"vlan\" alone");
	if (gateway_check(object, "gateway", "subnet", path, err) < 0)
		return -1;
	return gateway_check(object, "gateway6", "subnet6", path, err);
}

int vhost_user_check(json_t *object, const char *path, struct error *err)
{
	static const char *const of_server[] = {"uid", "gid", "perm"};

	if (strcmp(text_of(object, "mode"), "server") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(of_server) / sizeof(of_server[0]); i++) {
		if (json_object_get(object, of_server[i]) != NULL)
			return invalid_field(
				err, path, of_server[i], "goes with mode \"server\" alone");
	}
	return 0;
}

int endpoint_check(json_t *object, const char *path, struct error *err)
{
	json_t *ips = json_object_get(object, "ips");
	char list[POINTER_MAX];
	char where[POINTER_MAX];

	for (size_t i = 1; i < json_array_size(ips); i++) {
		for (size_t j = 0; j < i; j++) {
			if (!json_equal(json_array_get(ips, i), json_array_get(ips, j)))
				continue;
			pointer_join(list, path, "ips");
			pointer_index(where, list, i);
			return decode_invalid(err, where, "is there twice");
		}
	}
	return 0;
}

int rule_check(json_t *object, const char *path, struct error *err)
{
	json_t *proto = json_object_get(object, "proto");
	const char *name = json_string_value(proto);

	if (json_object_get(object, "port") == NULL)
		return 0;
	if (name != NULL &&
		(strcmp(name, "tcp") == 0 || strcmp(name, "udp") == 0 || strcmp(name, "sctp") == 0))
		return 0;
	return invalid_field(err, path, "port", "goes with proto tcp, udp or sctp alone");
}
