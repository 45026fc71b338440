/* SPDX-License-Identifier: BSD-3-Clause */
/* The object types: network, uplink, group, endpoint, remote_endpoint, rule, global. */
#include "ctrl/limits.h"
#include "ctrl/schema.h"
#include "ctrl/schema_tables.h"

#define ENFORCED(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct field ip_element = {.type = FIELD_IP, .doc = "An IPv4 or IPv6 address."};

/* network */

static const struct field network_fields[] = {
	FIELDS_COMMON("network"),
	{"tenant", FIELD_ID, .fallback = "\"default\"", .doc = "Whose network it is."},
	{"encap", FIELD_ENUM, .values = VALUES("vlan", "vxlan", "none"), .fallback = "\"vlan\"",
		.enforced = ENFORCED("\"vlan\"", "\"none\""),
		.doc = "How its frames are told apart on uplinks; `none` is untagged."},
	{"vlan", FIELD_INT, .min = 1, .max = 4094,
		.doc = "The 802.1Q tag of its frames on uplinks; needed with encap `vlan`, and "
		       "only there."},
	{"vni", FIELD_INT, FIELD_LATER, .min = 1, .max = 16777215,
		.doc = "VXLAN network identifier."},
	{"subnet", FIELD_PREFIX, .min = 4, .max = 4, .doc = "Its IPv4 prefix, as 10.1.0.0/16."},
	{"gateway", FIELD_IP, .min = 4, .max = 4, .doc = "The IPv4 gateway inside `subnet`."},
	{"subnet6", FIELD_PREFIX, .min = 6, .max = 6, .doc = "Its IPv6 prefix, as 2001:db8::/64."},
	{"gateway6", FIELD_IP, .min = 6, .max = 6, .doc = "The IPv6 gateway."},
	{"mtu", FIELD_INT, .min = LIMIT_MTU_MIN, .max = LIMIT_MTU_MAX, .fallback = "1500",
		.doc = "Largest packet in bytes from the layer-3 header on; a longer one is "
		       "dropped as "
		       "`mtu_exceeded`."},
	{"arp", FIELD_ENUM, .values = VALUES("flood", "proxy"),
		.doc = "ARP requests and neighbour solicitations for `ips` of its endpoints and "
		       "remote endpoints: `flood` lets them cross, `proxy` has the switch answer "
		       "them. Absent: as `global.arp`."},
	{"snooping", FIELD_BOOL, .fallback = "false",
		.doc = "Whether IP multicast goes only to endpoints that have joined its group by "
		       "IGMP or MLD, to routers and to uplinks, while a querier is heard; else to "
		       "all."},
	FIELDS_END,
};

static const struct object_schema network_schema = {
	.name = "network",
	.doc = "An L2 domain. Two networks never see each other's frames, even with the same MACs "
	       "and IPs.",
	.fields = network_fields,
	.check = network_check,
};

/* uplink */

/* On an endpoint and on an uplink. */
#define FIELDS_FLOODS                                                                              \
	{"broadcast_pps", FIELD_INT, .min = 0, .max = LIMIT_PPS, .fallback = "0",                  \
		.doc = "Frames a second to the broadcast MAC; more are dropped as "                \
		       "`broadcast_rate`. 0: no limit."},                                          \
		{"multicast_pps", FIELD_INT, .min = 0, .max = LIMIT_PPS, .fallback = "0",          \
			.doc = "Frames a second to other group MACs; more are dropped as "         \
			       "`multicast_rate`. 0: no limit."},                                  \
	{                                                                                          \
		"unknown_unicast_pps", FIELD_INT,                                                  \
			.min = 0, .max = LIMIT_PPS, .fallback = "0",                               \
			.doc = "Frames a second to MACs that nobody is known by, where several "   \
			       "ports get them; more are dropped as `unknown_unicast_rate`. 0: "   \
			       "no limit."                                                         \
	}

#define RATE_KBPS(name, text)                                                                      \
	{                                                                                          \
		name, FIELD_INT, .min = 0, .max = LIMIT_KBPS, .fallback = "0", .doc = text         \
	}

static const struct field uplink_guard_fields[] = {FIELDS_FLOODS, FIELDS_END};
static const struct object_schema uplink_guard_schema = {
	.name = "guard",
	.doc = "Storm control of an uplink.",
	.fields = uplink_guard_fields,
};

