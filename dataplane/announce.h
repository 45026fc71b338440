/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames by which an endpoint says that an address is behind its MAC. */
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

#endif
