/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates of an endpoint, and the capacity of an uplink, as token buckets. */
#include <stdlib.h>

#include "ctrl/compile.h"
#include "ctrl/limits.h"
#include "dataplane/shaper.h"

#define MS_PER_S 1000
#define FRAME_HEADERS_MAX                                                                          \
	(14 + VLAN_TAG_LEN + 60 + 60) /* Ethernet, tag, IPv4 and TCP with options */
#define HEADERS_MIN 40		      /* of the MTU: IPv4 and TCP without options */
#define TCP_MSS_DEFAULT 536 /* RFC 9293, 3.7.1: what a sender that knows nothing better uses */

/*
 * The costliest frame in bits on a wire: with GSO 64 KB, and the headers of each segment that it
 * becomes. A bucket that holds less could never let it pass.
 */
static uint64_t frame_bits_max(bool gso, uint16_t mtu)
{
	uint64_t headers = FRAME_HEADERS_MAX;
	uint64_t mss = TCP_MSS_DEFAULT;
	uint64_t segments;

	if (!gso)
		return (mtu + headers) * 8;
	if (mtu < mss + HEADERS_MIN)
		mss = mtu > HEADERS_MIN ? mtu - HEADERS_MIN : 1;
	segments = FRAME_LEN_MAX / mss + 1;
	return (FRAME_LEN_MAX + segments * headers) * 8;
}

static uint64_t burst_bits(uint64_t kbps, uint64_t burst_kbit, uint64_t frame_bits)
{
	uint64_t bits = burst_kbit * BITS_PER_KBIT;

	if (bits == 0) {
		bits = kbps * BITS_PER_KBIT / MS_PER_S * BURST_DEFAULT_MS;
		if (bits < BURST_DEFAULT_MIN_KBIT * BITS_PER_KBIT)
			bits = BURST_DEFAULT_MIN_KBIT * BITS_PER_KBIT;
	}
	return bits > frame_bits ? bits : frame_bits;
}

static uint64_t burst_bits_shaped(uint64_t kbps, uint64_t burst_kbit, uint64_t frame_bits)
{
	uint64_t bits = burst_kbit * BITS_PER_KBIT;

	if (bits == 0)
		bits = kbps * BITS_PER_KBIT / MS_PER_S * BURST_SHAPE_MS + frame_bits;
	return bits > frame_bits ? bits : frame_bits;
}

static struct meter_values values_of(
	const struct qos *q, enum meter_side side, const struct meter_context *ctx)
{
	enum port_kind kind = ctx->endpoint->port.kind;
	bool tx = side == METER_TX;
	/* What it receives may have come as GSO from another port, whatever its own kind. */
	bool gso = !tx || kind == PORT_TAP || kind == PORT_VHOST_USER;
	uint64_t kbps = tx ? q->tx_kbps : q->rx_kbps;
	uint64_t burst_kbit = tx ? q->tx_burst_kbit : q->rx_burst_kbit;
	struct meter_values v = {
		.bits_per_s = kbps * BITS_PER_KBIT,
		.packets_per_s = tx ? q->tx_pps : q->rx_pps,
		.shared = tx ? ctx->tx_shared : ctx->rx_shared,
		.shape_mtu = q->shape ? ctx->mtu : 0,
		.classes = 1,
	};

	/* Segments that are larger than the burst are cut where they wait. */
	if (kbps != 0 && q->shape)
		v.burst_bits = burst_bits_shaped(kbps, burst_kbit, frame_bits_max(false, ctx->mtu));
	else if (kbps != 0)
		v.burst_bits = burst_bits(kbps, burst_kbit, frame_bits_max(gso, ctx->mtu));
	return v;
}

static bool values_equal(const struct meter_values *a, const struct meter_values *b)
{
	return a->bits_per_s == b->bits_per_s && a->burst_bits == b->burst_bits &&
	       a->packets_per_s == b->packets_per_s && a->flood == b->flood &&
	       a->shared == b->shared && a->shape_mtu == b->shape_mtu && a->classes == b->classes;
}

static struct meter *meter_of(const struct meter_values *v)
{
	if (v->flood)
		return meter_create_flood(v->packets_per_s, v->shared);
	return meter_create(v->bits_per_s, v->burst_bits, v->packets_per_s, v->shared);
}

