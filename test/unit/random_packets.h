/* SPDX-License-Identifier: BSD-3-Clause */
/* Random small configurations and packets that aim at their edges. */
#ifndef LEAT_TEST_RANDOM_PACKETS_H
#define LEAT_TEST_RANDOM_PACKETS_H

#include "test/fixtures/builder.h"
#include "test/fixtures/topology.h"
#include "test/unit/random.h"

#define HISTORY_MAX 16

/* Packets sent lately, and where each went: what replies, errors and repetitions are made of. */
struct history {
	unsigned n;
	struct packet packet[HISTORY_MAX];
	uint16_t in[HISTORY_MAX];
	uint16_t out[HISTORY_MAX];
};

void random_topology(struct rnd *r, struct topology *t);
/* Other groups, rules, remotes and guards; the ports stay where they are. */
void random_policy(struct rnd *r, struct topology *t);

/* A port that is there. */
uint16_t random_port(struct rnd *r, const struct topology *t);
/* A packet for a port; may choose another port. The packet may point into the history. */
void random_packet(struct rnd *r, const struct topology *t, const struct history *h, uint16_t *in,
	struct packet *p);
void history_add(struct history *h, const struct packet *p, uint16_t in, uint16_t out);

#endif
