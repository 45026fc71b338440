/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/schema_walk.h"

#include <stdio.h>
#include <string.h>

#include "ctrl/decode.h"

/* Together they have every enforced field of the schema. */
const struct valid_params valid_params[] = {
	{"system.hello", "{\"client\":\"t\",\"version\":\"1\",\"api\":{\"min\":1,\"max\":1},"
			 "\"owner\":\"o\"}"},
	{"system.shutdown", "{\"confirm\":\"x\"}"},
	{"global.set", "{\"owner\":\"o\",\"labels\":{\"a\":\"b\"},\"policy_mode\":\"strict\","
		       "\"arp\":\"flood\",\"mac_age_s\":300,\"tcp_midstream\":\"drop\","
		       "\"host\":\"h\"}"},
	{"network.upsert",
		"{\"id\":\"n\",\"owner\":\"o\",\"labels\":{\"a\":\"b\"},\"tenant\":\"t\","
		"\"encap\":\"vlan\",\"vlan\":100,\"subnet\":\"10.1.0.0/16\","
		"\"gateway\":\"10.1.0.1\",\"subnet6\":\"2001:db8::/64\","
		"\"gateway6\":\"2001:db8::1\",\"mtu\":1500,\"arp\":\"flood\",\"snooping\":true}"},
	{"uplink.upsert",
		"{\"id\":\"u\",\"owner\":\"o\",\"labels\":{},\"mtu\":1500,\"queues\":1,"
		"\"capacity_kbps\":5,\"device\":{\"kind\":\"pci\",\"address\":\"0000:3b:00.0\"},"
		"\"guard\":{\"broadcast_pps\":1,\"multicast_pps\":2,"
		"\"unknown_unicast_pps\":3}}"},
	{"uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"af_xdp\",\"netdev\":\"eth1\"}}"},
	{"uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"af_packet\",\"netdev\":\"eth1\"}}"},
	{"uplink.upsert", "{\"id\":\"u\",\"device\":{\"kind\":\"tap\",\"name\":\"leat0\"}}"},
	{"uplink.upsert",
		"{\"id\":\"u\",\"device\":{\"kind\":\"dpdk\",\"devargs\":\"net_null0\"}}"},
	{"group.upsert", "{\"id\":\"g\",\"owner\":\"o\",\"labels\":{},\"tenant\":\"t\",\"num\":5,"
			 "\"network\":\"n\",\"default_action\":\"deny\",\"qos\":{\"tx_kbps\":1,"
			 "\"tx_burst_kbit\":2,\"rx_kbps\":3,\"rx_burst_kbit\":4,\"tx_pps\":5,"
			 "\"rx_pps\":6,\"min_kbps\":7,\"mode\":\"police\",\"weight\":8}}"},
	{"endpoint.upsert",
		"{\"id\":\"e\",\"owner\":\"o\",\"labels\":{},\"network\":\"n\",\"group\":\"g\","
		"\"mac\":\"02:00:00:00:00:01\",\"ips\":[\"10.1.0.2\",\"2001:db8::2\"],"
		"\"takeover\":false,\"port\":{\"kind\":\"vhost-user\",\"socket\":\"/s\","
		"\"mode\":\"server\",\"queues\":2,\"uid\":1,\"gid\":2,\"perm\":\"0660\"},"
		"\"qos\":{\"tx_kbps\":1},\"guard\":{\"spoof\":true,\"macs\":4,"
		"\"broadcast_pps\":1,\"multicast_pps\":2,\"unknown_unicast_pps\":3,"
		"\"dhcp_server\":true,\"router\":true}}"},
	{"endpoint.upsert", "{\"id\":\"e\",\"network\":\"n\",\"port\":{\"kind\":\"tap\","
			    "\"netns\":\"/run/netns/c\",\"name\":\"eth0\"}}"},
	{"endpoint.upsert",
		"{\"id\":\"e\",\"network\":\"n\",\"port\":{\"kind\":\"af_xdp\",\"netdev\":\"v\"}}"},
	{"endpoint.upsert", "{\"id\":\"e\",\"network\":\"n\",\"port\":{\"kind\":\"memif\","
			    "\"socket\":\"/m\",\"id\":1,\"role\":\"client\"}}"},
	{"endpoint.upsert",
		"{\"id\":\"e\",\"network\":\"n\",\"port\":{\"kind\":\"dpdk\",\"devargs\":\"x\"}}"},
	{"remote_endpoint.upsert",
		"{\"id\":\"r\",\"owner\":\"o\",\"labels\":{},\"network\":\"n\",\"group\":\"g\","
		"\"mac\":\"02:00:00:00:00:09\",\"ips\":[\"10.1.0.9\"],\"takeover\":true}"},
	{"rule.upsert", "{\"id\":\"r\",\"owner\":\"o\",\"labels\":{},\"priority\":7,"
			"\"action\":\"allow\",\"log\":false,\"group\":\"g\",\"direction\":\"in\","
			"\"proto\":\"tcp\",\"port\":\"80-90\",\"remote\":{\"group\":\"x\"}}"},
	{"rule.upsert", "{\"id\":\"r\",\"action\":\"deny\",\"group\":\"g\",\"direction\":\"out\","
			"\"remote\":{\"network\":\"n\"}}"},
	{"rule.upsert", "{\"id\":\"r\",\"action\":\"deny\",\"group\":\"g\",\"direction\":\"out\","
			"\"remote\":{\"cidr\":\"10.0.0.0/8\"}}"},
	{"rule.upsert", "{\"id\":\"r\",\"action\":\"deny\",\"leg\":\"outRx\",\"src_group\":7,"
			"\"dst_group\":\"g\",\"src_ip\":\"10.0.0.0/8\",\"dst_ip\":\"10.1.2.3/32\","
			"\"proto\":\"tcp\",\"src_port\":80,\"dst_port\":\"90-99\","
			"\"tcp_flags\":\"syn,!ack\"}"},
	{"network.delete", "{\"id\":\"n\"}"},
	{"endpoint.get", "{\"id\":\"e\"}"},
	{"endpoint.list", "{\"id\":\"e\",\"owner\":\"o\",\"network\":\"n\",\"group\":\"g\","
			  "\"mac\":\"02:00:00:00:00:01\",\"ips\":\"10.0.0.1\",\"after\":\"a\","
			  "\"limit\":3}"},
	{"txn.apply", "{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"zz\"}}],"
		      "\"dry_run\":true,\"wait\":\"dataplane\",\"deadline_ms\":10,\"if_rev\":0}"},
	{"state.get", "{\"types\":[\"network\",\"rule\"],\"owner\":\"o\"}"},
	{"state.replace", "{\"owner\":\"o\",\"scope\":[\"group\"],\"objects\":{\"group\":[]},"
			  "\"rev\":3,\"mode\":\"plan\",\"max_removed\":0}"},
	{"endpoint.retain",
		"{\"owner\":\"o\",\"id_prefix\":\"c-\",\"keep\":[\"a\"],\"dry_run\":true}"},
	{"stats.get", "{\"kinds\":[\"port\"],\"ids\":[\"e\"]}"},
	{"policy.trace", "{\"endpoint\":\"e\",\"packet\":{\"src_mac\":\"02:00:00:00:00:01\","
			 "\"dst_mac\":\"ff:ff:ff:ff:ff:ff\",\"vlan\":3,\"src_ip\":\"10.0.0.1\","
			 "\"dst_ip\":\"10.0.0.2\",\"proto\":6,\"src_port\":1,\"dst_port\":2,"
			 "\"tcp_flags\":\"syn\",\"icmp_type\":5}}"},
	{"policy.trace", "{\"uplink\":\"u\",\"packet\":{}}"},
	{"resync.begin",
		"{\"owner\":\"o\",\"scope\":[\"rule\"],\"mode\":\"plan\",\"max_removed\":3}"},
	{"resync.put", "{\"objects\":{\"group\":[{\"id\":\"g\"}]}}"},
	{"events.subscribe", "{\"types\":[\"port.state\"],\"since\":{\"boot_id\":\"b\",\"seq\":7},"
			     "\"snapshot\":true}"},
	{"log.set", "{\"level\":\"info\",\"module\":\"leat\"}"},
	{NULL, NULL},
};

