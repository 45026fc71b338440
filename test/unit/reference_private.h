/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the reference switch share. */
#ifndef LEAT_TEST_REFERENCE_PRIVATE_H
#define LEAT_TEST_REFERENCE_PRIVATE_H

#include "lib/conn_state.h"
#include "test/unit/reference_switch.h"

#define REFERENCE_LIST_MAX 4096
#define ALLOWED (-1) /* instead of an enum drop_reason */

struct learned_mac {
	uint16_t network;
	uint16_t port;
	struct mac mac;
	uint64_t seen_s;
};

/* One end of a connection, as the rules see it. */
struct end {
	bool judged;
	uint16_t group;
	struct ip ip;
};

struct connection {
	bool used;
	uint16_t network;
	uint8_t proto;
	struct ip a;
	struct ip b;
	uint16_t a_port;
	uint16_t b_port;
	enum conn_state state;
	uint64_t due_ms;
	unsigned config; /* it was allowed under; 0: it was flooded, nobody has answered yet */
	uint16_t a_in;	 /* where who began it is */
	struct end from; /* who began it then */
	struct end to;
	unsigned rule[2];
};

struct fragments {
	bool used;
	uint16_t network;
	uint16_t in;
	uint8_t family;
	uint8_t proto; /* IPv4 */
	struct ip src;
	struct ip dst;
	uint32_t id;
	uint64_t seen_ms;
	int drop; /* of the first, or ALLOWED */
	bool flooded;
	bool is_reply;
	uint8_t first_proto;
	uint16_t dport;
	unsigned rule[2];
	unsigned config; /* under which it was judged */
};

struct reference_switch {
	const struct topology *t;
	unsigned config; /* one more with each */
	struct learned_mac mac[REFERENCE_LIST_MAX];
	size_t n_macs;
	struct connection conn[REFERENCE_LIST_MAX];
	size_t n_conns;
	struct fragments frag[REFERENCE_LIST_MAX];
	size_t n_frags;
};

/* A packet under way. */
struct journey {
	struct reference_switch *sw;
	const struct topology *t;
	const struct packet *p;
	size_t len;
	uint64_t now_ms;
	uint16_t in;
	const struct test_port_spec *from;
	uint16_t network;
	unsigned n_inner; /* tags inside */
	const struct packet_tag *inner;
	uint16_t candidate[TOPOLOGY_PORTS_MAX];
	unsigned n_candidates;
	bool flood;
	struct reference_result *ret;
};

/* reference_policy.c: which of the candidates may have it; fills out, or the drop. */
void reference_policy(struct journey *j);

/* What is asked about a packet at one receiver. */
struct question {
	struct end from; /* who began the connection */
	struct end to;
	uint8_t proto;
	uint16_t dport;
};

/* reference_connections.c. */
bool reference_has_ports(uint8_t proto);
bool reference_is_icmp(uint8_t proto);
/* The packet's connection, going on as the packet says. NULL: none is alive, or it begins anew. */
struct connection *reference_touch(struct journey *j, bool *reply);
struct connection *reference_begin(struct journey *j, const struct question *q, unsigned config);
/* An ICMP error passes that goes to who sent what it is about, of a connection that stands. */
bool reference_is_related(const struct journey *j);
/* What is known of the first fragment, NULL: nothing, or too long ago. */
const struct fragments *reference_first(const struct journey *j);

void reference_drop(struct journey *j, enum drop_reason reason);
void reference_send(struct journey *j, uint16_t port);

#endif
