/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports of one commit: opened before its snapshot is published, and closed again if it is not.
 *
 * A port that needs what a leaving one holds (the same interface name, socket or device) can be
 * opened only when that one is closed, and that takes a snapshot without it first. If the commit
 * fails after that, the former port is opened again; where that fails too, its endpoint is left in
 * state "error" and each later commit tries again.
 */
#ifndef LEAT_CTRL_COMMIT_PORTS_H
#define LEAT_CTRL_COMMIT_PORTS_H

#include <stdbool.h>

#include "ctrl/commit.h"
#include "ctrl/commit_plan.h"

struct port_change {
	struct plan plan;
	bool room_made;		       /* those that leave early are closed */
	struct port *ports[PORTS_MAX]; /* by index, as the new config will have them; NULL: none */
};

/* Open what is new. 0; -1 and err, with everything as before as far as it could be restored. */
int port_change_begin(struct port_change *ret, const struct config *want,
	const struct compile_names *next, const struct commit_options *options, struct error *err);

/* Whether the interfaces of ports that leave outlive the daemon, as they do while they are in use. */
void port_change_keep_leaving(const struct port_change *change, bool keep);

/* The commit failed before it was published: as a failed begin. Says in err what was lost. */
void port_change_undo(struct port_change *change, unsigned deadline_ms, struct error *err);

/* birth_open(), which waits for a name that one of our own closed TAPs is about to free. */
struct port *port_open_patiently(const struct birth *birth, uint16_t index, struct error *err);

/* It is published: bring the records up to date, queue in r what is to be closed. */
void port_change_done(struct port_change *change, struct retired *r, const struct config *want,
	const struct compile_names *next);

void port_change_free(struct port_change *change);

#endif
