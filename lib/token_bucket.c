/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/token_bucket.h"

void token_bucket_init(
	struct token_bucket *tb, uint64_t rate, uint64_t burst, uint64_t hz, uint64_t now)
{
	*tb = (struct token_bucket){
		.rate = rate,
		.hz = hz,
		.last = now,
		.burst = (unsigned __int128)burst * hz,
		.credit = (unsigned __int128)burst * hz,
	};
}

/* Nothing here can overflow: 2^64 ticks x 2^40 units and 2^40 units x 2^40 ticks are far below
 * 2^128. */
static void token_bucket_refill(struct token_bucket *tb, uint64_t now)
{
	unsigned __int128 missing = tb->burst - tb->credit;
	unsigned __int128 grown;

	if (now <= tb->last)
		return;
	grown = (unsigned __int128)(now - tb->last) * tb->rate;
	tb->last = now;
	tb->credit += grown < missing ? grown : missing;
}

bool token_bucket_take(struct token_bucket *tb, uint64_t cost, uint64_t now)
{
	unsigned __int128 price = (unsigned __int128)cost * tb->hz;

	token_bucket_refill(tb, now);
	if (tb->credit < price)
		return false;
	tb->credit -= price;
	return true;
}

uint64_t token_bucket_wait(struct token_bucket *tb, uint64_t cost, uint64_t now)
{
	unsigned __int128 price = (unsigned __int128)cost * tb->hz;
	unsigned __int128 ticks;

	token_bucket_refill(tb, now);
	if (tb->credit >= price)
		return 0;
	ticks = (price - tb->credit + tb->rate - 1) / tb->rate;
	/* Credit came up to tb->last: a clock that went back has to come there first. */
	if (now < tb->last)
		ticks += tb->last - now;
	return ticks < UINT64_MAX ? (uint64_t)ticks : UINT64_MAX;
}

uint64_t token_bucket_fill(const struct token_bucket *tb)
{
	unsigned __int128 ticks = tb->burst / tb->rate;

	return ticks < UINT64_MAX ? (uint64_t)ticks : UINT64_MAX;
}

uint64_t token_bucket_level(struct token_bucket *tb, uint64_t now)
{
	token_bucket_refill(tb, now);
	return (uint64_t)(tb->credit / tb->hz);
}

void token_bucket_give(struct token_bucket *tb, uint64_t cost)
{
	tb->credit += (unsigned __int128)cost * tb->hz;
	if (tb->credit > tb->burst)
		tb->credit = tb->burst;
}