struct walk {
	const char *method;
	json_t *root; /* params of this case, changed in place and put back */
	wrong_fn *fn;
	void *ctx;
	size_t n;
};

static void report(struct walk *w, enum leat_error_code code, const char *path)
{
	w->n++;
	w->fn(w->method, w->root, code, path, w->ctx);
}

/* JSON texts that a field of that type must refuse. */
static const char *const *wrong_of(enum field_type type)
{
	static const char *const strings[] = {"null", "1", "true", "1.5", "[]", "{}", NULL};
	static const char *const ids[] = {"null", "1", "true", "[]", "{}", "\"\"", "\"a b\"",
		"\"\\u00e9\"", "\"a\\u0000b\"", NULL};
	static const char *const ints[] = {"null", "\"1\"", "true", "1.5", "[]", "{}", NULL};
	static const char *const bools[] = {"null", "0", "\"true\"", "[]", "{}", NULL};
	static const char *const enums[] = {
		"null", "1", "true", "[]", "{}", "\"no such value\"", NULL};
	static const char *const macs[] = {"null", "1", "[]", "{}", "\"\"", "\"02:00\"",
		"\"02:00:00:00:00:0g\"", "\"02:00:00:00:00:01:02\"", NULL};
	static const char *const ips[] = {"null", "1", "[]", "{}", "\"\"", "\"10.0.0\"",
		"\"10.0.0.256\"", "\"10.0.0.1/8\"", "\"::g\"", NULL};
	static const char *const prefixes[] = {"null", "1", "[]", "{}", "\"\"", "\"10.0.0.0/33\"",
		"\"10.0.0.1/8\"", "\"2001:db8::/129\"", "\"x/8\"", NULL};
	static const char *const ports[] = {"null", "-1", "65536", "true", "[]", "{}", "\"\"",
		"\"90-80\"", "\"1-65536\"", "\"80-\"", "\"http\"", NULL};
	static const char *const protos[] = {
		"null", "-1", "256", "true", "[]", "{}", "\"\"", "\"tcpp\"", "\"6\"", NULL};
	static const char *const groups[] = {
		"-1", "65536", "true", "1.5", "[]", "{}", "\"\"", "\"a b\"", NULL};
	static const char *const modes[] = {
		"null", "-1", "512", "[]", "{}", "\"\"", "\"0999\"", "\"1777\"", NULL};
	static const char *const arrays[] = {"null", "1", "\"a\"", "{}", "true", NULL};
	static const char *const objects[] = {"null", "1", "\"a\"", "[]", "true", NULL};
	static const char *const maps[] = {"null", "1", "\"a\"", "[]", "true", NULL};
	static const char *const none[] = {NULL};
	static const char *const *const by_type[] = {
		[FIELD_STRING] = strings,
		[FIELD_ID] = ids,
		[FIELD_INT] = ints,
		[FIELD_BOOL] = bools,
		[FIELD_ENUM] = enums,
		[FIELD_MAC] = macs,
		[FIELD_IP] = ips,
		[FIELD_PREFIX] = prefixes,
		[FIELD_PORT_RANGE] = ports,
		[FIELD_PROTO] = protos,
		[FIELD_GROUP_REF] = groups,
		[FIELD_FILE_MODE] = modes,
		[FIELD_ARRAY] = arrays,
		[FIELD_OBJECT] = objects,
		[FIELD_UNION] = objects,
		[FIELD_MAP] = maps,
		[FIELD_ANY] = none,
	};

	return by_type[type];
}

