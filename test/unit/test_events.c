/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: the ring, what a subscriber gets, and what it is told it has lost. */
#include "test/unit/rpc_harness.h"

#define SUBSCRIBE(id, params)                                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"events.subscribe\",\"params\":{" params  \
	"}}\n"

/* The params of the next message, which must be an event of that type. */
static json_t *event(struct peer *peer, const char *type)
{
	json_t *message = receive(peer);
	json_t *params = json_incref(json_object_get(message, "params"));

	assert_non_null(message);
	assert_null(json_object_get(message, "id"));
	assert_string_equal(json_string_value(json_object_get(message, "method")), "event");
	assert_string_equal(json_string_value(json_object_get(params, "type")), type);
	json_decref(message);
	return params;
}

static json_int_t number(json_t *event, const char *name)
{
	json_t *data = json_object_get(event, "data");
	json_t *value = json_object_get(event, name);

	return json_integer_value(value != NULL ? value : json_object_get(data, name));
}

/* An event of that type with that number, and what it says of `name`. */
static void expect_event(
	struct peer *peer, const char *type, json_int_t seq, const char *name, json_int_t value)
{
	json_t *got = event(peer, type);

	assert_int_equal(number(got, "seq"), seq);
	assert_int_equal(number(got, name), value);
	json_decref(got);
}

static void networks_make(struct peer *peer, unsigned n)
{
	char line[160];

	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof(line),
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"network.upsert\",\"params\":"
			"{\"id\":\"n\",\"vlan\":%u}}\n",
			1 + (unsigned)(model_rev(ctx.model) + 1) % 4000);
		send_text(peer, line);
		expect_result(peer, 1);
	}
}

static void test_one_event_a_commit(void **state)
{
	struct peer client = peer_connect();
	struct peer watcher = peer_connect();
	json_t *got;

	(void)state;
	send_text(&watcher, SUBSCRIBE(1, ""));
	expect_result(&watcher, 1);
	networks_make(&client, 1);
	send_text(&client, NET(2, "m", 77) NET(3, "m", 77));
	expect_result(&client, 2);
	expect_result(&client, 3); /* changes nothing: no event */
	networks_make(&client, 1);

	got = event(&watcher, "config.changed");
	assert_int_equal(number(got, "seq"), 1);
	assert_int_equal(number(got, "rev"), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(got, "data"), "owner")), "local");
	assert_int_equal(
		json_array_size(json_object_get(
			json_object_get(json_object_get(got, "data"), "added"), "network")),
		1);
	json_decref(got);
	expect_event(&watcher, "config.changed", 2, "rev", 2);
	expect_event(&watcher, "config.changed", 3, "rev", 3);
	/* Replies go on between them. */
	send_text(&watcher, PING(5) NET(6, "mine", 99));
	expect_result(&watcher, 5);
	expect_result(&watcher, 6);
	expect_event(&watcher, "config.changed", 4, "rev", 4);
	send_text(&watcher, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"events.unsubscribe\"}\n");
	expect_result(&watcher, 7);
	networks_make(&client, 1);
	send_text(&watcher, STATUS(8));
	expect_result(&watcher, 8);
	peer_close(&client);
	peer_close(&watcher);
}

static void subscribe_since(struct peer *peer, const char *boot_id, json_int_t seq)
{
	char line[256];

	snprintf(line, sizeof(line),
		SUBSCRIBE(1, "\"since\":{\"boot_id\":\"%s\",\"seq\":%" JSON_INTEGER_FORMAT "}"),
		boot_id, seq);
	send_text(peer, line);
	expect_result(peer, 1);
}

static void test_since(void **state)
{
	struct peer client = peer_connect();
	struct peer late = peer_connect();

	(void)state;
	networks_make(&client, 5);
	subscribe_since(&late, ctx.boot_id, 3);
	expect_event(&late, "config.changed", 4, "rev", 4);
	expect_event(&late, "config.changed", 5, "rev", 5);
	/* Anew, in the place of the former: nothing comes twice. */
	subscribe_since(&late, ctx.boot_id, 5);
	networks_make(&client, 1);
	expect_event(&late, "config.changed", 6, "rev", 6);
	/* Another start, and a number that was never given out. */
	subscribe_since(&late, "of another start", 2);
	expect_event(&late, "events.lost", 0, "from", 3);
	expect_event(&late, "config.changed", 1, "rev", 1);
	for (json_int_t seq = 2; seq <= 6; seq++)
		expect_event(&late, "config.changed", seq, "rev", seq);
	subscribe_since(&late, ctx.boot_id, 100);
	expect_event(&late, "events.lost", 0, "from", 101);
	peer_close(&client);
	peer_close(&late);
}

