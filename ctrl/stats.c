/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters by the names that clients know. */
#include "ctrl/commit.h"
#include "ctrl/commit_state.h"
#include "ctrl/stats_json.h"

static json_t *drops_json(const struct port_stats *stats)
{
	json_t *ret = json_object();

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (stats->drops[i] > 0)
			json_object_set_new(ret, drop_reason_name((enum drop_reason)i),
				json_integer((json_int_t)stats->drops[i]));
	return ret;
}

static json_t *port_stats_json(const struct port_stats *stats)
{
	json_t *ret = json_object();

	set_count(ret, "rx_packets", stats->rx_packets);
	set_count(ret, "rx_bytes", stats->rx_bytes);
	set_count(ret, "tx_packets", stats->tx_packets);
	set_count(ret, "tx_bytes", stats->tx_bytes);
	set_count(ret, "copies", stats->copies);
	json_object_set_new(ret, "drops", drops_json(stats));
	return ret;
}

/* The counters of a port, and under a name more that goes by them. */
static void add_port_with(json_t *ret, const char *id, uint32_t index, const char *name,
	json_t *(*more)(uint32_t index, const struct port_stats *stats))
{
	struct port_stats stats = {0};
	json_t *json;

	worker_port_stats((uint16_t)index, &stats);
	json = port_stats_json(&stats);
	if (name != NULL)
		json_object_set_new(json, name, more(index, &stats));
	json_object_set_new(ret, id, json);
}

static void add_port(json_t *ret, const char *id, uint32_t index)
{
	add_port_with(ret, id, index, NULL, NULL);
}

static void add_endpoint(json_t *ret, const char *id, uint32_t index)
{
	add_port_with(ret, id, index, "qos", stats_qos_json);
}

static void add_uplink(json_t *ret, const char *id, uint32_t index)
{
	add_port_with(ret, id, index, "capacity", stats_capacity_json);
}

static void add_rule(json_t *ret, const char *id, uint32_t index)
{
	struct rule_stats stats = {0};
	json_t *json = json_object();

	worker_rule_stats(index, &stats);
	set_count(json, "packets", stats.packets);
	set_count(json, "bytes", stats.bytes);
	set_count(json, "connections", stats.connections);
	json_object_set_new(ret, id, json);
}

/* Those of `ids` that are in the list, or all for NULL. */
static void add_names(json_t *ret, const struct names *names, json_t *ids,
	void (*add)(json_t *ret, const char *id, uint32_t index))
{
	json_t *id;
	size_t i;

	if (ids == NULL) {
		for (i = 0; i < names->n; i++)
			add(ret, names->list[i].id, names->list[i].index);
		return;
	}
	json_array_foreach (ids, i, id) {
		uint32_t index = names_index(names, json_string_value(id));

		if (index != NAME_NONE)
			add(ret, json_string_value(id), index);
	}
}

json_t *stats_ports(json_t *ids)
{
	json_t *ret = json_object();

	reclaim_if_quiesced();
	add_names(ret, &commit_state.names.endpoint, ids, add_port);
	add_names(ret, &commit_state.names.uplink, ids, add_port);
	return ret;
}

json_t *stats_endpoints(json_t *ids)
{
	json_t *ret = json_object();

	add_names(ret, &commit_state.names.endpoint, ids, add_endpoint);
	return ret;
}

json_t *stats_uplinks(json_t *ids)
{
	json_t *ret = json_object();

	add_names(ret, &commit_state.names.uplink, ids, add_uplink);
	return ret;
}

json_t *stats_rules(json_t *ids)
{
	json_t *ret = json_object();

	add_names(ret, &commit_state.names.rule, ids, add_rule);
	return ret;
}

json_t *stats_gone(void)
{
	struct port_stats sum = {0};

	reclaim_if_quiesced();
	gone_stats(&sum);
	return port_stats_json(&sum);
}

static void sum_ports(const struct names *names, struct port_stats *sum)
{
	for (size_t i = 0; i < names->n; i++) {
		struct port_stats stats = {0};

		worker_port_stats((uint16_t)names->list[i].index, &stats);
		port_stats_add(sum, &stats);
	}
}

json_t *stats_drops(void)
{
	struct port_stats sum = {0};

	reclaim_if_quiesced();
	gone_stats(&sum);
	sum_ports(&commit_state.names.endpoint, &sum);
	sum_ports(&commit_state.names.uplink, &sum);
	return drops_json(&sum);
}
