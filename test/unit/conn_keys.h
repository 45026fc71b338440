/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the connection table share. */
#ifndef LEAT_TEST_UNIT_CONN_KEYS_H
#define LEAT_TEST_UNIT_CONN_KEYS_H

#include <string.h>

#include "lib/conn_table.h"

#define SYN CONN_TCP_SYN
#define ACK CONN_TCP_ACK
#define FIN CONN_TCP_FIN
#define RST CONN_TCP_RST

static inline struct conn_key key_reverse(const struct conn_key *key)
{
	struct conn_key r = *key;

	memcpy(r.src, key->dst, sizeof(r.src));
	memcpy(r.dst, key->src, sizeof(r.dst));
	r.sport = key->dport;
	r.dport = key->sport;
	return r;
}

#endif
