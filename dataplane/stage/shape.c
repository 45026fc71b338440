/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Into a shaper, and out of it. What an endpoint sends goes in once it is decided that it may go on, and is decided again
 * when it comes out: by the configuration of then, and without a list of its outputs to be kept. What it receives goes in
 * as one of its frames, and straight to its port when it comes out.
 */
#include "dataplane/stage/shape.h"
#include "dataplane/shaper.h"
#include "dataplane/worker.h"

/* The seed of no use to anybody: a flow that collides with another only shares its turns. */
static const struct hash_seed seed = {{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
	0xd6e8feb86659fd93, 0xa0761d6478bd642f}};

/* By addresses, protocol and ports; fragments of a packet by the first two alone, so that they stay together. */
static uint32_t flow_hash(const struct frame *f)
{
	uint64_t w[5] = {load_word(f->head), load_word(f->head + 6)};
	uint16_t src = 0;
	uint16_t dst = 0;
	struct ip from;
	struct ip to;

	if (f->flags & (FRAME_IPV4 | FRAME_IPV6)) {
		frame_ips(f, &from, &to);
		memcpy(w, from.b, 16);
		memcpy(w + 2, to.b, 16);
		if (!(f->flags & (FRAME_FRAG_FIRST | FRAME_FRAG_LATER)))
			frame_ports(f, &src, &dst);
		w[4] = (uint64_t)f->l4_proto << 32 | (uint32_t)src << 16 | dst;
	}
	return (uint32_t)hash_5(&seed, w);
}

/* A large segment that would take too long by itself is cut: nothing can go between its parts. What is kept is counted. */
static void hold(struct pipeline *p, struct meter *meter, struct frame *f,
	struct shaper_place *place, struct shaper_drops *drops)
{
	const struct shape *shape = &meter->shape;
	uint32_t n = offload_wire_frames(f);
	bool kept = false;

	place->hash = flow_hash(f);
	place->ecn = frame_knows_ecn(f);
	if (n == 1 || offload_wire_bytes(f) <= shape->whole_max) {
		p->kept += shaper_hold(meter->shaper, shape, f, place, p->now_tsc, drops);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		offload_segment(f, i, &p->segment);
		kept |= shaper_hold(
			meter->shaper, shape, &p->segment.frame, place, p->now_tsc, drops);
	}
	p->kept += kept;
	stat_add(&p->stats[p->burst.port].copies, n - 1);
}

static void count_drops(
	struct pipeline *p, uint16_t port, enum meter_side side, const struct shaper_drops *drops)
{
	uint64_t *counts = p->stats[port].drops;

	stat_add(&counts[side == METER_TX ? DROP_tx_codel : DROP_rx_codel], drops->codel);
	stat_add(&counts[side == METER_TX ? DROP_tx_queue_full : DROP_rx_queue_full], drops->full);
}

/* Who takes from the shaper may sleep, for longer than what waits now can. */
static void tell_owner(const struct pipeline *p, uint16_t port, bool was_idle)
{
	if (was_idle && p->snap->ports[port].worker != p->worker)
		worker_wake(p->snap->ports[port].worker);
}

void shape_sender(struct pipeline *p, const struct snapshot_port *in, bool held[BURST_MAX])
{
	struct shaper *s = in->tx->shaper;
	struct shaper_drops drops = {0};
	struct shaper_place place = {.from = p->burst.port};
	bool was_idle;

	shaper_lock(s);
	was_idle = shaper_is_idle(s);
	for (unsigned i = 0; i < p->burst.n; i++) {
		held[i] = p->drop[i] == 0 && p->flow[i]->drop == 0;
		if (held[i])
			hold(p, in->tx, &p->burst.frame[i], &place, &drops);
	}
	shaper_unlock(s);
	count_drops(p, in->port->index, METER_TX, &drops);
	tell_owner(p, in->port->index, was_idle);
}

/* At an uplink it competes with what other ports send. */
static struct shaper_place place_at(const struct pipeline *p, const struct snapshot_port *to)
{
	struct shaper_place place = {.from = p->burst.port};

	if (to->uplink) {
		place.class = p->burst.port;
		place.share = p->snap->ports[p->burst.port].share;
	}
	return place;
}

void shape_receiver(struct pipeline *p, uint16_t port, struct out_queue *q)
{
	struct meter *meter = p->snap->ports[port].rx;
	struct shaper_place place = place_at(p, &p->snap->ports[port]);
	struct shaper_drops drops = {0};
	bool was_idle;

	shaper_lock(meter->shaper);
	was_idle = shaper_is_idle(meter->shaper);
	for (uint16_t k = 0; k < q->n; k++) {
		place.tag = q->item[k].tag;
		hold(p, meter, q->item[k].frame, &place, &drops);
	}
	shaper_unlock(meter->shaper);
	q->n = 0;
	count_drops(p, port, METER_RX, &drops);
	tell_owner(p, port, was_idle);
}

static struct meter *meter_at(const struct pipeline *p, uint16_t port, enum meter_side side)
{
	return side == METER_TX ? p->snap->ports[port].tx : p->snap->ports[port].rx;
}

/* Sent where there is no room it would be lost, and have used up the rate. */
static struct shaper_room room_at(const struct pipeline *p, uint16_t port, enum meter_side side)
{
	struct shaper_room room = {.free = SHAPER_ROOM_ANY};
	struct port *to = p->snap->ports[port].port;

	if (side == METER_RX && to->ops->tx_room != NULL)
		room = (struct shaper_room){
			.free = port_tx_room(to, p->worker, SHAPER_ROOM_MOST),
			.caps = port_caps(to),
		};
	return room;
}

unsigned shape_take(struct pipeline *p, uint16_t port, enum meter_side side)
{
	struct meter *meter = meter_at(p, port, side);
	struct shaper_drops drops = {0};
	struct burst *b = &p->burst;
	uint32_t frames = 0;
	uint64_t bytes = 0;
	bool marked[BURST_MAX];

	struct shaper_room room = room_at(p, port, side);

	meter_lock(meter);
	shaper_lock(meter->shaper);
	shaper_take(meter->shaper, meter, p->now_tsc, room, b, marked, &drops);
	shaper_unlock(meter->shaper);
	meter_unlock(meter);
	count_drops(p, port, side, &drops);
	for (unsigned i = 0; i < b->n; i++) {
		frames += offload_wire_frames(&b->frame[i]);
		bytes += offload_wire_bytes(&b->frame[i]);
		if (marked[i])
			mark_congestion(&b->frame[i]);
	}
	count_metered(p, port, side, METER_PASS, frames, bytes);
	return b->n;
}

void shape_release(struct pipeline *p, uint16_t port, enum meter_side side)
{
	struct shaper *s = meter_at(p, port, side)->shaper;

	shaper_lock(s);
	shaper_release(s, &p->burst);
	shaper_unlock(s);
}
