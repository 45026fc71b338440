/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IGMP and MLD snooping (RFC 4541): which endpoints want a multicast group, by what they say to the routers (RFC 2236,
 * RFC 3376, RFC 2710, RFC 3810). By groups alone: who wants any source of a group gets it from all.
 *
 * It rests on a querier that has everybody say so again and again. While none is heard, and for as long as hosts may
 * take to answer the first query, all multicast is flooded. Uplinks get everything, as do endpoints that behave as
 * routers: there may be receivers behind them that nobody here hears of.
 */
#include <netinet/icmp6.h>
#include <netinet/igmp.h>

#include <rte_common.h>

#include "dataplane/stage/snoop.h"
#include "lib/checksum.h"

#define SNOOP_HOLD_S 260    /* group membership interval: RFC 3376, 8.4; RFC 3810, 9.4 */
#define SNOOP_QUERIER_S 255 /* other querier present interval: RFC 3376, 8.5; RFC 3810, 9.5 */
#define SNOOP_SETTLE_S 11 /* query response interval, and a second: RFC 3376, 8.3; RFC 3810, 9.3 */
#define SNOOP_LEAVE_S 3	  /* last member query time, and a second: RFC 3376, 8.8; RFC 3810, 9.9 */
#define SNOOP_MESSAGE_MAX                                                                          \
	9216 /* bytes of a message that is looked into: as many as an MTU may have */

#define IGMP_V3_REPORT 0x22
#define MLD_V2_REPORT 143
#define IGMP_MIN 8
#define MLD_MIN 24
#define RECORDS_OFF 8 /* of the first record of a report of many groups */

/* Record types, the same in IGMPv3 and MLDv2: RFC 3376, 4.2.12. */
enum record {
	MODE_IS_INCLUDE = 1,
	MODE_IS_EXCLUDE,
	CHANGE_TO_INCLUDE,
	CHANGE_TO_EXCLUDE,
	ALLOW_NEW_SOURCES,
	BLOCK_OLD_SOURCES,
};

/* What a network has besides its groups, by IP version. */
enum subject { ROUTERS = 1, QUERIER, QUERIER_IS_NEW };

enum message { NO_MESSAGE, QUERY, REPORT, REPORT_OF_MANY, LEAVE };

static struct group_key subject_key(uint16_t network, enum subject subject, uint8_t family)
{
	return (struct group_key){network, {.family = 0, .b = {(uint8_t)subject, family}}};
}

static uint32_t now_s(const struct pipeline *p)
{
	return (uint32_t)(p->now_ms / 1000);
}

static uint8_t family_of(const struct frame *f)
{
	return f->flags & FRAME_IPV6 ? 6 : 4;
}

static enum message message_of(const struct frame *f)
{
	const uint8_t *l4 = f->head + f->l4_off;

	if (!(f->flags & FRAME_L4) || (f->flags & FRAME_FRAG_FIRST) ||
		f->l4_off + IGMP_MIN > f->head_len)
		return NO_MESSAGE;
	if ((f->flags & FRAME_IPV4) && f->l4_proto == IPPROTO_IGMP)
		switch (l4[0]) {
		case IGMP_MEMBERSHIP_QUERY:
			return QUERY;
		case IGMP_V1_MEMBERSHIP_REPORT:
		case IGMP_V2_MEMBERSHIP_REPORT:
			return REPORT;
		case IGMP_V2_LEAVE_GROUP:
			return LEAVE;
		case IGMP_V3_REPORT:
			return REPORT_OF_MANY;
		default:
			return NO_MESSAGE;
		}
	if ((f->flags & FRAME_IPV6) && f->l4_proto == IPPROTO_ICMPV6)
		switch (l4[0]) {
		case MLD_LISTENER_QUERY:
			return QUERY;
		case MLD_LISTENER_REPORT:
			return REPORT;
		case MLD_LISTENER_REDUCTION:
			return LEAVE;
		case MLD_V2_REPORT:
			return REPORT_OF_MANY;
		default:
			return NO_MESSAGE;
		}
	return NO_MESSAGE;
}

/* Link-local groups are everybody's: RFC 4541, 2.1.2 (2) and 3. */
static bool is_selective(const struct ip *group)
{
	if (group->family == 4)
		return group->b[0] >> 4 == 0xe &&
		       (group->b[0] != 224 || group->b[1] != 0 || group->b[2] != 0);
	return group->family == 6 && group->b[0] == 0xff && (group->b[1] & 0xf) > 2;
}

/* What is said, out of the guest's reach. */
struct body {
	uint32_t len;
	uint8_t b[SNOOP_MESSAGE_MAX];
};

static void body_add(struct body *body, uint32_t want, const uint8_t *from, uint32_t len)
{
	uint32_t part = RTE_MIN(len, want - body->len);

	memcpy(body->b + body->len, from, part);
	body->len += part;
}

