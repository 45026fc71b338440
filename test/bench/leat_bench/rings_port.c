/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end that costs next to nothing: frames lie ready, and sending is to offer them again.
 * What has to be written for it depends:
 * - no more flows than descriptors: nothing, each descriptor has its frame;
 * - more: the descriptor, to point at the next flow's frame in a store of them;
 * - frames that differ each time, or too many to keep: the bytes that differ, in the frame.
 */
#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/bench/leat_bench/port.h"
#include "test/bench/leat_bench/vhost_user.h"

#define IDLE_RING_SIZE 256
#define STORE_MAX (256U << 20) /* bytes of a port's ready frames */
#define CACHE_LINE 64U
#define TAKE_MAX 256 /* received frames of one port before the other has its turn */

struct rings_port {
	struct guest guest;
	int sock;
	unsigned free; /* transmit entries that may be offered */
	bool writes;   /* frames are written before they are sent */
	/* With a store, in cyclic order: */
	size_t stride; /* 0: no store */
	size_t stored, next;
	unsigned len; /* of each frame */
};

static struct {
	struct guest guest;
	int sock;
} idle[BENCH_IDLE_MAX];
static unsigned n_idle;

/* What a store of one frame a flow takes, 0 without one. */
static size_t store_plan(struct rings_port *r, const struct stream *out)
{
	const struct bench_options *o = out->options;
	size_t stride;

	r->writes = stream_changes(out, o->ring_size);
	if (!r->writes || out->marks || out->new_flows || o->rewrite || o->size == 0)
		return 0;
	/* A frame begins a cache line, its header ends the one before. */
	r->len = stream_frame_len(o, 0);
	stride = CACHE_LINE + (r->len + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	if (out->flows > STORE_MAX / stride)
		return 0;
	r->stride = stride;
	r->stored = out->flows * stride;
	r->writes = false;
	return r->stored;
}

static void frames_make(struct rings_port *r, const struct stream *out)
{
	for (size_t at = 0; r->stride != 0 && at < r->stored; at += r->stride)
		stream_frame_make(
			out, (unsigned)(at / r->stride), r->guest.store + at + CACHE_LINE);

	struct guest_queue *tx = &r->guest.queue[GUEST_TX];

	for (unsigned id = 0; id < tx->size; id++)
		guest_frame_len_set(tx, id, stream_frame_make(out, id, guest_frame(tx, id)));
}

static void idle_open(const struct bench_options *o)
{
	int listener[BENCH_IDLE_MAX];

	for (unsigned i = 0; i < o->n_idle; i++)
		listener[i] = o->server ? vhost_user_listen(o->idle[i]) : -1;
	for (; n_idle < o->n_idle; n_idle++) {
		guest_create(&idle[n_idle].guest, IDLE_RING_SIZE, 0, false);
		idle[n_idle].sock = vhost_user_connect(listener[n_idle], o->idle[n_idle]);
		vhost_user_start(idle[n_idle].sock, o->idle[n_idle], &idle[n_idle].guest);
		close(listener[n_idle]);
	}
}

static void rings_open(struct port ports[BENCH_SIDES], const struct bench_options *o)
{
	int listener[BENCH_SIDES];

	for (int side = 0; side < BENCH_SIDES; side++)
		listener[side] = o->server ? vhost_user_listen(o->socket[side]) : -1;
	for (int side = 0; side < BENCH_SIDES; side++) {
		struct rings_port *r = calloc(1, sizeof(*r));

		if (r == NULL)
			err(1, "a port");
		guest_create(&r->guest, o->ring_size, store_plan(r, ports[side].out), true);
		frames_make(r, ports[side].out);
		r->free = o->ring_size;
		r->sock = vhost_user_connect(listener[side], o->socket[side]);
		vhost_user_start(r->sock, o->socket[side], &r->guest);
		close(listener[side]);
		ports[side].state = r;
	}
	idle_open(o);
}

/* The descriptors of the next n entries get the next n frames of the store. */
static void frames_point(struct rings_port *r, unsigned n)
{
	const struct guest_queue *tx = &r->guest.queue[GUEST_TX];
	const uint16_t mask = (uint16_t)(tx->size - 1);

	for (unsigned i = 0; i < n; i++) {
		unsigned id = tx->avail->ring[(uint16_t)(tx->avail_idx + i) & mask];

		guest_frame_point(&r->guest, id,
			r->guest.store + r->next + CACHE_LINE - GUEST_HDR_LEN, r->len);
		r->next += r->stride;
		if (r->next == r->stored)
			r->next = 0;
	}
}

/* The frames of the next n entries become the next n packets. */
static void frames_write(struct rings_port *r, struct stream *out, unsigned n)
{
	const struct guest_queue *tx = &r->guest.queue[GUEST_TX];
	const uint16_t mask = (uint16_t)(tx->size - 1);

	for (unsigned i = 0; i < n; i++)
		stream_next(out,
			guest_frame(tx, tx->avail->ring[(uint16_t)(tx->avail_idx + i) & mask]));
}

static unsigned rings_send(struct port *p, unsigned n)
{
	struct rings_port *r = p->state;
	struct guest_queue *tx = &r->guest.queue[GUEST_TX];
	uint16_t first;

	if (r->free < n)
		r->free += guest_used_take(tx, tx->size, &first);
	if (r->free < n)
		n = r->free;
	if (r->stride != 0)
		frames_point(r, n);
	else if (r->writes)
		frames_write(r, p->out, n);
	guest_offer(tx, n);
	r->free -= n;
	p->out->count.sent += n;
	return n;
}

static unsigned rings_receive(struct port *p)
{
	struct rings_port *r = p->state;
	struct guest_queue *rx = &r->guest.queue[GUEST_RX];
	uint16_t mask = (uint16_t)(rx->size - 1), first;
	unsigned n = guest_used_take(rx, TAKE_MAX, &first);
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += rx->used->ring[(uint16_t)(first + i) & mask].len;
	for (unsigned i = 0; p->in->marks && i < n; i++) {
		const struct vring_used_elem *used = &rx->used->ring[(uint16_t)(first + i) & mask];

		stream_arrived(p->in, guest_frame(rx, used->id & mask), used->len - GUEST_HDR_LEN);
	}
	guest_offer(rx, n);
	p->in->count.received += n;
	p->in->count.bytes += bytes - (uint64_t)n * GUEST_HDR_LEN;
	return n;
}

static enum port_backlog rings_backlog(struct port *p)
{
	struct rings_port *r = p->state;
	struct guest_queue *tx = &r->guest.queue[GUEST_TX];
	uint16_t first;

	r->free += guest_used_take(tx, tx->size, &first);
	return r->free == tx->size ? BACKLOG_NONE : BACKLOG_SOME;
}

static bool rings_gone(const struct port *p)
{
	const struct rings_port *r = p->state;

	return vhost_user_gone(r->sock);
}

static void rings_close(struct port ports[BENCH_SIDES])
{
	for (int side = 0; side < BENCH_SIDES; side++) {
		struct rings_port *r = ports[side].state;

		close(r->sock);
		guest_destroy(&r->guest);
		free(r);
	}
	for (unsigned i = 0; i < n_idle; i++) {
		close(idle[i].sock);
		guest_destroy(&idle[i].guest);
	}
}

const struct front_end front_end_rings = {
	.name = "rings",
	.open = rings_open,
	.send = rings_send,
	.receive = rings_receive,
	.backlog = rings_backlog,
	.gone = rings_gone,
	.close = rings_close,
};