static void object_walk(
	struct walk *w, const struct object_schema *schema, json_t *object, const char *path);

static void try_value(struct walk *w, json_t *object, const char *name, json_t *value,
	enum leat_error_code code, const char *path)
{
	json_object_set_new(object, name, value);
	report(w, code, path);
}

static void lengths_try(struct walk *w, json_t *object, const struct field *f, const char *path)
{
	char longer[2048];

	if (f->type == FIELD_INT) {
		if (f->min > INT64_MIN)
			try_value(w, object, f->name, json_integer(f->min - 1), LEAT_INVALID_PARAMS,
				path);
		if (f->max < INT64_MAX)
			try_value(w, object, f->name, json_integer(f->max + 1), LEAT_INVALID_PARAMS,
				path);
	}
	if (f->type == FIELD_STRING || f->type == FIELD_ID) {
		size_t most = f->type == FIELD_ID ? 253 : (size_t)f->max;

		memset(longer, '/', most + 1);
		longer[most + 1] = '\0';
		try_value(w, object, f->name, json_string(longer), LEAT_INVALID_PARAMS, path);
	}
	if (f->type == FIELD_MAC && (f->flags & FIELD_UNICAST))
		try_value(w, object, f->name, json_string("ff:ff:ff:ff:ff:ff"), LEAT_INVALID_PARAMS,
			path);
	if ((f->type == FIELD_IP || f->type == FIELD_PREFIX) && f->max == 4)
		try_value(w, object, f->name, json_string("2001:db8::"), LEAT_INVALID_PARAMS, path);
	if ((f->type == FIELD_IP || f->type == FIELD_PREFIX) && f->max == 6)
		try_value(w, object, f->name, json_string("10.0.0.0"), LEAT_INVALID_PARAMS, path);
}

