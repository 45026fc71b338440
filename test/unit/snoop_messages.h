/* SPDX-License-Identifier: BSD-3-Clause */
/* IGMP and MLD messages, built independently of the code under test. */
#ifndef LEAT_TEST_UNIT_SNOOP_MESSAGES_H
#define LEAT_TEST_UNIT_SNOOP_MESSAGES_H

#include <string.h>

#include "test/fixtures/builder.h"

/* A message under construction. */
struct message {
	uint8_t b[PACKET_BYTES_MAX];
	size_t len;
	size_t l4; /* where it begins */
	bool ip6;
};

static void add(struct message *m, const void *bytes, size_t len)
{
	memcpy(m->b + m->len, bytes, len);
	m->len += len;
}

static void add16(struct message *m, unsigned value)
{
	add(m, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static struct ip group_ip(unsigned group, bool ip6)
{
	struct ip ip4 = {.family = 4, .b = {239, 1, 1, (uint8_t)group}};
	struct ip ip16 = {.family = 6, .b = {0xff, 0x15, [15] = (uint8_t)group}};

	return ip6 ? ip16 : ip4;
}

static void add_group(struct message *m, unsigned group)
{
	struct ip ip = group_ip(group, m->ip6);

	add(m, ip.b, m->ip6 ? 16 : 4);
}

/* Ethernet, IP with a router alert, to a group's address; the message follows. */
static void begin(struct message *m, unsigned host, bool ip6, const struct ip *to)
{
	static const uint8_t alert4[4] = {0x94, 4};
	static const uint8_t alert6[8] = {58, 0, 5, 2, 0, 0, 1, 0};
	struct mac mac = host_mac(host);
	struct ip src = ip6 ? host_link_local(host) : host_ip4(host);
	uint8_t group_mac[6] = {1, 0, 0x5e, to->b[1] & 0x7f, to->b[2], to->b[3]};
	uint8_t group_mac6[6] = {0x33, 0x33, to->b[12], to->b[13], to->b[14], to->b[15]};

	m->len = 0;
	m->ip6 = ip6;
	add(m, ip6 ? group_mac6 : group_mac, 6);
	add(m, mac.b, 6);
	if (host == 30)
		add(m, "\x81\0\0\x0a", 4);
	add16(m, ip6 ? 0x86dd : 0x0800);
	if (ip6) {
		add(m, "\x60\0\0\0\0\0\0\x01", 8);
		add(m, src.b, 16);
		add(m, to->b, 16);
		add(m, alert6, 8);
	} else {
		add(m, "\x46\0\0\0\0\0\0\0\x01\x02\0\0", 12);
		add(m, src.b, 4);
		add(m, to->b, 4);
		add(m, alert4, 4);
	}
	m->l4 = m->len;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Lengths and checksums. */
static void end(struct message *m)
{
	unsigned len = (unsigned)(m->len - m->l4);
	uint8_t *ip = m->b + m->l4 - (m->ip6 ? 48 : 24);

	if (m->ip6) {
		put16(ip + 4, len + 8);
		put16(m->b + m->l4 + 2,
			slow_checksum(m->b + m->l4, len, slow_pseudo_sum(ip, 58, len)));
		return;
	}
	put16(ip + 2, len + 24);
	put16(ip + 10, slow_checksum(ip, 24, 0));
	put16(m->b + m->l4 + 2, slow_checksum(m->b + m->l4, len, 0));
}

static void query(struct message *m, unsigned host, bool ip6)
{
	struct ip all = {.family = 4, .b = {224, 0, 0, 1}};
	struct ip all6 = {.family = 6, .b = {0xff, 2, [15] = 1}};

	begin(m, host, ip6, ip6 ? &all6 : &all);
	add(m, ip6 ? "\x82\0\0\0\x27\x10\0\0" : "\x11\x64\0\0\0\0\0\0", 8);
	if (ip6)
		add(m, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	end(m);
}

/* Of a PIM router. */
static void hello(struct message *m, unsigned host, bool ip6)
{
	struct ip all4 = {.family = 4, .b = {224, 0, 0, 13}};
	struct ip all6 = {.family = 6, .b = {0xff, 2, [15] = 13}};

	begin(m, host, ip6, ip6 ? &all6 : &all4);
	m->b[m->l4 - (ip6 ? 8 : 15)] = 103;
	add(m, "\x20\0\0\0\0\0\0\0", 8);
	end(m);
}

/* One group, by the older versions. */
static void report(struct message *m, unsigned host, bool ip6, unsigned group, bool leave)
{
	struct ip to = group_ip(group, ip6);

	begin(m, host, ip6, &to);
	if (ip6)
		add(m, leave ? "\x84\0\0\0\0\0\0\0" : "\x83\0\0\0\0\0\0\0", 8);
	else
		add(m, leave ? "\x17\0\0\0" : group & 1 ? "\x16\0\0\0" : "\x12\0\0\0", 4);
	add_group(m, group);
	end(m);
}

static void many_begin(struct message *m, unsigned host, bool ip6, unsigned records)
{
	struct ip to4 = {.family = 4, .b = {224, 0, 0, 22}};
	struct ip to6 = {.family = 6, .b = {0xff, 2, [15] = 22}};

	begin(m, host, ip6, ip6 ? &to6 : &to4);
	add(m, ip6 ? "\x8f\0\0\0\0\0" : "\x22\0\0\0\0\0", 6);
	add16(m, records);
}

static void record(struct message *m, uint8_t type, unsigned group, unsigned sources)
{
	add(m, (uint8_t[]){type, group == 0 ? 1 : 0}, 2);
	add16(m, sources);
	add_group(m, group);
	for (unsigned i = 0; i < sources; i++)
		add_group(m, 200 + i); /* any address */
	if (group == 0)
		add(m, "aux", 4);
}

#endif
