/* SPDX-License-Identifier: BSD-3-Clause */
/* leatctl: field=value against the schema, and what is made of the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/leatctl/args.h"
#include "ctrl/leatctl/command.h"
#include "ctrl/leatctl/completion.h"
#include "ctrl/leatctl/describe.h"
#include "ctrl/leatctl/help.h"
#include "lib/alloc.h"

#define ARGS_MAX 8

/* Accepted: what the arguments become. */
static const struct {
	const char *method;
	const char *args[ARGS_MAX];
	const char *json;
} accepted[] = {
	{"network.upsert", {"id=blue"}, "{\"id\":\"blue\"}"},
	{"network.upsert", {"vlan=100", "mtu=9000"}, "{\"vlan\":100,\"mtu\":9000}"},
	{"network.upsert", {"encap=none"}, "{\"encap\":\"none\"}"},
	{"network.upsert", {"subnet=10.1.0.0/16"}, "{\"subnet\":\"10.1.0.0/16\"}"},
	{"network.upsert", {"subnet6=2001:DB8::/64"}, "{\"subnet6\":\"2001:db8::/64\"}"},
	{"network.upsert", {"gateway=10.1.0.1"}, "{\"gateway\":\"10.1.0.1\"}"},
	{"network.upsert", {"owner=net-plugin"}, "{\"owner\":\"net-plugin\"}"},
	{"network.upsert", {"labels.io.kubernetes.name=a=b", "labels.x="},
		"{\"labels\":{\"io.kubernetes.name\":\"a=b\",\"x\":\"\"}}"},
	{"network.upsert", {"labels={\"a\":\"b\"}"}, "{\"labels\":{\"a\":\"b\"}}"},
	{"endpoint.upsert", {"mac=02:00:00:00:00:AB"}, "{\"mac\":\"02:00:00:00:00:ab\"}"},
	{"endpoint.upsert", {"ips=10.0.0.1,2001:DB8::1"},
		"{\"ips\":[\"10.0.0.1\",\"2001:db8::1\"]}"},
	{"endpoint.upsert", {"ips="}, "{\"ips\":[]}"},
	{"endpoint.upsert", {"ips=[\"10.0.0.1\"]"}, "{\"ips\":[\"10.0.0.1\"]}"},
	{"endpoint.upsert", {"takeover=true"}, "{\"takeover\":true}"},
	{"endpoint.upsert", {"guard.spoof=false", "guard.macs=7"},
		"{\"guard\":{\"spoof\":false,\"macs\":7}}"},
	{"endpoint.upsert", {"qos.tx_kbps=100000", "qos.mode=shape"},
		"{\"qos\":{\"tx_kbps\":100000,\"mode\":\"shape\"}}"},
	/* The kind may come last. */
	{"endpoint.upsert", {"port.name=eth0", "port.netns=/run/netns/c1", "port.kind=tap"},
		"{\"port\":{\"kind\":\"tap\",\"name\":\"eth0\",\"netns\":\"/run/netns/c1\"}}"},
	{"endpoint.upsert", {"port.kind=vhost-user", "port.socket=/s", "port.perm=0660"},
		"{\"port\":{\"kind\":\"vhost-user\",\"socket\":\"/s\",\"perm\":\"0660\"}}"},
	{"endpoint.upsert", {"port={\"kind\":\"af_xdp\",\"netdev\":\"veth1\"}"},
		"{\"port\":{\"kind\":\"af_xdp\",\"netdev\":\"veth1\"}}"},
	{"uplink.upsert", {"device.kind=pci", "device.address=0000:3b:00.0"},
		"{\"device\":{\"kind\":\"pci\",\"address\":\"0000:3b:00.0\"}}"},
	{"rule.upsert", {"proto=tcp", "port=80"}, "{\"proto\":\"tcp\",\"port\":80}"},
	{"rule.upsert", {"proto=6", "port=8000-8080"},
		"{\"proto\":\"tcp\",\"port\":\"8000-8080\"}"},
	{"rule.upsert", {"proto=132"}, "{\"proto\":\"sctp\"}"},
	{"rule.upsert", {"remote.cidr=10.0.0.0/8"}, "{\"remote\":{\"cidr\":\"10.0.0.0/8\"}}"},
	{"rule.upsert", {"leg=inRx", "src_group=3"}, "{\"leg\":\"inRx\",\"src_group\":3}"},
	{"stats.get", {"kinds=port,drop"}, "{\"kinds\":[\"port\",\"drop\"]}"},
	{"policy.trace", {"endpoint=a", "packet.dst_ip=10.0.0.2"},
		"{\"endpoint\":\"a\",\"packet\":{\"dst_ip\":\"10.0.0.2\"}}"},
	{"policy.trace", {"dst_ip=10.0.0.2", "proto=tcp", "tcp_flags=syn,ack", "dst_port=80"},
		"{\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		"\"tcp_flags\":\"syn,ack\",\"dst_port\":80}}"},
	{"policy.trace", {"tcp_flags="}, "{\"packet\":{\"tcp_flags\":\"\"}}"},
	{"system.hello", {"api.min=1", "api.max=1"}, "{\"api\":{\"min\":1,\"max\":1}}"},
	{"txn.apply", {"ops=[{\"method\":\"network.delete\",\"params\":{\"id\":\"x\"}}]"},
		"{\"ops\":[{\"method\":\"network.delete\",\"params\":{\"id\":\"x\"}}]}"},
	{"txn.apply", {"if_rev=9223372036854775807"}, "{\"if_rev\":9223372036854775807}"},
};

