/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rule_events.h"

#include <stdio.h>
#include <stdlib.h>

#include <uthash.h>

#include "ctrl/commit_state.h"
#include "ctrl/limits.h"
#include "ctrl/rule_events_json.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/token_bucket.h"

#define MS_PER_S 1000

/* A rule of which there was a record. */
struct tally {
	uint32_t rule;
	uint64_t left_out; /* here, at the limit of events; workers count what they leave out */
	uint64_t told;	   /* how many of both were said */
	uint64_t said_ms;  /* when something was said last */
	UT_hash_handle hh;
};

/* What is to be said. */
struct line {
	struct line *next;
	char *object;
	json_t *data;
};

static struct {
	struct tally *tallies;
	struct token_bucket bucket;
	struct line *first, **last;
	uint64_t looked_ms; /* for what nothing was said about */
	bool wanted;
} said;

static struct tally *tally_of(uint32_t rule)
{
	struct tally *t;

	HASH_FIND(hh, said.tallies, &rule, sizeof(rule), t);
	if (t != NULL)
		return t;
	t = alloc_zero(1, sizeof(*t));
	t->rule = rule;
	HASH_ADD(hh, said.tallies, rule, sizeof(t->rule), t);
	return t;
}

static uint64_t left_out(const struct tally *t)
{
	return worker_rule_log_left_out(t->rule) + t->left_out - t->told;
}

/* May one more be said? */
static bool take_token(uint64_t now)
{
	struct token_bucket *bucket = &said.bucket;

	if (bucket->rate == 0)
		token_bucket_init(
			bucket, LIMIT_RULE_LOG_EVENTS_PER_S, LIMIT_RULE_LOG_BURST, MS_PER_S, now);
	return token_bucket_take(bucket, 1, now);
}

/* Takes over data, and adds to it how many were left out since something was said of that rule. */
static void say(struct tally *t, const char *id, json_t *data, uint64_t now)
{
	struct line *line = alloc_zero(1, sizeof(*line));
	uint64_t n = left_out(t);

	if (n != 0)
		json_object_set_new(data, "left_out", json_integer((json_int_t)n));
	t->told += n;
	t->said_ms = now;
	line->object = alloc_printf("rule:%s", id);
	line->data = data;
	if (said.first == NULL)
		said.last = &said.first;
	*said.last = line;
	said.last = &line->next;
}

static void take(
	const struct rule_log_record *record, const struct compile_names *next, uint64_t now)
{
	const struct names *rules = next != NULL ? &next->rule : NULL;
	struct tally *t = tally_of(record->rule);
	const char *id;

	if (!said.wanted)
		return;
	id = rule_record_id(&commit_state.names.rule, rules, record->rule);
	if (id == NULL)
		return; /* it went with a commit that the worker was late for */
	if (take_token(now))
		say(t, id, rule_record_json(record, &commit_state.names, next), now);
	else
		t->left_out++;
}

void rule_events_collect(const struct compile_names *next)
{
	uint64_t now = monotonic_ms();

	for (unsigned worker = 0; worker < worker_count(); worker++) {
		struct rule_log_record record;

		/* What comes meanwhile may wait. */
		for (unsigned i = 0; i < RULE_LOG_RECORDS && worker_rule_log_take(worker, &record);
			i++)
			take(&record, next, now);
	}
}

/* A flood has ended: there comes no packet that would say how many were left out. */
static void say_rest(uint64_t now)
{
	if (now - said.looked_ms < RULE_LOG_REST_MS)
		return;
	said.looked_ms = now;
	for (struct tally *t = said.tallies; t != NULL; t = t->hh.next) {
		const char *id;

		if (now - t->said_ms < RULE_LOG_REST_MS || left_out(t) == 0)
			continue;
		id = names_id(&commit_state.names.rule, t->rule);
		if (id != NULL && take_token(now))
			say(t, id, json_object(), now);
	}
}

static void listeners_are(bool wanted)
{
	for (struct tally *t = said.tallies; t != NULL && wanted && !said.wanted; t = t->hh.next)
		t->told += left_out(t);
	said.wanted = wanted;
}

static struct line *line_pop(void)
{
	struct line *line = said.first;

	if (line != NULL)
		said.first = line->next;
	return line;
}

void rule_events_say(rule_event_fn *fn, void *arg, bool wanted)
{
	struct line *line;

	rule_events_collect(NULL);
	listeners_are(wanted);
	if (wanted)
		say_rest(monotonic_ms());
	while ((line = line_pop()) != NULL) {
		fn(line->object, line->data, arg);
		free(line->object);
		free(line);
	}
}

static void tallies_free(void)
{
	struct tally *t = said.tallies;

	/* The table alone: its elements are a list of their own. */
	HASH_CLEAR(hh, said.tallies);
	while (t != NULL) {
		struct tally *next = t->hh.next;

		free(t);
		t = next;
	}
}

void rule_events_forget(uint32_t rule)
{
	struct tally *t;

	HASH_FIND(hh, said.tallies, &rule, sizeof(rule), t);
	if (t == NULL)
		return;
	HASH_DEL(said.tallies, t);
	free(t);
}

void rule_events_fini(void)
{
	struct line *line;

	while ((line = line_pop()) != NULL) {
		json_decref(line->data);
		free(line->object);
		free(line);
	}
	tallies_free();
	said.bucket.rate = 0;
	said.wanted = false;
}
