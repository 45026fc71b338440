/* SPDX-License-Identifier: BSD-3-Clause */
/* leat-bench: a load for a vhost-user switch, and what it makes of it. See leat-bench --help. */
#include <err.h>
#include <sched.h>

#include "test/bench/leat_bench/report.h"

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		err(1, "core %d", cpu);
}

int main(int argc, char **argv)
{
	static struct bench_options options;
	static struct traffic t;

	bench_options_read(&options, argc, argv);
	traffic_heed_signals();
	stay_on(options.cpu);
	t.options = &options;
	t.front_end = options.virtio_user ? &front_end_virtio_user : &front_end_rings;
	t.streams = options.both ? BENCH_SIDES : 1;
	for (unsigned side = 0; side < BENCH_SIDES; side++)
		stream_init(&t.stream[side], &options, (uint8_t)side);
	for (unsigned side = 0; side < BENCH_SIDES; side++) {
		t.port[side].out = &t.stream[side];
		t.port[side].in = &t.stream[!side];
	}
	t.front_end->open(t.port, &options);
	traffic_run(&t);
	report_print(&t);
	t.front_end->close(t.port);
	for (unsigned side = 0; side < BENCH_SIDES; side++)
		stream_free(&t.stream[side]);
	return 0;
}
