/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue belongs to one worker at a time. Where a new snapshot gives it to another one, that one
 * leaves it alone until the former owner has let go: until all workers have taken the snapshot.
 */
#include <string.h>

#include "dataplane/worker_private.h"

/* Who polls a queue by the former snapshot. */
struct owner {
	uint8_t worker; /* index + 1; 0: nobody */
	bool moved;
};
_Static_assert(WORKERS_MAX < UINT8_MAX, "a worker's number fits");

static void owners_fill(
	struct owner owner[PORTS_MAX][PORT_QUEUES_MAX], const struct snapshot *former)
{
	memset(owner, 0, PORTS_MAX * sizeof(owner[0]));
	for (unsigned w = 0; former != NULL && w < former->n_workers; w++)
		for (unsigned i = 0; i < former->n_polls[w]; i++) {
			const struct snapshot_poll *poll = &former->polls[w][i];
			struct owner *o = &owner[poll->port][poll->queue];

			o->worker = (uint8_t)(w + 1);
			o->moved = poll->moved;
		}
}

static bool is_same_port(const struct snapshot *former, const struct snapshot *next, uint16_t index)
{
	return former != NULL && index < former->n_ports &&
	       former->ports[index].port == next->ports[index].port;
}

bool worker_moves_mark(
	const struct snapshot *former, bool settled, bool quiesced, struct snapshot *next)
{
	static struct owner owner[PORTS_MAX][PORT_QUEUES_MAX]; /* control side */
	bool any = false;

	owners_fill(owner, former);
	for (unsigned w = 0; w < next->n_workers; w++)
		for (unsigned i = 0; i < next->n_polls[w]; i++) {
			struct snapshot_poll *poll = &next->polls[w][i];
			const struct owner *o = &owner[poll->port][poll->queue];

			if (o->worker == 0 || !is_same_port(former, next, poll->port))
				poll->moved = !quiesced; /* a still earlier owner's, maybe */
			else if (o->worker == w + 1)
				poll->moved = o->moved && !settled;
			else
				poll->moved = true;
			any |= poll->moved;
		}
	return any;
}
