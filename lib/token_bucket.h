/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A token bucket that is exact: no rounding of the rate, whatever the clock. Credit is kept in
 * units of (clock ticks x rate), so that one tick adds exactly `rate` and one unit of cost takes
 * exactly `hz`.
 *
 * One thread at a time; a bucket that several workers use is guarded by its owner.
 */
#ifndef LEAT_LIB_TOKEN_BUCKET_H
#define LEAT_LIB_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
	uint64_t rate;		 /* units a second, 1..2^40 */
	uint64_t hz;		 /* ticks of the clock a second, 1..2^40 */
	uint64_t last;		 /* the latest tick seen: credit was added up to it */
	unsigned __int128 burst; /* units x hz: the most it holds */
	unsigned __int128 credit;
};

/* rate and burst in units (bits, packets); the bucket begins full. burst >= 1, <= 2^40. */
void token_bucket_init(
	struct token_bucket *tb, uint64_t rate, uint64_t burst, uint64_t hz, uint64_t now);

/*
 * Take `cost` units if they are there: true, and they are gone; false, and nothing changed but the
 * refill. A clock that runs backwards adds nothing.
 */
bool token_bucket_take(struct token_bucket *tb, uint64_t cost, uint64_t now);

/* Give back what token_bucket_take() took, for a packet that something else refused. */
void token_bucket_give(struct token_bucket *tb, uint64_t cost);

/*
 * Ticks from `now` until the bucket holds `cost` units, if nobody takes any; 0: it does. cost at most the burst.
 */
uint64_t token_bucket_wait(struct token_bucket *tb, uint64_t cost, uint64_t now);

/* Ticks in which an empty bucket fills up, rounded down. Reads what never changes: any thread. */
uint64_t token_bucket_fill(const struct token_bucket *tb);

/* Whole units in the bucket now. */
uint64_t token_bucket_level(struct token_bucket *tb, uint64_t now);

#endif
