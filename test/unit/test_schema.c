/* SPDX-License-Identifier: BSD-3-Clause */
/* The schema and its decoder: what is right passes, what is wrong is refused and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/decode.h"
#include "test/unit/schema_walk.h"

static json_t *decode(const char *method, const char *text, struct error *err)
{
	json_t *in = json_loads(text, JSON_ALLOW_NUL, NULL);
	json_t *out;

	assert_non_null(in);
	out = decode_object(schema_method(method)->params, in, "", err);
	json_decref(in);
	return out;
}

static void assert_decodes(const char *method, const char *in, const char *expected)
{
	struct error err = {0};
	json_t *out = decode(method, in, &err);
	json_t *want = json_loads(expected, 0, NULL);

	assert_string_equal(err.message, "");
	assert_non_null(out);
	assert_non_null(want);
	if (!json_equal(out, want)) {
		char *text = json_dumps(out, 0);

		print_message("got %s\n", text);
		free(text);
	}
	assert_true(json_equal(out, want));
	json_decref(out);
	json_decref(want);
}

static void assert_refused(
	const char *method, const char *in, enum leat_error_code code, const char *path)
{
	struct error err = {0};

	assert_null(decode(method, in, &err));
	assert_int_equal(err.code, code);
	assert_string_equal(err.path, path);
}

static void test_valid_passes(void **state)
{
	(void)state;
	for (const struct valid_params *v = valid_params; v->method != NULL; v++) {
		struct error err = {0};
		json_t *out = decode(v->method, v->params, &err);
		json_t *again;

		if (out == NULL)
			fail_msg("%s %s: %s", v->method, v->params, err.message);
		/* What comes out goes in again, and comes out the same. */
		again = decode_object(schema_method(v->method)->params, out, "", &err);
		assert_non_null(again);
		assert_true(json_equal(out, again));
		json_decref(again);
		json_decref(out);
	}
}

static void wrong(
	const char *method, json_t *params, enum leat_error_code code, const char *path, void *ctx)
{
	struct error err = {0};
	json_t *out = decode_object(schema_method(method)->params, params, "", &err);

	(void)ctx;
	if (out != NULL || err.code != code || strcmp(err.path, path) != 0 ||
		err.message[0] == '\0') {
		char *text = json_dumps(params, 0);

		fail_msg("%s %s: wanted %d at %s, got %d at %s: %s", method, text, code, path,
			err.code, err.path, err.message);
	}
}

static void test_every_field_wrong(void **state)
{
	(void)state;
	assert_true(schema_walk(valid_params, wrong, NULL) > 1000);
}

/* The valid params together have every field of the changing methods. */
static void test_every_field_covered(void **state)
{
	(void)state;
	for (int type = 0; type < OBJECT_TYPES; type++) {
		for (const struct field *f = schema_object(type)->fields; f->name != NULL; f++) {
			bool found = (f->flags & FIELD_LATER) != 0;

			for (const struct valid_params *v = valid_params; v->method != NULL; v++) {
				json_t *params = json_loads(v->params, 0, NULL);

				found |= schema_method(v->method)->params == schema_object(type) &&
					 json_object_get(params, f->name) != NULL;
				json_decref(params);
			}
			if (!found)
				fail_msg("%s.%s is in no valid params", object_type_name(type),
					f->name);
		}
	}
}

static void test_defaults(void **state)
{
	(void)state;
	assert_decodes("network.upsert", "{\"id\":\"n\",\"vlan\":7}",
		"{\"id\":\"n\",\"tenant\":\"default\",\"encap\":\"vlan\",\"vlan\":7,\"mtu\":1500,"
		"\"snooping\":false}");
	assert_decodes("global.set", "{}",
		"{\"policy_mode\":\"strict\",\"arp\":\"flood\",\"mac_age_s\":300,"
		"\"tcp_midstream\":\"judge\"}");
}

static void test_canonical(void **state)
{
	(void)state;
	assert_decodes("remote_endpoint.upsert",
		"{\"id\":\"r\",\"network\":\"n\",\"mac\":\"02:AA:00:00:00:0B\","
		"\"ips\":[\"2001:DB8:0:0::1\"]}",
		"{\"id\":\"r\",\"network\":\"n\",\"mac\":\"02:aa:00:00:00:0b\","
		"\"ips\":[\"2001:db8::1\"],\"takeover\":false}");
	assert_decodes("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"group\":\"g\",\"direction\":\"in\","
		"\"proto\":17,\"port\":\"53\",\"remote\":{\"cidr\":\"10.1.2.3\"}}",
		"{\"id\":\"r\",\"priority\":1,\"action\":\"deny\",\"log\":false,\"group\":\"g\","
		"\"direction\":\"in\",\"proto\":\"udp\",\"port\":53,"
		"\"remote\":{\"cidr\":\"10.1.2.3/32\"}}");
}

