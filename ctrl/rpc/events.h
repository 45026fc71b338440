/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: a ring of the last ones, numbered from 1 at each start, and who wants them. Executor thread
 * only.
 */
#ifndef LEAT_CTRL_RPC_EVENTS_H
#define LEAT_CTRL_RPC_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/event_types.h"

struct events;
struct session;

/* boot_id: of this start; it must live as long. */
struct events *events_new(const char *boot_id);
void events_free(struct events *events);

/* The number of the last one, 0: there was none. */
uint64_t events_seq(const struct events *events);

/* Note one, and take over data. object: "endpoint:web1", NULL: none in particular. */
void events_add(struct events *events, enum event_type type, const char *object, json_t *data);

struct events_wish {
	json_t *types;	     /* array of names; NULL: all */
	const char *boot_id; /* of `since`; NULL: from now on */
	uint64_t seq;
};

/* From now on the session gets what it wishes, in the place of what it wished before. */
void events_subscribe(
	struct events *events, struct session *session, const struct events_wish *wish);
/* The present state of one thing, for that session alone, before all else; takes over data. */
void events_tell(struct events *events, struct session *session, enum event_type type,
	const char *object, json_t *data);
/* To all who listen now: not kept, so that many of them leave room for others. Takes over data. */
void events_tell_all(struct events *events, enum event_type type, const char *object, json_t *data);
/* Does anybody listen to them? */
bool events_wanted(const struct events *events, enum event_type type);
void events_unsubscribe(struct events *events, const struct session *session);

/* Hand out what there is to say: a whole line each, freed by send(). */
void events_deliver(struct events *events,
	void (*send)(struct session *session, char *line, size_t length, void *arg), void *arg);

#endif
