/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/report.h"

#include <err.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#define FIGURES 6 /* digits of a number in JSON */

struct figures {
	double mpps;
	double gbps; /* layer-2 bytes without check sequences */
	int64_t lost;
	double p50, p99, p999, max; /* ns */
};

static double latency_ns(const struct traffic *t, const struct stream *s, double share)
{
	return (double)histogram_percentile(s->latency, share) * 1e9 / t->tsc_hz;
}

static struct figures figures_of(const struct traffic *t, unsigned i)
{
	const struct stream *s = &t->stream[i];

	return (struct figures){
		.mpps = (double)t->measured[i].received / t->seconds / 1e6,
		.gbps = (double)t->measured[i].bytes * 8 / t->seconds / 1e9,
		.lost = (int64_t)(s->count.sent + s->count.foreign - s->count.received),
		.p50 = latency_ns(t, s, 0.5),
		.p99 = latency_ns(t, s, 0.99),
		.p999 = latency_ns(t, s, 0.999),
		.max = (double)s->latency->max * 1e9 / t->tsc_hz,
	};
}

static json_t *direction_json(const struct traffic *t, unsigned i)
{
	const struct stream_count *c = &t->stream[i].count;
	struct figures f = figures_of(t, i);
	json_t *o = json_pack("{s:f, s:f, s:I, s:I, s:I, s:I}", "mpps", f.mpps, "gbps", f.gbps,
		"sent", (json_int_t)c->sent, "unsent", (json_int_t)c->unsent, "received",
		(json_int_t)c->received, "lost", (json_int_t)f.lost);

	if (t->options->check)
		json_object_set_new(o, "reordered", json_integer((json_int_t)c->reordered));
	if (t->stream[i].marks)
		json_object_set_new(o, "foreign", json_integer((json_int_t)c->foreign));
	if (t->options->latency)
		json_object_set_new(o, "latency_ns",
			json_pack("{s:f, s:f, s:f, s:f}", "p50", f.p50, "p99", f.p99, "p99.9",
				f.p999, "max", f.max));
	return o;
}

static void json_print(const struct traffic *t)
{
	json_t *directions = json_array(), *o;
	double sum = 0;

	for (unsigned i = 0; i < t->streams; i++) {
		json_array_append_new(directions, direction_json(t, i));
		sum += figures_of(t, i).mpps;
	}
	o = json_pack("{s:s, s:f, s:f, s:o}", "front_end", t->front_end->name, "seconds",
		t->seconds, "mpps", sum, "directions", directions);
	if (o == NULL || json_dumpf(o, stdout, JSON_REAL_PRECISION(FIGURES)) != 0)
		errx(1, "no memory for the report");
	putchar('\n');
	json_decref(o);
}

static void text_print(const struct traffic *t, unsigned i)
{
	const struct stream_count *c = &t->stream[i].count;
	struct figures f = figures_of(t, i);

	printf("%s: %.3f Mpps, %.2f Gb/s; sent %" PRIu64 ", lost %" PRId64,
		i == 0 ? "there" : "back ", f.mpps, f.gbps, c->sent, f.lost);
	if (t->options->rate != 0)
		printf(", unsent %" PRIu64, c->unsent);
	if (t->options->check)
		printf(", reordered %" PRIu64, c->reordered);
	if (t->stream[i].marks)
		printf(", foreign %" PRIu64, c->foreign);
	if (t->options->latency)
		printf("; latency p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us",
			f.p50 / 1e3, f.p99 / 1e3, f.p999 / 1e3, f.max / 1e3);
	putchar('\n');
}

void report_print(const struct traffic *t)
{
	double sum = 0;

	if (t->options->json) {
		json_print(t);
		return;
	}
	for (unsigned i = 0; i < t->streams; i++) {
		text_print(t, i);
		sum += figures_of(t, i).mpps;
	}
	printf("sum:   %.3f Mpps over %.2f s (%s)\n", sum, t->seconds, t->front_end->name);
}
