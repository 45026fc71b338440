/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference's connections and fragments: lists. */
#include <assert.h>

#include "test/unit/reference_private.h"

#define FRAGMENT_TIMEOUT_MS 30000

bool reference_has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132;
}

bool reference_is_icmp(uint8_t proto)
{
	return proto == 1 || proto == 58;
}

/* Which connection a packet's addresses are of, whatever the direction; *reply: the other one. */
static struct connection *find(
	const struct journey *j, const struct packet *p, uint64_t now_ms, bool *reply)
{
	uint16_t sport =
		reference_has_ports(p->proto) || reference_is_icmp(p->proto) ? p->sport : 0;
	uint16_t dport = reference_has_ports(p->proto) ? p->dport
			 : reference_is_icmp(p->proto) ? p->sport
						       : 0;

	for (size_t i = 0; i < j->sw->n_conns; i++) {
		struct connection *c = &j->sw->conn[i];

		if (!c->used || c->network != j->network || c->proto != p->proto ||
			c->a.family != p->src_ip.family || now_ms >= c->due_ms)
			continue;
		if (ip_equal(&c->a, &p->src_ip) && ip_equal(&c->b, &p->dst_ip) &&
			c->a_port == sport && c->b_port == dport) {
			*reply = false;
			return c;
		}
		if (ip_equal(&c->b, &p->src_ip) && ip_equal(&c->a, &p->dst_ip) &&
			c->b_port == sport && c->a_port == dport) {
			*reply = true;
			return c;
		}
	}
	return NULL;
}

/* It is alive, and goes on as the packet says. NULL: it is not, or begins anew. */
struct connection *reference_touch(struct journey *j, bool *reply)
{
	struct connection *c = find(j, j->p, j->now_ms, reply);

	if (c == NULL) {
		*reply = false;
		return NULL;
	}
	if (j->p->proto == 6 && conn_state_begins_anew(c->state, j->p->tcp_flags)) {
		c->used = false;
		j->ret->turned = true;
		*reply = false;
		return NULL;
	}
	c->state = conn_state_next(c->state, *reply ? CONN_REPLY : CONN_ORIGINAL, j->p->tcp_flags);
	c->due_ms = j->now_ms + conn_state_timeout_ms(c->state);
	return c;
}

struct connection *reference_begin(struct journey *j, const struct question *q, unsigned config)
{
	struct connection *c = &j->sw->conn[j->sw->n_conns++];
	const struct packet *p = j->p;

	assert(j->sw->n_conns < REFERENCE_LIST_MAX);
	*c = (struct connection){
		.used = true,
		.network = j->network,
		.proto = p->proto,
		.a = p->src_ip,
		.b = p->dst_ip,
		.a_port =
			reference_has_ports(p->proto) || reference_is_icmp(p->proto) ? p->sport : 0,
		.b_port = reference_has_ports(p->proto) ? p->dport
			  : reference_is_icmp(p->proto) ? p->sport
							: 0,
		.config = config,
		.a_in = j->in,
		.from = q->from,
		.to = q->to,
		.state = conn_state_first(p->proto, p->tcp_flags),
	};
	c->due_ms = j->now_ms + conn_state_timeout_ms(c->state);
	return c;
}

/* An ICMP error passes that goes to who sent what it is about, of a connection that stands. */
bool reference_is_related(const struct journey *j)
{
	const struct connection *c;
	bool reply;

	if (j->p->about == NULL || j->p->about->src_ip.family != j->p->src_ip.family ||
		!ip_equal(&j->p->about->src_ip, &j->p->dst_ip))
		return false;
	c = find(j, j->p->about, j->now_ms, &reply);
	return c != NULL && c->config == j->sw->config;
}

const struct fragments *reference_first(const struct journey *j)
{
	const struct packet *p = j->p;

	for (size_t i = j->sw->n_frags; i-- > 0;) {
		const struct fragments *f = &j->sw->frag[i];

		if (f->network != j->network || f->in != j->in || f->id != p->frag_id ||
			!ip_equal(&f->src, &p->src_ip) || !ip_equal(&f->dst, &p->dst_ip) ||
			(p->kind == PACKET_IPV4 && f->proto != p->proto))
			continue;
		return j->now_ms - f->seen_ms <= FRAGMENT_TIMEOUT_MS ? f : NULL;
	}
	return NULL;
}
