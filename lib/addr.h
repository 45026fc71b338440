/* SPDX-License-Identifier: BSD-3-Clause */
/* MAC and IP addresses: one type each, read from and written to text. */
#ifndef LEAT_LIB_ADDR_H
#define LEAT_LIB_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

#define MAC_LEN 6
#define MAC_TEXT_LEN 18 /* "aa:bb:cc:dd:ee:ff" and the NUL */

struct mac {
	uint8_t b[MAC_LEN];
};

/* An IPv4 or IPv6 address. IPv4 lies in the first four bytes of b, network order, the rest 0. */
struct ip {
	uint8_t family; /* 4, 6, or 0 for "none" */
	uint8_t b[16];
};

/* A prefix: host bits of addr are 0. */
struct prefix {
	struct ip addr;
	uint8_t len; /* 0..32 or 0..128 */
};

/* Each parse returns 0, or -EINVAL for text that is not exactly one such value. */
int mac_parse(const char *text, struct mac *ret);
int ip_parse(const char *text, struct ip *ret);
/* "10.0.0.0/8", "10.1.2.3" (a host prefix), "2001:db8::/32"; host bits set are an error. */
int prefix_parse(const char *text, struct prefix *ret);

void mac_format(const struct mac *mac, char text[static MAC_TEXT_LEN]);
void ip_format(const struct ip *ip, char text[static INET6_ADDRSTRLEN]);

bool mac_equal(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *mac);
bool mac_is_multicast(const struct mac *mac); /* broadcast included; IEEE 802, group bit */
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_zero(const struct ip *ip);	    /* unspecified: 0.0.0.0 or :: */
bool ip_is_link_local(const struct ip *ip); /* fe80::/10: RFC 4291, 2.5.6 */
bool prefix_contains(const struct prefix *prefix, const struct ip *ip);

#endif
