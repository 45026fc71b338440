/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unit of work: a frame, and a burst of them.
 *
 * A frame is a private copy of its first bytes (the head), which the stages read and edit, and a
 * description of where the rest lies (the tail: guest memory, an mbuf chain, a TAP's buffer). The
 * payload is moved once, by the transmitting port. Inside the switch a frame is untagged: the
 * receive side of a trunk takes the outer VLAN tag off the head, transmit puts one on while it
 * copies.
 *
 * A burst is what one receive call took from one queue of one port. It belongs to one worker from
 * receive to release; nothing in it is shared.
 */
#ifndef LEAT_DATAPLANE_FRAME_H
#define LEAT_DATAPLANE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/counters.h"

#define BURST_MAX 128		   /* frames */
#define BURST_SEGS_MAX 1024	   /* tail pieces of all frames of a burst */
#define FRAME_HEAD_MAX 128	   /* bytes copied into the head */
#define FRAME_LEN_MIN 14	   /* an Ethernet header */
#define FRAME_LEN_MAX (65535 + 18) /* the largest GSO frame, tags included */
#define FRAME_SEGS_MAX 64	   /* tail pieces of one frame */
#define VLAN_TAG_LEN 4

struct rte_mbuf;

/* A piece of a frame's source memory. A guest may change what it says at any time, not where it is.
 */
struct seg {
	const uint8_t *base;
	uint32_t len;
};

/* As in virtio_net_hdr (virtio 1.2, 5.1.6): offsets count from the first byte of the head. */
enum frame_offload {
	FRAME_NEEDS_CSUM =
		1 << 0, /* the sum from csum_start on is to be put at csum_start + csum_offset */
	FRAME_CSUM_VALID = 1 << 1, /* the sender vouches for the checksum */
};

enum frame_gso {
	FRAME_GSO_NONE = 0,
	FRAME_GSO_TCPV4 = 1, /* the numbers of VIRTIO_NET_HDR_GSO_* */
	FRAME_GSO_TCPV6 = 4,
	FRAME_GSO_ECN = 0x80, /* added to one of the above */
};

/* What parse found; see stage/parse.c. */
enum frame_proto {
	FRAME_IPV4 = 1 << 0,
	FRAME_IPV6 = 1 << 1,
	FRAME_ARP = 1 << 2,
	FRAME_FRAG_FIRST = 1 << 3,  /* has ports; more fragments follow */
	FRAME_FRAG_LATER = 1 << 4,  /* has none */
	FRAME_TCP_CONTROL = 1 << 5, /* SYN, FIN or RST, or no ACK */
	FRAME_MULTICAST = 1 << 6,   /* destination MAC, broadcast included */
	FRAME_L4 = 1 << 7,	    /* l4_off is valid and the ports or type lie in the head */
};

struct frame {
	uint8_t *head;		/* private; begins with the destination MAC */
	const struct seg *tail; /* what follows the head, in order */
	struct rte_mbuf
		*mbuf; /* the source, when it came from a device; transmit may take it over */
	uint32_t len;  /* all bytes, head and tail, outer tag not counted, no FCS */
	uint16_t n_tail;
	uint16_t head_len; /* valid bytes of the head; min(len, what receive copied) */
	uint16_t gso_size; /* payload bytes of each segment, 0 without GSO */
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t hdr_len; /* bytes of all headers, as the GSO sender says; a hint only */
	uint8_t offload;  /* enum frame_offload */
	uint8_t gso_type; /* enum frame_gso */
	uint8_t flags;	  /* enum frame_proto */
	uint8_t l4_proto; /* IANA number of the last header parsed, 0 for non-IP */
	uint8_t l3_off;	  /* of the IP or ARP header in the head */
	uint8_t l4_off;
	uint32_t frag_id;   /* of an IPv6 fragment header, 0 */
	uint16_t outer_tci; /* of the tag that receive took off, 0 */
	uint16_t cookie;    /* the receiving port's own, for release */
	bool sole;	    /* one output only: its transmit may take the mbuf over */
	uint16_t held_of;   /* of one that waited in a shaper: by which port it had come, */
	uint32_t held_tag;  /* and as in tx_item */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct frame) == 64, "a burst's frames: a cache line each");

struct burst {
	uint16_t max; /* frames that a receive takes at most, 1..BURST_MAX */
	uint16_t n;   /* frames */
	uint16_t
		taken; /* with those that receive has dropped; of a port that drops hardly any: 0 */
	uint16_t n_segs; /* used of seg[] */
	uint16_t port;	 /* index of the port it came by */
	uint16_t queue;
	struct port_stats *stats; /* this worker's counters of that port; receive counts there */
	struct frame frame[BURST_MAX];
	uint8_t head[BURST_MAX][FRAME_HEAD_MAX] __attribute__((aligned(64)));
	struct seg seg[BURST_SEGS_MAX];
};

/*
 * One frame on its way out of one port. tag: TPID << 16 | TCI to put behind the MAC addresses, 0
 * for none. The transmitting port may not edit the head: other outputs may follow.
 */
struct tx_item {
	struct frame *frame;
	uint32_t tag;
};

#endif
