/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/traffic.h"

#include <err.h>
#include <signal.h>

#include "lib/clock.h"

#define PATIENCE_S 15	    /* for the first frame to come through */
#define FIRST_PAUSE_S 0.001 /* between frames until then */
#define CALIBRATION_NS 20000000

struct pace {
	uint64_t start;	 /* TSC */
	double per_tick; /* 0: no limit */
	uint64_t given;	 /* frames that were due and sent, or given up */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

void traffic_heed_signals(void)
{
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

static double tsc_hz_measure(void)
{
	uint64_t ns = monotonic_ns(), tsc = __rdtsc(), end;

	do
		end = monotonic_ns();
	while (end - ns < CALIBRATION_NS);
	return (double)(__rdtsc() - tsc) * 1e9 / (double)(end - ns);
}

/* How many frames are due now. What the ring has had no room for in a ring's time is given up. */
static unsigned due(struct pace *pace, struct stream *s, uint64_t now)
{
	uint64_t owed;

	if (pace->per_tick == 0)
		return s->options->burst;
	owed = (uint64_t)((double)(now - pace->start) * pace->per_tick) - pace->given;
	if (owed > s->options->ring_size) {
		s->count.unsent += owed - s->options->ring_size;
		pace->given += owed - s->options->ring_size;
	}
	return owed < s->options->burst ? (unsigned)owed : s->options->burst;
}

/* How many of n frames the window lets through. */
static unsigned within_window(const struct stream *s, unsigned n)
{
	const struct stream_count *c = &s->count;
	uint64_t under_way = c->sent - (c->received - c->foreign);

	if (s->options->window == 0 || under_way + n <= s->options->window)
		return n;
	return under_way >= s->options->window ? 0 : s->options->window - (unsigned)under_way;
}

static unsigned receive_all(struct traffic *t)
{
	unsigned n = 0;

	for (unsigned side = 0; side < BENCH_SIDES; side++)
		n += t->front_end->receive(&t->port[side]);
	return n;
}

/* Send and receive for so many seconds; how many it really were. */
static double load(struct traffic *t, double seconds, double rate)
{
	uint64_t start = __rdtsc(), now = start;
	const uint64_t end = start + (uint64_t)(seconds * t->tsc_hz);
	struct pace pace[BENCH_SIDES];

	for (unsigned i = 0; i < BENCH_SIDES; i++)
		pace[i] = (struct pace){.start = start, .per_tick = rate / t->tsc_hz};
	for (; now < end && !ended; now = __rdtsc()) {
		for (unsigned i = 0; i < t->streams; i++) {
			unsigned n =
				within_window(&t->stream[i], due(&pace[i], &t->stream[i], now));

			if (n != 0)
				pace[i].given += t->front_end->send(&t->port[i], n);
		}
		receive_all(t);
	}
	return (double)(now - start) / t->tsc_hz;
}

/* Whether nothing more is to be expected, nothing having come for so many seconds. Where each frame
 * is accounted for, a switch that waits for a core with frames in its hands is waited for. */
static bool over(struct traffic *t, double quiet)
{
	static const double short_patience[BACKLOG_COUNT] = {0.02, 0.2, 0.2};
	static const double long_patience[BACKLOG_COUNT] = {0.5, 5, 0.5};
	const bool exact = t->options->check || t->options->rate != 0;
	bool arrived = true, late = true;

	for (unsigned i = 0; i < t->streams; i++) {
		const struct stream_count *c = &t->stream[i].count;
		enum port_backlog backlog = t->front_end->backlog(&t->port[i]);

		late = late && quiet > (exact ? long_patience : short_patience)[backlog];
		arrived = arrived && c->received - c->foreign == c->sent;
	}
	return arrived || late;
}

/* Receive what is under way. */
static void drain(struct traffic *t)
{
	uint64_t last = __rdtsc();

	do {
		if (receive_all(t) != 0)
			last = __rdtsc();
	} while (!over(t, (double)(__rdtsc() - last) / t->tsc_hz));
}

/* A frame now and then until one has come through each way. */
static void knock(struct traffic *t)
{
	const uint64_t end = __rdtsc() + (uint64_t)(PATIENCE_S * t->tsc_hz);
	bool through[BENCH_SIDES] = {false};

	do {
		if (__rdtsc() > end)
			errx(1, "no frame came through from %s to the other side in %d s",
				t->options->socket[through[0]], PATIENCE_S);
		for (unsigned i = 0; i < t->streams; i++)
			t->front_end->send(&t->port[i], 1);
		for (uint64_t pause = __rdtsc() + (uint64_t)(FIRST_PAUSE_S * t->tsc_hz);
			__rdtsc() < pause;)
			receive_all(t);
		for (unsigned i = 0; i < BENCH_SIDES; i++)
			through[i] = i >= t->streams || t->stream[i].count.received != 0;
	} while (!through[0] || !through[1]);
}

void traffic_run(struct traffic *t)
{
	const struct bench_options *o = t->options;

	t->tsc_hz = tsc_hz_measure();
	knock(t);
	load(t, o->warmup, o->rate);
	if (!o->steady)
		drain(t);
	for (unsigned i = 0; i < BENCH_SIDES; i++)
		stream_reset(&t->stream[i]);
	t->seconds = load(t, o->seconds, o->rate);
	for (unsigned i = 0; i < BENCH_SIDES; i++)
		t->measured[i] = t->stream[i].count;
	drain(t);
	for (unsigned i = 0; i < BENCH_SIDES; i++) {
		if (t->front_end->gone(&t->port[i]))
			errx(1, "%s: the switch has hung up", o->socket[i]);
	}
}
