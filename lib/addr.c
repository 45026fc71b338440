/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int mac_parse(const char *text, struct mac *ret)
{
	struct mac mac;

	if (strlen(text) != MAC_TEXT_LEN - 1)
		return -EINVAL;
	for (unsigned i = 0; i < MAC_LEN; i++) {
		const char *two = text + (size_t)3 * i;
		int high = hex_digit(two[0]);
		int low = hex_digit(two[1]);

		if (high < 0 || low < 0 || (two[2] != ':' && two[2] != '\0'))
			return -EINVAL;
		mac.b[i] = (uint8_t)(high << 4 | low);
	}
	*ret = mac;
	return 0;
}

int ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = {.family = 4};

	if (inet_pton(AF_INET, text, ip.b) != 1) {
		ip.family = 6;
		if (inet_pton(AF_INET6, text, ip.b) != 1)
			return -EINVAL;
	}
	*ret = ip;
	return 0;
}

static bool bits_below_are_zero(const uint8_t *b, unsigned bytes, unsigned len)
{
	for (unsigned bit = len; bit < bytes * 8; bit++)
		if (b[bit / 8] & (0x80 >> (bit % 8)))
			return false;
	return true;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct prefix prefix;
	unsigned width;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (ip_parse(addr, &prefix.addr) != 0)
		return -EINVAL;
	width = prefix.addr.family == 4 ? 32 : 128;
	prefix.len = (uint8_t)width;
	if (slash != NULL) {
		size_t digits = strlen(slash + 1);
		unsigned long len;

		if (digits == 0 || digits > 3 || strspn(slash + 1, "0123456789") != digits)
			return -EINVAL;
		len = strtoul(slash + 1, NULL, 10);
		if (len > width)
			return -EINVAL;
		prefix.len = (uint8_t)len;
	}
	if (!bits_below_are_zero(prefix.addr.b, width / 8, prefix.len))
		return -EINVAL;
	*ret = prefix;
	return 0;
}

void mac_format(const struct mac *mac, char text[static MAC_TEXT_LEN])
{
	snprintf(text, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1],
		mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
}

void ip_format(const struct ip *ip, char text[static INET6_ADDRSTRLEN])
{
	if (ip->family == 0 || inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, text,
				       INET6_ADDRSTRLEN) == NULL)
		text[0] = '\0';
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, MAC_LEN) == 0;
}

bool mac_is_zero(const struct mac *mac)
{
	static const struct mac zero;

	return mac_equal(mac, &zero);
}

bool mac_is_multicast(const struct mac *mac)
{
	return (mac->b[0] & 1) != 0;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool ip_is_zero(const struct ip *ip)
{
	static const uint8_t zero[sizeof(ip->b)];

	return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

bool ip_is_link_local(const struct ip *ip)
{
	return ip->family == 6 && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool prefix_contains(const struct prefix *prefix, const struct ip *ip)
{
	unsigned whole = prefix->len / 8;
	unsigned rest = prefix->len % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (prefix->addr.family != ip->family)
		return false;
	if (memcmp(prefix->addr.b, ip->b, whole) != 0)
		return false;
	return rest == 0 || ((prefix->addr.b[whole] ^ ip->b[whole]) & mask) == 0;
}
