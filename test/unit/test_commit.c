/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports in commits: which stay, which are made anew, and what a failure leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/unit/commit_harness.h"

static char web[] = "web";

static void refuse(const struct wanted *w, enum leat_error_code code, const char *object)
{
	struct snapshot *before = worker_snapshot();
	size_t ports = id_pool_count(commit_state.ports);
	struct error err;

	assert_int_equal(try_commit(w, 0, &err), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.object, object);
	assert_ptr_equal(worker_snapshot(), before);
	assert_int_equal(id_pool_count(commit_state.ports), ports);
}

static bool interface_mac(const char *name, uint8_t mac[MAC_LEN])
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int rc;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	rc = ioctl(fd, SIOCGIFHWADDR, &ifr);
	close(fd);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, MAC_LEN);
	return rc == 0;
}

static void assert_interface_mac(const char *name, const struct mac *mac)
{
	uint8_t got[MAC_LEN];

	assert_true(interface_mac(name, got));
	assert_memory_equal(got, mac->b, MAC_LEN);
}

static void test_unrelated_changes_keep_the_port(void **state)
{
	struct wanted w = wanted_empty();
	struct endpoint *e1 = add_tap(&w, 1, "lt1");
	const struct port *port;
	const struct meter *meter;
	uint16_t index;

	(void)state;
	e1->has_qos = true;
	e1->qos.tx_kbps = 1000;
	commit(&w);
	assert_oper("e1", "active", "tap");
	assert_interface_mac("lt1", &e1->mac);
	index = commit_port_index("e1");
	port = view("e1")->port;
	meter = view("e1")->tx;
	assert_non_null(meter);

	add_tap(&w, 0, "lt0"); /* sorts before it */
	e1->guard.spoof = false;
	e1->n_ips = 0;
	e1->group = NULL;
	e1->qos.rx_kbps = 50;
	commit(&w);
	assert_int_equal(commit_port_index("e1"), index);
	assert_ptr_equal(view("e1")->port, port);
	assert_ptr_equal(view("e1")->tx, meter);
	assert_non_null(view("e1")->rx);
	assert_true(view("e1")->learning);
	assert_int_equal(view("e1")->group, 0);
}

static void test_a_vhost_port_outlives_its_mac(void **state)
{
	char dir[] = "/tmp/leat-test-XXXXXX";
	char path[SOCKET_PATH_MAX];
	struct wanted w = wanted_empty();
	struct endpoint *e = add_endpoint(&w, 1);
	const struct port *port;
	json_t *oper;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/v.sock", dir);
	e->port.kind = PORT_VHOST_USER;
	e->port.socket = path;
	e->port.server = true;
	commit(&w);
	assert_oper("e1", "pending", "vhost-user");
	assert_int_equal(access(path, F_OK), 0);
	port = view("e1")->port;
	e->mac.b[5] = 0x42;
	commit(&w);
	assert_ptr_equal(view("e1")->port, port);
	assert_true(mac_equal(&view("e1")->mac, &e->mac));
	oper = commit_endpoint_oper("e1");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(oper, "port"), "mac")),
		"02:00:00:00:00:42");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(oper, "port"), "socket")), path);
	json_decref(oper);

	/* Another kind of port under the same id. */
	e->port.kind = PORT_TAP;
	e->port.name = (char *)(uintptr_t) "lt1";
	commit(&w);
	assert_oper("e1", "active", "tap");
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_a_tap_with_another_mac_is_made_anew(void **state)
{
	struct wanted w = wanted_empty();
	struct endpoint *e1 = add_tap(&w, 1, "lt1");
	struct endpoint *e2 = add_tap(&w, 2, "lt2");
	const struct port *other;
	uint16_t index;

	(void)state;
	commit(&w);
	index = commit_port_index("e1");
	other = view("e2")->port;
	e1->mac.b[3] = 0x77;
	commit(&w);
	assert_int_equal(commit_port_index("e1"), index);
	assert_interface_mac("lt1", &e1->mac);
	assert_ptr_equal(view("e2")->port, other);

	/* Two that exchange their names. */
	e1->port.name = (char *)(uintptr_t) "lt2";
	e2->port.name = (char *)(uintptr_t) "lt1";
	commit(&w);
	assert_interface_mac("lt2", &e1->mac);
	assert_interface_mac("lt1", &e2->mac);

	/* Under another name: the new one is there before the old one goes. */
	e1->port.name = (char *)(uintptr_t) "lt3";
	commit(&w);
	assert_interface_mac("lt3", &e1->mac);
	assert_int_equal(if_nametoindex("lt2"), 0);
	assert_int_equal(commit_port_index("e1"), index);
}

