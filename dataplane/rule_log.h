/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules with `log` decided, on its way from one worker to the control side: a ring of one writer and one reader
 * who never wait for each other. A rule takes at most RULE_LOG_BURST places in a window of time, so that one whose
 * packets come by the million leaves room for others. What finds no place is counted with its rule.
 */
#ifndef LEAT_DATAPLANE_RULE_LOG_H
#define LEAT_DATAPLANE_RULE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define RULE_LOG_RECORDS 256	 /* in the ring, a power of two */
#define RULE_LOG_WINDOW_SHIFT 10 /* a window is 1,024 ms */
#define RULE_LOG_BURST 10

/* A packet, as it came by its port. */
struct rule_log_record {
	uint32_t rule; /* index of the rule that decided */
	uint16_t port; /* indexes */
	uint16_t network;
	struct mac src_mac;
	struct mac dst_mac;
	struct ip src_ip;
	struct ip dst_ip;
	uint16_t src_port; /* host order; 0 without ports */
	uint16_t dst_port;
	uint8_t proto;
	uint8_t icmp_type; /* of ICMP and ICMPv6 */
	uint8_t icmp_code;
	bool has_l4; /* ports or type lie in the packet: not in later fragments */
	bool allowed;
};

struct rule_log;

/* Room for all of RULES_MAX rules, of which the kernel gives pages as they are touched. NULL: no memory. */
struct rule_log *rule_log_create(void);
void rule_log_free(struct rule_log *log); /* NULL is fine */

/*
 * The worker: a place to fill, and then to hand over; NULL: there is none for this rule, which was counted.
 * now_ms: of a clock that does not run backwards.
 */
struct rule_log_record *rule_log_begin(struct rule_log *log, uint32_t rule, uint64_t now_ms);
void rule_log_end(struct rule_log *log);

/* The control side, one thread: the oldest record, false: there is none. */
bool rule_log_take(struct rule_log *log, struct rule_log_record *ret);
/* How many of this rule found no place, since the start or rule_log_forget(). */
uint64_t rule_log_left_out(const struct rule_log *log, uint32_t rule);
/* The rule is gone, and no worker knows it any more. */
void rule_log_forget(struct rule_log *log, uint32_t rule);

#endif
