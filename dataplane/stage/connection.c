/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which connection a frame belongs to: by its own addresses, for an ICMP error by those of the
 * packet it reports about (RFC 792, RFC 4443); a later fragment goes by its first (fragment.c).
 */
#include <netinet/in.h>

#include "dataplane/stage/stage.h"

void connection_key(struct conn_key *key, const struct frame *f, uint16_t network)
{
	struct ip src;
	struct ip dst;

	memset(key, 0, sizeof(*key));
	frame_ips(f, &src, &dst);
	memcpy(key->src, src.b, sizeof(key->src));
	memcpy(key->dst, dst.b, sizeof(key->dst));
	key->family = src.family;
	key->network = network;
	key->proto = f->l4_proto;
	/* Of an echo the identifier. */
	if (!frame_ports(f, &key->sport, &key->dport) && (f->flags & FRAME_L4) && frame_is_icmp(f))
		key->sport = key->dport = load_be16(f->head + f->l4_off + 4);
}

static void key_reverse(struct conn_key *key)
{
	struct conn_key old = *key;

	memcpy(key->src, old.dst, sizeof(key->src));
	memcpy(key->dst, old.src, sizeof(key->dst));
	key->sport = old.dport;
	key->dport = old.sport;
}

static bool is_icmp_error(const struct frame *f)
{
	uint8_t type;

	if (!(f->flags & FRAME_L4))
		return false;
	type = f->head[f->l4_off];
	if (f->l4_proto == IPPROTO_ICMP)
		return type == 3 || type == 4 || type == 11 || type == 12;
	return f->l4_proto == IPPROTO_ICMPV6 && type >= 1 && type <= 4;
}

/* The tuple of the packet inside an ICMP error, as far as the head has it. */
static bool key_of_inner(struct conn_key *key, const struct frame *f, uint16_t network)
{
	struct frame inner = {.head_len = f->head_len, .len = f->len, .head = f->head};
	const uint8_t *ip = f->head + f->l4_off + 8;
	unsigned header = 40;

	inner.l3_off = (uint8_t)(f->l4_off + 8);
	inner.flags = f->flags & (FRAME_IPV4 | FRAME_IPV6);
	if (inner.l3_off + (f->flags & FRAME_IPV4 ? 20U : 40U) > f->head_len)
		return false;
	inner.l4_proto = f->flags & FRAME_IPV4 ? ip[9] : ip[6];
	if (f->flags & FRAME_IPV4)
		header = (ip[0] & 0xfU) * 4;
	if (inner.l3_off + header + 8 > f->head_len)
		return false;
	inner.l4_off = (uint8_t)(inner.l3_off + header);
	inner.flags |= FRAME_L4;
	connection_key(key, &inner, network);
	return true;
}

/* An error passes when it goes to who sent the packet it is about, and that connection stands. */
static bool is_related(struct pipeline *p, const struct frame *f, uint16_t network)
{
	enum conn_direction direction;
	struct conn_place place;
	struct conn_info info;
	struct conn_key key;
	struct ip src;
	struct ip dst;

	if (!key_of_inner(&key, f, network))
		return false;
	frame_ips(f, &src, &dst);
	if (memcmp(key.src, dst.b, sizeof(key.src)) != 0)
		return false;
	conn_table_place(p->tables->conns, &key, &place);
	return conn_place_find(&place, p->now_ms, &info, &direction) && info.gen == p->snap->gen;
}

enum icmp_kind { ICMP_NEITHER, ICMP_REQUEST, ICMP_REPLY };

/* What asks, and what answers: RFC 792, 950; RFC 4443. */
static enum icmp_kind icmp_kind(const struct frame *f)
{
	uint8_t type = f->head[f->l4_off];

	if (f->l4_proto == IPPROTO_ICMPV6)
		return type == 128 ? ICMP_REQUEST : type == 129 ? ICMP_REPLY : ICMP_NEITHER;
	if (type == 8 || type == 13 || type == 15 || type == 17)
		return ICMP_REQUEST;
	return type == 0 || type == 14 || type == 16 || type == 18 ? ICMP_REPLY : ICMP_NEITHER;
}

/* Does it belong to the connection in this direction, or begin one (direction CONN_ORIGINAL)? */
static bool icmp_fits(const struct frame *f, bool there, enum conn_direction direction)
{
	switch (icmp_kind(f)) {
	case ICMP_REQUEST:
		return !there || direction == CONN_ORIGINAL;
	case ICMP_REPLY:
		return there;
	case ICMP_NEITHER:
	default:
		return false;
	}
}

/*
 * What the verdict on a connection rests on beside its key and the generation. Addresses say who
 * the ends are only where the guard sees to that; a frame with another MAC goes to somebody else.
 */
#define SIDES_OPEN UINT32_MAX /* it was flooded: whoever answers is judged */

