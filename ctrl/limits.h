/* SPDX-License-Identifier: BSD-3-Clause */
/* Every bound of the control protocol, in one place. system.hello tells clients the main ones. */
#ifndef LEAT_CTRL_LIMITS_H
#define LEAT_CTRL_LIMITS_H

#include "ctrl/config.h"

/* Transport */
#define LIMIT_LINE_BYTES (4u << 20) /* one message, newline included */
#define LIMIT_NESTING 16	    /* of objects and arrays, the message itself counted */
#define LIMIT_CLIENTS 256	    /* connections at once */
#define LIMIT_CLIENT_REQUESTS 32    /* taken from one connection and not yet answered */
#define LIMIT_OUTPUT_PAUSE_BYTES                                                                   \
	(256u << 10)			 /* unread replies after which requests are not read  \
					       */
#define LIMIT_OUTPUT_BYTES (8u << 20)	 /* unread replies after which the client is dropped */
#define LIMIT_PARSE_IO_BYTES (16u << 10) /* longer lines are parsed off the transport's thread */

/* Objects */
#define LIMIT_ID_CHARS ID_MAX
#define LIMIT_OWNER_CHARS 63
#define LIMIT_LABELS 32
#define LIMIT_LABEL_KEY_CHARS 63
#define LIMIT_LABEL_VALUE_CHARS 255
#define LIMIT_ENDPOINT_IPS ENDPOINT_IPS_MAX
#define LIMIT_SOCKET_BYTES SOCKET_PATH_MAX
#define LIMIT_IFNAME_CHARS 15 /* IFNAMSIZ without its NUL */
#define LIMIT_PATH_CHARS 1023
#define LIMIT_DEVARGS_CHARS 511
#define LIMIT_QUEUES 16	 /* queue pairs of one port */
#define LIMIT_MTU_MIN 68 /* RFC 791 */
#define LIMIT_MTU_MAX 9216
#define LIMIT_GUARD_MACS 4096
#define LIMIT_WEIGHT 100
#define LIMIT_KBPS 1000000000	  /* 1 Tb/s */
#define LIMIT_BURST_KBIT 10000000 /* 10 Gbit: ten seconds at 1 Gb/s */
#define LIMIT_PPS 1000000000
#define LIMIT_MAC_AGE_MIN_S 10
#define LIMIT_MAC_AGE_MAX_S 86400

/* Tables, by the memory given to --memory: 64 MB, the least, make 65,536 connections. */
#define LIMIT_CONNECTIONS_PER_MB 1024
#define LIMIT_CONNECTIONS (1U << 24)
#define LIMIT_FLOWS_PER_MB 2048 /* cached, of all workers together: a connection is two */
#define LIMIT_FLOWS_OF_WORKER (1U << 22)

/* Methods */
#define LIMIT_TXN_OPS 20000
#define LIMIT_DEADLINE_MS 600000
#define LIMIT_LIST_ITEMS 1000 /* largest and default `limit` of a list */
#define LIMIT_KEEP_IDS 20000
#define LIMIT_STATS_IDS 20000
#define LIMIT_STAGES_MS 10000		/* that a stats.get may have the stages timed */
#define LIMIT_DOCUMENT_OBJECTS 1000000	/* of one state.replace or resync */
#define LIMIT_EVENTS 4096		/* that are kept for who asks later */
#define LIMIT_EVENT_NAMES 256		/* objects that one event names */
#define LIMIT_RULE_LOG_EVENTS_PER_S 100 /* `rule.log`, of all rules together ... */
#define LIMIT_RULE_LOG_BURST 100	/* ... after a silence */
#define RULE_LOG_REST_MS 1000 /* what was left out is said after so long without a packet */
#define PORT_WATCH_MS 100     /* how often port states are looked at */

/*
 * A rate without a burst gets what it lets through in 200 ms, and at least one 64 KB segment. TCP
 * through a policer needs about as much: with 10 ms it got 6 of 100 Mb/s, with 200 ms 92.
 */
#define BURST_DEFAULT_MS 200
#define BURST_DEFAULT_MIN_KBIT 1000
/*
 * Where the rest waits it needs no more than what a worker may come too late by, and a frame: what passes at
 * once here only waits elsewhere.
 */
#define BURST_SHAPE_MS 5

#endif
