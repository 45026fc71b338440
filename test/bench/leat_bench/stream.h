/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream: the frames of one direction, and what has become of them.
 *
 * Frames lie ready in a port's buffers. What is written anew for each packet is little: 16 bytes
 * that make its flow, and 16 that number and time it where that was asked for.
 */
#ifndef LEAT_BENCH_STREAM_H
#define LEAT_BENCH_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <x86intrin.h>

#include "test/bench/leat_bench/histogram.h"
#include "test/bench/leat_bench/options.h"

#define FRAME_FCS_LEN 4	  /* counted in a frame's size, not present in a ring */
#define FRAME_PATCH_AT 22 /* Ethernet 14, then IPv4 from its TTL on */
#define FRAME_MARK_AT 42  /* the UDP payload */
#define FRAME_ROOM 1536	  /* the longest frame, rounded up */
#define FRAME_MARK_LEN 16
#define FRAME_LEN_MIN (BENCH_SIZE_MIN - FRAME_FCS_LEN)

/* IPv4 from the TTL on, and UDP's ports; network order. The header's checksum is that of any frame
 * length: identification and total length always sum up to 0xffff. */
struct frame_patch {
	uint8_t ttl;
	uint8_t proto;
	uint16_t csum;
	uint32_t src;
	uint32_t dst;
	uint16_t sport;
	uint16_t dport;
} __attribute__((packed));

struct frame_mark {
	uint32_t flow;
	uint32_t seq;  /* within the flow */
	uint64_t time; /* TSC */
};

_Static_assert(sizeof(struct frame_patch) == 16, "one store");
_Static_assert(FRAME_MARK_AT + sizeof(struct frame_mark) <= FRAME_LEN_MIN, "fits each frame");

struct stream_count {
	uint64_t sent;	 /* given to the switch */
	uint64_t unsent; /* due by the rate, but the ring had no room */
	uint64_t received;
	uint64_t bytes;	    /* of what was received, without check sequences */
	uint64_t reordered; /* came after a later one of its flow */
	uint64_t foreign;   /* not of this stream; only noticed with marks */
};

struct stream {
	struct stream_count count;
	const struct frame_patch *patches; /* one a flow */
	uint32_t flows;
	uint32_t next; /* flow */
	bool marks;    /* number and time each packet */
	bool timed;
	bool new_flows;
	uint64_t new_next;
	uint32_t new_base_sum; /* of the checksum, without what differs */
	uint32_t new_net, new_hosts;
	uint32_t *next_seq; /* of each flow, at the sender */
	uint32_t *want_seq; /* at the receiver */
	const struct bench_options *options;
	uint8_t from;		   /* side */
	struct histogram *latency; /* TSC ticks */
};

/* `ret` gives its memory back with stream_free(). Ends the program if there is not enough. */
void stream_init(struct stream *ret, const struct bench_options *o, uint8_t from);
void stream_free(struct stream *s);

/* Forget what has been counted; sequence numbers go on. */
void stream_reset(struct stream *s);

/* The length of the frame in buffer number `slot`. */
unsigned stream_frame_len(const struct bench_options *o, unsigned slot);

/* Write the frame of buffer number `slot` in full, `room` of FRAME_ROOM bytes; its flow is the
 * slot's number, modulo the flows. Gives its length. */
unsigned stream_frame_make(const struct stream *s, unsigned slot, uint8_t *room);

/* The patch of a flow that has not been there before. */
void stream_new_flow(struct stream *s, struct frame_patch *ret);

/* Whether frames have to be written for each packet, where `slots` of them lie ready. */
static inline bool stream_changes(const struct stream *s, unsigned slots)
{
	return s->marks || s->new_flows || s->flows > slots;
}

/* Make the next packet of the stream out of a frame that lies ready. */
static inline void stream_next(struct stream *s, uint8_t *frame)
{
	uint32_t flow = s->next;

	if (s->new_flows) {
		struct frame_patch p;

		stream_new_flow(s, &p);
		memcpy(frame + FRAME_PATCH_AT, &p, sizeof(p));
	} else {
		memcpy(frame + FRAME_PATCH_AT, &s->patches[flow], sizeof(s->patches[flow]));
		s->next = flow + 1 == s->flows ? 0 : flow + 1;
	}
	if (s->marks) {
		struct frame_mark m = {.flow = flow, .seq = s->next_seq[flow]++, .time = __rdtsc()};

		memcpy(frame + FRAME_MARK_AT, &m, sizeof(m));
	}
}

/* A frame has come in; `len` is its own, without virtio's header. */
static inline void stream_arrived(struct stream *s, const uint8_t *frame, unsigned len)
{
	struct frame_mark m;

	if (len < FRAME_LEN_MIN) {
		s->count.foreign++;
		return;
	}
	memcpy(&m, frame + FRAME_MARK_AT, sizeof(m));
	if (m.flow >= s->flows || frame[FRAME_PATCH_AT + 1] != IPPROTO_UDP) {
		s->count.foreign++;
		return;
	}
	if ((int32_t)(m.seq - s->want_seq[m.flow]) < 0)
		s->count.reordered++;
	else
		s->want_seq[m.flow] = m.seq + 1;
	if (s->timed)
		histogram_add(s->latency, __rdtsc() - m.time);
}

#endif
