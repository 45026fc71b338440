/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A loud neighbour: 64-byte frames as fast as a switch takes them, at next to no cost of the core it runs on, where
 * others are measured. main.c reads what is wanted, frame.c makes the frames, rings.c and packets.c send them. One thread.
 */
#ifndef LEAT_FLOOD_H
#define LEAT_FLOOD_H

#include <net/ethernet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>

#define FRAME_LEN 60 /* 64 with the check sequence, which is in no ring */

enum kind { KIND_UDP, KIND_BROADCAST, KIND_SYN, KIND_COUNT };

/* Set by main.c, but for number. */
struct flood {
	enum kind kind;
	const char *from, *sink;  /* sockets of a vhost-user switch, or NULL */
	const char *netdev;	  /* an interface, or NULL */
	struct ether_addr mac[2]; /* of who sends, and who is sent to */
	struct in_addr ip[2];
	uint64_t number;	   /* of the next frame */
	uint64_t began, began_cpu; /* ns */
	uint64_t fills, dry;	   /* of a ring: how often it was filled up, and was empty then */
};

extern struct flood flood;
extern volatile sig_atomic_t flood_ended; /* a signal came */

/* main.c: tell whoever waits for it that frames go out, and the clocks. */
void flood_begins(void);

/* frame.c: the whole frame, FRAME_LEN bytes; of later ones only what differs is written, by the second. */
void frame_make(uint8_t *frame);
void frame_next(uint8_t *frame);

/* rings.c, packets.c: until flood_ended; how many frames were taken. End the program where that does not work. */
uint64_t flood_by_rings(void);
uint64_t flood_by_packets(void);

#endif
