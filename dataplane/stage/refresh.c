/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flow stands for a while, then its connection hears of it. All flows of a burst whose time is over go to
 * the connection table together: it is large, and each look alone would wait for memory.
 */
#include "dataplane/stage/stage.h"

_Static_assert(BURST_MAX <= CONN_TOUCH_MAX, "a burst is touched together");

/* Is the connection what it was when the flow was decided? */
static bool stands(const struct pipeline *p, const struct flow *flow,
	const struct conn_touch *touch, bool is_tcp)
{
	bool is_reply = touch->direction == CONN_REPLY;

	return touch->alive && touch->info.gen == p->snap->gen &&
	       touch->info.sides == flow->sides && is_reply == ((flow->flags & FLOW_REPLY) != 0) &&
	       (!is_tcp || touch->info.confirmed);
}

/* Soon: who waits for memory takes along what would have to within half a term. */
static bool is_due_soon(const struct pipeline *p, const struct flow *flow)
{
	return (flow->flags & FLOW_TRACKED) != 0 &&
	       flow_ticks_left(p, flow) < (int32_t)flow_ticks(FLOW_TRACKED_MS / 2);
}

static uint32_t term_ms(const struct conn_touch *touch, bool is_tcp)
{
	uint32_t part = touch->info.idle_ms / FLOW_TRACKED_PART;

	return is_tcp || part < FLOW_TRACKED_MS ? FLOW_TRACKED_MS : part;
}

void refresh_flows(struct pipeline *p, unsigned i)
{
	struct conn_touch touch[BURST_MAX];
	struct flow *flows[BURST_MAX];
	bool is_tcp[BURST_MAX];
	unsigned n = 0;

	for (; i < p->burst.n; i++) {
		const struct frame *f = &p->burst.frame[i];
		struct conn_key key;
		struct flow *flow;

		if (p->drop[i] != 0 || p->same[i] || !frame_is_cacheable(f))
			continue;
		flow = lookup_flow(p, i);
		if (flow == NULL || !is_due_soon(p, flow))
			continue;
		flows[n] = flow;
		is_tcp[n] = f->l4_proto == IPPROTO_TCP;
		connection_key(&key, f, p->network[i]);
		conn_table_place(p->tables->conns, &key, &touch[n].place);
		touch[n].tcp_flags = frame_tcp_flags(f);
		n++;
	}
	conn_place_touch_burst(touch, n, p->now_ms);
	for (unsigned k = 0; k < n; k++) {
		if (stands(p, flows[k], &touch[k], is_tcp[k]))
			flows[k]->valid_until =
				flow_ticks(p->now_ms + term_ms(&touch[k], is_tcp[k]));
		else
			flows[k]->gen = 0;
	}
}
