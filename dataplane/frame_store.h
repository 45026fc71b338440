/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies of frames that have to outlive their sources: bytes, offload request and what parse found. Made of blocks, in
 * memory that the kernel gives page by page as it is used; the blocks used last are used first. A store is bounded and never
 * grows.
 *
 * One thread at a time. No allocation after frame_store_create().
 */
#ifndef LEAT_DATAPLANE_FRAME_STORE_H
#define LEAT_DATAPLANE_FRAME_STORE_H

#include "dataplane/frame.h"
#include "lib/fq_codel.h"

#define FRAME_STORE_FRAMES 4160
#define FRAME_STORE_BLOCK 2048 /* bytes: an untagged frame of 1500, and a head in any case */
#define FRAME_STORE_BLOCKS 8192

struct stored_frame {
	struct frame frame; /* head is the copy's; tail is not set, see frame_store_describe() */
	struct fq_packet packet; /* for who keeps the frame, not looked at */
	uint16_t n_blocks;
	uint16_t first_block;
	uint16_t next_free;
};

struct frame_store;

struct frame_store *frame_store_create(void); /* NULL: no memory */
void frame_store_free(struct frame_store *s); /* NULL is fine; whatever is in it goes */

/* A copy, without mbuf and tags; NULL: no room. */
struct stored_frame *frame_store_put(struct frame_store *s, const struct frame *f);

/* Ask for the memory of one whose turn is near; and of the bytes of one that is about to be sent. */
void frame_store_fetch(const struct stored_frame *stored);
void frame_store_fetch_bytes(const struct stored_frame *stored);

/* Where what follows the head lies: fills up to n_blocks segs; how many. They stand until the drop. */
uint16_t frame_store_describe(
	const struct frame_store *s, const struct stored_frame *stored, struct seg *segs);

void frame_store_drop(struct frame_store *s, struct stored_frame *stored);

/* A number below FRAME_STORE_FRAMES that stands for it, and back. */
uint16_t frame_store_index(const struct frame_store *s, const struct stored_frame *stored);
struct stored_frame *frame_store_at(const struct frame_store *s, uint16_t index);

#endif
