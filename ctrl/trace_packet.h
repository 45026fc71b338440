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
	uint8_t icmp_type; /* icmp, icmp6 */
	bool resolve;	   /* it asks which MAC dst_ip is behind; with addresses alone */
};

/* The type of an echo request, ICMP_ECHO or ICMPv6's; 0 with another protocol. */
uint8_t trace_packet_echo(uint8_t proto);

/* Where such a question is sent to: everybody, or the solicited-node group (RFC 4291, 2.7.1; RFC 2464, 7). */
struct mac trace_packet_resolves_by(const struct ip *ip);

/* Returns the frame's length. A neighbour solicitation's target is dst_ip, an advertisement's src_ip. */
uint16_t trace_packet_build(const struct trace_packet *p, uint8_t frame[static TRACE_PACKET_MAX]);

#endif
