/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One of the two ports that leat-bench sends and receives by, through one of two front ends:
 * rings_port.c (written here) and virtio_user.c (DPDK's).
 */
#ifndef LEAT_BENCH_PORT_H
#define LEAT_BENCH_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "test/bench/leat_bench/stream.h"

struct port {
	struct stream *out; /* what it sends */
	struct stream *in;  /* what it ought to receive */
	void *state;	    /* the front end's */
	uint16_t number;    /* the front end's */
};

/* Whether the switch has taken all that was sent. */
enum port_backlog { BACKLOG_NONE, BACKLOG_SOME, BACKLOG_UNKNOWN, BACKLOG_COUNT };

struct front_end {
	const char *name;
	/* Connect both ports, whose streams are set, and the idle ones. Ends the program if that
	 * does not work. */
	void (*open)(struct port ports[BENCH_SIDES], const struct bench_options *o);
	/* Send up to n frames, at most BENCH_BURST_MAX; how many the ring had room for. */
	unsigned (*send)(struct port *p, unsigned n);
	/* Take some of what has come, and count it; how many. */
	unsigned (*receive)(struct port *p);
	enum port_backlog (*backlog)(struct port *p);
	/* Whether the switch has hung up. */
	bool (*gone)(const struct port *p);
	void (*close)(struct port ports[BENCH_SIDES]);
};

extern const struct front_end front_end_rings;
extern const struct front_end front_end_virtio_user;

#endif