static void test_ring_is_bounded(void **state)
{
	struct peer client = peer_connect();
	struct peer late = peer_connect();

	(void)state;
	networks_make(&client, LIMIT_EVENTS + 10);
	subscribe_since(&late, ctx.boot_id, 10);
	expect_event(&late, "config.changed", 11, "rev", 11);
	for (json_int_t seq = 12; seq <= LIMIT_EVENTS + 10; seq++)
		expect_event(&late, "config.changed", seq, "rev", seq);
	subscribe_since(&late, ctx.boot_id, 9);
	expect_event(&late, "events.lost", 10, "to", 10);
	expect_event(&late, "config.changed", 11, "rev", 11);
	peer_close(&client);
	peer_close(&late);
}

static void test_types_and_ports(void **state)
{
	struct peer watcher = peer_connect();
	json_t *got;

	(void)state;
	commit_recorder.ports[0] = (struct port_status){"endpoint", "web", "pending", NULL};
	commit_recorder.ports[1] = (struct port_status){"uplink", "up", "error", "no such device"};
	commit_recorder.n_ports = 2;
	send_text(&watcher, SUBSCRIBE(1, "\"types\":[\"port.state\"],\"snapshot\":true"));
	expect_result(&watcher, 1);
	got = event(&watcher, "port.state");
	assert_string_equal(json_string_value(json_object_get(got, "object")), "endpoint:web");
	assert_true(json_is_true(json_object_get(json_object_get(got, "data"), "snapshot")));
	json_decref(got);
	got = event(&watcher, "port.state");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(got, "data"), "error")),
		"no such device");
	json_decref(got);
	networks_make(&watcher, 1); /* of a type that is not wanted */
	send_text(&watcher, SUBSCRIBE(2, "\"types\":[\"nonsense\"]"));
	expect_error(&watcher, LEAT_INVALID_PARAMS, "2");
	peer_close(&watcher);
}

/* Those that go away with their subscription, at any moment. */
static void test_subscribers_come_and_go(void **state)
{
	struct peer client = peer_connect();

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct peer watcher = peer_connect();

		send_text(&watcher, SUBSCRIBE(1, ""));
		if (i % 2 == 0)
			expect_result(&watcher, 1);
		if (i % 3 == 0)
			networks_make(&client, 2);
		peer_close(&watcher);
	}
	networks_make(&client, 10);
	peer_close(&client);
}

/* The numbers of what was delivered, in their order; of events.lost what it covers. */
struct delivered {
	json_int_t seq[LIMIT_EVENTS + 2];
	unsigned n;
	json_int_t lost_from, lost_to;
};

static void note_delivered(struct session *session, char *line, size_t length, void *arg)
{
	struct delivered *d = arg;
	json_t *message = json_loadb(line, length, 0, NULL);
	json_t *params = json_object_get(message, "params");

	(void)session;
	assert_non_null(params);
	if (strcmp(json_string_value(json_object_get(params, "type")), "events.lost") == 0) {
		d->lost_from = number(params, "from");
		d->lost_to = number(params, "to");
	} else {
		assert_true(d->n < LIMIT_EVENTS + 2);
		d->seq[d->n++] = number(params, "seq");
	}
	json_decref(message);
	free(line);
}

/* What goes between a subscription and its first delivery is said to be lost; nothing is out of order. */
static void test_overtaken(void **state)
{
	struct events *events = events_new("boot");
	struct events_wish wish = {.boot_id = "boot", .seq = 5};
	struct session session = {.owner = NULL};
	struct delivered *d = calloc(1, sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (unsigned i = 0; i < LIMIT_EVENTS + 5; i++)
		events_add(events, EVENT_CONFIG_CHANGED, NULL, json_object());
	events_subscribe(events, &session, &wish);
	for (unsigned i = 0; i < 2; i++)
		events_add(events, EVENT_CONFIG_CHANGED, NULL, json_object());
	events_deliver(events, note_delivered, d);
	assert_int_equal(d->lost_from, 6);
	assert_int_equal(d->lost_to, 7);
	assert_int_equal(d->n, LIMIT_EVENTS);
	for (unsigned i = 0; i < d->n; i++)
		assert_int_equal(d->seq[i], 8 + i);
	free(d);
	events_free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RPC_TEST(test_one_event_a_commit),
		RPC_TEST(test_since),
		RPC_TEST(test_ring_is_bounded),
		RPC_TEST(test_types_and_ports),
		RPC_TEST(test_subscribers_come_and_go),
		cmocka_unit_test(test_overtaken),
	};

	return cmocka_run_group_tests(tests, rpc_group_setup, rpc_group_teardown);
}
