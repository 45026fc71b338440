/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stages hand each other: one burst in one worker's hands. One stage a file; pipeline.c
 * calls them in order.
 *
 *   vlan -> parse -> lookup --hit-----------------------------------> act -> transmit
 *                       \--miss--> guard -> forward -> connection -> judge --/
 *                                    \         \--> flat (contiv mode) -----/
 *                                     \--> answer -------------------------/
 *
 * Between the decision and act: mark, for endpoints that are marked.
 *
 * A frame that is dropped has drop[i] set to 1 + its reason; later stages pass it by, act counts
 * it.
 */
#ifndef LEAT_DATAPLANE_STAGE_H
#define LEAT_DATAPLANE_STAGE_H

#include <netinet/in.h>
#include <string.h>

#include "dataplane/flow_cache.h"
#include "dataplane/frame.h"
#include "dataplane/offload.h"
#include "dataplane/rule_log.h"
#include "dataplane/snapshot.h"
#include "dataplane/stage/fields.h"
#include "dataplane/stage_cycles.h"
#include "lib/conn_table.h"
#include "lib/frag_table.h"
#include "lib/group_table.h"
#include "lib/mac_table.h"

/*
 * How long a flow's decision stands before learned MACs or its connection are refreshed by it. That is how
 * exact their ages are, of which none is below 10 s. A connection that ends by its age alone (all but TCP) is refreshed
 * once in a sixteenth of that, if that is longer.
 */
#define FLOW_REFRESH_MS 1000
#define FLOW_TRACKED_MS 4000
#define FLOW_TRACKED_PART 16
/* And where nothing has to be refreshed. */
#define FLOW_STANDS_MS 100000000
/*
 * A flow has 32 bits for that. In milliseconds what was not asked for in 25 days would look as if its time were still
 * to come; in these ticks it takes four years.
 */
#define FLOW_TICK_SHIFT 6 /* ms >> this */

#define OFFLOAD_SLOTS BURST_MAX

_Static_assert(PORTS_MAX <= GROUP_PORT_INDEX, "any port may join a group");
_Static_assert(NETWORKS_MAX <= GROUP_NETWORKS, "and of any network");
_Static_assert(RULES_MAX <= 1U << FLOW_RULE_BITS, "a flow has to name any rule");

/* Shared by all workers; each says in its header how. */
struct shared_tables {
	struct mac_table *macs;
	struct conn_table *conns;
	struct frag_table *frags;
	struct group_table *groups;
};

/* Frames waiting for the end of the burst, by output port. */
struct out_queue {
	uint16_t n;
	uint8_t offloads;     /* what any of them asks for: enum frame_offload and frame_gso */
	uint32_t wire_frames; /* of all of them, see offload_wire_frames() */
	uint64_t wire_bytes;
	struct tx_item item[BURST_MAX];
};

/* A far side that is to be told of what it was given: see port_ops.notify_rx and notify_tx. */
struct notice {
	struct port *port;
	uint16_t queue; /* or NOTICE_TX */
};
#define NOTICE_TX UINT16_MAX
#define NOTICES_MAX 64

/* Whom a rule is asked about: one end of a connection. */
struct side {
	bool judged;	/* a local endpoint with a group */
	uint16_t group; /* index, 0 none */
	struct ip ip;
};

/* The slow path's work on one frame. */
struct decision {
	uint16_t i; /* which frame of the burst */
	uint8_t drop;
	uint8_t refusal; /* flooded: the drop for each receiver that is judged, or whose sender is
			  */
	bool flood;	 /* more outputs than one: flood_outputs() lists them */
	bool cacheable;
	bool learned;  /* rests on a learned MAC, or on there being none */
	bool learns;   /* and its source MAC is one: to be refreshed */
	bool tracked;  /* judged, and a connection that replies may follow */
	bool known;    /* the connection was there */
	bool same;     /* between the same two sides */
	bool changed;  /* or of the same beginner, judged under another configuration */
	bool stale;    /* judged under another snapshot than this, or not yet */
	bool found;    /* and its verdict, or that of a first fragment, stands: no rule is asked */
	bool began;    /* this frame began it */
	bool is_reply; /* of that connection */
	bool needs_judging;		     /* IP, and no neighbour discovery */
	bool related;			     /* an ICMP error about one */
	bool flat;			     /* judged by flat_judge() */
	const struct neighbour_view *answer; /* the switch answers for it; NULL: it does not */
	uint16_t out;
	struct side a; /* who began the connection */
	struct side b;
	struct conn_key key; /* its original direction, */
	struct conn_place place;
	uint32_t rule[2]; /* that judged: of a's group (out), of b's group (in); 0 none */
};

/* Everything one thread needs to take bursts through the stages. Owned by that thread. */
struct pipeline {
	const struct snapshot *snap;
	const struct shared_tables *tables;
	struct port_stats *stats; /* by port index */
	struct rule_stats *rules; /* by rule index */
	struct rule_log *log;	  /* NULL: dry */
	struct out_queue *out;	  /* by port index */
	uint64_t tsc_khz;
	uint64_t now_tsc;
	uint64_t now_ms;
	unsigned worker;
	bool dry;  /* trace: decide, but learn, track, count and send nothing */
	bool paid; /* the burst was in a shaper: the meter of the stage to come has been asked */

