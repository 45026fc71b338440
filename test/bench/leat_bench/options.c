/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/bench/leat_bench/option_values.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_key {
	KEY_SIZE = 256,
	KEY_FLOWS,
	KEY_SPREAD,
	KEY_NEW_FLOWS,
	KEY_RATE,
	KEY_WINDOW,
	KEY_BIDIR,
	KEY_SECS,
	KEY_WARMUP,
	KEY_STEADY,
	KEY_RING_SIZE,
	KEY_BURST,
	KEY_CPU,
	KEY_MODE,
	KEY_MAC,
	KEY_IP,
	KEY_DST_PORT,
	KEY_IDLE,
	KEY_VIRTIO_USER,
	KEY_REWRITE,
	KEY_CHECK,
	KEY_LATENCY,
	KEY_JSON,
	KEY_HELP,
};

static const struct option long_options[] = {
	{"size", required_argument, NULL, KEY_SIZE},
	{"flows", required_argument, NULL, KEY_FLOWS},
	{"spread", optional_argument, NULL, KEY_SPREAD},
	{"new-flows", optional_argument, NULL, KEY_NEW_FLOWS},
	{"rate", required_argument, NULL, KEY_RATE},
	{"window", required_argument, NULL, KEY_WINDOW},
	{"bidir", no_argument, NULL, KEY_BIDIR},
	{"secs", required_argument, NULL, KEY_SECS},
	{"warmup", required_argument, NULL, KEY_WARMUP},
	{"steady", no_argument, NULL, KEY_STEADY},
	{"ring-size", required_argument, NULL, KEY_RING_SIZE},
	{"burst", required_argument, NULL, KEY_BURST},
	{"cpu", required_argument, NULL, KEY_CPU},
	{"mode", required_argument, NULL, KEY_MODE},
	{"mac", required_argument, NULL, KEY_MAC},
	{"ip", required_argument, NULL, KEY_IP},
	{"dst-port", required_argument, NULL, KEY_DST_PORT},
	{"idle", required_argument, NULL, KEY_IDLE},
	{"virtio-user", no_argument, NULL, KEY_VIRTIO_USER},
	{"rewrite", no_argument, NULL, KEY_REWRITE},
	{"check", no_argument, NULL, KEY_CHECK},
	{"latency", no_argument, NULL, KEY_LATENCY},
	{"json", no_argument, NULL, KEY_JSON},
	{"help", no_argument, NULL, KEY_HELP},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: leat-bench [OPTIONS] SOCKET SOCKET\n"
	"\n"
	"Loads a vhost-user switch: sends IPv4/UDP frames into the port behind the first socket "
	"and\n"
	"counts what comes out of the port behind the second. Both ends are one thread.\n"
	"\n"
	"  --size BYTES|imix   of a frame, its check sequence included (64); imix: 64, 594 and "
	"1518\n"
	"                      as 7:4:1\n"
	"  --flows N           flows each way (1): they differ in UDP ports\n"
	"  --spread[=PREFIX]   ... and in their destination addresses (10.128.0.0/9)\n"
	"  --new-flows[=there] every packet is a new flow to the same port; with =there only "
	"those\n"
	"                      of the first direction\n"
	"  --bidir             both directions at once; without --spread the second one is the\n"
	"                      replies of the first one's flows\n"
	"  --rate PPS          packets a second and direction (as many as the switch takes)\n"
	"  --window N          frames of a direction under way at once, at most: with fewer than "
	"a\n"
	"                      ring holds, no ring is ever overrun, and what is lost stays under "
	"way\n"
	"  --secs S            measure for so long (1), after --warmup S (0.2)\n"
	"  --steady            go over from warming up to measuring without a pause, in which a "
	"rate "
	"limit\n"
	"                      would fill up: what arrives is exact, what was lost is not\n"
	"  --check             number each flow's packets: what is lost, what comes late\n"
	"  --latency           time each packet\n"
	"  --rewrite           with many flows write each packet's addresses and ports anew, as "
	"an\n"
	"                      application does, instead of keeping a ready frame a flow\n"
	"  --virtio-user       DPDK's virtio-user ports instead of ready frames in rings of our "
	"own\n"
	"  --ring-size N       descriptors of a ring (1024); --burst N frames offered at once "
	"(32)\n"
	"  --cpu N             our core (the last one allowed)\n"
	"  --mode client|server  our side of the sockets (client)\n"
	"  --mac A,B  --ip A,B   of the two ends (02:00:00:00:00:01,... 10.1.0.1,10.1.0.2)\n"
	"  --dst-port N        the first destination port (5000)\n"
	"  --idle SOCKET       connect to this port too, and send nothing; may be repeated\n"
	"  --json              one JSON object instead of text\n"
	"\n"
	"SIGINT and SIGTERM end the measuring early.\n"
	"\n"
	"Exit codes: 0 measured, 1 no frame came through or the switch went away, 2 bad usage.\n";

static void idle_add(struct bench_options *o, const char *text)
{
	if (o->n_idle == BENCH_IDLE_MAX)
		errx(BAD_USAGE, "--idle: at most %d", BENCH_IDLE_MAX);
	o->idle[o->n_idle++] = text;
}

static void new_flows_read(struct bench_options *o, const char *text)
{
	if (text != NULL && strcmp(text, "there") != 0)
		bad_value("new-flows", text);
	o->new_flows[0] = true;
	o->new_flows[1] = text == NULL;
}

static void mode_read(struct bench_options *o, const char *text)
{
	o->server = strcmp(text, "server") == 0;
	if (!o->server && strcmp(text, "client") != 0)
		bad_value("mode", text);
}

static void traffic_option(struct bench_options *o, int key, const char *text)
{
	switch (key) {
	case KEY_SIZE:
		o->size = strcmp(text, "imix") == 0
				  ? 0
				  : whole("size", text, BENCH_SIZE_MIN, BENCH_SIZE_MAX);
		break;
	case KEY_FLOWS:
		o->flows = whole("flows", text, 1, BENCH_FLOWS_MAX);
		break;
	case KEY_SPREAD:
		spread_read(o, text);
		break;
	case KEY_NEW_FLOWS:
		new_flows_read(o, text);
		break;
	case KEY_RATE:
		o->rate = number("rate", text, 1, 1e9);
		break;
	case KEY_WINDOW:
		o->window = whole("window", text, 1, BENCH_RING_MAX);
		break;
	case KEY_BIDIR:
		o->both = true;
		break;
	case KEY_SECS:
		o->seconds = number("secs", text, 0.01, BENCH_SECONDS_MAX);
		break;
	case KEY_WARMUP:
		o->warmup = number("warmup", text, 0, BENCH_SECONDS_MAX);
		break;
	case KEY_STEADY:
		o->steady = true;
		break;
	case KEY_CHECK:
		o->check = true;
		break;
	case KEY_LATENCY:
		o->latency = true;
		break;
	default:
		exit(BAD_USAGE); /* getopt has said why */
	}
}

static void port_option(struct bench_options *o, int key, const char *text)
{
	switch (key) {
	case KEY_RING_SIZE:
		o->ring_size = whole("ring-size", text, BENCH_RING_MIN, BENCH_RING_MAX);
		break;
	case KEY_BURST:
		o->burst = whole("burst", text, 1, BENCH_BURST_MAX);
		break;
	case KEY_CPU:
		o->cpu = (int)whole("cpu", text, 0, BENCH_CPU_MAX);
		break;
	case KEY_MODE:
		mode_read(o, text);
		break;
	case KEY_MAC:
		macs_read(o, text);
		break;
	case KEY_IP:
		ips_read(o, text);
		break;
	case KEY_DST_PORT:
		o->dst_port = (uint16_t)whole("dst-port", text, 1, UINT16_MAX);
		break;
	case KEY_IDLE:
		idle_add(o, text);
		break;
	case KEY_VIRTIO_USER:
		o->virtio_user = true;
		break;
	case KEY_REWRITE:
		o->rewrite = true;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		traffic_option(o, key, text);
	}
}

static int last_cpu_allowed(void)
{
	cpu_set_t set;
	int last = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET((size_t)cpu, &set))
			last = cpu;
	}
	return last;
}