static void test_failures_change_nothing(void **state)
{
	struct wanted w = wanted_empty();
	struct wanted bad;
	struct endpoint *e;

	(void)state;
	add_tap(&w, 1, "lt1");
	commit(&w);

	/* A port that cannot be made takes those made before it along. */
	bad = w;
	add_tap(&bad, 2, "lt2");
	add_dpdk(&bad, 3, "net_nonsense0");
	refuse(&bad, LEAT_DEVICE, "endpoint:e3");
	assert_int_equal(if_nametoindex("lt2"), 0);

	bad = w;
	e = add_endpoint(&bad, 2);
	e->port.kind = PORT_AF_XDP;
	e->port.netdev = (char *)(uintptr_t) "lt1,start_queue=3";
	refuse(&bad, LEAT_INVALID_PARAMS, "endpoint:e2");

	bad = w;
	add_tap(&bad, 2, "lt1");
	refuse(&bad, LEAT_CONFLICT, "endpoint:e2");

	bad = w;
	bad.config.n_uplinks = 1;
	snprintf(bad.uplinks[0].id, sizeof(bad.uplinks[0].id), "e1");
	refuse(&bad, LEAT_CONFLICT, "uplink:e1");

	bad = w;
	bad.config.n_rules = 1;
	bad.rules[0] = (struct rule){.id = "r", .priority = 1, .group = web, .port_hi = 80};
	refuse(&bad, LEAT_INVALID_PARAMS, "rule:r");
	assert_oper("e1", "active", "tap");
}

static void test_the_former_port_comes_back(void **state)
{
	struct wanted w = wanted_empty();
	struct endpoint *e1 = add_tap(&w, 1, "lt1");
	struct mac mac = e1->mac;
	struct error err;
	unsigned interface;

	(void)state;
	commit(&w);
	interface = if_nametoindex("lt1");
	e1->mac.b[0] = 1; /* a group address, which no interface may have */
	assert_int_equal(try_commit(&w, 0, &err), -1);
	assert_int_equal(err.code, LEAT_DEVICE);
	assert_non_null(strstr(err.message, "the former port of endpoint e1 works again"));
	assert_interface_mac("lt1", &mac);
	assert_int_not_equal(if_nametoindex("lt1"), interface);
	assert_oper("e1", "active", "tap");
	assert_non_null(view("e1")->port);
}

struct sealing {
	int result;
	unsigned called;
	bool interface_there; /* when it was called */
};

static int note_seal(void *arg, struct error *err)
{
	struct sealing *s = arg;

	s->called++;
	s->interface_there = if_nametoindex("lt1") != 0;
	return s->result == 0 ? 0 : error_device(err, ENOSPC, "told to");
}

/* What cannot be made to last does not happen. */
static void test_a_seal_that_fails_changes_nothing(void **state)
{
	struct sealing sealing = {.result = -1};
	struct commit_options options = {.seal = note_seal, .seal_arg = &sealing};
	struct wanted with = wanted_empty();
	struct error err = {0};

	(void)state;
	commit(&with);
	add_tap(&with, 1, "lt1");
	assert_int_equal(try_commit_with(&with, &options, &err), -1);
	assert_int_equal(err.sys_errno, ENOSPC);
	assert_int_equal(sealing.called, 1);
	assert_true(sealing.interface_there);
	assert_int_equal(if_nametoindex("lt1"), 0);
	sealing.result = 0;
	assert_int_equal(try_commit_with(&with, &options, &err), 0);
	assert_oper("e1", "active", "tap");
	assert_int_equal(sealing.called, 2);
}

static void test_lenient_then_retried(void **state)
{
	struct commit_options options = {.lenient = true};
	struct wanted w = wanted_empty();
	struct error err = {0};
	unsigned tries = 0;

	(void)state;
	add_dpdk(&w, 1, "net_null_lenient");
	add_dpdk(&w, 2, "net_none0");
	assert_int_equal(try_commit(&w, 0, &err), -1);
	assert_int_equal(try_commit_with(&w, &options, &err), 0);
	assert_oper("e1", "active", "dpdk");
	assert_oper("e2", "error", "dpdk");
	assert_true(commit_retry() > 0);
	/* Never more than once when its time has not come. */
	assert_true(commit_retry() > 0);
	w.config.n_endpoints = 1;
	commit(&w);
	assert_int_equal(commit_retry(), -1);

	/* The name is taken until somebody lets go of it. */
	assert_int_equal(system("ip link add ltlate type veth peer name ltpeer"), 0);
	add_tap(&w, 3, "ltlate");
	assert_int_equal(try_commit_with(&w, &options, &err), 0);
	assert_oper("e3", "error", "tap");
	assert_int_equal(system("ip link delete ltlate"), 0);
	for (int wait = commit_retry(); wait >= 0 && tries < 5; tries++) {
		pause_ms((unsigned)wait);
		wait = commit_retry();
	}
	assert_oper("e3", "active", "tap");
	assert_non_null(view("e3"));
	assert_int_equal(commit_retry(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_unrelated_changes_keep_the_port, harness_clean),
		cmocka_unit_test_teardown(test_a_vhost_port_outlives_its_mac, harness_clean),
		cmocka_unit_test_teardown(test_a_tap_with_another_mac_is_made_anew, harness_clean),
		cmocka_unit_test_teardown(test_failures_change_nothing, harness_clean),
		cmocka_unit_test_teardown(test_the_former_port_comes_back, harness_clean),
		cmocka_unit_test_teardown(test_a_seal_that_fails_changes_nothing, harness_clean),
		cmocka_unit_test_teardown(test_lenient_then_retried, harness_clean),
	};

	return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