/* Values that are of the protocol and not enforced. */
static void unsupported_try(struct walk *w, json_t *object, const struct field *f, const char *path)
{
	if (f->enforced == NULL)
		return;
	if (f->type == FIELD_INT)
		try_value(w, object, f->name, json_integer(f->max), LEAT_UNSUPPORTED, path);
	if (f->type == FIELD_BOOL)
		try_value(w, object, f->name, json_true(), LEAT_UNSUPPORTED, path);
	for (size_t i = 0; f->type == FIELD_ENUM && f->values[i] != NULL; i++) {
		char text[64];
		bool enforced = false;

		snprintf(text, sizeof(text), "\"%s\"", f->values[i]);
		for (size_t j = 0; f->enforced[j] != NULL; j++)
			enforced |= strcmp(text, f->enforced[j]) == 0;
		if (!enforced)
			try_value(w, object, f->name, json_string(f->values[i]), LEAT_UNSUPPORTED,
				path);
	}
}

static void element_walk(struct walk *w, const struct field *f, json_t *array, const char *path)
{
	json_t *element = json_incref(json_array_get(array, 0));
	char where[POINTER_MAX];

	pointer_index(where, path, 0);
	if (element != NULL) {
		for (const char *const *text = wrong_of(f->element->type); *text != NULL; text++) {
			json_array_set_new(array, 0,
				json_loads(*text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
			report(w, LEAT_INVALID_PARAMS, where);
		}
		json_array_set(array, 0, element);
		if (f->element->type == FIELD_OBJECT)
			object_walk(w, f->element->object, element, where);
	}
	json_decref(element);
}

static void field_walk(struct walk *w, json_t *object, const struct field *f, const char *path)
{
	json_t *before = json_incref(json_object_get(object, f->name));
	char where[POINTER_MAX];

	for (const char *const *text = wrong_of(f->type); *text != NULL; text++)
		try_value(w, object, f->name,
			json_loads(*text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL),
			LEAT_INVALID_PARAMS, path);
	lengths_try(w, object, f, path);
	unsupported_try(w, object, f, path);
	json_object_set(object, f->name, before);
	if (f->flags & FIELD_REQUIRED) {
		json_object_del(object, f->name);
		report(w, LEAT_INVALID_PARAMS, path);
		json_object_set(object, f->name, before);
	}
	if (f->type == FIELD_OBJECT)
		object_walk(w, f->object, before, path);
	if (f->type == FIELD_UNION) {
		json_t *kind = json_incref(json_object_get(before, "kind"));

		object_walk(w, schema_variant(f, json_string_value(kind))->object, before, path);
		json_object_set_new(before, "kind", json_string("no-such-kind"));
		pointer_join(where, path, "kind");
		report(w, LEAT_INVALID_PARAMS, where);
		json_object_set_new(before, "kind", kind);
	}
	if (f->type == FIELD_ARRAY)
		element_walk(w, f, before, path);
	if (f->type == FIELD_MAP) {
		json_object_set_new(before, "k", json_integer(1));
		pointer_join(where, path, "k");
		report(w, LEAT_INVALID_PARAMS, where);
		json_object_del(before, "k");
	}
	json_decref(before);
}

/* A valid value of what is of the protocol and not there yet. */
static json_t *later_value(const struct field *f)
{
	switch (f->type) {
	case FIELD_INT:
		return json_integer(f->min);
	case FIELD_IP:
		return json_string("10.0.0.1");
	default:
		return json_string("x");
	}
}

static void object_walk(
	struct walk *w, const struct object_schema *schema, json_t *object, const char *path)
{
	char where[POINTER_MAX];

	for (const struct field *f = schema->fields; f->name != NULL; f++) {
		pointer_join(where, path, f->name);
		if (f->flags & FIELD_LATER) {
			try_value(w, object, f->name, later_value(f), LEAT_UNSUPPORTED, where);
			json_object_del(object, f->name);
		} else if (json_object_get(object, f->name) != NULL) {
			field_walk(w, object, f, where);
		}
	}
	pointer_join(where, path, "no/such~field");
	try_value(w, object, "no/such~field", json_integer(1), LEAT_INVALID_PARAMS, where);
	json_object_del(object, "no/such~field");
}

size_t schema_walk(const struct valid_params *valid, wrong_fn *fn, void *ctx)
{
	struct walk w = {.fn = fn, .ctx = ctx};

	for (; valid->method != NULL; valid++) {
		w.method = valid->method;
		w.root = json_loads(valid->params, 0, NULL);
		object_walk(&w, schema_method(valid->method)->params, w.root, "");
		json_decref(w.root);
	}
	return w.n;
}
