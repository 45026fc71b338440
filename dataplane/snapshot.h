/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration that workers read: immutable from snapshot_create() to snapshot_free().
 *
 * The control side fills a snapshot_spec, creates a snapshot from it and publishes it with
 * worker_publish(). Ports, meters and rulesets are not owned by the snapshot: they belong to the
 * control side, which frees them when no published snapshot points at them any more.
 */
#ifndef LEAT_DATAPLANE_SNAPSHOT_H
#define LEAT_DATAPLANE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/meter.h"
#include "dataplane/port.h"
#include "lib/addr.h"
#include "lib/addr_table.h"
#include "lib/error.h"
#include "lib/ruleset.h"

#define NETWORKS_MAX 4096
#define GROUPS_MAX 4096
#define RULES_MAX 131072
#define NETWORK_NONE UINT16_MAX
/* Set in ruleset_rule.id beside the rule's index (1..RULES_MAX-1) when the rule allows. */
#define RULE_ALLOWS (1U << 23)
#define PORT_NONE UINT16_MAX
#define SNAPSHOT_IPS_MAX 16 /* guarded addresses of one endpoint */

/* A network, at an index that stays its own for as long as it exists. */
struct snapshot_network {
	uint16_t index; /* 0..NETWORKS_MAX-1 */
	bool tagged;	/* on uplinks: with 802.1Q tag vlan, else untagged */
	uint16_t vlan;	/* 1..4094 */
	uint16_t mtu;
	uint16_t tenant; /* 0..NETWORKS_MAX-1; in the contiv mode */
	bool snooping;	 /* multicast goes to who wants it */
};

/* A group that endpoints are judged by, at an index of its own, 1..GROUPS_MAX-1; 0 means "no
 * group". */
struct snapshot_group {
	uint16_t index;
	bool default_allow;
	const struct ruleset *in; /* NULL: no rules of that direction */
	const struct ruleset *out;
};

/* Frames that several receive, by destination: the broadcast MAC, other group MACs, MACs that nobody is known by. */
enum flood_kind { FLOOD_BROADCAST, FLOOD_MULTICAST, FLOOD_UNKNOWN_UNICAST };
#define FLOOD_KINDS 3

/* An endpoint's or an uplink's port. */
struct snapshot_port {
	struct port *port; /* NULL: this index is free */
	uint16_t network;  /* index; NETWORK_NONE for an uplink */
	uint16_t group;	   /* index, 0 none */
	bool uplink;
	bool spoof_guard;
	bool dhcp_server;  /* may speak as one */
	bool router;	   /* may send router advertisements and redirects */
	bool learning;	   /* an endpoint without ips and guard: its source MACs are learned */
	uint16_t macs_max; /* how many of them besides its own */
	uint16_t n_ips;
	struct ip ips[SNAPSHOT_IPS_MAX];
	struct mac mac;
	uint16_t mtu; /* of its network, or of the uplink: layer-3 bytes */
	bool marked;  /* with dscp, 0..63: the IP packets that come by it */
	uint8_t dscp;
	uint8_t pcp; /* 0..7: 802.1p priority of its frames on uplinks */
	/* TPID << 16 | TCI of its frames on uplinks, 0: untagged; set by snapshot_create() */
	uint32_t tag;
	uint16_t worker;  /* that polls its first queue; set by snapshot_create() */
	struct meter *tx; /* what the container sends; NULL: no limit */
	struct meter *rx; /* what it receives; of an uplink: what goes out there */
	struct fair_share
		share; /* of what goes by it to an uplink; its weight also among what a worker polls */
	struct meter *flood[FLOOD_KINDS]; /* what comes by it for several; NULL: no limit */
};

/* (network, ip) -> group, of endpoints on other hosts; in the contiv mode of all endpoints. */
struct snapshot_remote {
	uint16_t network;
	uint16_t group;
	struct ip ip;
};

/* An address that the switch answers for, when it is asked which MAC it is behind. */
struct snapshot_neighbour {
	uint16_t network;
	uint16_t port; /* index of its owner's; PORT_NONE: on another host */
	struct ip ip;
	struct mac mac;
};

