/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is counted, and the reasons a packet can be dropped for.
 *
 * Each worker has its own block of counters a port and a rule: the worker alone writes it, with
 * relaxed stores of whole 64-bit words; the control side reads it at any time and adds up over the
 * workers. At rest, over all ports: rx_packets + copies = tx_packets + the sum of all drops.
 */
#ifndef LEAT_DATAPLANE_COUNTERS_H
#define LEAT_DATAPLANE_COUNTERS_H

#include <stdint.h>

/*
 * name on the wire, the port it is counted on (in: the one it came by, out: the one it would have
 * left by), and the sentence of the reference page.
 */
#define DROP_REASONS(X)                                                                            \
	X(malformed, in,                                                                           \
		"the frame is shorter than its headers say, they contradict themselves, or IP "    \
		"hides in an 802.2 SNAP header")                                                   \
	X(bad_descriptor, in,                                                                      \
		"a vhost-user or memif peer offered a descriptor chain that is out of its "        \
		"memory, "                                                                         \
		"looped, empty or too long")                                                       \
	X(bad_offload, in, "the checksum or segmentation request does not fit the frame")          \
	X(unknown_vlan, in,                                                                        \
		"an uplink frame carries a VLAN, or none, that no network has; or an endpoint of " \
		"an untagged network sends a tagged frame")                                        \
	X(mtu_exceeded, in, "the frame is longer than its network's MTU allows")                   \
	X(spoofed_mac, in, "the source MAC is not the endpoint's own")                             \
	X(spoofed_ip, in, "the source address is not one of the endpoint's own")                   \
	X(spoofed_arp, in, "an ARP sender address is not one of the endpoint's own")               \
	X(spoofed_nd, in,                                                                          \
		"an address that a neighbour discovery message claims is not one of the "          \
		"endpoint's own")                                                                  \
	X(nd_fragment, in, "a neighbour discovery message with a fragment header (RFC 6980)")      \
	X(dhcp_guard, in, "what a DHCP server sends, of an endpoint without guard.dhcp_server")    \
	X(ra_guard, in, "a router advertisement or redirect, of an endpoint without guard.router") \
	X(querier_guard, in,                                                                       \
		"a query of IGMP or MLD or a PIM hello, of an endpoint without guard.router")      \
	X(mac_limit, in, "the port has used up the source MACs it may have")                       \
	X(reserved_mac, in,                                                                        \
		"a link-local destination (01:80:c2:00:00:0x) that bridges do not pass on")        \
	X(same_port, in, "the destination lies behind the port the frame came by")                 \
	X(no_destination, in, "nobody is there to receive it: no member, no uplink")               \
	X(no_listener, in, "multicast of a network with snooping that nobody there wants")         \
	X(arp_answered, in, "an ARP request that the switch has answered itself")                  \
	X(nd_answered, in, "a neighbour solicitation that the switch has answered itself")         \
	X(rule_deny, in, "a rule denies the connection")                                           \
	X(default_deny, in, "no rule matches and the group's default action is deny")              \
	X(fragment_unknown, in, "a later fragment whose first fragment was not seen")              \
	X(tcp_midstream, in, "a TCP segment of no known connection, with tcp_midstream=drop")      \
	X(conn_table_full, in, "the connection table has no room for a new connection")            \
	X(broadcast_rate, in, "more than the port's guard.broadcast_pps")                          \
	X(multicast_rate, in, "more than the port's guard.multicast_pps")                          \
	X(unknown_unicast_rate, in, "more than the port's guard.unknown_unicast_pps")              \
	X(tx_rate, in, "more than the endpoint's tx_kbps")                                         \
	X(tx_pps, in, "more than the endpoint's tx_pps")                                           \
	X(tx_codel, in, "it waited for the endpoint's tx rate, its flow for too long")             \
	X(tx_queue_full, in, "there was no room to wait for the endpoint's tx rate")               \
	X(rx_rate, out, "more than the receiving endpoint's rx_kbps")                              \
	X(rx_pps, out, "more than the receiving endpoint's rx_pps")                                \
	X(rx_codel, out, "it waited for the receiving endpoint's rx rate, its flow for too long")  \
	X(rx_queue_full, out, "there was no room to wait for the receiving endpoint's rx rate")    \
	X(shaper_gone, out,                                                                        \
		"it waited for a rate when its endpoint was deleted or no longer shaped")          \
	X(port_down, out, "the receiving port has no peer, or its peer is gone")                   \
	X(ring_full, out, "the receiving port's ring or queue is full")                            \
	X(too_big, out, "the frame does not fit what the receiver offers")                         \
	X(no_memory, out, "no packet buffer is free")                                              \
	X(device_error, out, "the device refused the frame")

enum drop_reason {
#define X(name, side, doc) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT,
};

/* What an endpoint's meter (dataplane/meter.h) is about: what it sends, or what it receives; and what it says. */
enum meter_side { METER_TX, METER_RX };
#define METER_SIDES 2
enum meter_verdict { METER_PASS, METER_OVER_BITS, METER_OVER_PACKETS };
#define METER_VERDICTS 3

/* Frames, and their layer-2 bytes without FCS. */
struct meter_count {
	uint64_t packets;
	uint64_t bytes;
};

/* One port as one worker saw it. Bytes are layer-2 bytes as on that port, without FCS. */
struct port_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t copies; /* how many more went on than came: floods, segmentation */
	/* What an endpoint's meters said, where it has any, of frames as they would be on a wire. */
	struct meter_count metered[METER_SIDES][METER_VERDICTS];
	uint64_t drops[DROP_REASON_COUNT];
} __attribute__((aligned(64)));

/* Packets a rule judged, in the direction it judged them; connections it let begin. */
struct rule_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t connections;
};

/* Add to a counter that this thread alone writes and others read. */
static inline void stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t stat_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* "ring_full" for DROP_ring_full; its sentence. Static storage. */
const char *drop_reason_name(enum drop_reason reason);
const char *drop_reason_doc(enum drop_reason reason);

/* sum += add, field by field, read as above. */
void port_stats_add(struct port_stats *sum, const struct port_stats *add);

#endif