static const struct field uplink_fields[] = {
	FIELDS_COMMON("uplink"),
	{"device", FIELD_UNION, FIELD_REQUIRED, .variants = device_variants,
		.doc = "The device behind it."},
	{"mtu", FIELD_INT, .min = LIMIT_MTU_MIN, .max = LIMIT_MTU_MAX, .fallback = "1500",
		.doc = "Largest packet in bytes from the layer-3 header on, VLAN tag not counted."},
	FIELD_QUEUES,
	RATE_KBPS("capacity_kbps",
		"What may go out by it, in 1000 bit/s of layer-2 frames without tag, preamble and "
		"FCS: a little less than the wire gives. Endpoints that want more share it by "
		"`qos.min_kbps` and `qos.weight`, and wait for it. 0: not known, all goes to the "
		"device at once."),
	{"guard", FIELD_OBJECT, .object = &uplink_guard_schema, .fallback = "{}",
		.doc = "Storm control: how much may come in by it for several at once, of all "
		       "networks together."},
	FIELDS_END,
};

static const struct object_schema uplink_schema = {
	.name = "uplink",
	.doc = "A trunk to the outside: it carries every network's VLAN. A frame with a VLAN of no "
	       "network "
	       "is dropped, counted as `unknown_vlan`.",
	.fields = uplink_fields,
};

/* qos, guard */

#define BURST_KBIT(name, text)                                                                     \
	{                                                                                          \
		name, FIELD_INT, .min = 0, .max = LIMIT_BURST_KBIT, .fallback = "0", .doc = text   \
	}

static const struct field qos_fields[] = {
	RATE_KBPS("tx_kbps", "What the container sends, in 1000 bit/s of layer-2 frames without "
			     "preamble and FCS. 0: no limit."),
	BURST_KBIT("tx_burst_kbit",
		"Burst on top of `tx_kbps` in 1000 bit. 0: 200 ms of the rate, at "
		"least 1000 kbit, which a 64 KB segment needs; with `shape` 5 ms and a frame."),
	RATE_KBPS("rx_kbps", "What it receives, as `tx_kbps`."),
	BURST_KBIT("rx_burst_kbit", "Burst on top of `rx_kbps`, as `tx_burst_kbit`."),
	{"tx_pps", FIELD_INT, .min = 0, .max = LIMIT_PPS, .fallback = "0",
		.doc = "What it sends, in frames a second. 0: no limit."},
	{"rx_pps", FIELD_INT, .min = 0, .max = LIMIT_PPS, .fallback = "0",
		.doc = "What it receives, in frames a second. 0: no limit."},
	RATE_KBPS("min_kbps",
		"Share of every uplink's `capacity_kbps` kept for this endpoint, in 1000 "
		"bit/s. More than an uplink has: EXHAUSTED; an uplink without a capacity, "
		"or none at all: DEPENDENCY."),
	{"mode", FIELD_ENUM, .values = VALUES("police", "shape"), .fallback = "\"police\"",
		.doc = "What happens above the rate: `police` drops, `shape` lets wait, for a few "
		       "milliseconds, then marks or drops."},
	{"dscp", FIELD_INT, .min = 0, .max = 63,
		.doc = "DSCP written into the IP packets that the container sends, ECN kept; "
		       "absent: left as it is."},
	{"pcp", FIELD_INT, .min = 0, .max = 7,
		.doc = "802.1p priority of what it sends, in its network's tag on uplinks; absent: "
		       "0. Tags inside are left as they are."},
	{"weight", FIELD_INT, .min = 1, .max = LIMIT_WEIGHT, .fallback = "1",
		.doc = "Share of what it sends among endpoints that compete, for an uplink's "
		       "capacity beyond what is kept, or for a worker."},
	FIELDS_END,
};

static const struct object_schema qos_schema = {
	.name = "qos",
	.doc = "Rates of one endpoint. On a group it is the default for each of its endpoints; on "
	       "an "
	       "endpoint it replaces it as a whole.",
	.fields = qos_fields,
};

static const struct field guard_fields[] = {
	{"spoof", FIELD_BOOL, .fallback = "true",
		.doc = "Only its own MAC as source, and its own addresses where `ips` is not "
		       "empty, "
		       "ARP and neighbour discovery included."},
	{"macs", FIELD_INT, .min = 0, .max = LIMIT_GUARD_MACS, .fallback = "1",
		.doc = "Source addresses learned on the port."},
	{"dhcp_server", FIELD_BOOL, .fallback = "false",
		.doc = "Whether it may speak as a DHCP server, of IPv4 or IPv6; else that is "
		       "dropped as `dhcp_guard`."},
	{"router", FIELD_BOOL, .fallback = "false",
		.doc = "Whether it may act as a router: send router advertisements and redirects, "
		       "of IPv4 or IPv6, else dropped as `ra_guard`, and queries of IGMP and MLD "
		       "and "
		       "PIM hellos, else dropped as `querier_guard`."},
	FIELDS_FLOODS,
	FIELDS_END,
};

static const struct object_schema guard_schema = {
	.name = "guard",
	.doc = "What the switch does not let an endpoint send.",
	.fields = guard_fields,
};

/* group */

