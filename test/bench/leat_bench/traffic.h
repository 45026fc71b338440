/* SPDX-License-Identifier: BSD-3-Clause */
/* One run: until frames come through, warm up, measure, and wait for what is under way. */
#ifndef LEAT_BENCH_TRAFFIC_H
#define LEAT_BENCH_TRAFFIC_H

#include "test/bench/leat_bench/port.h"

struct traffic {
	const struct bench_options *options;
	const struct front_end *front_end;
	struct port port[BENCH_SIDES];
	struct stream stream[BENCH_SIDES]; /* stream i begins at side i */
	unsigned streams;		   /* 1, or 2 for both directions */
	double tsc_hz;
	double seconds;				   /* really measured */
	struct stream_count measured[BENCH_SIDES]; /* at the end of the measuring */
};

/* From now on SIGINT and SIGTERM end the measuring, which counts as far as it has come. */
void traffic_heed_signals(void);

/* After it, stream[].count holds what became of all frames of the measuring, the late ones too. Ends
 * the program when no frame comes through or the switch goes away. */
void traffic_run(struct traffic *t);

#endif