	uint64_t hits;
	uint64_t misses;
	uint64_t packets;
	uint64_t
		kept; /* frames, once an output, that were given to a port or wait in a shaper; wraps around */
	uint64_t limited; /* bursts of which not all had room in their sender's rate; likewise */
	struct flow_cache cache;

	uint64_t wire_bytes;  /* of the burst's frames that parse has not dropped, */
	uint32_t wire_frames; /* see offload_wire_frames() */
	uint16_t n_touched;
	uint16_t touched[PORTS_MAX]; /* ports with a non-empty out_queue */
	uint16_t flood[PORTS_MAX];   /* flood_outputs() writes here */

	uint16_t n_notices;
	struct notice notice[NOTICES_MAX]; /* of this round */

	uint8_t drop[BURST_MAX];
	uint16_t network[BURST_MAX];
	struct flow *flow[BURST_MAX];
	uint64_t id[BURST_MAX];		       /* of the flow */
	struct flow_bucket *bucket[BURST_MAX]; /* where it is if it is in the cache */
	union flow_key key[BURST_MAX];
	bool same[BURST_MAX];		/* key is that of the frame before it that has one */
	struct flow scratch[BURST_MAX]; /* decisions that the cache does not keep */
	struct decision decision[BURST_MAX];
	struct burst burst;
	struct offload_slot segment;
	struct offload_slot slot[OFFLOAD_SLOTS];

	/* At the end: what is above lies as it would without it. */
	struct stage_cycles cycles __attribute__((aligned(64)));
};

/*
 * A loop over a burst is a function of its own to the compiler, too: put together into one they
 * keep their variables on the stack.
 */
#define STAGE_LOOP __attribute__((noinline))

static inline uint32_t flow_ticks(uint64_t ms)
{
	return (uint32_t)(ms >> FLOW_TICK_SHIFT);
}

/* How many ticks a flow's decision still stands; negative: it is to be looked at again. */
static inline int32_t flow_ticks_left(const struct pipeline *p, const struct flow *flow)
{
	return (int32_t)(flow->valid_until - flow_ticks(p->now_ms));
}

#define DROPPED(reason) ((uint8_t)(1 + (reason)))

/* pipeline.c: to be told before the round ends. */
void notice_add(struct pipeline *p, struct port *port, uint16_t queue);

/* stage/vlan.c: whose network a frame is in; an uplink's tag comes off. */
STAGE_LOOP void stage_vlan(struct pipeline *p, const struct snapshot_port *in);

/* stage/parse.c: headers, lengths, MTU; fills the parsed fields of each frame. */
STAGE_LOOP void stage_parse(struct pipeline *p);
/* 0, or DROPPED(malformed): the headers of one frame. */
uint8_t parse_frame(struct frame *f);
/* True: it is of the most common kind, and parsed. The head has room for FRAME_PLAIN_READ bytes, valid or not. */
bool parse_plain(struct frame *f);
#define FRAME_PLAIN_READ 48

/* stage/lookup.c: does what is done with a frame depend on its flow alone? */
bool frame_is_cacheable(const struct frame *f);
/* The flow of frame i, decided under this snapshot, its time aside; NULL: none. */
struct flow *lookup_flow(const struct pipeline *p, unsigned i);
/* Keys and the flow cache; misses are listed in p->decision, returns how many. */
STAGE_LOOP unsigned stage_lookup(struct pipeline *p, const struct snapshot_port *in);

/* stage/decide.c: the slow path for n decisions; p->flow of each becomes its p->scratch. */
STAGE_LOOP void stage_decide(struct pipeline *p, const struct snapshot_port *in, unsigned n);
/* After act: keep in the flow cache what may be kept. */
STAGE_LOOP void stage_keep(struct pipeline *p, unsigned n);

/* stage/guard.c: may this port send this frame? 0 or the drop. */
uint8_t guard_check(struct pipeline *p, const struct snapshot_port *in, const struct frame *f,
	uint16_t network);
/* Are the source MACs of what comes by this port learned? */
bool guard_learns(const struct pipeline *p, const struct snapshot_port *in, uint16_t network);

/* stage/forward.c: where to. Sets out or flood, learned, or a drop. */
void forward_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
/* All outputs of a flooded frame, in p->flood; how many. */
unsigned flood_outputs(struct pipeline *p, const struct snapshot_port *in, const struct frame *f,
	uint16_t network);

/* stage/flood_limit.c: of what kind is a frame that is flooded, by its destination? */
enum flood_kind flood_kind_of(const struct frame *f);
/* Does the sender's limit on that kind have room for it? 0 or the drop. Whatever becomes of it then, it has cost that. */
uint8_t flood_limit_check(
	const struct pipeline *p, const struct snapshot_port *in, const struct frame *f);