/* Refused: the field as it is named in the message, and a part of the message. */
static const struct {
	const char *method;
	const char *args[ARGS_MAX];
	const char *field;
	const char *says;
} refused[] = {
	{"network.upsert", {"vlna=1"}, "vlna", "did you mean \"vlan\"?"},
	{"network.upsert", {"colour=red"}, "colour", "there are id, owner"},
	{"network.upsert", {"vlan=0"}, "vlan", "out of range"},
	{"network.upsert", {"vlan=4095"}, "vlan", "out of range"},
	{"network.upsert", {"vlan=ten"}, "vlan", "whole number"},
	{"network.upsert", {"vlan=1.5"}, "vlan", "whole number"},
	{"network.upsert", {"vlan="}, "vlan", "whole number"},
	{"network.upsert", {"vlan=99999999999999999999"}, "vlan", "whole number"},
	{"network.upsert", {"vlan=1", "vlan=2"}, "vlan", "twice"},
	{"network.upsert", {"vlan.x=1"}, "vlan", "no fields inside"},
	{"network.upsert", {"id=a b"}, "id", "A-Za-z0-9"},
	{"network.upsert", {"id="}, "id", "A-Za-z0-9"},
	{"network.upsert", {"encap=vla"}, "encap", "one of \"vlan\""},
	{"network.upsert", {"subnet=10.1.0.1/16"}, "subnet", "without host bits"},
	{"network.upsert", {"subnet=2001:db8::/64"}, "subnet", "IPv4 prefix"},
	{"network.upsert", {"gateway6=10.0.0.1"}, "gateway6", "IPv6 address"},
	{"network.upsert", {"labels.a=1", "labels.a=2"}, "labels.a", "twice"},
	{"network.upsert", {"labels=x"}, "labels", "object of strings"},
	{"network.upsert", {"vlan"}, "vlan", "form field=value"},
	{"network.upsert", {"=1"}, "=1", "form field=value"},
	{"endpoint.upsert", {"mac=02:00:00:00:00"}, "mac", "MAC"},
	{"endpoint.upsert", {"mac=01:00:00:00:00:01"}, "mac", "group"},
	{"endpoint.upsert", {"ips=10.0.0.1,nonsense"}, "ips.1", "address"},
	{"endpoint.upsert", {"takeover=yes"}, "takeover", "true or false"},
	{"endpoint.upsert", {"guard.spof=false"}, "guard.spof", "\"guard.spoof\""},
	{"endpoint.upsert", {"guard=false"}, "guard", "object"},
	{"endpoint.upsert", {"port.kind=tab"}, "port.kind", "vhost-user, tap"},
	{"endpoint.upsert", {"port.name=eth0"}, "port.kind", "vhost-user, tap"},
	{"endpoint.upsert", {"port.kind=tap", "port.sokcet=/x"}, "port.sokcet", "netns, name"},
	{"endpoint.upsert", {"port.kind=tap", "port.names=e"}, "port.names", "\"port.name\""},
	{"endpoint.upsert", {"port.kind=tap", "port.name=a/b"}, "port.name", "interface"},
	{"endpoint.upsert", {"port.kind=tap", "port.kind=tap"}, "port.kind", "twice"},
	{"endpoint.upsert", {"port.kind=vhost-user", "port.socket=s"}, "port.socket", "absolute"},
	{"endpoint.upsert", {"port.kind=vhost-user", "port.perm=999"}, "port.perm", "octal"},
	{"endpoint.upsert", {"port={"}, "port", "object"},
	{"uplink.upsert", {"device.kind=pci", "device.address=3b:0"}, "device.address", "PCI"},
	{"rule.upsert", {"proto=tpc"}, "proto", "0..255, or tcp"},
	{"rule.upsert", {"proto=256"}, "proto", "0..255"},
	{"rule.upsert", {"port=70000"}, "port", "0..65535"},
	{"rule.upsert", {"port=80-70"}, "port", "range"},
	{"stats.get", {"kinds=port,drops"}, "kinds.1", "one of"},
	{"policy.trace", {"packet.dst=1"}, "packet.dst", "src_mac"},
	{"policy.trace", {"dts_ip=10.0.0.2"}, "dts_ip", "\"dst_ip\""},
};

