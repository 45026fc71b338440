/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which port a (network, MAC) is at, which group a (network, IP) is in: filled once, then read by
 * any number of threads without a lock. Open addressing, at most half full.
 */
#ifndef LEAT_LIB_ADDR_TABLE_H
#define LEAT_LIB_ADDR_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

struct addr_table;

#define ADDR_TABLE_NONE UINT32_MAX

/* Room for `capacity` entries (0 is fine). NULL: no memory. */
struct addr_table *addr_table_create(size_t capacity);
void addr_table_free(struct addr_table *t);

/*
 * value: any but ADDR_TABLE_NONE. 0, -EEXIST for a key that is there, -ENOSPC beyond the capacity,
 * -EINVAL for an IP of no family. Not after the table is shared.
 */
int addr_table_add_mac(
	struct addr_table *t, uint16_t network, const struct mac *mac, uint32_t value);
int addr_table_add_ip(struct addr_table *t, uint16_t network, const struct ip *ip, uint32_t value);

/* The value, or ADDR_TABLE_NONE. */
uint32_t addr_table_find_mac(
	const struct addr_table *t, uint16_t network, const uint8_t mac[MAC_LEN]);
uint32_t addr_table_find_ip(const struct addr_table *t, uint16_t network, const struct ip *ip);

#endif
