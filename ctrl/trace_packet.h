/* SPDX-License-Identifier: BSD-3-Clause */
/* A frame made of a description, for policy.trace: headers as they would be on a wire, without
 * payload. */
#ifndef LEAT_CTRL_TRACE_PACKET_H
#define LEAT_CTRL_TRACE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define TRACE_PACKET_MAX 128 /* bytes; more than Ethernet, a tag, IPv6 and TCP need */

/* An EtherType that no protocol has (IEEE 802, local experimental 1): a frame that is not IP. */
#define TRACE_ETHERTYPE 0x88b5

struct trace_packet {
	struct mac src_mac;
	struct mac dst_mac;
	uint16_t vlan;	  /* 0: untagged */
	struct ip src_ip; /* family 0: not IP; else both of one family */
	struct ip dst_ip;
	uint8_t proto;
	uint16_t src_port; /* tcp, udp, sctp; host order */
	uint16_t dst_port;
	uint8_t tcp_flags; /* as in its header */
	uint8_t icmp_type; /* icmp, icmp6, igmp */
	uint16_t arp;	   /* ARPOP_REQUEST, ARPOP_REPLY of src_ip and dst_ip; 0: it is no ARP */
	/* ARP: of the two; neighbour discovery: sender_mac of the link-layer address option, if there is one. */
	struct mac sender_mac;
	struct mac target_mac;
	bool has_sender_mac;
	struct ip target_ip; /* neighbour discovery: what it is about */
};

/* The type where none is said: an echo request, a report with IGMP; 0 with another protocol. */
uint8_t trace_packet_type(uint8_t proto);

/* Make of one with addresses alone the question which MAC dst_ip is behind, as RFC 826 and RFC 4861, 4.3 have it. */
void trace_packet_resolve(struct trace_packet *p);

/* Returns the frame's length. */
uint16_t trace_packet_build(const struct trace_packet *p, uint8_t frame[static TRACE_PACKET_MAX]);

#endif
