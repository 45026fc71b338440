/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commits with real workers, snapshots and ports (TAPs, DPDK's null and ring devices), in a network
 * namespace of the test's own.
 */
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
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"
#include "dataplane/worker_private.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define WAIT_MS 5000
#define MANY_PORTS 100
#define MANY_RULES 1000

static char net[] = "net", web[] = "web", null_device[] = "net_null0";

/* A config that owns its objects; n_* of config say how many of each are there. */
struct wanted {
	struct config config;
	struct network networks[2];
	struct group groups[1];
	struct uplink uplinks[1];
	struct endpoint endpoints[MANY_PORTS + 4];
	struct rule rules[MANY_RULES];
	char names[MANY_PORTS + 4][16];
	const struct network *network_list[2];
	const struct group *group_list[1];
	const struct uplink *uplink_list[1];
	const struct endpoint *endpoint_list[MANY_PORTS + 4];
	const struct rule *rule_list[MANY_RULES];
};

static struct wanted *standing; /* what the data plane forwards by */

static int id_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void wanted_link(struct wanted *w)
{
	struct config *c = &w->config;

#define LINK(kind)                                                                                 \
	do {                                                                                       \
		for (size_t i = 0; i < c->n_##kind##s; i++)                                        \
			w->kind##_list[i] = &w->kind##s[i];                                        \
		qsort(w->kind##_list, c->n_##kind##s, sizeof(void *), id_order);                   \
		c->kind##s = w->kind##_list;                                                       \
	} while (0)
	LINK(network);
	LINK(group);
	LINK(uplink);
	LINK(endpoint);
	LINK(rule);
}

static struct wanted wanted_empty(void)
{
	return (struct wanted){
		.config = {.global = {300, false}, .n_networks = 1, .n_groups = 1},
		.networks = {{.id = "net", .encap = ENCAP_VLAN, .vlan = 5, .mtu = 1500}},
		.groups = {{.id = "web", .default_action = ACTION_ALLOW}},
	};
}

/* An endpoint "eN" with MAC 02:..:N and address 10.0.0.N; the caller gives it a port. */
static struct endpoint *add_endpoint(struct wanted *w, unsigned n)
{
	struct endpoint *e = &w->endpoints[w->config.n_endpoints++];

	*e = (struct endpoint){
		.network = net,
		.group = web,
		.mac = {{2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}},
		.n_ips = 1,
		.ips = {{4, {10, 0, (uint8_t)(n >> 8), (uint8_t)n}}},
		.port = {.queues = 1, .uid = -1, .gid = -1, .perm = -1},
		.guard = {.spoof = true, .macs = 1},
	};
	snprintf(e->id, sizeof(e->id), "e%u", n);
	return e;
}

static struct endpoint *add_tap(struct wanted *w, unsigned n, const char *name)
{
	struct endpoint *e = add_endpoint(w, n);

	e->port.kind = PORT_TAP;
	e->port.name = (char *)(uintptr_t)name;
	return e;
}

static struct endpoint *add_dpdk(struct wanted *w, unsigned n, const char *devargs)
{
	struct endpoint *e = add_endpoint(w, n);

	e->port.kind = PORT_DPDK;
	e->port.devargs = (char *)(uintptr_t)devargs;
	return e;
}

/* Commit a copy, kept for as long as it stands. */
static int try_commit(const struct wanted *w, unsigned deadline_ms, struct error *err)
{
	struct wanted *copy = malloc(sizeof(*copy));
	int rc;

	memset(err, 0, sizeof(*err));
	memcpy(copy, w, sizeof(*copy));
	wanted_link(copy);
	rc = commit_apply(&copy->config, deadline_ms, err);
	if (rc == 0 || err->code == LEAT_TIMEOUT) {
		free(standing);
		standing = copy;
	} else {
		free(copy);
	}
	return rc;
}

static void commit(const struct wanted *w)
{
	struct error err;

	if (try_commit(w, 0, &err) != 0)
		fail_msg("%s: %s", err.object, err.message);
}

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

static const struct snapshot_port *view(const char *id)
{
	uint16_t index = commit_port_index(id);

	assert_int_not_equal(index, PORT_NONE);
	return &worker_snapshot()->ports[index];
}

static void assert_oper(const char *id, const char *state, const char *kind)
{
	json_t *oper = commit_endpoint_oper(id);
	json_t *port = json_object_get(oper, "port");

	assert_string_equal(json_string_value(json_object_get(oper, "state")), state);
	assert_string_equal(json_string_value(json_object_get(port, "kind")), kind);
	assert_int_equal(json_integer_value(json_object_get(port, "id")), commit_port_index(id));
	json_decref(oper);
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

static uint64_t count(json_t *stats, const char *id, const char *name)
{
	json_t *port = id != NULL ? json_object_get(stats, id) : stats;

	return (uint64_t)json_integer_value(json_object_get(port, name));
}

static uint64_t sum_of(json_t *drops)
{
	uint64_t sum = 0;
	const char *reason;
	json_t *n;

	json_object_foreach (drops, reason, n)
		sum += (uint64_t)json_integer_value(n);
	return sum;
}

static void pause_ms(unsigned ms)
{
	poll(NULL, 0, (int)ms);
}

static void wait_for_packets(const char *id)
{
	for (int i = 0; i < WAIT_MS; i++) {
		json_t *stats = stats_ports(NULL);
		uint64_t n = count(stats, id, "rx_packets");

		json_decref(stats);
		if (n > 0)
			return;
		pause_ms(1);
	}
	fail_msg("%s has received nothing", id);
}

static void test_counters_of_gone_ports_are_kept(void **state)
{
	struct wanted w = wanted_empty();
	struct wanted without;
	json_t *before = stats_gone();
	json_t *after;
	json_t *drops;
	json_t *stats;
	uint16_t index;
	uint64_t rx;

	(void)state;
	add_tap(&w, 1, "lt1");
	without = w;
	add_dpdk(&w, 2, null_device); /* receives without end */
	commit(&w);
	index = commit_port_index("e2");
	wait_for_packets("e2");
	commit(&without);
	assert_int_equal(commit_port_index("e2"), PORT_NONE);
	after = stats_gone();
	rx = count(after, NULL, "rx_packets") - count(before, NULL, "rx_packets");
	assert_true(rx > 0);
	/* All of it dropped, and the books balance. */
	assert_int_equal(count(after, NULL, "rx_packets") + count(after, NULL, "copies"),
		count(after, NULL, "tx_packets") + sum_of(json_object_get(after, "drops")));
	drops = stats_drops();
	assert_int_equal(sum_of(drops), sum_of(json_object_get(after, "drops")));

	/* Who gets the index next begins at 0. */
	add_tap(&without, 3, "lt3");
	commit(&without);
	assert_int_equal(commit_port_index("e3"), index);
	stats = stats_endpoints(NULL);
	assert_int_equal(json_object_size(stats), 2);
	assert_true(count(stats, "e3", "rx_packets") < rx);
	json_decref(before);
	json_decref(after);
	json_decref(drops);
	json_decref(stats);
}

/* A worker that makes no progress: it waits in a signal handler for a byte. */
static int release_pipe[2];
static volatile sig_atomic_t is_held;

static void hold(int signal)
{
	char byte;

	(void)signal;
	is_held = 1;
	while (read(release_pipe[0], &byte, 1) < 0)
		;
	is_held = 0;
}

static void hold_worker(void)
{
	assert_int_equal(pthread_kill(workers[0].thread, SIGUSR1), 0);
	for (int i = 0; i < WAIT_MS && !is_held; i++)
		pause_ms(1);
	assert_true(is_held);
}

static void let_worker_go(void)
{
	assert_int_equal(write(release_pipe[1], "x", 1), 1);
	for (int i = 0; i < WAIT_MS && !worker_quiesced(); i++)
		pause_ms(1);
	assert_true(worker_quiesced());
}

static void test_a_worker_that_does_not_answer(void **state)
{
	struct wanted w = wanted_empty();
	struct wanted two;
	struct error err;
	uint16_t index;

	(void)state;
	add_dpdk(&w, 2, null_device); /* keeps the worker from going to sleep */
	add_tap(&w, 3, "lt3");
	two = w;
	add_tap(&w, 1, "lt1");
	commit(&w);
	index = commit_port_index("e1");
	wait_for_packets("e2");
	hold_worker();

	/* The port is gone from the config, but the worker may still be at it. */
	assert_int_equal(try_commit(&two, 20, &err), -1);
	assert_int_equal(err.code, LEAT_TIMEOUT);
	assert_int_equal(commit_port_index("e1"), PORT_NONE);
	assert_int_not_equal(if_nametoindex("lt1"), 0);
	assert_true(id_pool_taken(commit_state.ports, index));

	w = two;
	add_tap(&w, 4, "lt1");
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_BUSY);

	/* What would have to go first stays when it cannot go. */
	w = two;
	w.endpoints[1].mac.b[3] = 9;
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_BUSY);
	assert_oper("e3", "active", "tap");
	assert_non_null(view("e3")->port);

	w = two;
	add_tap(&w, 5, "lt5");
	assert_int_equal(try_commit(&w, 20, &err), -1);
	assert_int_equal(err.code, LEAT_TIMEOUT);
	assert_int_not_equal(commit_port_index("e5"), index);

	let_worker_go();
	json_decref(stats_drops());
	assert_int_equal(if_nametoindex("lt1"), 0);
	assert_false(id_pool_taken(commit_state.ports, index));
	assert_null(commit_state.retired);
	add_tap(&w, 4, "lt1");
	commit(&w);
	assert_int_equal(commit_port_index("e4"), index);
}

static json_t *trace(const char *params, struct error *err)
{
	json_t *json = json_loads(params, 0, NULL);
	json_t *ret = NULL;

	assert_non_null(json);
	memset(err, 0, sizeof(*err));
	if (trace_run(json, &ret, err) != 0)
		assert_int_not_equal(err->code, LEAT_OK);
	json_decref(json);
	return ret;
}

static void assert_trace(const char *params, const char *verdict, const char *rule, const char *out)
{
	struct error err;
	json_t *ret = trace(params, &err);
	json_t *first;

	assert_non_null(ret);
	first = json_array_get(json_object_get(ret, "out"), 0);
	assert_string_equal(json_string_value(json_object_get(ret, "verdict")), verdict);
	if (rule != NULL)
		assert_string_equal(json_string_value(json_object_get(ret, "rule")), rule);
	else
		assert_true(json_is_null(json_object_get(ret, "rule")));
	if (out != NULL)
		assert_string_equal(json_string_value(first), out);
	else
		assert_null(first);
	assert_true(json_array_size(json_object_get(ret, "steps")) > 0);
	json_decref(ret);
}

static void test_trace(void **state)
{
	struct wanted w = wanted_empty();
	struct error err;

	(void)state;
	add_tap(&w, 1, "lt1");
	add_tap(&w, 2, "lt2");
	w.config.n_rules = 1;
	w.rules[0] = (struct rule){.id = "no-web",
		.priority = 1,
		.action = ACTION_DENY,
		.group = web,
		.direction = DIRECTION_IN,
		.proto = IPPROTO_TCP,
		.port_lo = 80,
		.port_hi = 80};
	commit(&w);
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"dst_port\":81}}",
		"forward", NULL, "e2");
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"dst_port\":80}}",
		"drop", "no-web", NULL);
	assert_trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"10.0.0.2\",\"proto\":\"tcp\","
		     "\"src_ip\":\"10.9.9.9\",\"dst_port\":81}}",
		"drop", NULL, NULL);
	assert_trace("{\"endpoint\":\"e2\",\"packet\":{\"dst_mac\":\"ff:ff:ff:ff:ff:ff\"}}",
		"flood", NULL, "e1");
	assert_null(trace("{\"endpoint\":\"e9\",\"packet\":{}}", &err));
	assert_int_equal(err.code, LEAT_NOT_FOUND);
	assert_null(trace("{\"packet\":{}}", &err));
	assert_int_equal(err.code, LEAT_INVALID_PARAMS);
	assert_null(trace("{\"endpoint\":\"e1\",\"packet\":{\"src_ip\":\"10.0.0.1\"}}", &err));
	assert_string_equal(err.path, "/packet/dst_ip");
	assert_null(trace("{\"endpoint\":\"e1\",\"packet\":{\"dst_ip\":\"fd00::1\"}}", &err));
	assert_string_equal(err.path, "/packet/src_ip");
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void add_rules(struct wanted *w)
{
	for (size_t i = 0; i < MANY_RULES; i++) {
		struct rule *r = &w->rules[i];

		*r = (struct rule){.priority = (uint8_t)(1 + i % 100),
			.action = i % 2 ? ACTION_ALLOW : ACTION_DENY,
			.group = web,
			.direction = i % 3 ? DIRECTION_IN : DIRECTION_OUT,
			.proto = IPPROTO_TCP,
			.port_lo = (uint16_t)i,
			.port_hi = (uint16_t)(i + 5),
			.remote_kind = REMOTE_CIDR,
			.remote_cidr = {{4, {10, (uint8_t)(i / 4), (uint8_t)i}}, 24}};
		snprintf(r->id, sizeof(r->id), "r%zu", i);
	}
	w->config.n_rules = MANY_RULES;
}