void bench_options_read(struct bench_options *ret, int argc, char **argv)
{
	int key;

	*ret = (struct bench_options){
		.mac = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}},
		.ip = {{4, {10, 1, 0, 1}}, {4, {10, 1, 0, 2}}},
		.prefix = {{4, {10, 128, 0, 0}}, 9},
		.dst_port = 5000,
		.size = 64,
		.flows = 1,
		.seconds = 1,
		.warmup = 0.2,
		.ring_size = 1024,
		.burst = 32,
		.cpu = last_cpu_allowed(),
	};
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		port_option(ret, key, optarg);
	if (argc - optind != BENCH_SIDES)
		errx(BAD_USAGE, "two sockets are needed; --help says more");
	if ((ret->ring_size & (ret->ring_size - 1)) != 0)
		errx(BAD_USAGE, "--ring-size: %u is not a power of two", ret->ring_size);
	if (ret->new_flows[0] && ret->check)
		errx(BAD_USAGE, "--new-flows and --check: a flow of one packet has no order");
	if (ret->steady && (ret->check || ret->window != 0))
		errx(BAD_USAGE,
			"--steady: neither --check nor --window, which count what was sent");
	for (int side = 0; side < BENCH_SIDES; side++)
		ret->socket[side] = argv[optind + side];
}
