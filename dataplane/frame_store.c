/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/frame_store.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#define NONE UINT16_MAX
#define FETCHED_BYTES 512U /* of a frame: the processor goes on by itself from there */

_Static_assert(FRAME_STORE_BLOCK >= FRAME_HEAD_MAX, "a head lies in one block");
_Static_assert((FRAME_LEN_MAX + FRAME_STORE_BLOCK - 1) / FRAME_STORE_BLOCK <= FRAME_SEGS_MAX,
	"the largest frame is not in too many pieces");

/* Places that were never used follow the fresh_ ones; those given back are stacks, linked by next. */
struct frame_store {
	uint8_t *bytes; /* FRAME_STORE_BLOCKS of FRAME_STORE_BLOCK */
	struct stored_frame *frame;
	uint16_t fresh_block;
	uint16_t free_block;
	uint16_t n_free_blocks; /* fresh ones included */
	uint16_t fresh_frame;
	uint16_t free_frame;
	uint16_t next_block[FRAME_STORE_BLOCKS]; /* of the same frame, or of the stack */
};

struct frame_store *frame_store_create(void)
{
	struct frame_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->bytes = aligned_alloc(64, (size_t)FRAME_STORE_BLOCKS * FRAME_STORE_BLOCK);
	s->frame = aligned_alloc(64, FRAME_STORE_FRAMES * sizeof(*s->frame));
	s->free_block = s->free_frame = NONE;
	s->n_free_blocks = FRAME_STORE_BLOCKS;
	if (s->bytes == NULL || s->frame == NULL) {
		frame_store_free(s);
		return NULL;
	}
	return s;
}

void frame_store_free(struct frame_store *s)
{
	if (s == NULL)
		return;
	free(s->bytes);
	free(s->frame);
	free(s);
}

static struct stored_frame *frame_take(struct frame_store *s)
{
	struct stored_frame *stored;

	if (s->free_frame == NONE)
		return s->fresh_frame < FRAME_STORE_FRAMES ? &s->frame[s->fresh_frame++] : NULL;
	stored = &s->frame[s->free_frame];
	s->free_frame = stored->next_free;
	return stored;
}

/* There is one. */
static uint16_t block_take(struct frame_store *s)
{
	uint16_t block = s->free_block;

	s->n_free_blocks--;
	if (block == NONE)
		return s->fresh_block++;
	s->free_block = s->next_block[block];
	return block;
}

static uint8_t *block_bytes(const struct frame_store *s, uint16_t block)
{
	return s->bytes + (size_t)block * FRAME_STORE_BLOCK;
}

/* Where the next byte of a copy goes. */
struct cursor {
	uint16_t block;
	uint32_t used; /* of that block */
};

static void append(struct frame_store *s, struct cursor *at, const uint8_t *from, uint32_t len)
{
	while (len != 0) {
		uint32_t room = FRAME_STORE_BLOCK - at->used;
		uint32_t part = len < room ? len : room;

		if (part == 0) {
			at->block = s->next_block[at->block];
			at->used = 0;
			continue;
		}
		memcpy(block_bytes(s, at->block) + at->used, from, part);
		at->used += part;
		from += part;
		len -= part;
	}
}

struct stored_frame *frame_store_put(struct frame_store *s, const struct frame *f)
{
	uint16_t n = (uint16_t)((f->len + FRAME_STORE_BLOCK - 1) / FRAME_STORE_BLOCK);
	struct stored_frame *stored;
	struct cursor at = {NONE, 0};

	if (n > s->n_free_blocks)
		return NULL;
	stored = frame_take(s);
	if (stored == NULL)
		return NULL;
	for (uint16_t i = 0; i < n; i++) {
		uint16_t block = block_take(s);

		s->next_block[block] = at.block;
		at.block = block;
	}
	stored->n_blocks = n;
	stored->first_block = at.block;
	append(s, &at, f->head, f->head_len);
	for (uint16_t i = 0; i < f->n_tail; i++)
		append(s, &at, f->tail[i].base, f->tail[i].len);
	stored->frame = *f;
	stored->frame.head = block_bytes(s, stored->first_block);
	stored->frame.tail = NULL;
	stored->frame.n_tail = 0;
	stored->frame.mbuf = NULL;
	stored->frame.outer_tci = 0;
	stored->frame.held_tag = 0;
	return stored;
}

void frame_store_fetch(const struct stored_frame *stored)
{
	for (size_t at = 0; at < sizeof(*stored); at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0((const uint8_t *)stored + at);
}

void frame_store_fetch_bytes(const struct stored_frame *stored)
{
	for (uint32_t at = 0; at < RTE_MIN(stored->frame.len, FETCHED_BYTES);
		at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(stored->frame.head + at);
}

uint16_t frame_store_describe(
	const struct frame_store *s, const struct stored_frame *stored, struct seg *segs)
{
	uint32_t skip = stored->frame.head_len;
	uint32_t left = stored->frame.len - skip;
	uint16_t block = stored->first_block;
	uint16_t n = 0;

	for (uint16_t i = 0; i < stored->n_blocks && left != 0; i++) {
		uint32_t part = FRAME_STORE_BLOCK - skip;

		if (part > left)
			part = left;
		if (part != 0)
			segs[n++] = (struct seg){block_bytes(s, block) + skip, part};
		left -= part;
		skip = 0;
		block = s->next_block[block];
	}
	return n;
}

void frame_store_drop(struct frame_store *s, struct stored_frame *stored)
{
	uint16_t block = stored->first_block;

	for (uint16_t i = 0; i < stored->n_blocks; i++) {
		uint16_t next = s->next_block[block];

		s->next_block[block] = s->free_block;
		s->free_block = block;
		block = next;
	}
	s->n_free_blocks = (uint16_t)(s->n_free_blocks + stored->n_blocks);
	stored->next_free = s->free_frame;
	s->free_frame = frame_store_index(s, stored);
}

uint16_t frame_store_index(const struct frame_store *s, const struct stored_frame *stored)
{
	return (uint16_t)(stored - s->frame);
}

struct stored_frame *frame_store_at(const struct frame_store *s, uint16_t index)
{
	return &s->frame[index];
}
