/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/fair_queue.h and a bucket, written down simply and slowly: what is compared with them. One thread. */
#ifndef LEAT_TEST_FAIR_QUEUE_MODEL_H
#define LEAT_TEST_FAIR_QUEUE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define CLASSES 6
#define FLOWS 4
#define WAITING_MAX 400
#define HZ 1000000 /* ticks a second */

struct waiting {
	unsigned id;
	unsigned class;
	unsigned flow;
	uint32_t bytes;
};

/* Who takes turns: the new ones first, each list by when its members came to it. */
enum place { NOWHERE, AMONG_NEW, AMONG_OLD };
struct turn {
	enum place place;
	uint64_t since;
	int64_t deficit;
};

/* A bucket, in units of a millionth of a bit: HZ ticks a second, so a tick brings `rate` units. */
struct model_bucket {
	uint64_t rate;
	uint64_t most; /* bits */
	unsigned __int128 units;
	uint64_t last;
};

struct model {
	uint32_t quantum;
	unsigned n;
	struct waiting list[WAITING_MAX]; /* by age */
	uint64_t turns;
	struct turn class[CLASSES];
	struct turn flow[CLASSES][FLOWS];
	unsigned weight[CLASSES];
	struct model_bucket kept[CLASSES];
	bool among_kept[CLASSES];
	uint64_t kept_since[CLASSES];
	struct model_bucket capacity;
};

void bucket_begin(struct model_bucket *b, uint64_t rate, uint64_t most, uint64_t now);
uint64_t bucket_bits(struct model_bucket *b, uint64_t now);
void bucket_pay(struct model_bucket *b, uint64_t bits);

/* What waits of a flow; flow FLOWS: of all flows of the class. */
uint64_t model_bytes(const struct model *m, unsigned class, unsigned flow);
void model_enqueue(struct model *m, struct waiting w);
/* A class has something kept for it, and something to send. */
void model_join_kept(struct model *m, unsigned class);
bool model_dequeue(struct model *m, uint64_t now, struct waiting *ret);
struct waiting model_evict(struct model *m);

#endif
