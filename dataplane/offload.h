/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finish in software what a receiver does not take: unfinished checksums and large TCP segments.
 * Workers only; no allocation: the results live in the caller's scratch and point at the same
 * source.
 */
#ifndef LEAT_DATAPLANE_OFFLOAD_H
#define LEAT_DATAPLANE_OFFLOAD_H

#include <rte_branch_prediction.h>

#include "dataplane/port.h"

/*
 * The most frames one GSO frame may ask to become. A sender could name a segment of one byte and keep
 * a worker busy with 65,000 frames of 66; Linux' smallest for a full 64 KB is far above 64.
 */
#define OFFLOAD_SEGMENTS_MAX 1024

/* Room for one derived frame: a head of its own, and tails that point into the same source memory.
 */
struct offload_slot {
	struct frame frame;
	uint8_t head[FRAME_HEAD_MAX];
	struct seg tail[FRAME_SEGS_MAX];
};

/*
 * Does what the frame's headers and offload request say fit together (offsets inside the frame, the
 * protocol that the GSO type names, a header that lies in the head, at most OFFLOAD_SEGMENTS_MAX
 * segments)? false: DROP_bad_offload. Checked once on receive, after parse, by whose l3_off, l4_off,
 * l4_proto and flags everything here goes, so that nothing downstream has to.
 */
bool offload_valid(const struct frame *f);

/* The two that follow, of a GSO frame. */
uint32_t offload_gso_frames(const struct frame *f);
uint64_t offload_gso_bytes(const struct frame *f);

/* How many frames a frame becomes on a wire, 1 without GSO; and its bytes there, headers of each.
 */
static inline uint32_t offload_wire_frames(const struct frame *f)
{
	return f->gso_type == FRAME_GSO_NONE ? 1 : offload_gso_frames(f);
}

/* What a receiver must take to be given it as it is: enum port_caps; of a GSO frame, but for its checksum. */
static inline uint32_t offload_gso_caps(const struct frame *f)
{
	uint32_t ecn = f->gso_type & FRAME_GSO_ECN ? PORT_CAP_ECN : 0;

	if (likely(f->gso_type == FRAME_GSO_NONE))
		return 0;
	if ((f->gso_type & ~FRAME_GSO_ECN) == FRAME_GSO_TCPV4)
		return ecn | PORT_CAP_TSO4;
	return ecn | PORT_CAP_TSO6;
}

/* How many of tx_room's descriptors a frame takes of a receiver with these caps, if they are no smaller than that. */
#define FRAME_BUFFER 1518 /* bytes: a tagged frame of 1500 */
static inline uint32_t offload_buffers(const struct frame *f, uint32_t caps)
{
	if (unlikely((offload_gso_caps(f) & ~caps) != 0))
		return offload_wire_frames(f);
	return caps & PORT_CAP_PARTS ? (f->len + FRAME_BUFFER - 1) / FRAME_BUFFER : 1;
}

static inline uint64_t offload_wire_bytes(const struct frame *f)
{
	return f->gso_type == FRAME_GSO_NONE ? f->len : offload_gso_bytes(f);
}

/*
 * Copy f into slot with its checksum finished (RFC 1071; IPv4 and IPv6, TCP and UDP; a UDP sum of 0
 * becomes 0xffff) and FRAME_NEEDS_CSUM replaced by FRAME_CSUM_VALID. f must have been offload_valid();
 * it may be slot's own frame. Frames in slots own no mbuf.
 */
void offload_finish_csum(const struct frame *f, struct offload_slot *slot);

/*
 * The i-th of the offload_wire_frames(f) TCP segments of f, in slot: length, IPv4 id and header
 * checksum or IPv6 length, sequence number, FIN/PSH only on the last, CWR only on the first (RFC
 * 3168), and the TCP checksum left unfinished (FRAME_NEEDS_CSUM) for the receiver or
 * offload_finish_csum(). f is not slot's own frame.
 */
void offload_segment(const struct frame *f, uint32_t i, struct offload_slot *slot);

#endif
