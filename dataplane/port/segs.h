/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames and lists of pieces of memory: what ports with shared memory copy. Worker.
 *
 * A list is given by a pointer to its first piece, which moves on as bytes are taken or put; there must
 * be as many.
 */
#ifndef LEAT_DATAPLANE_PORT_SEGS_H
#define LEAT_DATAPLANE_PORT_SEGS_H

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_memcpy.h>

#include "dataplane/frame.h"

#define MAC_ADDRS_LEN 12 /* what comes before a VLAN tag */

/* Bytes of an item as it is to lie there, its tag included. */
static inline uint32_t item_len(const struct tx_item *it)
{
	return it->frame->len + (it->tag != 0 ? VLAN_TAG_LEN : 0);
}

/* 16 bytes that replace the first 12 of a frame. */
static inline void tag_make(const struct tx_item *it, uint8_t out[MAC_ADDRS_LEN + VLAN_TAG_LEN])
{
	uint32_t tag = rte_cpu_to_be_32(it->tag);

	memcpy(out, it->frame->head, MAC_ADDRS_LEN);
	memcpy(out + MAC_ADDRS_LEN, &tag, sizeof(tag));
}

/* Take len bytes out of the list. */
static inline void segs_pull(struct seg **seg, uint8_t *dst, uint32_t len)
{
	while (len != 0) {
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): there are as many */
		uint32_t piece = RTE_MIN(len, (*seg)->len);

		memcpy(dst, (*seg)->base, piece);
		(*seg)->base += piece;
		(*seg)->len -= piece;
		dst += piece;
		len -= piece;
		if ((*seg)->len == 0)
			(*seg)++;
	}
}

/* Put len bytes into the list, whose memory is ours to write though struct seg is const for readers. */
static inline void segs_push(struct seg **seg, const uint8_t *src, uint32_t len)
{
	while (len != 0) {
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): there are as many */
		uint32_t piece = RTE_MIN(len, (*seg)->len);

		rte_memcpy((uint8_t *)(uintptr_t)(*seg)->base, src, piece);
		(*seg)->base += piece;
		(*seg)->len -= piece;
		src += piece;
		len -= piece;
		if ((*seg)->len == 0)
			(*seg)++;
	}
}

/* The same with a whole item: its tag, head and tail. */
static inline void segs_push_item(struct seg **seg, const struct tx_item *it)
{
	const struct frame *f = it->frame;
	uint32_t left = f->len - f->head_len;
	uint32_t done = 0;

	if (it->tag != 0) {
		uint8_t front[MAC_ADDRS_LEN + VLAN_TAG_LEN];

		tag_make(it, front);
		segs_push(seg, front, sizeof(front));
		done = MAC_ADDRS_LEN;
	}
	segs_push(seg, f->head + done, f->head_len - done);
	for (const struct seg *s = f->tail; left != 0; s++) {
		uint32_t piece = RTE_MIN(left, s->len);

		segs_push(seg, s->base, piece);
		left -= piece;
	}
}

#endif