/* false: it is longer than any that is looked into. */
static bool body_read(const struct frame *f, struct body *ret)
{
	const uint8_t *l3 = f->head + f->l3_off;
	uint32_t end = f->flags & FRAME_IPV6 ? 40U + load_be16(l3 + 4) : load_be16(l3 + 2);
	uint32_t want = end - (f->l4_off - f->l3_off);

	ret->len = 0;
	if (want > sizeof(ret->b))
		return false;
	body_add(ret, want, f->head + f->l4_off, f->head_len - f->l4_off);
	for (uint16_t i = 0; i < f->n_tail && ret->len < want; i++)
		body_add(ret, want, f->tail[i].base, f->tail[i].len);
	return ret->len == want;
}

static bool sum_is_right(const struct frame *f, const struct body *body)
{
	const uint8_t *l3 = f->head + f->l3_off;
	struct checksum sum = {0};
	struct checksum header = {0};

	if (f->flags & FRAME_IPV6) {
		if (f->offload & FRAME_NEEDS_CSUM)
			return true;
		checksum_add_pseudo(&sum, l3 + 8, l3 + 24, 16, IPPROTO_ICMPV6, (uint16_t)body->len);
	} else {
		checksum_add(&header, l3, (l3[0] & 0xfU) * 4);
	}
	checksum_add(&sum, body->b, body->len);
	return checksum_end(&sum) == 0 && ((f->flags & FRAME_IPV6) || checksum_end(&header) == 0);
}

/* RFC 2710, 3; RFC 3810, 5: from a link-local address, or none yet, and of this link. */
static bool is_of_this_link(const struct frame *f)
{
	const uint8_t *l3 = f->head + f->l3_off;
	struct ip src;
	struct ip dst;

	if (f->flags & FRAME_IPV4)
		return true;
	frame_ips(f, &src, &dst);
	return l3[7] == 1 && (ip_is_link_local(&src) || ip_is_zero(&src));
}

struct snooped {
	struct pipeline *p;
	const struct snapshot_port *in;
	uint16_t network;
	uint8_t family;
	uint8_t addr_len;
	const struct body *body;
};

static void subject_join(const struct snooped *s, enum subject subject, uint32_t hold_s)
{
	struct group_key key = subject_key(s->network, subject, s->family);

	group_table_join(s->p->tables->groups, &key, s->in->port->index, hold_s, now_s(s->p));
}

/* What is asked of the table: about one IP version of a network, at a time. */
struct look {
	const struct group_table *groups;
	const struct snapshot *snap;
	uint32_t now_s;
	uint16_t network;
	uint8_t family;
};

static struct look look_of(const struct pipeline *p, uint16_t network, uint8_t family)
{
	return (struct look){p->tables->groups, p->snap, now_s(p), network, family};
}

static enum group_found subject_find(
	const struct look *look, enum subject subject, struct group_ports *ret)
{
	struct group_key key = subject_key(look->network, subject, look->family);

	return group_table_find(look->groups, &key, look->now_s, ret);
}

static bool subject_is(const struct look *look, enum subject subject)
{
	struct group_ports unused = {{0}};

	return subject_find(look, subject, &unused) != GROUP_NONE;
}

static void group_says(const struct snooped *s, const uint8_t *group, bool wants)
{
	struct group_key key = {s->network, {.family = s->family}};
	uint16_t port = s->in->port->index;

	memcpy(key.group.b, group, s->addr_len);
	if (!is_selective(&key.group))
		return;
	if (wants)
		group_table_join(s->p->tables->groups, &key, port, SNOOP_HOLD_S, now_s(s->p));
	else
		group_table_leave(s->p->tables->groups, &key, port, SNOOP_LEAVE_S, now_s(s->p));
}

static void record_says(
	const struct snooped *s, uint8_t type, unsigned sources, const uint8_t *group)
{
	switch (type) {
	case MODE_IS_INCLUDE:
	case CHANGE_TO_INCLUDE:
		group_says(s, group, sources != 0);
		break;
	case MODE_IS_EXCLUDE:
	case CHANGE_TO_EXCLUDE:
		group_says(s, group, true);
		break;
	case ALLOW_NEW_SOURCES:
		if (sources != 0)
			group_says(s, group, true);
		break;
	case BLOCK_OLD_SOURCES: /* what it still wants it says when it is asked */
	default:
		break;
	}
}

/* Go through the records (RFC 3376, 4.2; RFC 3810, 5.2). false: they do not fit the message. */
static bool records_walk(const struct snooped *s, bool apply)
{
	const struct body *body = s->body;
	uint32_t off = RECORDS_OFF;

	for (unsigned n = load_be16(body->b + 6); n > 0; n--) {
		const uint8_t *record = body->b + off;
		uint32_t sources;

		if (off + 4U + s->addr_len > body->len)
			return false;
		sources = load_be16(record + 2);
		off += 4U + s->addr_len + sources * s->addr_len + record[1] * 4U;
		if (off > body->len)
			return false;
		if (apply)
			record_says(s, record[0], sources, record + 4);
	}
	return true;
}

