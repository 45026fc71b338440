/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules with `log`: of the packets that come to the rules, those that began a connection and those that were refused.
 * The flow cache answers for the others, and knows nothing of this.
 */
#include "dataplane/stage/stage.h"

static void fill_l4(struct rule_log_record *r, const struct frame *f)
{
	const uint8_t *l4 = f->head + f->l4_off;
	bool icmp = (f->flags & FRAME_L4) && frame_is_icmp(f);

	r->has_l4 = (f->flags & FRAME_L4) != 0;
	frame_ports(f, &r->src_port, &r->dst_port);
	r->icmp_type = icmp ? l4[0] : 0;
	r->icmp_code = icmp ? l4[1] : 0;
}

static void note(struct pipeline *p, const struct decision *d, uint32_t rule, bool allowed)
{
	const struct frame *f = &p->burst.frame[d->i];
	struct rule_log_record *r;

	if (rule == 0 || !p->snap->rule_logs[rule])
		return;
	r = rule_log_begin(p->log, rule, p->now_ms);
	if (r == NULL)
		return;
	r->rule = rule;
	r->port = p->burst.port;
	r->network = p->network[d->i];
	memcpy(r->dst_mac.b, f->head, MAC_LEN);
	memcpy(r->src_mac.b, f->head + MAC_LEN, MAC_LEN);
	frame_ips(f, &r->src_ip, &r->dst_ip);
	r->proto = f->l4_proto;
	r->allowed = allowed;
	fill_l4(r, f);
	rule_log_end(p->log);
}

void log_allowed(struct pipeline *p, const struct decision *d)
{
	if (p->snap->rule_logs == NULL || p->dry)
		return;
	for (unsigned end = 0; end < 2; end++)
		note(p, d, d->rule[end], true);
}

void log_refused(struct pipeline *p, const struct decision *d)
{
	if (p->snap->rule_logs == NULL || p->dry || d->drop != DROPPED(DROP_rule_deny))
		return;
	/* Where the sender's rule refuses, the receiver's were not asked. */
	note(p, d, d->rule[1] != 0 ? d->rule[1] : d->rule[0], false);
}
