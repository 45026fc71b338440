/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has this address? Where its owner is known the switch says so itself, and the question bothers nobody
 * else: ARP requests (RFC 826) and neighbour solicitations (RFC 4861) that are for all to hear.
 *
 * Not answered, and on their way as ever: what is sent to one alone, by which neighbours find out whether somebody
 * is still there; probes and duplicate address detection (RFC 5227, RFC 4862), which the owner has to hear; and
 * questions for IPv6 link-local addresses, by which hosts know their routers: an answer says whether who gives it
 * is a router, and the switch does not know.
 */
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>

#include "dataplane/announce.h"
#include "dataplane/stage/answer.h"
#include "lib/checksum.h"

#define ARP_OP_OFF 6
#define ARP_SENDER_MAC_OFF 8
#define ARP_SENDER_IP_OFF 14
#define ARP_TARGET_IP_OFF 24
#define IPV6_HEADER 40
#define ND_HOP_LIMIT 255
#define SOLICITATION_MIN ((unsigned)sizeof(struct nd_neighbor_solicit))

struct question {
	struct asker by;
	struct ip target;
};

static bool arp_read(const struct frame *f, struct question *ret)
{
	/* Ethernet, IPv4, lengths of their addresses, a request. */
	static const uint8_t request[] = {0, ARPHRD_ETHER, 8, 0, MAC_LEN, 4, 0, ARPOP_REQUEST};
	const uint8_t *arp = f->head + f->l3_off;

	ret->by.ip.family = ret->target.family = 4;
	memcpy(ret->by.ip.b, arp + ARP_SENDER_IP_OFF, 4);
	memcpy(ret->target.b, arp + ARP_TARGET_IP_OFF, 4);
	return memcmp(arp, request, sizeof(request)) == 0 &&
	       memcmp(arp + ARP_SENDER_MAC_OFF, ret->by.mac.b, MAC_LEN) == 0 &&
	       !ip_is_zero(&ret->by.ip);
}

/* RFC 4861, 7.1.1, of a message that lies in the head whole. */
static bool solicitation_is_valid(const struct frame *f)
{
	const uint8_t *ip6 = f->head + f->l3_off;
	const uint8_t *icmp = f->head + f->l4_off;
	uint16_t len = load_be16(ip6 + 4);
	struct checksum sum = {0};

	if (f->l4_off != f->l3_off + IPV6_HEADER || len < SOLICITATION_MIN ||
		f->l4_off + len > f->head_len || ip6[7] != ND_HOP_LIMIT || icmp[1] != 0)
		return false;
	for (unsigned off = SOLICITATION_MIN; off < len; off += icmp[off + 1] * 8U)
		if (off + 8 > len || icmp[off + 1] == 0 || off + icmp[off + 1] * 8U > len)
			return false;
	if (f->offload & FRAME_NEEDS_CSUM)
		return true;
	checksum_add_pseudo(&sum, ip6 + 8, ip6 + 24, 16, IPPROTO_ICMPV6, len);
	checksum_add(&sum, icmp, len);
	return checksum_end(&sum) == 0;
}

/* ff02::1:ff00:0/104 and the last bytes of the target (RFC 4291, 2.7.1). */
static bool is_solicited_node(const struct ip *group, const struct ip *target)
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	return memcmp(group->b, prefix, sizeof(prefix)) == 0 &&
	       memcmp(group->b + 13, target->b + 13, 3) == 0;
}

static bool solicitation_read(const struct frame *f, struct question *ret)
{
	struct ip dst;

	if (f->l4_proto != IPPROTO_ICMPV6 || f->head[f->l4_off] != ND_NEIGHBOR_SOLICIT ||
		!solicitation_is_valid(f))
		return false;
	frame_ips(f, &ret->by.ip, &dst);
	ret->target.family = 6;
	memcpy(ret->target.b,
		f->head + f->l4_off + offsetof(struct nd_neighbor_solicit, nd_ns_target), 16);
	return is_solicited_node(&dst, &ret->target) && !ip_is_link_local(&ret->target) &&
	       !ip_is_zero(&ret->by.ip) && ret->by.ip.b[0] != 0xff;
}

/* What the frame asks of everybody, if that is what it does. */
static bool question_read(const struct frame *f, struct question *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->by.mac.b, f->head + MAC_LEN, MAC_LEN);
	/* Behind an inner tag lies a network that the switch does not know. */
	if (!(f->flags & FRAME_MULTICAST) || f->l3_off != FRAME_LEN_MIN)
		return false;
	if (f->flags & FRAME_ARP)
		return arp_read(f, ret);
	return (f->flags & FRAME_IPV6) && (f->flags & FRAME_L4) && solicitation_read(f, ret);
}

bool answer_find(struct pipeline *p, const struct snapshot_port *in, struct decision *d)
{
	const struct frame *f = &p->burst.frame[d->i];
	const struct neighbour_view *owner;
	struct question q;
	uint32_t place;

	if (p->snap->neighbour_at == NULL || !question_read(f, &q) || ip_equal(&q.by.ip, &q.target))
		return false;
	place = addr_table_find_ip(p->snap->neighbour_at, p->network[d->i], &q.target);
	if (place == ADDR_TABLE_NONE)
		return false;
	owner = &p->snap->neighbours[place];
	/* Its own question; and who is on another host answers on the wire itself. */
	if (owner->port == in->port->index || mac_equal(&owner->mac, &q.by.mac) ||
		(in->uplink && owner->port == PORT_NONE))
		return false;
	d->answer = owner;
	return true;
}

void answer_build(struct frame *f, const struct neighbour_view *owner)
{
	struct question q;

	question_read(f, &q);
	f->len = announce_answer(&owner->mac, &q.target, &q.by, f->head);
	f->head_len = (uint16_t)f->len;
	f->n_tail = 0;
	f->offload = 0;
	/* The device's buffer still is the question's. */
	f->sole = false;
}
