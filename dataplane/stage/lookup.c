/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow cache: all keys of the burst first, the buckets where the flows likely are prefetched, then the other
 * bucket of those that are not there, then one look at each.
 *
 * Some frames always take the slow path, since what they do depends on more than their flow:
 * multicast, ARP, fragments, TCP control segments, ICMP other than echo, IGMP, PIM.
 */
#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "dataplane/stage/stage.h"

#define ICMP_ECHO_REPLY_TYPE 0
#define ICMP_ECHO_TYPE 8
#define ICMP6_ECHO_TYPE 128
#define ICMP6_ECHO_REPLY_TYPE 129

static bool is_echo(uint8_t proto, uint8_t type)
{
	if (proto == IPPROTO_ICMP)
		return type == ICMP_ECHO_TYPE || type == ICMP_ECHO_REPLY_TYPE;
	return type == ICMP6_ECHO_TYPE || type == ICMP6_ECHO_REPLY_TYPE;
}

/* Neither TCP nor UDP: of what says by its first byte what it is about, echoes alone. */
static bool is_other_cacheable(const struct frame *f)
{
	if (frame_is_icmp(f))
		return is_echo(f->l4_proto, f->head[f->l4_off]);
	return f->l4_proto != IPPROTO_IGMP && f->l4_proto != IPPROTO_PIM;
}

bool frame_is_cacheable(const struct frame *f)
{
	if (f->flags & (FRAME_MULTICAST | FRAME_ARP | FRAME_FRAG_FIRST | FRAME_FRAG_LATER |
			       FRAME_TCP_CONTROL))
		return false;
	if (likely(f->l4_proto == IPPROTO_TCP || f->l4_proto == IPPROTO_UDP))
		return true;
	return is_other_cacheable(f);
}

static uint32_t key_ports(const struct frame *f)
{
	const uint8_t *l4 = f->head + f->l4_off;
	uint32_t ports = 0;

	switch (f->l4_proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		memcpy(&ports, l4, 4);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		memcpy(&ports, l4, 2);
		ports |= (uint32_t)(l4[4] | l4[5] << 8) << 16;
		break;
	default:
		break;
	}
	return ports;
}

/* As the members of union flow_key lie in its words, on a little-endian machine. */
static void key_fill(union flow_key *key, const struct frame *f, uint64_t port, uint64_t network)
{
	const uint8_t *l3 = f->head + f->l3_off;
	uint64_t addrs = 0, ports = 0, ethertype = 0;
	uint32_t smac_rest;

	memcpy(&smac_rest, f->head + 8, sizeof(smac_rest));
	if (f->flags & FRAME_IPV4)
		addrs = load_word(l3 + 12);
	else if (!(f->flags & FRAME_IPV6))
		ethertype = load_be16(l3 - 2);
	if (f->flags & FRAME_L4)
		ports = key_ports(f);
	key->w[0] = load_word(f->head);
	key->w[1] = smac_rest | port << 32 | network << 48;
	key->w[2] = addrs;
	key->w[3] = ports | (uint64_t)f->l4_proto << 32 |
		    (uint64_t)(f->flags & (FRAME_IPV4 | FRAME_IPV6)) << 40 | ethertype << 48;
}

static inline uint64_t id_of(const struct flow_cache *c, unsigned __int128 begun,
	const union flow_key *key, const struct frame *f)
{
	uint64_t addrs[4];

	if (likely(!(f->flags & FRAME_IPV6)))
		return flow_id_end(c, begun, key, NULL);
	memcpy(addrs, f->head + f->l3_off + 8, sizeof(addrs));
	return flow_id_end(c, begun, key, addrs);
}

/* Frames of one flow often follow one another: theirs is one look. IPv6 keys are not all of a flow. */
static STAGE_LOOP void keys_of_burst(struct pipeline *p, const struct snapshot_port *in)
{
	static const union flow_key none = {.kind = UINT8_MAX}; /* no frame's */
	const struct flow_cache *c = &p->cache;
	const union flow_key *former = &none;
	unsigned __int128 begun = flow_id_begin(c, &none);
	struct burst *b = &p->burst;

	for (unsigned i = 0; i < b->n; i++) {
		struct frame *f = &b->frame[i];
		union flow_key *key = &p->key[i];

		if (p->drop[i] != 0)
			continue;
		key_fill(key, f, in->port->index, p->network[i]);
		p->same[i] = false;
		if (unlikely(!flow_key_begins(key, former)))
			begun = flow_id_begin(c, key);
		else
			p->same[i] = flow_key_ends(key, former) && !(f->flags & FRAME_IPV6);
		former = key;
		if (p->same[i])
			continue;
		p->id[i] = id_of(c, begun, key, f);
		p->bucket[i] = flow_first(c, p->id[i]);
	}
	/* Apart and all, whatever they are: in a loop this small more of them wait for page translations at a time. */
	for (unsigned i = 0; i < b->n; i++)
		rte_prefetch0(p->bucket[i]);
}

/* Those that are not in their first bucket: the other one, on its way into the cache. */
static STAGE_LOOP void buckets_of_burst(struct pipeline *p)
{
	for (unsigned i = 0; i < p->burst.n; i++) {
		uint64_t id = p->id[i];

		if (p->drop[i] != 0 || p->same[i])
			continue;
		p->bucket[i] = flow_bucket_of(p->bucket[i], flow_second(&p->cache, id), id);
		rte_prefetch0(p->bucket[i]);
	}
}

static bool is_fresh(const struct pipeline *p, const struct flow *flow)
{
	if (flow_ticks_left(p, flow) < 0)
		return false;
	return !(flow->flags & FLOW_LEARNED) || flow->mac_epoch == mac_table_epoch(p->tables->macs);
}

struct flow *lookup_flow(const struct pipeline *p, unsigned i)
{
	struct flow *flow = flow_in(p->bucket[i], p->id[i], p->snap->gen);

	return flow != NULL && flow_port(flow->account) == p->burst.port ? flow : NULL;
}

/* The flow of frame i, or NULL if there is none whose decision stands. */
static struct flow *find_fresh(struct pipeline *p, unsigned i, bool cacheable)
{
	struct flow *flow = lookup_flow(p, i);

	if (flow == NULL || likely(is_fresh(p, flow)))
		return flow;
	if (!(flow->flags & FLOW_TRACKED) || !cacheable || p->dry)
		return NULL;
	refresh_flows(p, i);
	return flow->gen == p->snap->gen ? flow : NULL;
}

/* It goes the slow path. */
static void miss(struct pipeline *p, unsigned i, bool cacheable, unsigned n)
{
	struct decision *d = &p->decision[n];

	memset(d, 0, sizeof(*d));
	d->i = (uint16_t)i;
	d->cacheable = cacheable;
}

unsigned stage_lookup(struct pipeline *p, const struct snapshot_port *in)
{
	struct flow *found = NULL; /* for the key of the frame before */
	uint64_t id = 0;
	unsigned misses = 0;
	unsigned hits = 0;

	keys_of_burst(p, in);
	buckets_of_burst(p);
	for (unsigned i = 0; i < p->burst.n; i++) {
		bool cacheable;

		if (p->drop[i] != 0)
			continue;
		cacheable = frame_is_cacheable(&p->burst.frame[i]);
		if (!p->same[i]) {
			found = find_fresh(p, i, cacheable);
			id = p->id[i];
		}
		p->id[i] = id;
		if (likely(cacheable && found != NULL)) {
			p->flow[i] = found;
			hits++;
		} else {
			miss(p, i, cacheable, misses++);
		}
	}
	stat_add(&p->hits, hits);
	stat_add(&p->misses, misses);
	return misses;
}
