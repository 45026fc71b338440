/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rule_events_json.h"

#include "ctrl/compile.h"
#include "ctrl/decode.h"

const char *rule_record_id(const struct names *now, const struct names *next, uint32_t index)
{
	const char *id = names_id(now, index);

	return id == NULL && next != NULL ? names_id(next, index) : id;
}

static void set_mac(json_t *data, const char *name, const struct mac *mac)
{
	char text[MAC_TEXT_LEN];

	mac_format(mac, text);
	json_object_set_new(data, name, json_string(text));
}

static void set_ip(json_t *data, const char *name, const struct ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	ip_format(ip, text);
	json_object_set_new(data, name, json_string(text));
}

/* Ports or ICMP's type and code, where the packet has them. */
static void set_l4(json_t *data, const struct rule_log_record *record)
{
	json_object_set_new(data, "proto", proto_to_json(record->proto));
	if (!record->has_l4)
		return;
	switch (record->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		json_object_set_new(data, "src_port", json_integer(record->src_port));
		json_object_set_new(data, "dst_port", json_integer(record->dst_port));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		json_object_set_new(data, "icmp_type", json_integer(record->icmp_type));
		json_object_set_new(data, "icmp_code", json_integer(record->icmp_code));
		break;
	default:
		break;
	}
}

static void set_name(json_t *data, const char *name, const char *id)
{
	if (id != NULL)
		json_object_set_new(data, name, json_string(id));
}

json_t *rule_record_json(const struct rule_log_record *record, const struct compile_names *now,
	const struct compile_names *next)
{
	json_t *data = json_pack("{s:s}", "verdict", record->allowed ? "allow" : "deny");

	set_name(data, "endpoint",
		rule_record_id(
			&now->endpoint, next != NULL ? &next->endpoint : NULL, record->port));
	set_name(data, "uplink",
		rule_record_id(&now->uplink, next != NULL ? &next->uplink : NULL, record->port));
	set_name(data, "network",
		rule_record_id(
			&now->network, next != NULL ? &next->network : NULL, record->network));
	set_mac(data, "src_mac", &record->src_mac);
	set_mac(data, "dst_mac", &record->dst_mac);
	set_ip(data, "src_ip", &record->src_ip);
	set_ip(data, "dst_ip", &record->dst_ip);
	set_l4(data, record);
	return data;
}
