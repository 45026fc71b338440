/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The database. A write-ahead log with synchronous=FULL: one fdatasync a commit, where a rollback journal
 * takes four. With an exclusive lock SQLite keeps the log's index in memory, so there is no shared file
 * that could be left behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/store_internal.h"
#include "lib/alloc.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* Names of columns and tables are part of the format: with them STORE_VERSION changes. */
#define OBJECT_TABLE                                                                               \
	"CREATE TABLE object(type TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, "          \
	"json TEXT NOT NULL, PRIMARY KEY(type, id)) WITHOUT ROWID"
#define HEAD_TABLE                                                                                 \
	"CREATE TABLE head(only INTEGER PRIMARY KEY CHECK(only = 1), rev INTEGER NOT NULL, "       \
	"boots INTEGER NOT NULL, digest INTEGER NOT NULL)"

/* Made in one transaction of a rollback journal, so that the file is whole without a log. */
static const char make_sql[] =
	"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;"
	"BEGIN;"
	"PRAGMA application_id=" TEXT(
		STORE_APPLICATION_ID) ";"
				      "PRAGMA user_version=" TEXT(
					      STORE_VERSION) ";" OBJECT_TABLE ";" HEAD_TABLE ";"
							     "INSERT INTO head VALUES(1, 0, 0, "
							     "%lld);"
							     "COMMIT;";

/* What a file says cannot make SQLite do anything but read and write these tables. */
static const char open_sql[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF;"
			       "PRAGMA cell_size_check=ON; PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
			       "PRAGMA journal_size_limit=16777216;";

static const char *const statement_sql[STATEMENTS] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_FIND] = "SELECT owner, json FROM object WHERE type = ?1 AND id = ?2",
	[STATEMENT_PUT] = "INSERT OR REPLACE INTO object VALUES(?1, ?2, ?3, ?4)",
	[STATEMENT_DELETE] = "DELETE FROM object WHERE type = ?1 AND id = ?2",
	[STATEMENT_HEAD] = "UPDATE head SET rev = ?1, boots = ?2, digest = ?3 WHERE only = 1",
};

int store_sql_error(const struct store *store, struct error *err, const char *what)
{
	int code = sqlite3_errcode(store->db) & 0xff;
	int sys = sqlite3_system_errno(store->db);

	if (code == SQLITE_FULL)
		sys = ENOSPC;
	else if (code == SQLITE_READONLY)
		sys = EROFS;
	else if (sys == 0)
		sys = EIO;
	return error_device(err, sys, "%s: %s: %s", store->path, what, sqlite3_errmsg(store->db));
}

int store_damaged(const struct store *store, struct error *err, const char *what)
{
	return error_device(err, EUCLEAN,
		"%s cannot be used, %s: put a good copy in its place, or begin with an empty state "
		"by "
		"--new-state, which keeps the file aside",
		store->path, what);
}

static int db_open(struct store *store, const char *path, int flags, struct error *err)
{
	int rc = sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOFOLLOW, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(store->db, 1);
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		return 0;
	}
	return store_sql_error(store, err, "cannot open it");
}

static int tables_make(struct store *store, struct error *err)
{
	char *sql = sqlite3_mprintf(make_sql, (long long)store_seal(0, 0, 0));
	int rc = sql != NULL ? sqlite3_exec(store->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc == SQLITE_OK ? 0 : store_sql_error(store, err, "cannot make it");
}

/* Under another name until it is whole: state.db is never seen half made. */
int store_make(const struct store *store, struct error *err)
{
	struct store fresh = {.path = alloc_printf("%s/state.new", store->dir)};
	int result;

	unlink(fresh.path);
	result = db_open(&fresh, fresh.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	if (result == 0)
		result = tables_make(&fresh, err);
	sqlite3_close(fresh.db);
	if (result == 0 && rename(fresh.path, store->path) < 0)
		result =
			error_device(err, errno, "cannot rename %s to %s", fresh.path, store->path);
	if (result < 0)
		unlink(fresh.path);
	free(fresh.path);
	return result < 0 ? -1 : store_sync_dir(store, err);
}

/* The tables are exactly ours, and nothing hangs on them. */
static int tables_check(struct store *store, struct error *err)
{
	static const char sql[] = "SELECT count(*), sum(sql IN ('" OBJECT_TABLE "', '" HEAD_TABLE
				  "')) FROM sqlite_schema";
	sqlite3_stmt *statement = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		store_damaged(store, err, sqlite3_errmsg(store->db));
	else if (sqlite3_column_int(statement, 0) != 2 || sqlite3_column_int(statement, 1) != 2)
		store_damaged(store, err, "its tables are not those of leatd");
	else
		result = 0;
	sqlite3_finalize(statement);
	return result;
}

static int pages_check(struct store *store, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	const char *text = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &statement, NULL) ==
			SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(statement, 0);
	if (text == NULL)
		store_damaged(store, err, sqlite3_errmsg(store->db));
	else if (strcmp(text, "ok") != 0)
		store_damaged(store, err, text);
	else
		result = 0;
	sqlite3_finalize(statement);
	return result;
}

int store_db_open(struct store *store, struct error *err)
{
	if (db_open(store, store->path, SQLITE_OPEN_READWRITE, err) < 0)
		return -1;
	if (sqlite3_exec(store->db, open_sql, NULL, NULL, NULL) != SQLITE_OK) {
		int code = sqlite3_errcode(store->db) & 0xff;

		if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
			return store_damaged(store, err, sqlite3_errmsg(store->db));
		return store_sql_error(store, err, "cannot open it");
	}
	if (tables_check(store, err) < 0 || pages_check(store, err) < 0)
		return -1;
	store_log_watch(store);
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK)
			return store_sql_error(store, err, "cannot prepare a statement");
	}
	return 0;
}

void store_db_close(struct store *store)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
}