static size_t count(const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

static int put_all(const char *method, const char *const *args, json_t *params, struct error *err)
{
	return args_put(
		schema_method(method)->params, params, (char *const *)args, count(args), err);
}

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		json_t *params = json_object();
		struct error err = {0};
		json_t *wanted;

		if (put_all(accepted[i].method, accepted[i].args, params, &err) != 0)
			fail_msg("%s %s: %s", accepted[i].method, accepted[i].args[0], err.message);
		wanted = json_loads(accepted[i].json, 0, NULL);
		if (!json_equal(params, wanted))
			fail_msg("%s %s: %s", accepted[i].method, accepted[i].args[0],
				json_dumps(params, 0));
		json_decref(wanted);
		json_decref(params);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		json_t *params = json_object();
		struct error err = {0};
		char *message;

		if (put_all(refused[i].method, refused[i].args, params, &err) == 0)
			fail_msg("%s %s was taken", refused[i].method, refused[i].args[0]);
		assert_int_equal(err.code, LEAT_INVALID_PARAMS);
		message = args_message(&err);
		if (strncmp(message, refused[i].field, strlen(refused[i].field)) != 0 ||
			message[strlen(refused[i].field)] != ':' ||
			strstr(message, refused[i].says) == NULL)
			fail_msg("%s %s: %s", refused[i].method, refused[i].args[0], message);
		free(message);
		json_decref(params);
	}
}

static void test_check(void **state)
{
	const struct object_schema *schema = schema_method("network.upsert")->params;
	struct error err = {0};
	json_t *params = json_object();

	(void)state;
	assert_int_equal(args_check(schema, params, &err), -1);
	assert_string_equal(err.path, "/id");
	json_object_set_new(params, "id", json_string("blue"));
	err = (struct error){0};
	assert_int_equal(args_check(schema, params, &err), -1);
	assert_string_equal(err.path, "/vlan");
	json_object_set_new(params, "vlan", json_integer(7));
	assert_int_equal(args_check(schema, params, &err), 0);
	/* What is only not enforced yet is the switch's to refuse. */
	json_object_set_new(params, "arp", json_string("proxy"));
	assert_int_equal(args_check(schema, params, &err), 0);
	json_decref(params);
}

