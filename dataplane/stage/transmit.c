/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Out: the receiving endpoint's meter, then what its far side does not take is finished in software
 * (large segments cut, checksums summed), then one transmit call a port.
 */
#include "dataplane/shaper.h"
#include "dataplane/stage/shape.h"

/* Those that have room stay in the queue. */
static void meter_each(struct pipeline *p, uint16_t port, struct meter *meter, struct out_queue *q)
{
	static const enum drop_reason reasons[METER_VERDICTS] = {
		[METER_OVER_BITS] = DROP_rx_rate,
		[METER_OVER_PACKETS] = DROP_rx_pps,
	};
	uint16_t kept = 0;

	for (uint16_t k = 0; k < q->n; k++) {
		const struct frame *f = q->item[k].frame;
		uint64_t bytes = offload_wire_bytes(f);
		uint32_t frames = offload_wire_frames(f);
		enum meter_verdict verdict = meter_take(meter, bytes, frames, p->now_tsc);

		count_metered(p, port, METER_RX, verdict, frames, bytes);
		if (verdict == METER_PASS)
			q->item[kept++] = q->item[k];
		else
			stat_add(&p->stats[port].drops[reasons[verdict]], 1);
	}
	q->n = kept;
}

/* Has the receiver room for all? What cannot go for another reason need not know. */
static bool has_room(
	const struct pipeline *p, uint16_t port, const struct meter *meter, struct out_queue *q)
{
	struct port *to = p->snap->ports[port].port;
	uint32_t buffers = 0, caps = port_caps(to);

	if (meter->shaper == NULL)
		return true;
	if (!shaper_is_idle(meter->shaper))
		return false;
	for (uint16_t k = 0; k < q->n; k++)
		buffers += offload_buffers(q->item[k].frame, caps);
	return port_has_room(to, p->worker, buffers);
}

static void meter_receiver(
	struct pipeline *p, uint16_t port, struct meter *meter, struct out_queue *q)
{
	bool enough = has_room(p, port, meter, q);

	meter_lock(meter);
	enough = enough && shaper_lets_pass(meter, q->wire_bytes, q->wire_frames, p->now_tsc);
	if (!enough && meter->shaper != NULL)
		shape_receiver(p, port, q);
	else if (!enough)
		meter_each(p, port, meter, q);
	meter_unlock(meter);
	if (enough)
		count_metered(p, port, METER_RX, METER_PASS, q->wire_frames, q->wire_bytes);
}

static bool takes_gso(const struct frame *f, uint32_t caps)
{
	return (offload_gso_caps(f) & ~caps) == 0;
}

static bool takes_csum(const struct frame *f, uint32_t caps)
{
	return !(f->offload & FRAME_NEEDS_CSUM) || (caps & PORT_CAP_CSUM) != 0;
}

/* Frames on their way to one port that does not take all of them as they are. */
struct finisher {
	struct pipeline *p;
	struct port *port;
	struct port_stats *stats;
	uint32_t caps;
	uint16_t n;
	uint16_t n_slots;
	struct tx_item item[BURST_MAX];
};

static void finisher_flush(struct finisher *out)
{
	if (out->n != 0)
		out->port->ops->transmit(out->port, out->p->worker, out->item, out->n, out->stats);
	out->n = 0;
	out->n_slots = 0;
}

static void finisher_add(struct finisher *out, struct frame *f, uint32_t tag)
{
	out->item[out->n].frame = f;
	out->item[out->n].tag = tag;
	if (++out->n == BURST_MAX)
		finisher_flush(out);
}

/* A slot is free until the next flush, which comes at the latest with the BURST_MAX-th frame. */
static void finisher_add_summed(struct finisher *out, const struct frame *f, uint32_t tag)
{
	struct offload_slot *slot = &out->p->slot[out->n_slots++];

	offload_finish_csum(f, slot);
	finisher_add(out, &slot->frame, tag);
}

static void finisher_add_segments(struct finisher *out, struct frame *f, uint32_t tag)
{
	uint32_t n = offload_wire_frames(f);

	for (uint32_t i = 0; i < n; i++) {
		if (out->caps & PORT_CAP_CSUM) {
			struct offload_slot *slot = &out->p->slot[out->n_slots++];

			offload_segment(f, i, slot);
			finisher_add(out, &slot->frame, tag);
		} else {
			offload_segment(f, i, &out->p->segment);
			finisher_add_summed(out, &out->p->segment.frame, tag);
		}
	}
	stat_add(&out->p->stats[out->p->burst.port].copies, n - 1);
}

static void transmit_finished(struct pipeline *p, struct port *port, const struct out_queue *q,
	uint32_t caps, struct port_stats *stats)
{
	struct finisher out = {.p = p, .port = port, .stats = stats, .caps = caps};

	for (uint16_t k = 0; k < q->n; k++) {
		struct frame *f = q->item[k].frame;

		if (!takes_gso(f, caps))
			finisher_add_segments(&out, f, q->item[k].tag);
		else if (!takes_csum(f, caps))
			finisher_add_summed(&out, f, q->item[k].tag);
		else
			finisher_add(&out, f, q->item[k].tag);
	}
	finisher_flush(&out);
}

void stage_transmit(struct pipeline *p)
{
	for (unsigned t = 0; t < p->n_touched; t++) {
		uint16_t index = p->touched[t];
		const struct snapshot_port *to = &p->snap->ports[index];
		struct out_queue *q = &p->out[index];
		struct port_stats *stats = &p->stats[index];
		uint32_t caps = port_caps(to->port);
		bool as_they_are = true;

		if (to->rx != NULL && !p->paid)
			meter_receiver(p, index, to->rx, q);
		p->kept += q->n;
		for (uint16_t k = 0; k < q->n && q->offloads != 0; k++)
			as_they_are &= takes_csum(q->item[k].frame, caps) &
				       takes_gso(q->item[k].frame, caps);
		if (!as_they_are)
			transmit_finished(p, to->port, q, caps, stats);
		else if (q->n != 0)
			to->port->ops->transmit(to->port, p->worker, q->item, q->n, stats);
		q->n = 0;
		if (to->port->ops->notify_tx != NULL)
			notice_add(p, to->port, NOTICE_TX);
	}
	p->n_touched = 0;
}
