/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071) over pieces of memory that need not be even in length or
 * aligned.
 *
 * Sums are kept in the byte order of memory, as RFC 1071, 2(B), allows: what checksum_fold() gives
 * is stored as it is, without htons().
 */
#ifndef LEAT_LIB_CHECKSUM_H
#define LEAT_LIB_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A sum under way. Zero-initialise it. Memory that somebody else may write meanwhile is read once,
 * and any value is fine.
 */
struct checksum {
	uint64_t sum;
	bool odd; /* an odd number of bytes has been added so far */
};

/* The ones' complement sum of len bytes at data, 0..0xffff. */
uint16_t checksum_bytes(const void *data, size_t len);

/* Add the next len bytes. At most 2^40 pieces. */
void checksum_add(struct checksum *sum, const void *data, size_t len);

/*
 * Add the pseudo header that ICMPv6, TCP and UDP sum besides themselves: RFC 9293, 3.1; RFC 8200, 8.1. Addresses of
 * addr_len bytes, 4 or 16, in network order; len: bytes of the upper layer.
 */
void checksum_add_pseudo(struct checksum *sum, const void *src, const void *dst, size_t addr_len,
	uint8_t proto, uint16_t len);

/* A sum of 64 bits to 16, with the carries put back in; not complemented. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The checksum of all that was added: complemented, to be stored with memcpy(). */
static inline uint16_t checksum_end(const struct checksum *sum)
{
	return (uint16_t)~checksum_fold(sum->sum);
}

#endif
