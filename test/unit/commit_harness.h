/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests of commits: real workers, snapshots and ports in a network namespace of the test's own, and
 * configs that are quick to write down.
 */
#ifndef LEAT_TEST_COMMIT_HARNESS_H
#define LEAT_TEST_COMMIT_HARNESS_H

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define WAIT_MS 5000
#define MANY_PORTS 100
#define MANY_RULES 1000

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

/* An empty config but for the network "net" and the group "web". */
struct wanted wanted_empty(void);

/* An endpoint "eN" with MAC 02:..:N and address 10.0.0.N; with the first the caller gives it a port. */
struct endpoint *add_endpoint(struct wanted *w, unsigned n);
struct endpoint *add_tap(struct wanted *w, unsigned n, const char *name);
struct endpoint *add_dpdk(struct wanted *w, unsigned n, const char *devargs);

/* Commit a copy, kept for as long as it stands; commit() fails the test where that fails. */
int try_commit(const struct wanted *w, unsigned deadline_ms, struct error *err);
int try_commit_with(
	const struct wanted *w, const struct commit_options *options, struct error *err);
void commit(const struct wanted *w);

/* The port as the workers see it. */
const struct snapshot_port *view(const char *id);

/* The state and kind that an endpoint says it has. */
void assert_oper(const char *id, const char *state, const char *kind);

void pause_ms(unsigned ms);

/* Wait until the port has received something. */
void wait_for_packets(const char *id);

/* A number of one of the objects in stats; id NULL: of stats itself. */
uint64_t count(json_t *stats, const char *id, const char *name);

/* Group set-up and teardown, and the teardown of each test: it begins and ends with nothing. */
int harness_start(void **state);
int harness_stop(void **state);
int harness_clean(void **state);

#endif
