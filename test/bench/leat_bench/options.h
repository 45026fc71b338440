/* SPDX-License-Identifier: BSD-3-Clause */
/* What leat-bench is told. */
#ifndef LEAT_BENCH_OPTIONS_H
#define LEAT_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define BENCH_SIDES 2
#define BENCH_IDLE_MAX 64 /* ports that are connected and silent */
#define BENCH_SIZE_MIN 64 /* RFC 2544, section 9.1; frame check sequence included */
#define BENCH_SIZE_MAX 1518
#define BENCH_FLOWS_MAX (1U << 24)
#define BENCH_RING_MIN 64
#define BENCH_RING_MAX 32768 /* virtio 1.2, 2.7 */
#define BENCH_BURST_MAX 256
#define BENCH_SECONDS_MAX 3600
#define BENCH_CPU_MAX 1023

struct bench_options {
	const char *socket[BENCH_SIDES];
	const char *idle[BENCH_IDLE_MAX];
	unsigned n_idle;
	bool server;	  /* we listen, and the switch connects */
	bool virtio_user; /* DPDK's front end instead of the one written here */
	struct mac mac[BENCH_SIDES];
	struct ip ip[BENCH_SIDES];
	uint16_t dst_port; /* UDP, the first one used */
	unsigned size;	   /* bytes, frame check sequence included; 0: IMIX */
	uint32_t flows;	   /* each way */
	bool spread;	   /* destination addresses differ from flow to flow, all in prefix */
	struct prefix prefix;
	bool new_flows[BENCH_SIDES]; /* every packet of that direction a flow of its own */
	bool both;		     /* both directions at once */
	bool check;		     /* sequence numbers */
	bool latency;		     /* timestamps */
	bool rewrite;		     /* write many flows' frames anew rather than keep them ready */
	bool json;
	double rate;	 /* packets a second and direction; 0: as many as the rings take */
	unsigned window; /* frames of a direction under way at once; 0: no limit */
	double seconds;
	double warmup;
	bool steady;	    /* no pause between the two */
	unsigned ring_size; /* a power of two */
	unsigned burst;
	int cpu;
};

/* Fills in `ret` or ends the program: with 0 after --help, with 2 after saying what is wrong. */
void bench_options_read(struct bench_options *ret, int argc, char **argv);

#endif