static void test_an_endpoint_among_many_is_quick(void **state)
{
	static struct wanted w;
	const struct compiled_ruleset *in;
	struct port *ports[MANY_PORTS];
	double best = 1e9;
	double start;

	(void)state;
	w = wanted_empty();
	add_rules(&w);
	for (unsigned i = 0; i < MANY_PORTS; i++) {
		snprintf(w.names[i], sizeof(w.names[i]), "lt%u", i);
		add_tap(&w, i, w.names[i]);
	}
	start = now_ms();
	commit(&w);
	print_message("%d TAPs and %d rules: %.1f ms\n", MANY_PORTS, MANY_RULES, now_ms() - start);
	in = commit_state.compiled->rulesets[view("e0")->group][DIRECTION_IN];
	for (unsigned i = 0; i < MANY_PORTS; i++)
		ports[i] = commit_state.port[commit_port_index(w.endpoints[i].id)].port;

	for (int round = 0; round < 5; round++) {
		add_tap(&w, MANY_PORTS, "ltmore");
		start = now_ms();
		commit(&w);
		start = now_ms() - start;
		best = start < best ? start : best;
		assert_int_equal(commit_state.compiled->n_rulesets_new, 0);
		w.config.n_endpoints--;
		commit(&w);
	}
	print_message("one more TAP: %.2f ms at best\n", best);
	assert_true(best < 20);
	start = now_ms();
	commit(&w);
	print_message("nothing: %.2f ms\n", now_ms() - start);
	assert_ptr_equal(commit_state.compiled->rulesets[view("e0")->group][DIRECTION_IN], in);
	for (unsigned i = 0; i < MANY_PORTS; i++)
		assert_ptr_equal(view(w.endpoints[i].id)->port, ports[i]);
}

