/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>

#include <rte_eal.h>

#include "test/unit/commit_harness.h"

static char net[] = "net", web[] = "web";

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

struct wanted wanted_empty(void)
{
	return (struct wanted){
		.config = {.global = {.mac_age_s = 300}, .n_networks = 1, .n_groups = 1},
		.networks = {{.id = "net", .encap = ENCAP_VLAN, .vlan = 5, .mtu = 1500}},
		.groups = {{.id = "web", .default_action = ACTION_ALLOW}},
	};
}

struct endpoint *add_endpoint(struct wanted *w, unsigned n)
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

struct endpoint *add_tap(struct wanted *w, unsigned n, const char *name)
{
	struct endpoint *e = add_endpoint(w, n);

	e->port.kind = PORT_TAP;
	e->port.name = (char *)(uintptr_t)name;
	return e;
}

struct endpoint *add_dpdk(struct wanted *w, unsigned n, const char *devargs)
{
	struct endpoint *e = add_endpoint(w, n);

	e->port.kind = PORT_DPDK;
	e->port.devargs = (char *)(uintptr_t)devargs;
	return e;
}

int try_commit_with(const struct wanted *w, const struct commit_options *options, struct error *err)
{
	struct wanted *copy = malloc(sizeof(*copy));
	int rc;

	memset(err, 0, sizeof(*err));
	memcpy(copy, w, sizeof(*copy));
	wanted_link(copy);
	rc = commit_apply(&copy->config, options, err);
	if (rc == 0 || err->code == LEAT_TIMEOUT) {
		free(standing);
		standing = copy;
	} else {
		free(copy);
	}
	return rc;
}

int try_commit(const struct wanted *w, unsigned deadline_ms, struct error *err)
{
	struct commit_options options = {.deadline_ms = deadline_ms};

	return try_commit_with(w, &options, err);
}

void commit(const struct wanted *w)
{
	struct error err;

	if (try_commit(w, 0, &err) != 0)
		fail_msg("%s: %s", err.object, err.message);
}

const struct snapshot_port *view(const char *id)
{
	uint16_t index = commit_port_index(id);

	assert_int_not_equal(index, PORT_NONE);
	return &worker_snapshot()->ports[index];
}

void assert_oper(const char *id, const char *state, const char *kind)
{
	json_t *oper = commit_endpoint_oper(id);
	json_t *port = json_object_get(oper, "port");

	assert_string_equal(json_string_value(json_object_get(oper, "state")), state);
	assert_string_equal(json_string_value(json_object_get(port, "kind")), kind);
	assert_int_equal(json_integer_value(json_object_get(port, "id")), commit_port_index(id));
	json_decref(oper);
}

void pause_ms(unsigned ms)
{
	poll(NULL, 0, (int)ms);
}

void wait_for_packets(const char *id)
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

uint64_t count(json_t *stats, const char *id, const char *name)
{
	json_t *port = id != NULL ? json_object_get(stats, id) : stats;

	return (uint64_t)json_integer_value(json_object_get(port, name));
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

int harness_start(void **state)
{
	char *argv[] = {(char *)"test_commit", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--lcores=0@0", (char *)"-m", (char *)"512",
		(char *)"--no-telemetry", NULL};
	struct worker_options options = {.n = 1, .flow_entries = 1024, .conn_capacity = 1024};
	char lcore[32];
	struct error err = {0};

	(void)state;
	options.cpu[0] = first_cpu();
	snprintf(lcore, sizeof(lcore), "--lcores=0@%d", options.cpu[0]);
	argv[4] = lcore;
	if (unshare(CLONE_NEWNET) != 0 || quiet_ipv6() != 0 ||
		rte_eal_init((int)ARRAY_SIZE(argv) - 1, argv) < 0)
		return -1;
	if (workers_start(&options, &err) != 0 || commit_init(false, &err) != 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	return 0;
}

int harness_stop(void **state)
{
	(void)state;
	workers_stop();
	commit_fini();
	free(standing);
	return rte_eal_cleanup();
}

int harness_clean(void **state)
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