/* What waits by the values of before goes on waiting, by those of now. */
static int shape(
	struct meter *meter, const struct meter_values *v, const struct compiled_meter *before)
{
	struct shaper *shaper = before != NULL ? before->meter->shaper : NULL;

	if (shaper != NULL && before->values.classes == v->classes)
		shaper_ref(shaper);
	else
		shaper = shaper_create(v->shared, v->classes);
	if (shaper == NULL)
		return -1;
	meter_shape(meter, shaper, v->shape_mtu);
	return 0;
}

/* The meter before where its values are the same; *ret stays NULL without a limit. 0, or -1 and
 * err. */
static int meter_get(struct compiled *c, const struct meter_values *v,
	struct compiled_meter *before, struct compiled_meter **ret, struct error *err)
{
	struct compiled_meter *m;

	if (v->bits_per_s == 0 && v->packets_per_s == 0)
		return 0;
	if (before != NULL && values_equal(&before->values, v)) {
		before->refs++;
		*ret = before;
		return 0;
	}
	m = calloc(1, sizeof(*m));
	if (m != NULL)
		m->meter = meter_of(v);
	if (m == NULL || m->meter == NULL ||
		(v->shape_mtu != 0 && shape(m->meter, v, before) != 0)) {
		if (m != NULL)
			meter_free(m->meter);
		free(m);
		return error_set(err, LEAT_EXHAUSTED, "no memory for a meter");
	}
	m->refs = 1;
	m->values = *v;
	*ret = m;
	c->n_meters_new++;
	return 0;
}

int compile_meters(struct compiled *c, const struct qos *q, const struct meter_context *ctx,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err)
{
	if (q == NULL)
		return 0;
	for (int side = METER_TX; side <= METER_RX; side++) {
		struct meter_values v = values_of(q, side, ctx);
		struct compiled_meter **slot = &c->meters[index][side];

		if (meter_get(c, &v, prev != NULL ? prev->meters[index][side] : NULL, slot, err) !=
			0)
			return -1;
		if (*slot != NULL && side == METER_TX)
			ret->tx = (*slot)->meter;
		else if (*slot != NULL)
			ret->rx = (*slot)->meter;
	}
	return 0;
}

int compile_uplink_meter(struct compiled *c, const struct uplink *uplink, bool shared,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err)
{
	struct compiled_meter **slot = &c->meters[index][METER_RX];
	struct meter_values v = {
		.bits_per_s = uplink->capacity_kbps * BITS_PER_KBIT,
		.burst_bits = burst_bits_shaped(
			uplink->capacity_kbps, 0, frame_bits_max(false, uplink->mtu)),
		.shared = shared,
		.shape_mtu = uplink->mtu,
		.classes = PORTS_MAX,
	};

	if (meter_get(c, &v, prev != NULL ? prev->meters[index][METER_RX] : NULL, slot, err) != 0)
		return -1;
	if (*slot != NULL)
		ret->rx = (*slot)->meter;
	return 0;
}

int compile_flood_meters(struct compiled *c, const struct flood_limits *limits, bool shared,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err)
{
	const uint64_t pps[FLOOD_KINDS] = {
		[FLOOD_BROADCAST] = limits->broadcast_pps,
		[FLOOD_MULTICAST] = limits->multicast_pps,
		[FLOOD_UNKNOWN_UNICAST] = limits->unknown_unicast_pps,
	};

	for (unsigned kind = 0; kind < FLOOD_KINDS; kind++) {
		struct compiled_meter **slot = &c->floods[index][kind];
		struct meter_values v = {
			.packets_per_s = pps[kind],
			.flood = true,
			.shared = shared,
		};

		if (meter_get(c, &v, prev != NULL ? prev->floods[index][kind] : NULL, slot, err) !=
			0)
			return -1;
		if (*slot != NULL)
			ret->flood[kind] = (*slot)->meter;
	}
	return 0;
}

uint64_t compiled_meter_unref(struct compiled_meter *m)
{
	uint64_t lost;

	if (m == NULL || --m->refs > 0)
		return 0;
	lost = shaper_unref(m->meter->shaper);
	meter_free(m->meter);
	free(m);
	return lost;
}
