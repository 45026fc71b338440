/* SPDX-License-Identifier: BSD-3-Clause */
/* By a vhost-user front end, whose ring is filled up now and then. */
#include <err.h>
#include <unistd.h>

#include "test/bench/leat_bench/guest.h"
#include "test/bench/leat_bench/vhost_user.h"
#include "test/bench/leat_flood/flood.h"

#define RING_SIZE 32768 /* as large as there are: virtio 1.2, 2.7 */
/*
 * How often the ring is filled up, by what the switch took meanwhile: 8 million frames a second at most. To be woken more
 * often would cost who shares the core more than the flood does.
 */
#define EVERY_MIN_US 4000
#define EVERY_MAX_US 8000
/* The frames of SYNs lie ready, so many that a switch has forgotten one when it comes again. */
#define STORE_FRAMES (1U << 19)
#define STORE_STRIDE                                                                               \
	128 /* a cache line that ends with the header, and one that begins with the frame */
#define STORE_FRAME_AT 64

static size_t store_len(void)
{
	return flood.kind == KIND_SYN ? (size_t)STORE_FRAMES * STORE_STRIDE : 0;
}

static int guest_open(struct guest *g, const char *path, size_t store)
{
	int sock;

	guest_create(g, RING_SIZE, store, true);
	sock = vhost_user_connect(-1, path);
	vhost_user_start(sock, path, g);
	return sock;
}

static void frames_ready(struct guest *g)
{
	struct guest_queue *tx = &g->queue[GUEST_TX];

	for (unsigned id = 0; id < tx->size; id++) {
		frame_make(guest_frame(tx, id));
		frame_next(guest_frame(tx, id));
		guest_frame_len_set(tx, id, FRAME_LEN);
	}
	for (size_t at = STORE_FRAME_AT; at < store_len(); at += STORE_STRIDE) {
		frame_make(g->store + at);
		frame_next(g->store + at);
	}
}

/* The next n descriptors, which come in the order of their numbers, get the next n frames of the store. */
static void frames_point(struct guest *g, unsigned n)
{
	const struct guest_queue *tx = &g->queue[GUEST_TX];

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *frame =
			g->store + STORE_FRAME_AT + flood.number++ % STORE_FRAMES * STORE_STRIDE;

		guest_frame_point(
			g, (tx->avail_idx + i) & (tx->size - 1U), frame - GUEST_HDR_LEN, FRAME_LEN);
	}
}

/*
 * A switch gives back what it has used in the order in which it was offered, so its index says which entries of
 * the available ring are free again, and nothing has to be written there.
 */
static unsigned used_count(struct guest_queue *q)
{
	uint16_t idx = __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
	uint16_t n = (uint16_t)(idx - q->used_seen);

	q->used_seen = idx;
	return n;
}

/*
 * To be woken costs the core much more than to fill the ring, in a virtual machine above all: a program that wakes up
 * a thousand times a second and does nothing takes a tenth of a busy core from others. So it is done seldom, but before the ring is
 * empty: when it is half empty, or sooner.
 */
static unsigned every_us(unsigned before_us, unsigned taken)
{
	uint64_t us = taken == 0 ? EVERY_MAX_US : (uint64_t)before_us * (RING_SIZE / 2) / taken;

	/* What was taken in a moment says little about a long time. */
	us = us > 2ULL * before_us ? 2ULL * before_us : us;
	return us < EVERY_MIN_US ? EVERY_MIN_US : us > EVERY_MAX_US ? EVERY_MAX_US : (unsigned)us;
}

uint64_t flood_by_rings(void)
{
	struct guest from, sink;
	struct guest_queue *tx = &from.queue[GUEST_TX], *rx = &sink.queue[GUEST_RX];
	int socks[] = {
		guest_open(&from, flood.from, store_len()), guest_open(&sink, flood.sink, 0)};
	unsigned us = EVERY_MIN_US;
	uint64_t taken = 0;

	frames_ready(&from);
	guest_offer(tx, tx->size);
	flood_begins();
	while (!flood_ended) {
		unsigned n = used_count(tx);

		if (vhost_user_gone(socks[0]))
			errx(1, "%s: the switch has hung up", flood.from);
		taken += n;
		flood.fills++;
		flood.dry += n == RING_SIZE;
		if (store_len() != 0)
			frames_point(&from, n);
		guest_offer(tx, n);
		guest_offer(rx, used_count(rx));
		us = every_us(us, n);
		usleep(us);
	}
	for (int i = 0; i < 2; i++)
		close(socks[i]);
	guest_destroy(&from);
	guest_destroy(&sink);
	return taken;
}
