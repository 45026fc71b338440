/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods: their params and what they give back. */
#include "ctrl/event_types.h"
#include "ctrl/limits.h"
#include "ctrl/schema.h"
#include "ctrl/schema_tables.h"

/* A params schema with its fields beside it. */
#define PARAMS(ident, ...)                                                                         \
	static const struct field ident##_fields[] = {__VA_ARGS__, FIELDS_END};                    \
	static const struct object_schema ident = {.name = #ident, .fields = ident##_fields}

static const struct field no_fields[] = {FIELDS_END};
static const struct object_schema no_params = {.name = "none", .fields = no_fields};

#define FIELD_THE_ID                                                                               \
	{                                                                                          \
		"id", FIELD_ID, FIELD_REQUIRED, .doc = "The object's id."                          \
	}
#define FIELD_OWNER(text)                                                                          \
	{                                                                                          \
		"owner", FIELD_STRING, .format = FORMAT_OWNER, .min = 1, .max = LIMIT_OWNER_CHARS, \
				       .doc = text                                                 \
	}
#define FIELD_TYPES(field, text)                                                                   \
	{                                                                                          \
		field, FIELD_ARRAY, .max = 64, .element = &type_element, .doc = text               \
	}

static const struct field type_element = {
	.type = FIELD_ENUM,
	.values = VALUES(
		"global", "network", "uplink", "group", "endpoint", "remote_endpoint", "rule"),
	.doc = "A type of objects.",
};
static const struct field id_element = {.type = FIELD_ID, .doc = "An id."};

/* system.* */

PARAMS(api_range,
	{"min", FIELD_INT, FIELD_REQUIRED, .min = 0, .max = 1000000,
		.doc = "Lowest protocol version the client speaks."},
	{"max", FIELD_INT, FIELD_REQUIRED, .min = 0, .max = 1000000, .doc = "Highest."});

PARAMS(hello_params, {"client", FIELD_STRING, .max = 255, .doc = "The client's name, for the log."},
	{"version", FIELD_STRING, .max = 255, .doc = "The client's version, for the log."},
	{"api", FIELD_OBJECT, .object = &api_range,
		.doc = "Versions of this protocol the client speaks; VERSION where none fits."},
	FIELD_OWNER("Owner of what this connection makes from now on; default \"local\"."));

PARAMS(shutdown_params, {"confirm", FIELD_STRING, FIELD_REQUIRED, .min = 1, .max = 63,
				.doc = "The boot_id of the daemon that is to end."});

/* <type>.* */

PARAMS(id_params, FIELD_THE_ID);

/* txn.apply, state.*, endpoint.retain */

PARAMS(txn_op,
	{"method", FIELD_STRING, FIELD_REQUIRED, .min = 1, .max = 63,
		.doc = "An upsert, a delete or global.set."},
	{"params", FIELD_ANY, .doc = "Its params."});

static const struct field op_element = {
	.type = FIELD_OBJECT, .object = &txn_op, .doc = "One change."};

PARAMS(txn_params,
	{"ops", FIELD_ARRAY, FIELD_REQUIRED, .max = LIMIT_TXN_OPS, .element = &op_element,
		.doc = "The changes; their order does not matter, one object has one at most."},
	{"if_rev", FIELD_INT, .min = 0, .max = INT64_MAX,
		.doc = "Only at this revision; else STALE_REVISION."},
	{"dry_run", FIELD_BOOL, .fallback = "false",
		.doc = "Check all that can be checked without a device, change nothing."},
	{"wait", FIELD_ENUM, .values = VALUES("dataplane"), .fallback = "\"dataplane\"",
		.doc = "The reply is sent when every worker forwards by the change."},
	{"deadline_ms", FIELD_INT, .min = 1, .max = LIMIT_DEADLINE_MS,
		.doc = "Bound of that wait in milliseconds, TIMEOUT after it; default 5000."});

PARAMS(state_get_params, FIELD_TYPES("types", "Only these; default: all."),
	FIELD_OWNER("Only this owner's objects."));

#define FIELDS_REPLACE                                                                             \
	FIELD_OWNER("Whose objects are replaced; default: the connection's."),                     \
		FIELD_TYPES("scope", "Only objects of these types are touched; default: all."),    \
		{"mode", FIELD_ENUM, .values = VALUES("apply", "plan"), .fallback = "\"apply\"",   \
			.doc = "`plan` changes nothing and tells what would."},                    \
		{"if_rev", FIELD_INT, .min = 0, .max = INT64_MAX,                                  \
			.doc = "Only at this revision; else STALE_REVISION."},                     \
		{"diff", FIELD_BOOL, .fallback = "false",                                          \
			.doc = "Tell each difference too, as the object before and after it."},    \
	{                                                                                          \
		"max_removed", FIELD_INT,                                                          \
			.min = 0, .max = INT64_MAX,                                                \
			.doc = "GUARD where more objects than this would go; default: no bound."   \
	}
#define FIELD_OBJECTS                                                                              \
	{                                                                                          \
		"objects", FIELD_ANY, FIELD_REQUIRED,                                              \
			.doc = "An array of objects a type, as state.get gives it."                \
	}

PARAMS(state_replace_params, FIELDS_REPLACE, FIELD_OBJECTS,
	{"rev", FIELD_INT, .min = 0, .max = INT64_MAX,
		.doc = "Ignored, so that a state.get result can be sent as it is."});
PARAMS(resync_begin_params, FIELDS_REPLACE);
PARAMS(resync_put_params, FIELD_OBJECTS);

PARAMS(retain_params, FIELD_OWNER("Whose endpoints; default: the connection's."),
	{"id_prefix", FIELD_STRING, .max = LIMIT_ID_CHARS, .fallback = "\"\"",
		.doc = "Only endpoints whose ids begin with this."},
	{"keep", FIELD_ARRAY, FIELD_REQUIRED, .max = LIMIT_KEEP_IDS, .element = &id_element,
		.doc = "Ids that stay; every other one is deleted."},
	{"dry_run", FIELD_BOOL, .fallback = "false", .doc = "Only tell which would go."});

/* stats.get, policy.trace, garp.send, log.set */

static const struct field kind_element = {
	.type = FIELD_ENUM,
	.values = VALUES("port", "endpoint", "uplink", "rule", "worker", "drop"),
	.doc = "A kind of counters.",
};

PARAMS(stats_params,
	{"kinds", FIELD_ARRAY, .max = 64, .element = &kind_element,
		.doc = "Only these; default: all."},
	{"ids", FIELD_ARRAY, .max = LIMIT_STATS_IDS, .element = &id_element,
		.doc = "Only the ports, endpoints, uplinks and rules with these ids."},
	{"stages_ms", FIELD_INT, .min = 1, .max = LIMIT_STAGES_MS,
		.doc = "Time the stages of all workers for so long, in milliseconds; the reply "
		       "comes after that and "
		       "has `measured` and `stages` of each worker. Goes with the kind `worker`."});

PARAMS(packet_params,
	{"src_mac", FIELD_MAC, FIELD_UNICAST,
		.doc = "Default: the endpoint's; needed with an uplink."},
	{"dst_mac", FIELD_MAC,
		.doc = "Default: that of the endpoint with `dst_ip`, else broadcast."},
	{"vlan", FIELD_INT, .min = 1, .max = 4094,
		.doc = "The frame's 802.1Q tag; absent: untagged."},
	{"src_ip", FIELD_IP, .doc = "Source address; absent with `dst_ip`: not an IP packet."},
	{"dst_ip", FIELD_IP, .doc = "Destination address, of the same family."},
	{"proto", FIELD_PROTO, .fallback = "0", .doc = "IP protocol."},
	{"src_port", FIELD_INT, .min = 0, .max = 65535, .doc = "Source port."},
	{"dst_port", FIELD_INT, .min = 0, .max = 65535, .doc = "Destination port."},
	{"tcp_flags", FIELD_ENUM, .values = VALUES("", "syn", "syn,ack", "ack"),
		.doc = "TCP flags, those not named clear; default: syn."},
	{"icmp_type", FIELD_INT, .min = 0, .max = 255,
		.doc = "With proto icmp, icmp6 or 2 (IGMP): its type; default: an echo request, a "
		       "report."},
	{"arp", FIELD_ENUM, .values = VALUES("request", "reply"),
		.doc = "It is an ARP packet, from `src_ip` and `sender_mac` to `dst_ip` and "
		       "`target_mac`."},
	{"sender_mac", FIELD_MAC,
		.doc = "With `arp`: of the sender, default `src_mac`. With neighbour discovery: of "
		       "the "
		       "link-layer address option, absent: none."},
	{"target_mac", FIELD_MAC, .doc = "With `arp`: of the target; default: all zero."},
	{"target_ip", FIELD_IP, .min = 6, .max = 6,
		.doc = "With neighbour discovery: what it is about; default: `dst_ip` of a "
		       "solicitation, `src_ip` of an advertisement."},
	{"resolve", FIELD_BOOL, .fallback = "false",
		.doc = "In place of a packet to `dst_ip` the question who has it: an ARP request, "
		       "or a neighbour solicitation."});

PARAMS(trace_params,
	{"endpoint", FIELD_ID, .refers = "endpoint", .doc = "The endpoint that sends it."},
	{"uplink", FIELD_ID, .refers = "uplink", .doc = "Or the uplink it comes in by."},
	{"packet", FIELD_OBJECT, FIELD_REQUIRED, .object = &packet_params, .doc = "The packet."});

PARAMS(garp_params, {"endpoint", FIELD_ID, FIELD_REQUIRED, .refers = "endpoint",
			    .doc = "The endpoint whose addresses are announced."});

PARAMS(log_params,
	{"level", FIELD_ENUM, FIELD_REQUIRED, .values = VALUES("error", "warning", "info", "debug"),
		.doc = "The least severe level that is logged."},
	{"module", FIELD_ENUM, .values = VALUES("leat", "dpdk"), .fallback = "\"leat\"",
		.doc = "The switch itself or the DPDK libraries under it."});

/* events.* */

static const char *const event_names[] = {
#define X(name, text, doc) (text),
	EVENT_TYPES(X)
#undef X
		NULL,
};

static const struct field event_type_element = {
	.type = FIELD_ENUM,
	.values = event_names,
	.doc = "A type of events.",
};

PARAMS(since_params,
	{"boot_id", FIELD_STRING, FIELD_REQUIRED, .min = 1, .max = 63,
		.doc = "Of the daemon that gave the number."},
	{"seq", FIELD_INT, FIELD_REQUIRED, .min = 0, .max = INT64_MAX - 1,
		.doc = "The last event that was received."});

PARAMS(subscribe_params,
	{"types", FIELD_ARRAY, .max = 64, .element = &event_type_element,
		.doc = "Only these, and `events.lost`; default: all."},
	{"since", FIELD_OBJECT, .object = &since_params,
		.doc = "Begin behind this one; where that cannot be, with `events.lost`. Absent: "
		       "from "
		       "now on."},
	{"snapshot", FIELD_BOOL, .fallback = "false",
		.doc = "Begin with a `port.state` of each port as it is."});

static const struct method methods[] = {
	{"system.hello", "Who the client is; not required before other methods.", &hello_params,
		"{api, server:{name, version, dpdk}, boot_id, rev, config_source, capabilities[], "
		"limits}",
		0, VERB_OTHER, 0},
	{"system.ping", "Answered at once, whatever else goes on.", &no_params, "{ts_ns}", 0,
		VERB_OTHER, 0},
	{"system.methods", "The methods.", &no_params, "{methods:[{name, doc, result}]}", 0,
		VERB_OTHER, 0},
	{"system.schema", "This reference as data.", &no_params,
		"{version, revision, types, methods}", 0, VERB_OTHER, 0},
	{"system.status", "How the switch is.", &no_params,
		"{workers:[{cpu, busy, ports}], memory, ports, rev, uptime_s, clients}", 0,
		VERB_OTHER, 0},
	{"system.shutdown", "End the daemon in good order.", &shutdown_params, "{}", 0, VERB_OTHER,
		0},
	{"global.set", "Replace the settings of the switch as a whole.", &no_params,
		"{changed, rev, pending[]}", METHOD_CHANGES | METHOD_IN_TXN, VERB_UPSERT,
		OBJECT_GLOBAL},
	{"global.get", "The settings of the switch as a whole.", &no_params, "{rev, global}", 0,
		VERB_GET, OBJECT_GLOBAL},
	{"txn.apply", "Several changes, all or nothing.", &txn_params, "{rev, results[]}",
		METHOD_CHANGES, VERB_OTHER, 0},
	{"state.get", "The wanted state, as state.replace takes it.", &state_get_params,
		"{rev, objects:{network:[...], ...}}", 0, VERB_OTHER, 0},
	{"state.replace", "Replace all objects of one owner; others are not touched.",
		&state_replace_params,
		"{rev, added, changed, removed, unchanged}, each {type:[id, ...]}; with diff also "
		"differences[{object, before, after}]",
		METHOD_CHANGES, VERB_OTHER, 0},
	{"endpoint.retain", "Delete an owner's endpoints but those named.", &retain_params,
		"{removed[], rev}", METHOD_CHANGES, VERB_OTHER, 0},
	{"resync.begin", "Begin a state.replace whose objects come in several messages.",
		&resync_begin_params, "{rev}", 0, VERB_OTHER, 0},
	{"resync.put", "Add objects to it, all of this message or none; nothing changes yet.",
		&resync_put_params, "{objects}: how many there are by now", 0, VERB_OTHER, 0},
	{"resync.commit", "Do it, in one commit. It is over then, also where it is refused.",
		&no_params, "As state.replace.", METHOD_CHANGES, VERB_OTHER, 0},
	{"resync.abort", "Forget it.", &no_params, "{}", 0, VERB_OTHER, 0},
	{"stats.get", "Counters.", &stats_params,
		"{rev, ts_ns, port, gone, endpoint, uplink, rule, worker[], drop}", 0, VERB_OTHER,
		0},
	{"policy.trace", "What would happen to a packet; touches nothing.", &trace_params,
		"{verdict, reason, rule, out[], steps[]}", 0, VERB_OTHER, 0},
	{"events.subscribe", "Get events on this connection; in place of what it got before.",
		&subscribe_params, "{boot_id, seq}", 0, VERB_OTHER, 0},
	{"events.unsubscribe", "Get no more events.", &no_params, "{}", 0, VERB_OTHER, 0},
	{"garp.send",
		"Announce an endpoint's addresses to its network, as after a move: gratuitous ARP "
		"and unsolicited neighbour advertisements.",
		&garp_params, "{frames, copies}", 0, VERB_OTHER, 0},
	{"log.set", "What is logged.", &log_params, "{}", 0, VERB_OTHER, 0},
};

const struct method *schema_static_methods(size_t *n)
{
	*n = sizeof(methods) / sizeof(methods[0]);
	return methods;
}

const struct object_schema *schema_id_params(void)
{
	return &id_params;
}
