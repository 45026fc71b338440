/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a store and reading it. */
#include "ctrl/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/store_internal.h"
#include "lib/alloc.h"
#include "lib/log.h"

static int open_all(struct store *store, const struct store_options *options, struct error *err)
{
	int there;

	if (store_lock(store, err) < 0 || store_resolve(store, err) < 0 ||
		(options->renew && store_keep_aside(store, err) < 0))
		return -1;
	there = store_look(store, err);
	if (there < 0)
		return -1;
	store->source = there > 0 ? STORE_SNAPSHOT : STORE_EMPTY;
	if (there == 0 && store_make(store, err) < 0)
		return -1;
	if (store_anchor_open(store, there == 0, err) < 0)
		return -1;
	return store_db_open(store, err);
}

struct store *store_open(const struct store_options *options, struct error *err)
{
	struct store *store = alloc_zero(1, sizeof(*store));

	store->dir = alloc_strdup(options->dir);
	store->path = alloc_printf("%s/state.db", options->dir);
	store->dir_fd = -1;
	store->anchor_fd = -1;
	if (open_all(store, options, err) == 0)
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	store_db_close(store);
	if (store->anchor_fd >= 0)
		close(store->anchor_fd);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	free(store->path);
	free(store->dir);
	free(store);
}

/* What is done with each row. */
struct walk {
	store_object_fn *fn; /* NULL: it is only added up */
	void *arg;
};

static int row_take(
	struct store *store, sqlite3_stmt *row, const struct walk *walk, struct error *err)
{
	const char *type = store_column(row, 0);
	const char *id = store_column(row, 1);
	const char *json = store_column(row, 3);
	json_t *object;
	int result;

	if (walk->fn == NULL) {
		store->sum += store_digest(type, id, store_column(row, 2), json);
		return 0;
	}
	object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL)
		return store_damaged(store, err, "an object in it is no JSON");
	result = walk->fn(type, id, object, walk->arg, err);
	json_decref(object);
	return result;
}

static int rows_walk(struct store *store, const struct walk *walk, struct error *err)
{
	static const char sql[] = "SELECT type, id, owner, json FROM object";
	sqlite3_stmt *rows = NULL;
	int result = 0;
	int rc;

	if (sqlite3_prepare_v2(store->db, sql, -1, &rows, NULL) != SQLITE_OK)
		return store_damaged(store, err, sqlite3_errmsg(store->db));
	while (result == 0 && (rc = sqlite3_step(rows)) != SQLITE_DONE) {
		if (rc == SQLITE_ROW)
			result = row_take(store, rows, walk, err);
		else
			result = store_damaged(store, err, sqlite3_errmsg(store->db));
	}
	sqlite3_finalize(rows);
	return result;
}

/* The head, which must fit the objects that were read. */
static int head_load(struct store *store, struct error *err)
{
	sqlite3_stmt *row = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(store->db, "SELECT rev, boots, digest FROM head", -1, &row, NULL) !=
			SQLITE_OK ||
		sqlite3_step(row) != SQLITE_ROW) {
		store_damaged(store, err, "it has no revision");
	} else {
		uint64_t digest = (uint64_t)sqlite3_column_int64(row, 2);

		store->rev = (uint64_t)sqlite3_column_int64(row, 0);
		store->boots = (uint64_t)sqlite3_column_int64(row, 1);
		if (digest != store_seal(store->sum, store->rev, store->boots))
			store_damaged(store, err, "its objects are not those of one commit");
		else
			result = 0;
	}
	sqlite3_finalize(row);
	return result;
}

/* Has the log lost commits that were acknowledged? Then go on above their numbers, and say so. */
static void loss_check(struct store *store)
{
	uint64_t anchored = store_anchor_read(store);

	if (anchored <= store->rev)
		return;
	log_warning("%s has lost its last commits: the last whole one is revision %llu, revision "
		    "%llu had "
		    "been reached; going on from the last whole one as revision %llu",
		store->path, (unsigned long long)store->rev, (unsigned long long)anchored,
		(unsigned long long)anchored + 1);
	store->source = STORE_RECOVERED;
	store->rev = anchored + 1;
}

int store_load(struct store *store, store_object_fn *fn, void *arg, struct error *err)
{
	const struct walk add_up = {NULL, NULL};
	const struct walk give = {fn, arg};
	struct error why = {0};

	store->sum = 0;
	if (rows_walk(store, &add_up, err) < 0 || head_load(store, err) < 0 ||
		rows_walk(store, &give, err) < 0)
		return -1;
	loss_check(store);
	store->boots++;
	/* That this is another start is worth knowing, and not worth refusing to start for. */
	if (store_begin(store, &why) < 0 || store_commit(store, store->rev, &why) < 0) {
		store_abort(store);
		store->boots--;
		log_warning("the start cannot be noted: %s", why.message);
	}
	return 0;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

enum store_source store_source(const struct store *store)
{
	return store->source;
}

uint64_t store_rev(const struct store *store)
{
	return store->rev;
}

uint64_t store_boots(const struct store *store)
{
	return store->boots;
}
