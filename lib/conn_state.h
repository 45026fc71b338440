/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a connection as far as the switch follows it: which state a packet leads to, and for
 * how long a state lasts without one. Without sequence numbers: a guest can only shorten or
 * lengthen the life of what it was allowed to begin.
 */
#ifndef LEAT_LIB_CONN_STATE_H
#define LEAT_LIB_CONN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conn_table.h"

enum conn_flag {
	CONN_CONFIRMED = 1 << 0, /* the other side has answered, a TCP handshake is complete */
	CONN_CLOSING = 1 << 1,	 /* a new SYN begins anew */
	CONN_SPENT = 1 << 2,	 /* as good as over: may be given up like an unconfirmed one */
};

/* name, idle seconds, flags */
#define CONN_STATES(X)                                                                             \
	X(TCP_SYN_SENT, CONN_TCP_SYN_S, 0)                                                         \
	X(TCP_SYN_RECV, CONN_TCP_SYN_S, 0)  /* SYN-ACK seen, its ACK not */                        \
	X(TCP_MIDSTREAM, CONN_TCP_SYN_S, 0) /* joined without its SYN, one side heard */           \
	X(TCP_ESTABLISHED, CONN_TCP_ESTABLISHED_S, CONN_CONFIRMED)                                 \
	X(TCP_FIN_ORIGINAL, CONN_TCP_CLOSING_S, CONN_CONFIRMED | CONN_CLOSING)                     \
	X(TCP_FIN_REPLY, CONN_TCP_CLOSING_S, CONN_CONFIRMED | CONN_CLOSING)                        \
	X(TCP_FIN_BOTH, CONN_TCP_CLOSING_S, CONN_CONFIRMED | CONN_CLOSING)                         \
	X(TCP_CLOSED, CONN_TCP_CLOSED_S, CONN_CONFIRMED | CONN_CLOSING | CONN_SPENT)               \
	X(UDP, CONN_UDP_S, 0)                                                                      \
	X(UDP_STREAM, CONN_UDP_STREAM_S, CONN_CONFIRMED)                                           \
	X(ICMP, CONN_ICMP_S, 0)                                                                    \
	X(ICMP_REPLIED, CONN_ICMP_S, CONN_CONFIRMED)                                               \
	X(OTHER, CONN_OTHER_S, 0)                                                                  \
	X(OTHER_REPLIED, CONN_OTHER_S, CONN_CONFIRMED)

enum conn_state {
	CONN_STATE_FREE, /* no connection: an empty slot */
#define X(name, seconds, flags) CONN_STATE_##name,
	CONN_STATES(X)
#undef X
		CONN_STATE_COUNT,
};

/* The state that the first packet of a connection begins in. */
enum conn_state conn_state_first(uint8_t proto, uint8_t tcp_flags);

/* The state after a packet in this direction. tcp_flags: of a TCP connection, else ignored. */
enum conn_state conn_state_next(
	enum conn_state state, enum conn_direction direction, uint8_t tcp_flags);

/* Idle time in milliseconds, and enum conn_flag. */
uint32_t conn_state_timeout_ms(enum conn_state state);
uint8_t conn_state_flags(enum conn_state state);

/* A SYN alone, on a connection that is closing: the same ports, used again. */
static inline bool conn_state_begins_anew(enum conn_state state, uint8_t tcp_flags)
{
	return (tcp_flags & (CONN_TCP_SYN | CONN_TCP_ACK | CONN_TCP_RST)) == CONN_TCP_SYN &&
	       (conn_state_flags(state) & CONN_CLOSING) != 0;
}

/* What may be given up for a new connection where there is no room. */
static inline bool conn_state_is_cheap(enum conn_state state)
{
	return (conn_state_flags(state) & (CONN_CONFIRMED | CONN_SPENT)) != CONN_CONFIRMED;
}

#endif
