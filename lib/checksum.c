/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/checksum.h"

#include <string.h>

#define LANES 16 /* 32-bit words a round: enough for the compiler's widest vectors */

/*
 * Words of 32 bits added up in 64: no carry can be lost, and the loop has no dependency between
 * lanes, so that it becomes vector code.
 */
static uint64_t sum_words(const uint8_t *p, size_t n)
{
	uint64_t lane[LANES] = {0};
	uint64_t sum = 0;
	uint32_t word[LANES];

	for (; n >= LANES; n -= LANES, p += sizeof(word)) {
		memcpy(word, p, sizeof(word));
		for (unsigned i = 0; i < LANES; i++)
			lane[i] += word[i];
	}
	for (unsigned i = 0; i < LANES; i++)
		sum += lane[i];
	for (; n != 0; n--, p += sizeof(word[0])) {
		memcpy(word, p, sizeof(word[0]));
		sum += word[0];
	}
	return sum;
}

uint16_t checksum_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = sum_words(p, len / 4);
	uint32_t rest = 0;

	/* The odd bytes at the end, padded with zeros as RFC 1071 has it. */
	memcpy(&rest, p + (len & ~(size_t)3), len & 3);
	return checksum_fold(sum + rest);
}

void checksum_add(struct checksum *sum, const void *data, size_t len)
{
	uint16_t piece = checksum_bytes(data, len);

	/* At an odd offset each byte belongs to the other half: RFC 1071, 2(B). */
	if (sum->odd)
		piece = (uint16_t)(piece << 8 | piece >> 8);
	sum->sum += piece;
	sum->odd ^= len & 1;
}

void checksum_add_pseudo(struct checksum *sum, const void *src, const void *dst, size_t addr_len,
	uint8_t proto, uint16_t len)
{
	const uint8_t rest[4] = {(uint8_t)(len >> 8), (uint8_t)len, 0, proto};

	checksum_add(sum, src, addr_len);
	checksum_add(sum, dst, addr_len);
	checksum_add(sum, rest, sizeof(rest));
}
