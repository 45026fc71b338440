/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames into and out of memif rings, each byte of payload moved once, by whoever transmits. */
#include <errno.h>

#include "dataplane/port/call.h"
#include "dataplane/port/memif.h"
#include "dataplane/port/segs.h"

/* The slots of one frame as pieces of memory. */
struct chain {
	struct seg seg[MEMIF_CHAIN_MAX];
	uint64_t total; /* bytes */
	uint16_t n;	/* pieces; while transmitting as many slots */
	bool bad;
};

static void ring_break(struct memif_ring *r)
{
	uint32_t none = 0;
	struct port *port = &r->port->port;

	__atomic_store_n(&r->broken, true, __ATOMIC_RELAXED);
	if (__atomic_compare_exchange_n(
		    &port->fault, &none, EPROTO, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&port->state, PORT_ERROR, __ATOMIC_RELAXED);
	memif_wake();
}

static uint16_t far_index(const struct memif_ring *r)
{
	return __atomic_load_n(r->far, __ATOMIC_ACQUIRE);
}

static struct memif_desc *slot_desc(const struct memif_ring *r, uint16_t slot)
{
	return &r->shm->desc[slot & (r->size - 1)];
}

/* One read: the peer may write it meanwhile. */
static struct memif_desc desc_read(const struct memif_desc *from)
{
	const volatile uint64_t *p = (const volatile uint64_t *)from;
	const uint64_t whole[2] = {p[0], p[1]};
	struct memif_desc d;

	memcpy(&d, whole, sizeof(d));
	return d;
}

/* Where the bytes of a slot lie; NULL if not where they may. */
static uint8_t *slot_memory(const struct memif_ring *r, uint16_t slot, const struct memif_desc *d)
{
	const struct memif_region *region;

	if (r->buffers != NULL)
		return d->length <= MEMIF_BUFFER
			       ? r->buffers + (size_t)(slot & (r->size - 1)) * MEMIF_BUFFER
			       : NULL;
	if (d->region >= r->mem->n)
		return NULL;
	region = &r->mem->region[d->region];
	if (d->offset >= region->size || d->length > region->size - d->offset)
		return NULL;
	return region->base + d->offset;
}

/* --- receive --- */

/* Append a slot's bytes; what is wrong spoils the frame, not the slots behind it. */
static void chain_add(
	const struct memif_ring *r, uint16_t slot, const struct memif_desc *d, struct chain *c)
{
	uint8_t *memory = slot_memory(r, slot, d);

	if (memory == NULL || c->n == MEMIF_CHAIN_MAX) {
		c->bad = true;
		return;
	}
	if (d->length == 0)
		return;
	c->seg[c->n++] = (struct seg){memory, d->length};
	c->total += d->length;
}

/* The next frame, of which at most `ready` slots are there; how many it has. */
static uint16_t chain_read(
	const struct memif_ring *r, uint16_t slot, uint16_t ready, struct chain *c)
{
	c->n = 0;
	c->total = 0;
	c->bad = false;
	for (uint16_t i = 0; i < ready; i++) {
		struct memif_desc d = desc_read(slot_desc(r, slot + i));

		chain_add(r, slot + i, &d, c);
		if (!(d.flags & MEMIF_DESC_NEXT))
			return i + 1;
	}
	c->bad = true; /* it ends in the middle */
	return ready;
}

static void frame_take(struct burst *b, struct chain *c)
{
	struct frame *f = &b->frame[b->n];
	struct seg *seg = c->seg;

	stat_add(&b->stats->rx_packets, 1);
	if (c->bad) {
		stat_add(&b->stats->drops[DROP_bad_descriptor], 1);
		return;
	}
	stat_add(&b->stats->rx_bytes, c->total);
	if (c->total < FRAME_LEN_MIN || c->total > FRAME_LEN_MAX) {
		stat_add(&b->stats->drops[DROP_malformed], 1);
		return;
	}
	*f = (struct frame){
		.head = b->head[b->n],
		.len = (uint32_t)c->total,
		.head_len = (uint16_t)RTE_MIN(c->total, (uint64_t)FRAME_HEAD_MAX),
		.tail = &b->seg[b->n_segs],
	};
	segs_pull(&seg, f->head, f->head_len);
	f->n_tail = (uint16_t)(c->seg + c->n - seg);
	memcpy(&b->seg[b->n_segs], seg, f->n_tail * sizeof(*seg));
	b->n_segs += f->n_tail;
	b->n++;
}

uint16_t memif_ring_receive(struct memif_ring *r, struct burst *b)
{
	uint16_t ready;
	uint16_t taken;

	b->n = 0;
	b->n_segs = 0;
	if (unlikely(r->broken))
		return 0;
	ready = far_index(r) - r->next;
	if (unlikely(ready > r->size)) {
		ring_break(r);
		return 0;
	}
	for (taken = 0; taken < b->max && r->n_held < ready &&
			b->n_segs <= BURST_SEGS_MAX - MEMIF_CHAIN_MAX;
		taken++) {
		struct chain c;

		r->n_held += chain_read(r, r->next + r->n_held, ready - r->n_held, &c);
		frame_take(b, &c);
	}
	b->taken = taken;
	/* The heads are now what was read once, also to a compiler that sees both ends. */
	rte_compiler_barrier();
	if (b->n == 0 && r->n_held != 0)
		memif_ring_release(r);
	return b->n;
}

/* A client's slots go back as the empty buffers they were. */
void memif_ring_release(struct memif_ring *r)
{
	if (r->buffers != NULL)
		for (uint16_t i = 0; i < r->n_held; i++) {
			struct memif_desc *d = slot_desc(r, r->next + i);

			__atomic_store_n(&d->flags, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&d->length, MEMIF_BUFFER, __ATOMIC_RELAXED);
		}
	r->next += r->n_held;
	r->n_held = 0;
	__atomic_store_n(r->near, (uint16_t)(r->next + r->lead), __ATOMIC_RELEASE);
}

/* --- transmit --- */

/* Take slots until they hold need bytes; false: `room` slots do not, or one is no buffer (c->bad). */
static bool room_find(const struct memif_ring *r, uint16_t room, uint32_t need, struct chain *c)
{
	c->n = 0;
	c->total = 0;
	c->bad = false;
	while (c->total < need) {
		struct memif_desc d = {.length = MEMIF_BUFFER};
		uint16_t slot = r->next + c->n;
		uint8_t *memory;

		if (c->n == room || c->n == MEMIF_CHAIN_MAX)
			return false;
		if (r->buffers == NULL)
			d = desc_read(slot_desc(r, slot));
		memory = slot_memory(r, slot, &d);
		if (memory == NULL || d.length == 0) {
			c->bad = true;
			return false;
		}
		c->seg[c->n++] = (struct seg){memory, d.length};
		c->total += d.length;
	}
	return true;
}

/* The slots of c hold need bytes from now on. */
static void slots_fill(
	struct memif_ring *r, const struct tx_item *it, uint32_t need, const struct chain *c)
{
	struct seg filled[MEMIF_CHAIN_MAX];
	struct seg *seg = filled;

	memcpy(filled, c->seg, c->n * sizeof(*seg));
	segs_push_item(&seg, it);
	for (uint16_t i = 0; i < c->n; i++) {
		struct memif_desc *d = slot_desc(r, r->next + i);
		uint32_t piece = RTE_MIN(need, c->seg[i].len);

		need -= piece;
		__atomic_store_n(&d->length, piece, __ATOMIC_RELAXED);
		__atomic_store_n(&d->flags, need != 0 ? MEMIF_DESC_NEXT : 0, __ATOMIC_RELAXED);
	}
	r->next += c->n;
}

static void publish(struct memif_ring *r)
{
	__atomic_store_n(r->near, r->next, __ATOMIC_RELEASE);
	/* Who takes from the ring asks for calls and then looks at our index; we the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->eventfd >= 0 &&
		!(__atomic_load_n(&r->shm->flags, __ATOMIC_RELAXED) & MEMIF_MASK_INT))
		port_call(r->eventfd);
}

/* Slots that may be written; of a ring whose index makes no sense, which is broken then, whatever it gives. */
static uint16_t slots_free(struct memif_ring *r)
{
	uint16_t room = far_index(r) + r->lead - r->next;

	if (unlikely(!r->broken && room > r->size))
		ring_break(r);
	return room;
}

uint16_t memif_ring_room(struct memif_ring *r, uint16_t n)
{
	uint16_t room = slots_free(r);

	return r->broken ? n : RTE_MIN(room, n);
}

void memif_ring_transmit(
	struct memif_ring *r, const struct tx_item *items, uint16_t n, struct port_stats *stats)
{
	uint16_t room = slots_free(r), begin = r->next, i;
	uint64_t packets = 0, bytes = 0;

	for (i = 0; i < n && !r->broken; i++) {
		uint16_t left = room - (uint16_t)(r->next - begin);
		uint32_t need = item_len(&items[i]);
		struct chain c;

		if (likely(room_find(r, left, need, &c))) {
			slots_fill(r, &items[i], need, &c);
			packets++;
			bytes += need;
		} else if (c.bad) {
			ring_break(r);
			break;
		} else {
			bool never = c.n == MEMIF_CHAIN_MAX || left == r->size;

			stat_add(&stats->drops[never ? DROP_too_big : DROP_ring_full], 1);
		}
	}
	stat_add(&stats->drops[DROP_port_down], n - i);
	stat_add(&stats->tx_packets, packets);
	stat_add(&stats->tx_bytes, bytes);
	if (r->next != begin)
		publish(r);
}

/* --- waiting --- */

bool memif_ring_ask(struct memif_ring *r)
{
	__atomic_store_n(&r->shm->flags, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (far_index(r) == r->next)
		return false;
	memif_ring_ask_not(r);
	return true;
}

void memif_ring_ask_not(struct memif_ring *r)
{
	__atomic_store_n(&r->shm->flags, MEMIF_MASK_INT, __ATOMIC_RELAXED);
}
