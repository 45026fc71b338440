/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a config to what snapshot_create() takes. No side effects: nothing is opened or published,
 * and the same input gives the same output. What did not change since the compilation before is
 * shared with it: rulesets (so that a commit elsewhere compiles no rules) and meters (so that it
 * refills no buckets).
 *
 * One thread, the executor.
 */
#ifndef LEAT_CTRL_COMPILE_H
#define LEAT_CTRL_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/compile_names.h"
#include "ctrl/config.h"
#include "dataplane/snapshot.h"
#include "lib/error.h"

#define DIRECTIONS 2 /* enum direction as an array index */

/* The indexes of everything that has one. */
struct compile_names {
	struct names network;  /* 0..NETWORKS_MAX-1 */
	struct names group;    /* 1..GROUPS_MAX-1 */
	struct names endpoint; /* 0..PORTS_MAX-1, shared with uplinks */
	struct names uplink;
	struct names rule; /* 1..RULES_MAX-1 */
};

/* The rules of a group in one direction; refs: how many compilations hold it. */
struct compiled_ruleset {
	unsigned refs;
	size_t n;
	struct ruleset_rule *rules; /* what it was compiled from, first match first */
	struct ruleset *ruleset;
};

struct meter_values {
	uint64_t bits_per_s;
	uint64_t burst_bits;
	uint64_t packets_per_s;
	bool flood; /* of floods, whose burst is another */
	bool shared;
	uint16_t shape_mtu; /* 0: what is over the rate is dropped; else it waits, */
	uint16_t classes;   /* in so many classes */
};

struct compiled_meter {
	unsigned refs;
	struct meter_values values;
	struct meter *meter; /* with a reference to its shaper, if it has one */
};

struct compiled {
	struct snapshot_spec spec; /* points at the arrays below */
	struct snapshot_network *networks;
	struct snapshot_group *groups;
	struct snapshot_remote *remotes;
	struct snapshot_port *ports;
	struct snapshot_remote *addresses; /* in the contiv mode */
	struct snapshot_neighbour *neighbours;
	uint32_t *rule_rank;
	bool *rule_logs;      /* NULL: none does */
	uint16_t *port_index; /* of ports[i] */
	struct compiled_ruleset
		*rulesets[GROUPS_MAX][DIRECTIONS]; /* NULL: no rules; 0: of all groups */
	struct compiled_meter *meters[PORTS_MAX][METER_SIDES]; /* NULL: no limit */
	struct compiled_meter *floods[PORTS_MAX][FLOOD_KINDS]; /* the same */
	size_t n_rulesets_new; /* how many were not taken over from the one before */
	size_t n_meters_new;
};

/*
 * Networks, groups with their rules, remote endpoints. prev: the compilation before, or NULL. NULL
 * and err on failure (EXHAUSTED, INVALID_PARAMS, DEPENDENCY), err->object names the object.
 */
struct compiled *compile_policy(const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct error *err);

/*
 * Add the ports. ports: by index; NULL leaves that endpoint or uplink out. n_workers decides which
 * meters several workers share. 0, or -1 and err.
 */
int compile_ports(struct compiled *c, const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct port *const *ports, unsigned n_workers,
	struct error *err);

/*
 * After the last snapshot made of it is gone. NULL is fine. Returns how many frames it drops: they waited in a shaper
 * that nothing else uses.
 */
uint64_t compiled_free(struct compiled *c);

/* The MTU of a network by position in config and names; 0: there is none of that id. */
uint16_t compile_network_mtu(
	const struct config *want, const struct compile_names *names, const char *network);

/* Parts, each in a file of its own. */

/* Fill c->rulesets, the in/out of c->groups and of all, what is kept by rule (compile_rules.c). 0, or -1 and err. */
int compile_rules(struct compiled *c, const struct config *want, const struct compile_names *names,
	const struct compiled *prev, struct error *err);
/* In the contiv mode: c->addresses, and the networks' tenants (compile_addresses.c). 0, or -1 and err. */
int compile_addresses(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err);
/* c->neighbours: of the endpoints that have a port, and of remote ones (compile_neighbours.c). 0, or -1 and err. */
int compile_neighbours(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct port *const *ports, struct error *err);
void compiled_ruleset_unref(struct compiled_ruleset *rs); /* NULL is fine */

/*
 * The meters of an endpoint (compile_meters.c); q NULL: no limits. tx_shared, rx_shared: do several
 * workers use it? Fills c->meters[index], and tx and rx of ret. 0, or -1 and err.
 */
struct meter_context {
	const struct endpoint *endpoint;
	uint16_t mtu;
	bool tx_shared;
	bool rx_shared;
};
int compile_meters(struct compiled *c, const struct qos *q, const struct meter_context *ctx,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err);
/* The meter of what goes out by an uplink, as rx of ret; none without a capacity. The same for what it gives. */
int compile_uplink_meter(struct compiled *c, const struct uplink *uplink, bool shared,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err);
/* The limits on what comes by an endpoint or an uplink for several; fills flood of ret. The same for what it gives. */
int compile_flood_meters(struct compiled *c, const struct flood_limits *limits, bool shared,
	const struct compiled *prev, uint16_t index, struct snapshot_port *ret, struct error *err);
uint64_t compiled_meter_unref(struct compiled_meter *m); /* as compiled_free() */

#endif
