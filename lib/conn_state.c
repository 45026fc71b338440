/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/conn_state.h"

#include <netinet/in.h>

static const uint32_t state_timeout_ms[CONN_STATE_COUNT] = {
#define X(name, seconds, flags) [CONN_STATE_##name] = (seconds)*1000u,
	CONN_STATES(X)
#undef X
};

static const uint8_t state_flags[CONN_STATE_COUNT] = {
#define X(name, seconds, flags) [CONN_STATE_##name] = (flags),
	CONN_STATES(X)
#undef X
};

uint32_t conn_state_timeout_ms(enum conn_state state)
{
	return state_timeout_ms[state];
}

uint8_t conn_state_flags(enum conn_state state)
{
	return state_flags[state];
}

enum conn_state conn_state_first(uint8_t proto, uint8_t tcp_flags)
{
	switch (proto) {
	case IPPROTO_TCP:
		if (tcp_flags & CONN_TCP_RST)
			return CONN_STATE_TCP_CLOSED;
		if ((tcp_flags & (CONN_TCP_SYN | CONN_TCP_ACK)) == CONN_TCP_SYN)
			return CONN_STATE_TCP_SYN_SENT;
		return CONN_STATE_TCP_MIDSTREAM;
	case IPPROTO_UDP:
		return CONN_STATE_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return CONN_STATE_ICMP;
	default:
		return CONN_STATE_OTHER;
	}
}

/* From ESTABLISHED on: a FIN of each side, then an ACK that is not itself a FIN. */
static enum conn_state close_next(
	enum conn_state state, enum conn_direction direction, uint8_t tcp_flags)
{
	if (state == CONN_STATE_TCP_FIN_BOTH)
		return (tcp_flags & (CONN_TCP_ACK | CONN_TCP_FIN)) == CONN_TCP_ACK
			       ? CONN_STATE_TCP_CLOSED
			       : state;
	if ((tcp_flags & CONN_TCP_FIN) == 0)
		return state;
	if (state == CONN_STATE_TCP_ESTABLISHED)
		return direction == CONN_ORIGINAL ? CONN_STATE_TCP_FIN_ORIGINAL
						  : CONN_STATE_TCP_FIN_REPLY;
	if ((state == CONN_STATE_TCP_FIN_ORIGINAL && direction == CONN_REPLY) ||
		(state == CONN_STATE_TCP_FIN_REPLY && direction == CONN_ORIGINAL))
		return CONN_STATE_TCP_FIN_BOTH;
	return state;
}

static enum conn_state tcp_next(
	enum conn_state state, enum conn_direction direction, uint8_t tcp_flags)
{
	if (tcp_flags & CONN_TCP_RST)
		return CONN_STATE_TCP_CLOSED;
	switch (state) {
	case CONN_STATE_TCP_SYN_SENT:
		return direction == CONN_REPLY && (tcp_flags & CONN_TCP_SYN) != 0
			       ? CONN_STATE_TCP_SYN_RECV
			       : state;
	case CONN_STATE_TCP_SYN_RECV:
		if ((tcp_flags & (CONN_TCP_SYN | CONN_TCP_ACK)) != CONN_TCP_ACK)
			return state;
		return close_next(CONN_STATE_TCP_ESTABLISHED, direction, tcp_flags);
	case CONN_STATE_TCP_MIDSTREAM:
		if (direction == CONN_ORIGINAL)
			return state;
		return close_next(CONN_STATE_TCP_ESTABLISHED, direction, tcp_flags);
	case CONN_STATE_TCP_CLOSED:
		return state;
	default:
		return close_next(state, direction, tcp_flags);
	}
}

enum conn_state conn_state_next(
	enum conn_state state, enum conn_direction direction, uint8_t tcp_flags)
{
	switch (state) {
	case CONN_STATE_UDP:
	case CONN_STATE_UDP_STREAM:
		return direction == CONN_REPLY ? CONN_STATE_UDP_STREAM : state;
	case CONN_STATE_ICMP:
	case CONN_STATE_ICMP_REPLIED:
		return direction == CONN_REPLY ? CONN_STATE_ICMP_REPLIED : state;
	case CONN_STATE_OTHER:
	case CONN_STATE_OTHER_REPLIED:
		return direction == CONN_REPLY ? CONN_STATE_OTHER_REPLIED : state;
	default:
		return tcp_next(state, direction, tcp_flags);
	}
}