static int first_cpu(void)
{
	cpu_set_t cpus;
	int cpu = 0;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	return cpu;
}

/* Interfaces that come up would fill each other's counters with neighbour discovery. */
static int quiet_ipv6(void)
{
	FILE *f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");

	if (f == NULL)
		return errno == ENOENT ? 0 : -1;
	return fputs("1", f) < 0 || fclose(f) != 0 ? -1 : 0;
}

static int start(void **state)
{
	char *argv[] = {(char *)"test_commit", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--lcores=0@0", (char *)"-m", (char *)"512",
		(char *)"--no-telemetry", NULL};
	struct sigaction action = {.sa_handler = hold, .sa_flags = SA_RESTART};
	struct worker_options options = {.n = 1, .flow_entries = 1024, .conn_capacity = 1024};
	char lcore[32];
	struct error err = {0};

	(void)state;
	options.cpu[0] = first_cpu();
	snprintf(lcore, sizeof(lcore), "--lcores=0@%d", options.cpu[0]);
	argv[4] = lcore;
	if (unshare(CLONE_NEWNET) != 0 || quiet_ipv6() != 0 || pipe(release_pipe) != 0 ||
		sigaction(SIGUSR1, &action, NULL) != 0 ||
		rte_eal_init((int)ARRAY_SIZE(argv) - 1, argv) < 0)
		return -1;
	if (workers_start(&options, &err) != 0 || commit_init(&err) != 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	workers_stop();
	commit_fini();
	free(standing);
	return rte_eal_cleanup();
}

/* Each test begins and ends with nothing. */
static int clean(void **state)
{
	struct wanted w = wanted_empty();
	json_t *stats;
	bool empty;

	(void)state;
	w.config.n_networks = w.config.n_groups = 0;
	commit(&w);
	stats = stats_ports(NULL);
	empty = json_object_size(stats) == 0 && id_pool_count(commit_state.ports) == 0 &&
		id_pool_count(commit_state.rules) == 0 && id_pool_count(commit_state.networks) == 0;
	json_decref(stats);
	return empty ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_unrelated_changes_keep_the_port, clean),
		cmocka_unit_test_teardown(test_a_tap_with_another_mac_is_made_anew, clean),
		cmocka_unit_test_teardown(test_failures_change_nothing, clean),
		cmocka_unit_test_teardown(test_the_former_port_comes_back, clean),
		cmocka_unit_test_teardown(test_counters_of_gone_ports_are_kept, clean),
		cmocka_unit_test_teardown(test_a_worker_that_does_not_answer, clean),
		cmocka_unit_test_teardown(test_trace, clean),
		cmocka_unit_test_teardown(test_an_endpoint_among_many_is_quick, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
