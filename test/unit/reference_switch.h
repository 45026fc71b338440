/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The switch as its contract describes it, slowly: lists searched from one end to the other, one
 * packet at a time, no cache, and packets as described instead of as bytes. What the real stages do
 * is compared with it.
 */
#ifndef LEAT_TEST_REFERENCE_SWITCH_H
#define LEAT_TEST_REFERENCE_SWITCH_H

#include "dataplane/counters.h"
#include "test/fixtures/builder.h"
#include "test/fixtures/topology.h"

struct reference_switch;

struct reference_out {
	uint16_t port;
	uint16_t tci; /* of the tag it carries there, 0 none */
};

struct reference_result {
	bool dropped;
	enum drop_reason reason;
	uint8_t tos; /* it goes on with, if it is IP */
	unsigned n_out;
	struct reference_out out[TOPOLOGY_PORTS_MAX];
	unsigned rule_packets[TOPOLOGY_RULES_MAX + 1]; /* how often each rule judged it */
	unsigned rule_connections[TOPOLOGY_RULES_MAX + 1];
	/*
	 * Something went another way than before: what a flow cache holds may be right only after
	 * FLOW_REFRESH_MS.
	 */
	bool turned;
	bool began_flooded; /* a connection whose receiver is not known yet */
};

struct reference_switch *reference_create(const struct topology *topology);
void reference_free(struct reference_switch *sw);
/* Another configuration from now on; what was learned and begun stays. */
void reference_reconfigure(struct reference_switch *sw, const struct topology *topology);
/* Forget learned MACs that are too old. */
void reference_age(struct reference_switch *sw, uint64_t now_ms);

/* len: bytes of the packet as built, without what was cut off. */
void reference_judge(struct reference_switch *sw, uint16_t in, const struct packet *packet,
	size_t len, uint64_t now_ms, struct reference_result *ret);

#endif
