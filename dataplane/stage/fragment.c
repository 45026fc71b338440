/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Later fragments have no ports: they go by the verdict on their first. Where several receive, they
 * go by what the rules were asked about it.
 */
#include "dataplane/stage/stage.h"

static void frag_key_fill(
	struct frag_key *key, const struct frame *f, uint16_t network, uint16_t port)
{
	const uint8_t *l3 = f->head + f->l3_off;
	struct ip src;
	struct ip dst;

	memset(key, 0, sizeof(*key));
	frame_ips(f, &src, &dst);
	memcpy(key->src, src.b, sizeof(key->src));
	memcpy(key->dst, dst.b, sizeof(key->dst));
	key->network = network;
	key->in_port = port;
	key->family = src.family;
	/* In IPv6 the fragments of a datagram may name different next headers; the id is enough. */
	key->proto = src.family == 4 ? f->l4_proto : 0;
	key->id = src.family == 4 ? load_be16(l3 + 4) : f->frag_id;
}

void fragment_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	struct frag_verdict verdict;
	struct frag_key key;

	frag_key_fill(&key, f, p->network[d->i], in->port->index);
	if (!frag_table_get(p->tables->frags, &key, p->now_ms, &verdict)) {
		decision_refuse(d, DROPPED(DROP_fragment_unknown));
		return;
	}
	d->found = verdict.judged && !d->flood;
	if (d->found) {
		d->drop = verdict.drop;
		/* A rule's index may be another's by now. */
		if (verdict.gen != p->snap->gen)
			return;
		d->rule[0] = verdict.rule_out;
		d->rule[1] = verdict.rule_in;
		return;
	}
	if (verdict.drop != 0)
		decision_refuse(d, verdict.drop);
	d->key.proto = verdict.proto;
	d->key.sport = verdict.sport;
	d->key.dport = verdict.dport;
	d->is_reply = verdict.is_reply;
	if (d->is_reply)
		decision_swap(d);
}

void fragment_remember(struct pipeline *p, const struct snapshot_port *in, const struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	struct frag_key key;
	struct frag_verdict verdict = {
		.drop = d->flood ? d->refusal : d->drop,
		.gen = p->snap->gen,
		.rule_out = d->rule[0],
		.rule_in = d->rule[1],
		.judged = !d->flood,
		.is_reply = d->is_reply,
		.proto = d->key.proto,
		.sport = d->key.sport,
		.dport = d->key.dport,
	};

	frag_key_fill(&key, f, p->network[d->i], in->port->index);
	frag_table_put(p->tables->frags, &key, &verdict, p->now_ms);
}