static void test_cross_checks(void **state)
{
	(void)state;
	assert_refused("network.upsert", "{\"id\":\"n\"}", LEAT_INVALID_PARAMS, "/vlan");
	assert_refused("network.upsert", "{\"id\":\"n\",\"encap\":\"none\",\"vlan\":3}",
		LEAT_INVALID_PARAMS, "/vlan");
	assert_refused("network.upsert",
		"{\"id\":\"n\",\"vlan\":1,\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.0.1.1\"}",
		LEAT_INVALID_PARAMS, "/gateway");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"group\":\"g\",\"direction\":\"in\","
		"\"proto\":\"icmp\",\"port\":1}",
		LEAT_INVALID_PARAMS, "/port");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"group\":\"g\",\"direction\":\"in\","
		"\"remote\":{}}",
		LEAT_INVALID_PARAMS, "/remote");
	assert_refused("endpoint.upsert",
		"{\"id\":\"e\",\"network\":\"n\",\"ips\":[\"10.0.0.1\",\"10.0.0.1\"],"
		"\"port\":{\"kind\":\"tap\",\"name\":\"x\"}}",
		LEAT_INVALID_PARAMS, "/ips/1");
	assert_refused("endpoint.upsert",
		"{\"id\":\"e\",\"network\":\"n\","
		"\"port\":{\"kind\":\"vhost-user\",\"socket\":\"/s\",\"perm\":\"0660\"}}",
		LEAT_INVALID_PARAMS, "/port/perm");
	assert_refused("rule.upsert", "{\"id\":\"r\",\"action\":\"deny\",\"direction\":\"in\"}",
		LEAT_INVALID_PARAMS, "/group");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"leg\":\"inRx\",\"group\":\"g\"}",
		LEAT_INVALID_PARAMS, "/group");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"direction\":\"in\",\"group\":\"g\","
		"\"src_group\":1}",
		LEAT_INVALID_PARAMS, "/src_group");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"leg\":\"inRx\",\"proto\":\"icmp\","
		"\"dst_port\":1}",
		LEAT_INVALID_PARAMS, "/dst_port");
	assert_refused("rule.upsert",
		"{\"id\":\"r\",\"action\":\"deny\",\"leg\":\"inRx\",\"proto\":\"udp\","
		"\"tcp_flags\":\"syn\"}",
		LEAT_INVALID_PARAMS, "/tcp_flags");
}

static void test_nearest_name(void **state)
{
	struct error err = {0};

	(void)state;
	assert_null(decode("network.upsert", "{\"id\":\"n\",\"vlna\":3}", &err));
	assert_non_null(strstr(err.message, "\"vlan\""));
	assert_string_equal(schema_nearest_method("network.upsret"), "network.upsert");
	assert_null(schema_nearest_method("xyzzy"));
}

static void test_text_values(void **state)
{
	const struct object_schema *rule = schema_object(OBJECT_RULE);
	const struct object_schema *endpoint = schema_object(OBJECT_ENDPOINT);
	struct error err = {0};
	json_t *value;

	(void)state;
	value = decode_text(schema_field(rule, "priority"), "12", "/priority", &err);
	assert_int_equal(json_integer_value(value), 12);
	json_decref(value);
	value = decode_text(schema_field(rule, "port"), "80-90", "/port", &err);
	assert_string_equal(json_string_value(value), "80-90");
	json_decref(value);
	value = decode_text(schema_field(rule, "proto"), "6", "/proto", &err);
	assert_string_equal(json_string_value(value), "tcp");
	json_decref(value);
	value = decode_text(schema_field(endpoint, "ips"), "10.0.0.1,::1", "/ips", &err);
	assert_int_equal(json_array_size(value), 2);
	json_decref(value);
	assert_null(decode_text(schema_field(rule, "priority"), "many", "/priority", &err));
	assert_int_equal(err.code, LEAT_INVALID_PARAMS);
}

static void test_schema_as_json(void **state)
{
	json_t *schema = schema_to_json();
	json_t *methods = schema_methods_to_json();
	size_t n;

	(void)state;
	schema_methods(&n);
	assert_int_equal(json_array_size(json_object_get(schema, "methods")), n);
	assert_int_equal(json_array_size(json_object_get(methods, "methods")), n);
	assert_int_equal(json_object_size(json_object_get(schema, "types")), OBJECT_TYPES);
	json_decref(schema);
	json_decref(methods);
}

/* Every field and method has its sentence. */
static void test_everything_documented(void **state)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(methods[i].doc);
		assert_non_null(methods[i].result);
		for (const struct field *f = methods[i].params->fields; f->name != NULL; f++)
			assert_non_null(f->doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_passes),
		cmocka_unit_test(test_every_field_wrong),
		cmocka_unit_test(test_every_field_covered),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_cross_checks),
		cmocka_unit_test(test_nearest_name),
		cmocka_unit_test(test_text_values),
		cmocka_unit_test(test_schema_as_json),
		cmocka_unit_test(test_everything_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