uint32_t connection_sides(const struct decision *d)
{
	return (uint32_t)d->a.group << 1 | d->a.judged | (uint32_t)d->b.group << 17 |
	       (uint32_t)d->b.judged << 16;
}

static void find_tracked(
	struct pipeline *p, const struct snapshot_port *in, struct decision *d, uint8_t tcp_flags)
{
	const struct frame *f = &p->burst.frame[d->i];
	enum conn_direction direction;
	struct conn_info info;
	bool there;

	there = p->dry ? conn_place_find(&d->place, p->now_ms, &info, &direction)
		       : conn_place_touch(&d->place, tcp_flags, p->now_ms, &info, &direction);
	if (frame_is_icmp(f) && !icmp_fits(f, there, direction)) {
		/* Judged by itself. Not kept, so that it is tracked when its turn comes. */
		d->tracked = false;
		d->cacheable = false;
		return;
	}
	/*
	 * Kept from the second packet on: a flood of new flows displaces none that is in use. Of TCP each segment
	 * has to come here until the handshake is complete, or the flow would end it.
	 */
	if (!there || (d->key.proto == IPPROTO_TCP && !info.confirmed))
		d->cacheable = false;
	if (!there) {
		if (d->key.proto == IPPROTO_TCP && p->snap->tcp_midstream_drop &&
			(tcp_flags & (CONN_TCP_SYN | CONN_TCP_ACK)) != CONN_TCP_SYN)
			decision_refuse(d, DROPPED(DROP_tcp_midstream));
		else
			conn_place_prefetch_room(&d->place, p->now_ms);
		return;
	}
	d->is_reply = direction == CONN_REPLY;
	if (d->is_reply) {
		decision_swap(d);
		key_reverse(&d->key);
		conn_place_reverse(&d->place);
	}
	d->known = true;
	d->same = !d->flood && info.sides == connection_sides(d);
	d->stale = info.gen != p->snap->gen;
	d->changed = !d->flood && d->stale && info.gen != 0 &&
		     info.a_port == (d->is_reply ? d->out : in->port->index);
	d->found = d->same && !d->stale;
	if (d->found && !d->is_reply) {
		d->rule[0] = info.rule_out;
		d->rule[1] = info.rule_in;
	}
}

void connection_prepare(struct pipeline *p, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];

	if (f->flags & FRAME_FRAG_LATER)
		return;
	connection_key(&d->key, f, p->network[d->i]);
	conn_table_place(p->tables->conns, &d->key, &d->place);
}

void connection_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];

	if (f->flags & FRAME_FRAG_LATER) {
		fragment_find(p, in, d);
		return;
	}
	if (f->flags & FRAME_MULTICAST)
		return;
	if (is_icmp_error(f)) {
		d->related = is_related(p, f, p->network[d->i]);
		d->found = d->related;
		return;
	}
	d->tracked = true;
	find_tracked(p, in, d, frame_tcp_flags(f));
}

static int add(
	struct pipeline *p, const struct snapshot_port *in, const struct decision *d, uint32_t gen)
{
	struct conn_info info = {
		.gen = gen,
		.rule_out = d->rule[0],
		.rule_in = d->rule[1],
		.sides = gen != 0 ? connection_sides(d) : SIDES_OPEN,
		.a_port = d->is_reply ? d->out : in->port->index,
	};

	return conn_place_add(&d->place, frame_tcp_flags(&p->burst.frame[d->i]), &info, p->now_ms);
}

/* It was judged just now. */
static void remember_tracked(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	uint8_t tcp_flags = frame_tcp_flags(&p->burst.frame[d->i]);
	int added;

	/* What somebody else may not say ends nobody's connection. */
	if (d->drop != 0 && (d->same || d->changed))
		conn_place_remove(&d->place);
	/* A reset that belongs to nothing begins nothing. */
	if (d->drop == 0 && (d->known ? d->stale : !(tcp_flags & CONN_TCP_RST))) {
		added = add(p, in, d, p->snap->gen);
		if (added < 0)
			d->drop = DROPPED(DROP_conn_table_full);
		d->began = added == 0 && !d->known;
	}
}

void connection_remember(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	if (p->dry)
		return;
	if (d->tracked && !d->found && !d->flood)
		remember_tracked(p, in, d);
	/* The rules judged the original direction; this packet went the other way. */
	if (d->is_reply)
		d->rule[0] = d->rule[1] = 0;
	if (p->burst.frame[d->i].flags & FRAME_FRAG_FIRST)
		fragment_remember(p, in, d);
}

/* With a generation that no snapshot has: who answers is judged when it does. */
void connection_began_flooded(
	struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	d->known = true;
	if (frame_tcp_flags(&p->burst.frame[d->i]) & CONN_TCP_RST)
		return;
	if (add(p, in, d, 0) == 0)
		count_connection(p, d);
}
