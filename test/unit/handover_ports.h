/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports for real workers: sources that make numbered frames, and sinks that note by which
 * configuration each was forwarded. What a source keeps is not protected by anything but the rule
 * that one worker owns a queue at a time; the thread sanitizer and a flag watch over that.
 */
#ifndef LEAT_TEST_HANDOVER_PORTS_H
#define LEAT_TEST_HANDOVER_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/port.h"

#define SOURCES 4
#define FRAMES_MAX (1U << 20) /* of one source */
#define HOST_OF_SOURCES 1     /* source i has the MAC of host 1 + i */
#define HOST_OF_SINK 100

/* Which configuration: 1 or 2; 0: it has not come. */
struct notes {
	uint8_t by_trunk[SOURCES][FRAMES_MAX];	/* the VLAN it had on the uplink */
	uint8_t by_member[SOURCES][FRAMES_MAX]; /* the sink it came to */
};

struct source {
	struct port port;
	unsigned number;
	uint32_t next;	/* owner only */
	uint32_t turn;	/* owner only */
	bool in_use;	/* atomic: between receive and release */
	uint32_t quota; /* atomic: how many it may make in all */
	uint32_t waits; /* atomic: how often it was asked to signal */
	uint32_t made;	/* atomic copy of next, for the test */
	int fd;
	bool sleepy; /* set before it is published: its owner may sleep */
};

struct source *source_create(uint16_t index, unsigned number, bool sleepy);
/* Let it make n frames more, and wake its owner. */
void source_allow(struct source *s, uint32_t n);

/* mark: 1 or 2 for a member's sink; 0 for the trunk, where the VLAN tells: 10 or 20. */
struct port *sink_create(uint16_t index, uint8_t mark, struct notes *notes);

/* Frames with even numbers are broadcast, the others UDP to HOST_OF_SINK. */
static inline bool is_broadcast(uint32_t number)
{
	return number % 2 == 0;
}

/* What went wrong in a worker's thread, NULL: nothing. */
const char *handover_fault(void);

#endif
