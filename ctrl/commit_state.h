/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commit keeps between calls, and what waits to be reclaimed. For ctrl/commit*.c, stats.c
 * and trace.c alone; everything here belongs to the executor's thread.
 */
#ifndef LEAT_CTRL_COMMIT_STATE_H
#define LEAT_CTRL_COMMIT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/commit_port.h"
#include "ctrl/compile.h"
#include "dataplane/counters.h"
#include "dataplane/worker.h"

/* The port behind an index. */
struct port_record {
	bool used;	   /* an endpoint or uplink has this index */
	struct port *port; /* NULL: it could not be opened again, see error */
	struct birth birth;
	struct mac mac;	  /* the endpoint's, as it is configured now */
	const char *told; /* its state as commit_port_changes() last gave it, NULL: never */
	char error[sizeof(((struct error *)0)->message)];
};

/* What only older snapshots use: freed when every worker has left them. */
struct retired {
	struct retired *next;	   /* younger */
	struct snapshot *snapshot; /* NULL: none */
	struct compiled *compiled; /* NULL: still used by a younger snapshot */
	size_t n_closing;
	struct port **closing;
	char (*resources)[RESOURCE_MAX]; /* what each of them holds */
	/* Indexes of objects that are gone. */
	size_t n_ports, n_networks, n_groups, n_rules;
	uint32_t *ports, *networks, *groups, *rules;
};

struct commit_state {
	struct id_pool *networks;
	struct id_pool *groups;
	struct id_pool *ports;
	struct id_pool *rules;
	const struct config *config; /* that stands; belongs to the model */
	struct compile_names names;
	struct compiled *compiled; /* what the published snapshot was made of */
	struct snapshot *snapshot; /* the published one */
	struct port_record port[PORTS_MAX];
	struct retired *retired; /* oldest first */
	bool keep_interfaces;	 /* see commit_init() */
	bool ports_changed;	 /* a commit may have lost or found some; for commit_retry.c */
	struct port_stats gone;	 /* sum over ports that are gone and reclaimed */
};

/*
 * Has its owner no port that works, so that another attempt is due? It could not be opened, or it is a TAP
 * whose interface is gone. (A vhost-user port in error had a peer that broke the rules: it stays so.)
 */
bool port_is_lost(const struct port_record *record);

#define OWNER_TEXT_MAX (ID_MAX + 24) /* "endpoint " and an id */

extern struct commit_state commit_state;

/* "endpoint" or "uplink", and its id in *id, of a port's index; NULL: nobody has it. */
const char *commit_port_owner(uint16_t index, const char **id);

/* Which index an endpoint or else an uplink of that id has; PORT_NONE. */
uint16_t commit_port_index(const char *id);

void commit_names_free(struct compile_names *names);

/* snapshot_create() for the workers there are. */
struct snapshot *commit_snapshot_create(const struct snapshot_spec *spec, struct error *err);

/* worker_publish() with the default deadline for 0. */
int commit_publish(struct snapshot *snapshot, unsigned deadline_ms);

/* Close them, several at a time where the kind allows it (commit_close.c). ports[] is used up. */
void ports_close(struct port **ports, size_t n);

/* May the name of a TAP closed lately still be taken for a moment? */
bool ports_may_linger(void);

/*
 * Reclaim (commit_reclaim.c). retired_create: room for everything that goes when `next` takes the
 * place of the names that stand; NULL: no memory.
 */
struct retired *retired_create(const struct compile_names *next);
void retired_free(struct retired *r); /* one that was not queued: frees only its lists */
void retired_close(struct retired *r, struct port *port, const struct birth *birth);
void retire(struct retired *r);	    /* queue it */
void reclaim(void);		    /* all that is queued; every worker has left it */
void reclaim_if_quiesced(void);	    /* the same, if so */
void reclaim_without_workers(void); /* the same after they have stopped */
/* Does a port that waits to be closed hold what this one needs? */
bool retired_collides(const struct birth *birth);
/* Sum over ports that are gone, those waiting to be reclaimed included. */
void gone_stats(struct port_stats *ret);

#endif
