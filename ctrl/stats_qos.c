/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates of endpoints and the capacity of uplinks, and what became by them of what was to go. */
#include "ctrl/commit_state.h"
#include "ctrl/stats_json.h"
#include "dataplane/shaper.h"

static json_t *count_json(const struct meter_count *count)
{
	json_t *ret = json_object();

	set_count(ret, "packets", count->packets);
	set_count(ret, "bytes", count->bytes);
	return ret;
}

static json_t *waits_json(const struct shaper_stats *stats)
{
	json_t *ret = json_array();

	for (unsigned i = 0; i < SHAPER_WAITS; i++)
		json_array_append_new(ret, json_integer((json_int_t)stats->waits[i]));
	return ret;
}

static json_t *shaper_json(const struct shaper *shaper)
{
	struct shaper_stats stats;
	json_t *ret = json_object();

	shaper_stats_read(shaper, &stats);
	set_count(ret, "waiting_packets", stats.waiting_packets);
	set_count(ret, "waiting_bytes", stats.waiting_bytes);
	set_count(ret, "sent_packets", stats.sent_packets);
	set_count(ret, "sent_bytes", stats.sent_bytes);
	set_count(ret, "ecn_packets", stats.marked_packets);
	set_count(ret, "codel_drops", stats.codel_packets);
	set_count(ret, "queue_full_drops", stats.full_packets);
	set_count(ret, "wait_us_max", stats.wait_us_max);
	set_count(ret, "wait_us_mean",
		stats.sent_packets == 0 ? 0 : stats.wait_us_sum / stats.sent_packets);
	json_object_set_new(ret, "waits", waits_json(&stats));
	return ret;
}

static json_t *side_json(const struct compiled_meter *meter, const struct meter_count *said)
{
	const struct meter_values *v = &meter->values;
	json_t *ret = json_object();

	if (v->bits_per_s != 0) {
		set_count(ret, "kbps", v->bits_per_s / BITS_PER_KBIT);
		set_count(ret, "burst_bits", v->burst_bits);
	}
	if (v->packets_per_s != 0)
		set_count(ret, "pps", v->packets_per_s);
	json_object_set_new(ret, "conforming", count_json(&said[METER_PASS]));
	json_object_set_new(ret, "over_kbps", count_json(&said[METER_OVER_BITS]));
	json_object_set_new(ret, "over_pps", count_json(&said[METER_OVER_PACKETS]));
	if (meter->meter->shaper != NULL)
		json_object_set_new(ret, "shaper", shaper_json(meter->meter->shaper));
	return ret;
}

/* Who sends to an uplink, and what he had of it when there was not enough for all. */
static json_t *share_json(
	const struct snapshot_port *from, const struct shaper *shaper, uint16_t index)
{
	struct shaper_class_stats stats;
	json_t *ret = json_object();

	shaper_class_stats_read(shaper, index, &stats);
	set_count(ret, "weight", from->share.weight == 0 ? 1 : from->share.weight);
	set_count(ret, "min_kbps", from->share.kept_bits_per_s / BITS_PER_KBIT);
	set_count(ret, "sent_packets", stats.sent_packets);
	set_count(ret, "sent_bytes", stats.sent_bytes);
	set_count(ret, "dropped_packets", stats.dropped_packets);
	return ret;
}

json_t *stats_capacity_json(uint32_t index, const struct port_stats *stats)
{
	const struct compiled *compiled = commit_state.compiled;
	const struct compiled_meter *meter =
		compiled == NULL ? NULL : compiled->meters[index][METER_RX];
	json_t *shares;
	json_t *ret;

	if (meter == NULL)
		return json_null();
	shares = json_object();
	ret = side_json(meter, stats->metered[METER_RX]);
	for (size_t i = 0; i < compiled->spec.n_ports; i++) {
		const struct snapshot_port *from = &compiled->ports[i];
		const char *id;

		if (!from->uplink && commit_port_owner(compiled->port_index[i], &id) != NULL)
			json_object_set_new(shares, id,
				share_json(from, meter->meter->shaper, compiled->port_index[i]));
	}
	json_object_set_new(ret, "shares", shares);
	return ret;
}

json_t *stats_qos_json(uint32_t index, const struct port_stats *stats)
{
	static const char *const sides[METER_SIDES] = {[METER_TX] = "tx", [METER_RX] = "rx"};
	const struct compiled *compiled = commit_state.compiled;
	json_t *ret = json_object();

	for (unsigned side = 0; compiled != NULL && side < METER_SIDES; side++) {
		const struct compiled_meter *meter = compiled->meters[index][side];

		if (meter != NULL)
			json_object_set_new(
				ret, sides[side], side_json(meter, stats->metered[side]));
	}
	return ret;
}