/* stage/refresh.c: the connections of the flows from frame i on whose time is over. Those that stand
 * have another term; the others are gone from the cache. */
void refresh_flows(struct pipeline *p, unsigned i);

/* stage/connection.c: by which key a frame is tracked that is no error and no later fragment. */
void connection_key(struct conn_key *key, const struct frame *f, uint16_t network);
/* Who its two ends are, as conn_info has it. */
uint32_t connection_sides(const struct decision *d);
/* Ahead of connection_find(), for all of a burst: fills key and place. */
void connection_prepare(struct pipeline *p, struct decision *d);
/* The connection a frame belongs to, and what is remembered of it. */
void connection_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
/* stage/fragment.c: of a later fragment, and of a first one when it was judged. */
void fragment_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
void fragment_remember(
	struct pipeline *p, const struct snapshot_port *in, const struct decision *d);
/* Once it was judged; flooded frames: what does not depend on their receivers. */
void connection_remember(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
/* A flooded frame went out to a receiver that may have it: its replies may pass. */
void connection_began_flooded(
	struct pipeline *p, const struct snapshot_port *in, struct decision *d);

/* stage/judge.c: the rules of both sides, for n decisions at a time. */
void judge_sides(struct pipeline *p, const struct snapshot_port *in, struct decision *d);
void judge_burst(struct pipeline *p, struct decision *const *d, unsigned n);
/*
 * One receiver of a flooded frame: may it have it, from this sender? 0 or the drop; counts the
 * rules of both sides. rule: which judged, as in decision; *ret_judged: did any side ask for that?
 */
uint8_t judge_receiver(struct pipeline *p, const struct decision *d, const struct snapshot_port *to,
	const struct frame *f, uint32_t rule[2], bool *ret_judged);

/* stage/flat.c: in the contiv mode, in place of connection and judge: by what the packet says. */
void flat_judge(struct pipeline *p, const struct snapshot_port *in, struct decision *d);

/* stage/log.c: for rules with `log`. Those that let a connection begin; the one that refused, if one did. */
void log_allowed(struct pipeline *p, const struct decision *d);
void log_refused(struct pipeline *p, const struct decision *d);

/* Of two rules as compiled, the one that decides; 0 is none. */
static inline uint32_t rule_first(const struct snapshot *snap, uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return snap->rule_rank[a & ~RULE_ALLOWS] < snap->rule_rank[b & ~RULE_ALLOWS] ? a : b;
}

/* stage/mark.c: this DSCP, 0..63, into all IP packets of the burst. */
STAGE_LOOP void stage_mark(struct pipeline *p, uint8_t dscp);

/* stage/act.c: count, meter, and put each frame into the queues of its outputs. */
STAGE_LOOP void stage_act(struct pipeline *p, const struct snapshot_port *in);

/* stage/transmit.c: the receivers' meters, what they do not take finished, and out. */
STAGE_LOOP void stage_transmit(struct pipeline *p);

/* A drop, or where several receive: one for those that are judged. */
static inline void decision_refuse(struct decision *d, uint8_t drop)
{
	if (d->flood)
		d->refusal = drop;
	else
		d->drop = drop;
}

/* The packet goes the other way than its connection began. */
static inline void decision_swap(struct decision *d)
{
	struct side a = d->a;

	d->a = d->b;
	d->b = a;
}

static inline void count_drop(struct pipeline *p, uint16_t port, uint8_t drop)
{
	stat_add(&p->stats[port].drops[drop - 1], 1);
}

/* A meter said this of so many frames as on a wire. */
static inline void count_metered(struct pipeline *p, uint16_t port, enum meter_side side,
	enum meter_verdict verdict, uint32_t packets, uint64_t bytes)
{
	struct meter_count *count = &p->stats[port].metered[side][verdict];

	stat_add(&count->packets, packets);
	stat_add(&count->bytes, bytes);
}

/* A rule judged so many frames, of so many bytes together. */
static inline void count_rule(struct pipeline *p, uint32_t rule, uint32_t packets, uint64_t bytes)
{
	stat_add(&p->rules[rule].packets, packets);
	stat_add(&p->rules[rule].bytes, bytes);
}

/* Each rule that let a connection begin counts it, and may log it. */
static inline void count_connection(struct pipeline *p, const struct decision *d)
{
	for (unsigned end = 0; end < 2; end++)
		if (d->rule[end] != 0)
			stat_add(&p->rules[d->rule[end]].connections, 1);
	log_allowed(p, d);
}

/* A frame waits for the end of the burst. */
static inline void output_add(struct pipeline *p, uint16_t port, struct frame *f, uint32_t tag)
{
	struct out_queue *q = &p->out[port];

	if (q->n == 0) {
		p->touched[p->n_touched++] = port;
		q->offloads = 0;
		q->wire_bytes = 0;
		q->wire_frames = 0;
	}
	q->item[q->n].frame = f;
	q->item[q->n].tag = tag;
	q->n++;
	q->offloads |= f->offload | f->gso_type;
	q->wire_bytes += offload_wire_bytes(f);
	q->wire_frames += offload_wire_frames(f);
}

#endif