/* A queue for a worker to poll. */
struct snapshot_poll {
	uint16_t port;
	uint16_t queue;
	bool moved; /* set by worker_publish(): another worker may still have it, see there */
};

/* What the control side hands over; copied by snapshot_create(). */
struct snapshot_spec {
	const struct snapshot_network *networks;
	size_t n_networks;
	const struct snapshot_group *groups;
	size_t n_groups;
	const struct snapshot_port *ports; /* in any order; the index is port->index */
	size_t n_ports;
	const struct snapshot_remote *remotes;
	size_t n_remotes;
	const struct snapshot_remote *addresses; /* in the contiv mode: of all endpoints, IPv4 */
	size_t n_addresses;
	const struct snapshot_neighbour *neighbours; /* no address of a network twice */
	size_t n_neighbours;
	/* Rules that are of no one group; NULL: none. Ranks by rule index, needed with such rules
	 * and in the contiv mode: which of two rules is first, the smaller. Not copied. */
	const struct ruleset *any_in;
	const struct ruleset *any_out;
	const uint32_t *rule_rank;
	const bool
		*rule_logs; /* by rule index: are its verdicts told? NULL: no rule's. Not copied. */
	bool contiv;	    /* judge by packets: see stage/flat.c */
	uint32_t mac_age_s;
	bool tcp_midstream_drop;
	unsigned n_workers;
	const int *worker_node; /* NUMA node of each worker's core, or NULL for all 0 */
};

/* A network as workers see it. */
struct network_view {
	bool present;
	bool tagged;
	uint16_t vlan;
	uint16_t mtu;
	uint16_t tenant;
	bool snooping;
	uint32_t tag;	    /* TPID << 16 | VID, or 0: what goes on an uplink */
	uint16_t n_members; /* endpoints; sorted by port index */
	uint16_t n_learning;
	uint16_t *members;
	uint16_t *learning; /* those members whose MACs are learned */
};

struct neighbour_view {
	uint16_t port; /* of the owner; PORT_NONE: on another host */
	struct mac mac;
};

struct group_view {
	bool present;
	bool default_allow;
	const struct ruleset *in;
	const struct ruleset *out;
};

struct snapshot {
	uint32_t gen; /* > 0, one more with each snapshot; set by worker_publish() */
	uint32_t mac_age_s;
	bool tcp_midstream_drop;
	bool contiv;
	const struct ruleset *any[2]; /* out, in: rules of no one group */
	const uint32_t *rule_rank;
	const bool *rule_logs;
	uint64_t burst_shortest; /* of all meters, in ticks: see meter_fill() */
	uint16_t n_ports;	 /* highest port index + 1 */
	uint16_t n_uplinks;
	uint16_t untagged_network;     /* NETWORK_NONE: untagged uplink frames are unknown_vlan */
	struct snapshot_port *ports;   /* by port index */
	struct network_view *networks; /* NETWORKS_MAX */
	struct group_view *groups;     /* GROUPS_MAX */
	uint16_t *uplinks;	       /* port indexes */
	uint16_t *vlan_network;	       /* 4096: VID -> network index, NETWORK_NONE */
	struct addr_table *macs;       /* (network, MAC) -> port index, configured endpoints */
	struct addr_table *remotes;    /* (network, IP) -> group index */
	struct addr_table *addresses;  /* in the contiv mode: the same, of all endpoints, 0 none */
	struct addr_table *of_tenant;  /* and by (tenant, IP), of several the first */
	struct neighbour_view *neighbours; /* that the switch answers for */
	struct addr_table *neighbour_at;   /* (network, IP) -> place in neighbours; NULL: none */
	unsigned n_workers;
	uint16_t n_polls[WORKERS_MAX];
	struct snapshot_poll *polls[WORKERS_MAX];
};

/* NULL and err (EXHAUSTED, CONFLICT) on failure. Queues are spread over the workers: first those of
 * the port's own NUMA node, the least loaded first; the same spec gives the same spread. */
struct snapshot *snapshot_create(const struct snapshot_spec *spec, struct error *err);
void snapshot_free(struct snapshot *s); /* NULL is fine */

#endif
