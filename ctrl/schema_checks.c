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

/* The fields of the one form that are there are required, those of the other must not be. */
static int rule_form_check(json_t *object, const char *path, struct error *err)
{
	static const char *const of_policy[] = {"group", "direction", "port", "remote"};
	static const char *const of_leg[] = {
		"src_group", "dst_group", "src_ip", "dst_ip", "src_port", "dst_port", "tcp_flags"};
	bool leg = json_object_get(object, "leg") != NULL;

	for (size_t i = 0; i < sizeof(of_policy) / sizeof(of_policy[0]) && leg; i++)
		if (json_object_get(object, of_policy[i]) != NULL)
			return invalid_field(err, path, of_policy[i],
				"is of the policy form, and \"leg\" of the Contiv form");
	for (size_t i = 0; i < sizeof(of_leg) / sizeof(of_leg[0]) && !leg; i++)
		if (json_object_get(object, of_leg[i]) != NULL)
			return invalid_field(err, path, of_leg[i], "goes with \"leg\" alone");
	for (size_t i = 0; i < 2 && !leg; i++)
		if (json_object_get(object, of_policy[i]) == NULL)
			return invalid_field(
				err, path, of_policy[i], "required without \"leg\", and absent");
	return 0;
}

int rule_check(json_t *object, const char *path, struct error *err)
{
	static const char *const ports[] = {"port", "src_port", "dst_port"};
	const char *proto = json_string_value(json_object_get(object, "proto"));
	bool tcp = proto != NULL && strcmp(proto, "tcp") == 0;
	bool has_ports =
		tcp || (proto != NULL && (strcmp(proto, "udp") == 0 || strcmp(proto, "sctp") == 0));

	if (rule_form_check(object, path, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]) && !has_ports; i++) {
		json_t *port = json_object_get(object, ports[i]);

		/* With a leg 0 is any. */
		if (port != NULL &&
			(i == 0 || !json_is_integer(port) || json_integer_value(port) != 0))
			return invalid_field(
				err, path, ports[i], "goes with proto tcp, udp or sctp alone");
	}
	if (!tcp && json_string_length(json_object_get(object, "tcp_flags")) > 0)
		return invalid_field(err, path, "tcp_flags", "goes with proto tcp alone");
	return 0;
}