static const struct field group_fields[] = {
	FIELDS_COMMON("group"),
	{"tenant", FIELD_ID, .fallback = "\"default\"", .doc = "Whose group it is."},
	{"num", FIELD_INT, .min = 0, .max = 65535, .fallback = "0",
		.doc = "Contiv's number of the group, unique in its tenant; 0: none."},
	{"network", FIELD_ID, .refers = "network", .doc = "The network its endpoints are in."},
	{"default_action", FIELD_ENUM, .values = VALUES("allow", "deny"), .fallback = "\"allow\"",
		.doc = "What happens to a connection that no rule of the group matches."},
	{"qos", FIELD_OBJECT, .object = &qos_schema, .doc = "Default for each of its endpoints."},
	FIELDS_END,
};

static const struct object_schema group_schema = {
	.name = "group",
	.doc = "Endpoints that share policy and QoS values.",
	.fields = group_fields,
};

/* endpoint */

#define FIELD_TAKEOVER                                                                             \
	{                                                                                          \
		"takeover", FIELD_BOOL, FIELD_TRANSIENT,                                           \
			.fallback = "false",                                                       \
			.doc = "Where another endpoint of the network holds the same MAC or "      \
			       "address: delete that one in the same commit, instead of "          \
			       "CONFLICT. "                                                        \
			       "It must have the same owner."                                      \
	}

static const struct field endpoint_fields[] = {
	FIELDS_COMMON("endpoint"),
	{"network", FIELD_ID, FIELD_REQUIRED, .refers = "network", .doc = "The network it is in."},
	{"group", FIELD_ID, .refers = "group",
		.doc = "The group whose rules and QoS it has; without one it is not judged."},
	{"mac", FIELD_MAC, FIELD_UNICAST,
		.doc = "Its MAC; absent: a locally administered one made from the id, always the "
		       "same."},
	{"ips", FIELD_ARRAY, .min = 0, .max = LIMIT_ENDPOINT_IPS, .element = &ip_element,
		.fallback = "[]", .doc = "Its IPv4 and IPv6 addresses."},
	{"port", FIELD_UNION, FIELD_REQUIRED, .variants = port_variants,
		.doc = "Where it is attached."},
	{"qos", FIELD_OBJECT, .object = &qos_schema, .doc = "Its rates, in place of its group's."},
	{"guard", FIELD_OBJECT, .object = &guard_schema, .fallback = "{}",
		.doc = "What it may not send."},
	FIELD_TAKEOVER,
	FIELDS_END,
};

static const struct object_schema endpoint_schema = {
	.name = "endpoint",
	.doc = "A container or VM on this host. With no `ips` and spoof guard off it is an L2 port "
	       "whose "
	       "MACs are learned.",
	.fields = endpoint_fields,
	.check = endpoint_check,
};

/* remote_endpoint */

static const struct field remote_endpoint_fields[] = {
	FIELDS_COMMON("remote_endpoint"),
	{"network", FIELD_ID, FIELD_REQUIRED, .refers = "network", .doc = "The network it is in."},
	{"group", FIELD_ID, .refers = "group", .doc = "The group that rules see it in."},
	{"mac", FIELD_MAC, FIELD_REQUIRED | FIELD_UNICAST, .doc = "Its MAC."},
	{"ips", FIELD_ARRAY, .min = 0, .max = LIMIT_ENDPOINT_IPS, .element = &ip_element,
		.fallback = "[]", .doc = "Its IPv4 and IPv6 addresses."},
	{"vtep", FIELD_IP, FIELD_LATER, .doc = "Its host's tunnel address."},
	FIELD_TAKEOVER,
	FIELDS_END,
};

static const struct object_schema remote_endpoint_schema = {
	.name = "remote_endpoint",
	.doc = "An endpoint on another host; gives rules its group.",
	.fields = remote_endpoint_fields,
	.check = endpoint_check,
};

/* rule */

static const struct field rule_remote_fields[] = {
	{"group", FIELD_ID, .refers = "group", .doc = "The endpoints of that group."},
	{"network", FIELD_ID, .refers = "network", .doc = "The subnets of that network."},
	{"cidr", FIELD_PREFIX, .doc = "An IPv4 or IPv6 prefix."},
	FIELDS_END,
};
static const struct object_schema rule_remote_schema = {
	.name = "remote",
	.doc = "The other side: exactly one of these.",
	.fields = rule_remote_fields,
	.flags = OBJECT_EXACTLY_ONE,
};

#define TCP_FLAG_VALUES VALUES("", "syn", "syn,ack", "ack", "syn,!ack", "!syn,ack")

