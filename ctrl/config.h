/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wanted state, typed: what the model holds and what a commit brings into the data plane.
 *
 * A config is immutable once it has been handed to commit_apply(). Its items belong to the model,
 * which keeps them alive for as long as the config that points at them; an item that did not change
 * between two configs is the same pointer in both, which is how commit sees what changed.
 */
#ifndef LEAT_CTRL_CONFIG_H
#define LEAT_CTRL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

#define ID_MAX 253	    /* characters of an id */
#define ENDPOINT_IPS_MAX 16 /* addresses of one endpoint */
#define SOCKET_PATH_MAX 107 /* bytes, sun_path without its NUL */

enum encap { ENCAP_NONE, ENCAP_VLAN };
enum action { ACTION_DENY, ACTION_ALLOW };
enum arp { ARP_AS_GLOBAL, ARP_FLOOD, ARP_PROXY };
enum direction { DIRECTION_IN, DIRECTION_OUT };

struct network {
	char id[ID_MAX + 1];
	char *tenant;
	enum encap encap;
	uint16_t vlan;	      /* 1..4094 with ENCAP_VLAN, else 0 */
	struct prefix subnet; /* addr.family 0: none given */
	struct prefix subnet6;
	struct ip gateway;
	struct ip gateway6;
	uint16_t mtu; /* layer-3 bytes, 68..9216 */
	enum arp arp;
	bool snooping;
};

/* Both an uplink's device and an endpoint's port. */
enum port_kind {
	PORT_VHOST_USER,
	PORT_TAP,
	PORT_AF_XDP,
	PORT_AF_PACKET,
	PORT_MEMIF,
	PORT_PCI,
	PORT_DPDK
};

struct port_spec {
	enum port_kind kind;
	char *socket;	 /* vhost-user, memif */
	bool server;	 /* vhost-user, memif: the switch listens */
	uint16_t queues; /* queue pairs, 1..PORT_QUEUES_MAX */
	int64_t uid;	 /* vhost-user server socket's owner, -1: as created */
	int64_t gid;
	int32_t perm; /* its mode bits, -1: as created */
	char *netns;  /* tap: path of a network namespace, NULL: the daemon's own */
	char *name;   /* tap: the interface's name in there */
	char *netdev; /* af_xdp, af_packet */
	uint32_t memif_id;
	char *address; /* pci */
	char *devargs; /* dpdk */
};

/* Frames a second that several receive, 0: no limit. Group MACs are all but the broadcast MAC. */
struct flood_limits {
	uint64_t broadcast_pps;
	uint64_t multicast_pps;
	uint64_t unknown_unicast_pps;
};

struct uplink {
	char id[ID_MAX + 1];
	struct port_spec device;
	uint16_t mtu;
	uint64_t capacity_kbps; /* of what goes out there; 0: not known, nothing waits for it */
	struct flood_limits floods;
};

#define BITS_PER_KBIT 1000

/* Token buckets, and marks of what the container sends. kbps: 1000 bit/s, of layer-2 frame bytes without preamble and FCS. 0: no limit. */
struct qos {
	uint64_t tx_kbps; /* what the container sends */
	uint64_t tx_burst_kbit;
	uint64_t rx_kbps; /* what it receives */
	uint64_t rx_burst_kbit;
	uint64_t tx_pps;
	uint64_t rx_pps;
	uint64_t min_kbps; /* kept for it of every uplink's capacity */
	uint8_t weight;	   /* 1..100: its share where endpoints compete */
	bool shape;	   /* what is over the rate waits; else it is dropped */
	bool has_dscp;	   /* else what the container sends keeps its own */
	uint8_t dscp;	   /* 0..63 */
	uint8_t pcp;	   /* 0..7, 802.1p priority on uplinks */
};

struct group {
	char id[ID_MAX + 1];
	char *tenant;
	uint16_t num;
	char *network; /* NULL: any */
	enum action default_action;
	bool has_qos;
	struct qos qos;
};

struct guard {
	bool spoof;
	uint16_t macs; /* learned source addresses, 0..4096 */
	bool dhcp_server;
	bool router;
	struct flood_limits floods;
};

struct endpoint {
	char id[ID_MAX + 1];
	char *network;
	char *group; /* NULL: none */
	struct mac mac;
	uint16_t n_ips;
	struct ip ips[ENDPOINT_IPS_MAX];
	struct port_spec port;
	bool has_qos;
	struct qos qos;
	struct guard guard;
};

/* Whose values an endpoint has: its own, as a whole, else those of its group, which may be NULL. NULL: none. */
static inline const struct qos *qos_in_force(const struct endpoint *e, const struct group *group)
{
	if (e->has_qos)
		return &e->qos;
	return group != NULL && group->has_qos ? &group->qos : NULL;
}

struct remote_endpoint {
	char id[ID_MAX + 1];
	char *network;
	char *group;
	struct mac mac;
	uint16_t n_ips;
	struct ip ips[ENDPOINT_IPS_MAX];
};

/* A group by its id or by Contiv's number. Neither (NULL and 0): any. */
struct group_ref {
	char *id;
	uint16_t num;
};

/* What a rule of the Contiv form asks of a packet beside protocol and destination port. */
struct leg_match {
	struct group_ref src_group;
	struct group_ref dst_group;
	struct prefix src_ip; /* IPv4; addr.family 0: any */
	struct prefix dst_ip;
	uint16_t src_port_lo; /* 0..0 any */
	uint16_t src_port_hi;
	uint8_t tcp_flags; /* those of tcp_mask that are set, RFC 9293, 3.1 */
	uint8_t tcp_mask;
};

/* A rule of the policy form, or one leg of the Contiv form. */
struct rule {
	char id[ID_MAX + 1];
	uint8_t priority; /* 1..100, higher first */
	enum action action;
	bool log; /* its verdicts become events */
	enum {
		LEG_NONE,
		LEG_IN_RX,
		LEG_IN_TX,
		LEG_OUT_TX,
		LEG_OUT_RX
	} leg;			/* LEG_NONE: policy form */
	struct leg_match match; /* with a leg */
	char *group;		/* what follows but proto and port: with LEG_NONE */
	enum direction direction;
	int16_t proto;	  /* 0: any. IANA number */
	uint16_t port_lo; /* the connection's destination port; 0..65535 with any */
	uint16_t port_hi;
	enum { REMOTE_ANY, REMOTE_GROUP, REMOTE_NETWORK, REMOTE_CIDR } remote_kind;
	char *remote; /* id of a group or network */
	struct prefix remote_cidr;
};

enum policy_mode { POLICY_STRICT, POLICY_CONTIV };

struct global {
	enum policy_mode policy_mode;
	enum arp arp;	    /* of networks with ARP_AS_GLOBAL */
	uint32_t mac_age_s; /* seconds after which a learned MAC is forgotten, 10..86400 */
	bool tcp_midstream_drop;
};

/* Everything of one type, ordered by id (strcmp). */
struct config {
	struct global global;
	size_t n_networks, n_uplinks, n_groups, n_endpoints, n_remote_endpoints, n_rules;
	const struct network **networks;
	const struct uplink **uplinks;
	const struct group **groups;
	const struct endpoint **endpoints;
	const struct remote_endpoint **remote_endpoints;
	const struct rule **rules;
};

#endif
