/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/store*.c alone. */
#ifndef LEAT_CTRL_STORE_INTERNAL_H
#define LEAT_CTRL_STORE_INTERNAL_H

#include <sqlite3.h>

#include "ctrl/store.h"

enum store_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_FIND,
	STATEMENT_PUT,
	STATEMENT_DELETE,
	STATEMENT_HEAD,
};
#define STATEMENTS (STATEMENT_HEAD + 1)

struct store {
	char *dir;
	char *path;    /* of the database */
	int dir_fd;    /* holds the lock */
	int anchor_fd; /* -1: there is none */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	enum store_source source;
	uint64_t rev;
	uint64_t boots;
	uint64_t sum;		   /* of the digests of all objects, as committed */
	uint64_t next_sum;	   /* with the commit that is under way */
	sqlite3_int64 log_bytes;   /* of the log, as committed; 0: not known */
	unsigned char log_salt[8]; /* which it had then: another one when it is begun anew */
};

/* store_file.c: the folder and the names in it. */
int store_lock(struct store *store, struct error *err);
/* Name the folder without symbolic links: SQLite follows none, so that nobody puts one in state.db's place. */
int store_resolve(struct store *store, struct error *err);
/* Is there a database? 1, 0, or -1 and err where what lies there is none that can be used. */
int store_look(const struct store *store, struct error *err);
/* Rename everything there under a name that says when. */
int store_keep_aside(const struct store *store, struct error *err);
/* Make names that came or went in the folder last. */
int store_sync_dir(const struct store *store, struct error *err);

/*
 * store_anchor.c: the revision once more, in a file of its own. It is written after a commit is on disk,
 * so it is never ahead of what was committed; a database that is behind it has lost commits.
 */
int store_anchor_open(struct store *store, bool fresh, struct error *err);
uint64_t store_anchor_read(const struct store *store); /* 0: it says nothing */
void store_anchor_write(const struct store *store, uint64_t rev);

/* store_sql.c */
/* A new database at state.db, complete before it has that name. */
int store_make(const struct store *store, struct error *err);
int store_db_open(struct store *store, struct error *err);
void store_db_close(struct store *store);
/* DEVICE with what SQLite says of the last call. */
int store_sql_error(const struct store *store, struct error *err, const char *what);
/* DEVICE: the file is damaged, and how; with the remedy. */
int store_damaged(const struct store *store, struct error *err, const char *what);

/* store_log.c */
/* Keep log_bytes, and copy a log that has grown long into the database. */
void store_log_watch(struct store *store);
/*
 * Cut what is not committed off the log, which takes no space and needs no sync to outlive the process.
 * False: it could not be.
 */
bool store_log_cut(const struct store *store);

/* A number as SQLite keeps them in its headers. */
static inline uint32_t big_endian(const unsigned char *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* store_commit.c: a column's text, "" for NULL. */
const char *store_column(sqlite3_stmt *statement, int i);

/* store_digest.c: sums of these over all objects tell whether a state is whole. */
uint64_t store_digest(const char *type, const char *id, const char *owner, const char *json);
/* The sum with the head's own numbers, as it is kept. */
uint64_t store_seal(uint64_t sum, uint64_t rev, uint64_t boots);

#endif
