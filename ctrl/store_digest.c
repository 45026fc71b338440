/* SPDX-License-Identifier: BSD-3-Clause */
/* Digests against accidents, not against malice: who can write the file can write the digest too. */
#include "ctrl/store_internal.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* MurmurHash3's finalizer: every bit of the sum depends on every bit of each object. */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

/* FNV-1a over a text and its end. */
static uint64_t add_text(uint64_t h, const char *text)
{
	for (;; text++) {
		h = (h ^ (unsigned char)*text) * FNV_PRIME;
		if (*text == '\0')
			return h;
	}
}

uint64_t store_digest(const char *type, const char *id, const char *owner, const char *json)
{
	uint64_t h = add_text(FNV_OFFSET, type);

	h = add_text(h, id);
	h = add_text(h, owner);
	return mix(add_text(h, json));
}

uint64_t store_seal(uint64_t sum, uint64_t rev, uint64_t boots)
{
	return sum + mix(rev + mix(boots + FNV_OFFSET));
}
