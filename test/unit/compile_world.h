/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of the compilation: a config that owns its objects, and the indexes of what is in it. */
#ifndef LEAT_TEST_COMPILE_WORLD_H
#define LEAT_TEST_COMPILE_WORLD_H

#include "ctrl/compile.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A config that owns its objects. */
struct world {
	struct config config;
	struct network networks[8];
	struct group groups[8];
	struct rule rules[80];
	struct endpoint endpoints[8];
	struct remote_endpoint remotes[8];
	struct uplink uplinks[2];
	const struct network *network_list[8];
	const struct group *group_list[8];
	const struct rule *rule_list[80];
	const struct endpoint *endpoint_list[8];
	const struct remote_endpoint *remote_list[8];
	const struct uplink *uplink_list[2];
};

/* Point the config at the first n_* of each kind, in order of ids. */
void world_link(struct world *w);

struct pools {
	struct id_pool *network, *group, *port, *rule;
};

struct pools pools_create(void);
void pools_free(struct pools *p);

/* The names that follow `old`, and the end of a set of names. */
void take_names(const struct config *c, const struct compile_names *old, struct pools *p,
	struct compile_names *ret);
void all_names_free(struct compile_names *n);

/* Policy and ports of a config, compiled after prev; a failure fails the test. */
struct compiled *world_compile(const struct config *c, const struct compile_names *names,
	struct port *const *ports, const struct compiled *prev, unsigned n_workers);

/* Group set-up and teardown: DPDK without hugepages. */
int eal_start(void **state);
int eal_stop(void **state);

#endif