/* Every field of every object can be named on the command line, by the name that --help tells. */
static void field_is_known(const struct described *d, void *arg)
{
	char type[DESCRIBE_MAX];

	(void)arg;
	describe_type(d->field, type);
	assert_true(strlen(type) > 0);
	assert_non_null(d->field->doc);
}

struct help_search {
	const char *text;
};

static void field_in_help(const struct described *d, void *arg)
{
	const struct help_search *search = arg;
	char *line = alloc_printf("\n  %s%s%s%s: ", d->name, d->kind != NULL ? " (" : "",
		d->kind != NULL ? d->kind : "", d->kind != NULL ? ")" : "");

	if (strstr(search->text, line) == NULL)
		fail_msg("no%s", line);
	free(line);
}

static void test_help(void **state)
{
	(void)state;
	for (int type = 0; type < OBJECT_TYPES; type++) {
		struct help_search search;
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		help_noun(out, object_type_name((enum object_type)type));
		fclose(out);
		search.text = text;
		describe_fields(schema_object((enum object_type)type), field_is_known, NULL);
		describe_fields(schema_object((enum object_type)type), field_in_help, &search);
		free(text);
	}
}

static const struct field *field_of_path(const struct object_schema *schema, const char *path)
{
	size_t length = strcspn(path, ".");
	char *name = alloc_printf("%.*s", (int)length, path);
	const struct field *field = schema_field(schema, name);

	free(name);
	if (field == NULL || path[length] == '\0')
		return field;
	return field->object != NULL ? field_of_path(field->object, path + length + 1) : NULL;
}

static void test_columns(void **state)
{
	(void)state;
	for (int type = OBJECT_GLOBAL + 1; type < OBJECT_TYPES; type++) {
		const struct table_column *columns = list_columns((enum object_type)type);

		assert_non_null(columns);
		for (; columns->title != NULL; columns++) {
			if (strncmp(columns->path, "oper", strlen("oper")) == 0)
				continue;
			if (field_of_path(schema_object((enum object_type)type), columns->path) ==
				NULL)
				fail_msg("%s has no %s", object_type_name((enum object_type)type),
					columns->path);
		}
	}
}

/* Every method can be reached by its noun and verb. */
static void test_methods(void **state)
{
	size_t n;
	const struct method *methods = schema_methods(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t length = strcspn(methods[i].name, ".");
		char *noun = alloc_printf("%.*s", (int)length, methods[i].name);
		char *words[] = {noun, (char *)methods[i].name + length + 1, NULL};
		struct command command;
		struct error err = {0};
		size_t n_used;

		assert_int_equal(command_find(words, 2, &command, &n_used, &err), 0);
		assert_int_equal(n_used, 2);
		assert_string_equal(command.method, methods[i].name);
		free(noun);
	}
}

static void test_texts(void **state)
{
	static const struct {
		uint64_t value;
		const char *bytes;
		const char *kbps;
	} texts[] = {
		{0, "0 B", "0 kbit/s"},
		{999, "999 B", "999 kbit/s"},
		{1000, "1 kB", "1 Mbit/s"},
		{1250, "1.25 kB", "1.25 Mbit/s"},
		{100000, "100 kB", "100 Mbit/s"},
		{123456789, "123.5 MB", "123.5 Gbit/s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *bytes = bytes_text(texts[i].value);
		char *kbps = kbps_text(texts[i].value);

		assert_string_equal(bytes, texts[i].bytes);
		assert_string_equal(kbps, texts[i].kbps);
		free(bytes);
		free(kbps);
	}
}

static void test_completion(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(completion_print(out, "fish"), -1);
	assert_int_equal(completion_print(out, "bash"), 0);
	assert_int_equal(completion_print(out, "zsh"), 0);
	fclose(out);
	assert_non_null(strstr(text, " port.kind=tap "));
	assert_non_null(strstr(text, " guard.spoof=true "));
	assert_non_null(strstr(text, "\"network\") echo add delete list get"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
