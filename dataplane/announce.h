/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that say which MAC an address is behind: to all who may care, or to who has asked. */
#ifndef LEAT_DATAPLANE_ANNOUNCE_H
#define LEAT_DATAPLANE_ANNOUNCE_H

#include <stdint.h>

#include "lib/addr.h"

#define ANNOUNCE_LEN_MAX 86 /* Ethernet, IPv6, neighbour advertisement with one option */

/*
 * IPv4: an ARP announcement (RFC 5227, 1.1 and 3), broadcast. IPv6: an unsolicited neighbour advertisement
 * with the override flag (RFC 4861, 4.4 and 7.2.6) to all nodes. Untagged, with its checksums. Returns its bytes.
 */
uint16_t announce_build(
	const struct mac *mac, const struct ip *ip, uint8_t frame[static ANNOUNCE_LEN_MAX]);

/* Who has asked: where the answer goes. */
struct asker {
	struct mac mac;
	struct ip ip; /* of the family of what is asked for */
};

/*
 * The answer to an ARP request (RFC 826) or a neighbour solicitation (RFC 4861, 7.2.4: solicited, override, with the
 * target's link-layer address) as the owner of the address would give it. Untagged, with its checksums. Returns its
 * bytes.
 */
uint16_t announce_answer(const struct mac *mac, const struct ip *ip, const struct asker *to,
	uint8_t frame[static ANNOUNCE_LEN_MAX]);

#endif
