/* SPDX-License-Identifier: BSD-3-Clause */
/* leat-flood: see --help. */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "test/bench/leat_flood/flood.h"

static const char *const kind_names[KIND_COUNT] = {"udp", "broadcast", "syn"};

struct flood flood;
volatile sig_atomic_t flood_ended;

static void end(int signal)
{
	(void)signal;
	flood_ended = 1;
}

static const char usage[] =
	"usage: leat-flood --kind udp|broadcast|syn --mac FROM,TO --ip FROM,TO\n"
	"                  --from SOCKET --sink SOCKET | --netdev NAME\n"
	"\n"
	"Says \"sending\" when it begins, sends until SIGINT or SIGTERM, then prints how many\n"
	"frames were taken, what of a core it took, and in what share of the times at\n"
	"which it filled a ring up that had run dry.\n"
	"  --kind    udp: one flow; broadcast: the same to all; syn: each of another port\n"
	"  --from    a vhost-user switch's socket, which it sends by, and\n"
	"  --sink    another one, which takes what arrives; their rings are filled up\n"
	"            before they are empty, every 4 to 8 ms\n"
	"  --netdev  or: a packet socket on this interface, as fast as it goes\n";

static void pair_read(const char *text, void *a, void *b, int (*read)(const char *, void *))
{
	char *copy = strdup(text);
	char *comma = copy == NULL ? NULL : strchr(copy, ',');

	if (comma == NULL)
		errx(2, "\"%s\" is not two with a comma between them", text);
	*comma = '\0';
	if (!read(copy, a) || !read(comma + 1, b))
		errx(2, "\"%s\": cannot be read", text);
	free(copy);
}

static int mac_read(const char *text, void *ret)
{
	return ether_aton_r(text, ret) != NULL;
}

static int ip_read(const char *text, void *ret)
{
	return inet_aton(text, ret);
}

static enum kind kind_read(const char *text)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (strcmp(text, kind_names[kind]) == 0)
			return (enum kind)kind;
	errx(2, "--kind %s: udp, broadcast or syn", text);
}

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{"kind", required_argument, NULL, 'k'},
		{"mac", required_argument, NULL, 'm'},
		{"ip", required_argument, NULL, 'i'},
		{"from", required_argument, NULL, 'f'},
		{"sink", required_argument, NULL, 's'},
		{"netdev", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (key) {
		case 'k':
			flood.kind = kind_read(optarg);
			break;
		case 'm':
			pair_read(optarg, &flood.mac[0], &flood.mac[1], mac_read);
			break;
		case 'i':
			pair_read(optarg, &flood.ip[0], &flood.ip[1], ip_read);
			break;
		case 'f':
			flood.from = optarg;
			break;
		case 's':
			flood.sink = optarg;
			break;
		case 'n':
			flood.netdev = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc || (flood.netdev == NULL) == (flood.from == NULL) ||
		(flood.from == NULL) != (flood.sink == NULL)) {
		fputs(usage, stderr);
		exit(2);
	}
}

void flood_begins(void)
{
	puts("sending");
	flood.began = monotonic_ns();
	flood.began_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = end};
	uint64_t taken;
	double took, core;

	options_read(argc, argv);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	taken = flood.netdev != NULL ? flood_by_packets() : flood_by_rings();
	took = (double)(monotonic_ns() - flood.began);
	core = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - flood.began_cpu) / took;
	printf("{\"frames\": %" PRIu64
	       ", \"seconds\": %.3f, \"core_share\": %.3f, \"dry\": %.3f}\n",
		taken, took / (double)CLOCK_NS_PER_S, core,
		flood.fills > 0 ? (double)flood.dry / (double)flood.fills : 0.0);
	return 0;
}
