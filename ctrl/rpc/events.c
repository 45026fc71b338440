/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rpc/events.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/limits.h"
#include "lib/alloc.h"
#include "lib/clock.h"

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define X(name, text, doc) [EVENT_##name] = (text),
	EVENT_TYPES(X)
#undef X
};

struct event {
	enum event_type type;
	char *line; /* NULL: the place was never used */
};

/* A line for one subscriber alone. */
struct own_line {
	struct own_line *next;
	char *line;
};

struct subscriber {
	struct subscriber *next;
	struct session *session;
	unsigned types; /* a bit each */
	uint64_t seq;	/* the last one it has got */
	struct own_line *own;
};

struct events {
	const char *boot_id;
	uint64_t seq;			 /* of the last one; the first is 1 */
	struct event ring[LIMIT_EVENTS]; /* an event lies at its number modulo the size */
	struct subscriber *subscribers;
};

static bool wants(const struct subscriber *s, enum event_type type)
{
	return (s->types & (1u << type)) != 0;
}

struct events *events_new(const char *boot_id)
{
	struct events *events = alloc_zero(1, sizeof(*events));

	events->boot_id = boot_id;
	return events;
}

static void subscriber_free(struct subscriber *s)
{
	while (s->own != NULL) {
		struct own_line *own = s->own;

		s->own = own->next;
		free(own->line);
		free(own);
	}
	free(s);
}

void events_free(struct events *events)
{
	if (events == NULL)
		return;
	while (events->subscribers != NULL) {
		struct subscriber *s = events->subscribers;

		events->subscribers = s->next;
		subscriber_free(s);
	}
	for (size_t i = 0; i < LIMIT_EVENTS; i++)
		free(events->ring[i].line);
	free(events);
}

uint64_t events_seq(const struct events *events)
{
	return events->seq;
}

/* A notification as it goes over the wire; takes over data. */
static char *line_make(enum event_type type, uint64_t seq, const char *object, json_t *data)
{
	json_t *message;
	char *text;
	char *line;

	message = json_pack("{s:s, s:s, s:{s:I, s:I, s:s, s:s?, s:o}}", "jsonrpc", "2.0", "method",
		"event", "params", "seq", (json_int_t)seq, "ts_ns",
		(json_int_t)clock_ns(CLOCK_REALTIME), "type", type_names[type], "object", object,
		"data", data);
	text = json_dumps(message, JSON_COMPACT);
	line = alloc_printf("%s\n", text);
	free(text);
	json_decref(message);
	return line;
}

void events_add(struct events *events, enum event_type type, const char *object, json_t *data)
{
	struct event *event = &events->ring[++events->seq % LIMIT_EVENTS];

	free(event->line);
	event->type = type;
	event->line = line_make(type, events->seq, object, data);
}

static struct subscriber *subscriber_of(const struct events *events, const struct session *session)
{
	struct subscriber *s = events->subscribers;

	while (s != NULL && s->session != session)
		s = s->next;
	return s;
}

static void own_add(struct subscriber *s, char *line)
{
	struct own_line **last = &s->own;
	struct own_line *own = alloc_zero(1, sizeof(*own));

	while (*last != NULL)
		last = &(*last)->next;
	own->line = line;
	*last = own;
}

/* The number before the oldest one that is there. */
static uint64_t before_oldest(const struct events *events)
{
	return events->seq > LIMIT_EVENTS ? events->seq - LIMIT_EVENTS : 0;
}

/* Says which events of a start a subscriber does not get. */
static char *lost_line(const struct events *events, const char *boot_id, uint64_t from, uint64_t to)
{
	return line_make(EVENT_EVENTS_LOST, before_oldest(events), NULL,
		json_pack("{s:s, s:I, s:I}", "boot_id", boot_id, "from", (json_int_t)from, "to",
			(json_int_t)to));
}

/* Where a subscriber goes on from, and what it is told where that is not where it stopped. */
static void since_serve(
	const struct events *events, struct subscriber *s, const struct events_wish *wish)
{
	uint64_t oldest = before_oldest(events);
	bool same_boot = strcmp(wish->boot_id, events->boot_id) == 0;

	if (same_boot && wish->seq >= oldest && wish->seq <= events->seq) {
		s->seq = wish->seq;
		return;
	}
	s->seq = oldest;
	own_add(s, lost_line(events, wish->boot_id, wish->seq + 1, same_boot ? oldest : 0));
}

static unsigned types_of(json_t *types)
{
	unsigned bits = 1u << EVENT_EVENTS_LOST;

	if (types == NULL)
		return ~0u;
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		for (size_t i = 0; i < json_array_size(types); i++)
			if (strcmp(json_string_value(json_array_get(types, i)), type_names[type]) ==
				0)
				bits |= 1u << type;
	return bits;
}

void events_subscribe(
	struct events *events, struct session *session, const struct events_wish *wish)
{
	struct subscriber *s = alloc_zero(1, sizeof(*s));

	events_unsubscribe(events, session);
	s->session = session;
	s->types = types_of(wish->types);
	s->seq = events->seq;
	if (wish->boot_id != NULL)
		since_serve(events, s, wish);
	s->next = events->subscribers;
	events->subscribers = s;
}

void events_tell(struct events *events, struct session *session, enum event_type type,
	const char *object, json_t *data)
{
	struct subscriber *s = subscriber_of(events, session);

	if (s != NULL && wants(s, type))
		own_add(s, line_make(type, events->seq, object, data));
	else
		json_decref(data);
}

bool events_wanted(const struct events *events, enum event_type type)
{
	const struct subscriber *s = events->subscribers;

	while (s != NULL && !wants(s, type))
		s = s->next;
	return s != NULL;
}

void events_tell_all(struct events *events, enum event_type type, const char *object, json_t *data)
{
	char *line = line_make(type, events->seq, object, data);

	for (struct subscriber *s = events->subscribers; s != NULL; s = s->next)
		if (wants(s, type))
			own_add(s, alloc_strdup(line));
	free(line);
}

void events_unsubscribe(struct events *events, const struct session *session)
{
	for (struct subscriber **at = &events->subscribers; *at != NULL; at = &(*at)->next) {
		struct subscriber *s = *at;

		if (s->session != session)
			continue;
		*at = s->next;
		subscriber_free(s);
		return;
	}
}

void events_deliver(struct events *events,
	void (*send)(struct session *session, char *line, size_t length, void *arg), void *arg)
{
	for (struct subscriber *s = events->subscribers; s != NULL; s = s->next) {
		while (s->own != NULL) {
			struct own_line *own = s->own;

			s->own = own->next;
			send(s->session, own->line, strlen(own->line), arg);
			free(own);
		}
		/* Between its wish and now as many came as are kept. */
		if (s->seq < before_oldest(events)) {
			uint64_t oldest = before_oldest(events);
			char *line = lost_line(events, events->boot_id, s->seq + 1, oldest);

			s->seq = oldest;
			send(s->session, line, strlen(line), arg);
		}
		while (s->seq < events->seq) {
			const struct event *event = &events->ring[++s->seq % LIMIT_EVENTS];

			if (wants(s, event->type))
				send(s->session, alloc_strdup(event->line), strlen(event->line),
					arg);
		}
	}
}