/* Of a query for all groups, from somebody who has an address: RFC 4541, 2.1.1 (1). */
static void query_says(const struct snooped *s, const struct frame *f)
{
	static const uint8_t none[16];
	const uint8_t *group = s->body->b + (s->family == 6 ? 8 : 4);
	const uint8_t *src = f->head + f->l3_off + (s->family == 6 ? 8 : 12);
	struct look look = look_of(s->p, s->network, s->family);

	if (memcmp(group, none, s->addr_len) != 0 || memcmp(src, none, s->addr_len) == 0)
		return;
	if (!subject_is(&look, QUERIER))
		subject_join(s, QUERIER_IS_NEW, SNOOP_SETTLE_S);
	subject_join(s, QUERIER, SNOOP_QUERIER_S);
	if (!s->in->uplink)
		subject_join(s, ROUTERS, SNOOP_QUERIER_S);
}

static void message_says(const struct snooped *s, const struct frame *f, enum message message)
{
	if (message == QUERY)
		query_says(s, f);
	/* What is behind an uplink gets everything anyway. */
	if (s->in->uplink)
		return;
	if (message == REPORT || message == LEAVE)
		group_says(s, s->body->b + (s->family == 6 ? 8 : 4), message == REPORT);
	else if (message == REPORT_OF_MANY && records_walk(s, false))
		records_walk(s, true);
}

void snoop_learn(
	struct pipeline *p, const struct snapshot_port *in, const struct frame *f, uint16_t network)
{
	enum message message = message_of(f);
	uint8_t family = family_of(f);
	struct body body;
	struct snooped s = {p, in, network, family, family == 6 ? 16 : 4, &body};

	/* Behind an inner tag lies a network that the switch does not know. */
	if (f->l3_off != FRAME_LEN_MIN || !(f->flags & FRAME_MULTICAST))
		return;
	if (f->l4_proto == IPPROTO_PIM && (f->flags & FRAME_L4) && f->l4_off < f->head_len &&
		f->head[f->l4_off] == PIM_HELLO && !in->uplink)
		subject_join(&s, ROUTERS, SNOOP_HOLD_S);
	if (message == NO_MESSAGE || !is_of_this_link(f) || !body_read(f, &body) ||
		!sum_is_right(f, &body) ||
		body.len < (family == 6 && message != REPORT_OF_MANY ? MLD_MIN : IGMP_MIN))
		return;
	message_says(&s, f, message);
}

/* Has somebody asked all hosts what they want, and have they had the time to say so? */
static bool is_queried(const struct look *look)
{
	struct group_ports unused = {{0}};

	return subject_find(look, QUERIER, &unused) == GROUP_SOME &&
	       !subject_is(look, QUERIER_IS_NEW);
}

/* Who may no longer be a router is none, whatever was heard of it before. */
static enum group_found routers_find(const struct look *look, struct group_ports *ret)
{
	enum group_found found = subject_find(look, ROUTERS, ret);

	for (unsigned k = 0; k < RTE_DIM(ret->w); k++)
		for (uint64_t rest = ret->w[k]; rest != 0; rest &= rest - 1) {
			unsigned port = k * 64 + (unsigned)__builtin_ctzll(rest);

			if (port >= look->snap->n_ports || !look->snap->ports[port].router)
				ret->w[k] &= ~(1ULL << port % 64);
		}
	return found;
}

bool snoop_selects(
	const struct pipeline *p, const struct frame *f, uint16_t network, struct group_ports *ret)
{
	enum message message = message_of(f);
	struct look look = look_of(p, network, family_of(f));
	struct group_key key = {.network = network};
	struct ip src;

	memset(ret, 0, sizeof(*ret));
	if (f->l3_off != FRAME_LEN_MIN || !(f->flags & (FRAME_IPV4 | FRAME_IPV6)) ||
		message == QUERY)
		return false;
	/* Where hosts hear each other's reports some do not say theirs: RFC 4541, 2.1.1 (1). */
	if (message != NO_MESSAGE)
		return routers_find(&look, ret) != GROUP_ALL;
	frame_ips(f, &src, &key.group);
	return is_selective(&key.group) && is_queried(&look) &&
	       routers_find(&look, ret) != GROUP_ALL &&
	       group_table_find(look.groups, &key, look.now_s, ret) != GROUP_ALL;
}

void snoop_status(const struct group_table *groups, const struct snapshot *snap, uint16_t network,
	uint8_t family, uint32_t seconds, struct snoop_status *ret)
{
	struct look look = {groups, snap, seconds, network, family};

	memset(ret, 0, sizeof(*ret));
	ret->querier = subject_is(&look, QUERIER);
	ret->active = is_queried(&look);
	if (routers_find(&look, &ret->routers) == GROUP_ALL)
		ret->active = false;
}
