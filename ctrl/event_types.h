/* SPDX-License-Identifier: BSD-3-Clause */
/* The types of events: the schema, the reference page and ctrl/rpc/events.c read this list. */
#ifndef LEAT_CTRL_EVENT_TYPES_H
#define LEAT_CTRL_EVENT_TYPES_H

/* One line a type: name in C, on the wire, what it says. */
#define EVENT_TYPES(X)                                                                             \
	X(CONFIG_CHANGED, "config.changed",                                                        \
		"A commit. `data`: `{rev, owner, added, changed, removed}`, the last three as of " \
		"state.replace, or `n` in their place where there are too many to name.")          \
	X(PORT_STATE, "port.state",                                                                \
		"An endpoint's or uplink's port is in another state. `data`: `{state, error}`; "   \
		"with `\"snapshot\": true` it is the state it was found in.")                      \
	X(RULE_LOG, "rule.log",                                                                    \
		"A rule with `log` let a connection begin or refused a packet. `data`: "           \
		"`{verdict, "                                                                      \
		"endpoint` or `uplink` that it came by`, network, src_mac, dst_mac, src_ip, "      \
		"dst_ip, proto, src_port, dst_port, icmp_type, icmp_code, left_out}`, as far as "  \
		"the packet has them. `left_out`: how many of this rule were not told since the "  \
		"event before; with nothing else where no packet came any more. Not kept for "     \
		"`since`.")                                                                        \
	X(EVENTS_LOST, "events.lost",                                                              \
		"Events that were asked for by `since` are not there any more: read the state "    \
		"anew. `data`: `{boot_id, from, to}`.")

enum event_type {
#define X(name, text, doc) EVENT_##name,
	EVENT_TYPES(X)
#undef X
};
#define EVENT_TYPE_COUNT (EVENT_EVENTS_LOST + 1)

#endif
