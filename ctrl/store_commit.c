/* SPDX-License-Identifier: BSD-3-Clause */
/* What a commit writes. */
#include <stdlib.h>

#include "ctrl/store_internal.h"

const char *store_column(sqlite3_stmt *statement, int i)
{
	const char *text = (const char *)sqlite3_column_text(statement, i);

	return text != NULL ? text : "";
}

static int run(struct store *store, enum store_statement which, const char *what, struct error *err)
{
	sqlite3_stmt *statement = store->statements[which];
	int rc = sqlite3_step(statement);
	int result = rc == SQLITE_DONE ? 0 : store_sql_error(store, err, what);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return result;
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

static int head_write(struct store *store, uint64_t rev, uint64_t sum, struct error *err)
{
	sqlite3_stmt *statement = store->statements[STATEMENT_HEAD];

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)rev);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)store->boots);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)store_seal(sum, rev, store->boots));
	return run(store, STATEMENT_HEAD, "cannot write the revision", err);
}

int store_begin(struct store *store, struct error *err)
{
	store->next_sum = store->sum;
	return run(store, STATEMENT_BEGIN, "cannot begin a commit", err);
}

/* Take what is there under that id out of the sum. */
static int forget(struct store *store, const char *type, const char *id, struct error *err)
{
	sqlite3_stmt *find = store->statements[STATEMENT_FIND];
	int rc;

	bind_text(find, 1, type);
	bind_text(find, 2, id);
	rc = sqlite3_step(find);
	if (rc == SQLITE_ROW)
		store->next_sum -=
			store_digest(type, id, store_column(find, 0), store_column(find, 1));
	sqlite3_reset(find);
	sqlite3_clear_bindings(find);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
		       ? 0
		       : store_sql_error(store, err, "cannot read an object");
}

int store_put(struct store *store, const char *type, const char *id, const char *owner,
	json_t *object, struct error *err)
{
	sqlite3_stmt *put = store->statements[STATEMENT_PUT];
	char *json = json_dumps(object, JSON_COMPACT);
	int result = -1;

	if (json == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for the text of an object");
	if (forget(store, type, id, err) == 0) {
		bind_text(put, 1, type);
		bind_text(put, 2, id);
		bind_text(put, 3, owner);
		bind_text(put, 4, json);
		result = run(store, STATEMENT_PUT, "cannot write an object", err);
		store->next_sum += store_digest(type, id, owner, json);
	}
	free(json);
	return result;
}

int store_delete(struct store *store, const char *type, const char *id, struct error *err)
{
	sqlite3_stmt *statement = store->statements[STATEMENT_DELETE];

	if (forget(store, type, id, err) < 0)
		return -1;
	bind_text(statement, 1, type);
	bind_text(statement, 2, id);
	return run(store, STATEMENT_DELETE, "cannot delete an object", err);
}

int store_commit(struct store *store, uint64_t rev, struct error *err)
{
	if (head_write(store, rev, store->next_sum, err) < 0 ||
		run(store, STATEMENT_COMMIT, "cannot commit", err) < 0)
		return -1;
	store->rev = rev;
	store->sum = store->next_sum;
	store_anchor_write(store, rev);
	return 0;
}

void store_abort(struct store *store)
{
	struct error ignored = {0};

	/* Some failures have rolled it back already. */
	if (!sqlite3_get_autocommit(store->db))
		run(store, STATEMENT_ROLLBACK, "cannot roll back", &ignored);
	/*
	 * Where only the sync failed, the log holds the refused commit, whole. Where it cannot be cut off, the
	 * state that stands is written over it; where that fails too, the next commit does it.
	 */
	if (store_log_cut(store))
		return;
	if (run(store, STATEMENT_BEGIN, "cannot begin", &ignored) == 0 &&
		(head_write(store, store->rev, store->sum, &ignored) < 0 ||
			run(store, STATEMENT_COMMIT, "cannot commit", &ignored) < 0) &&
		!sqlite3_get_autocommit(store->db))
		run(store, STATEMENT_ROLLBACK, "cannot roll back", &ignored);
}