static const struct field rule_fields[] = {
	FIELDS_COMMON("rule"),
	{"priority", FIELD_INT, .min = 1, .max = 100, .fallback = "1",
		.doc = "Higher first; at equal priority deny before allow, then by id."},
	{"action", FIELD_ENUM, FIELD_REQUIRED, .values = VALUES("allow", "deny"),
		.doc = "What happens to what it matches."},
	{"log", FIELD_BOOL, .fallback = "false",
		.doc = "Whether events `rule.log` tell of the connections it lets begin and the "
		       "packets it refuses: some of them, and how many were left out."},
	{"group", FIELD_ID, .refers = "group",
		.doc = "The group it belongs to, needed in the policy form; while there is none of "
		       "that id it matches nothing."},
	{"direction", FIELD_ENUM, .values = VALUES("in", "out"),
		.doc = "Connections to the group's endpoints, or from them; needed in the policy "
		       "form."},
	{"proto", FIELD_PROTO, .fallback = "0", .doc = "IP protocol; 0: any."},
	{"port", FIELD_PORT_RANGE, .min = 0, .max = 65535,
		.doc = "The connection's destination port or ports, with tcp, udp and sctp only."},
	{"remote", FIELD_OBJECT, .object = &rule_remote_schema,
		.doc = "The other side; absent: any."},
	{"leg", FIELD_ENUM, .values = VALUES("inRx", "inTx", "outTx", "outRx"),
		.doc = "Makes it a rule of the Contiv form: which leg of a policy's rule it is. "
		       "The strict mode judges by `inRx` and `outTx` alone."},
	{"src_group", FIELD_GROUP_REF, .refers = "group",
		.doc = "With a leg: the source's group; absent, 0 or null: any."},
	{"dst_group", FIELD_GROUP_REF, .refers = "group",
		.doc = "With a leg: the destination's group; absent, 0 or null: any."},
	{"src_ip", FIELD_PREFIX, .min = 4, .max = 4,
		.doc = "With a leg: the source's IPv4 prefix."},
	{"dst_ip", FIELD_PREFIX, .min = 4, .max = 4,
		.doc = "With a leg: the destination's IPv4 prefix."},
	{"src_port", FIELD_PORT_RANGE, .min = 0, .max = 65535,
		.doc = "With a leg: source port or ports, with tcp, udp and sctp only; 0: any."},
	{"dst_port", FIELD_PORT_RANGE, .min = 0, .max = 65535,
		.doc = "With a leg: destination port or ports, as `src_port`."},
	{"tcp_flags", FIELD_ENUM, .values = TCP_FLAG_VALUES,
		.doc = "With a leg and proto tcp: flags that are set, or with ! clear; empty: "
		       "any."},
	FIELDS_END,
};

static const struct object_schema rule_schema = {
	.name = "rule",
	.doc = "Allows or denies. Either of the policy form, with `group` and `direction`, or of "
	       "the Contiv form, with `leg`. How they are enforced is `global.policy_mode`.",
	.fields = rule_fields,
	.check = rule_check,
};

/* global */

static const struct field global_fields[] = {
	FIELDS_OWNED,
	{"policy_mode", FIELD_ENUM, .values = VALUES("strict", "contiv"), .fallback = "\"strict\"",
		.doc = "How rules are enforced: `strict` remembers connections and judges both "
		       "sides of each; `contiv` judges each IPv4 packet of an endpoint by all "
		       "rules together, as Contiv's Open vSwitch backend does."},
	{"arp", FIELD_ENUM, .values = VALUES("flood", "proxy"), .fallback = "\"flood\"",
		.doc = "What holds for networks that do not say `arp` themselves."},
	{"mac_age_s", FIELD_INT, .min = LIMIT_MAC_AGE_MIN_S, .max = LIMIT_MAC_AGE_MAX_S,
		.fallback = "300", .doc = "Seconds after which a learned MAC is forgotten."},
	{"tcp_midstream", FIELD_ENUM, .values = VALUES("judge", "drop"), .fallback = "\"judge\"",
		.doc = "A TCP segment of no known connection is judged as the first of a new one, "
		       "or "
		       "dropped."},
	{"host", FIELD_STRING, .min = 1, .max = 253,
		.doc = "This host's name, kept and given back."},
	FIELDS_END,
};

static const struct object_schema global_schema = {
	.name = "global",
	.doc = "Settings of the switch as a whole.",
	.fields = global_fields,
};

static const struct object_schema *const objects[OBJECT_TYPES] = {
	[OBJECT_GLOBAL] = &global_schema,
	[OBJECT_NETWORK] = &network_schema,
	[OBJECT_UPLINK] = &uplink_schema,
	[OBJECT_GROUP] = &group_schema,
	[OBJECT_ENDPOINT] = &endpoint_schema,
	[OBJECT_REMOTE_ENDPOINT] = &remote_endpoint_schema,
	[OBJECT_RULE] = &rule_schema,
};

const struct object_schema *schema_object(enum object_type type)
{
	return objects[type];
}
