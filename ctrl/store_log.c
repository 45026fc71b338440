/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SQLite's write-ahead log (its file format, section 4): how much of it is committed, and cutting a refused
 * commit off. A commit whose sync failed lies in it whole, and would be taken by who opens it next.
 */
#include <stdint.h>
#include <string.h>

#include "ctrl/store_internal.h"

#define LOG_HEADER_LEN 32
#define LOG_PAGE_SIZE 8 /* of the header: four bytes, big-endian */
#define LOG_SALT 16
#define LOG_FRAME_HEADER_LEN 24
/* Copied into the database from here on; SQLite's own default. */
#define LOG_FRAMES_MAX 1000

static sqlite3_file *log_file(const struct store *store)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) !=
			SQLITE_OK ||
		file == NULL || file->pMethods == NULL)
		return NULL;
	return file;
}

static bool header_read(sqlite3_file *file, unsigned char header[static LOG_HEADER_LEN])
{
	return file->pMethods->xRead(file, header, LOG_HEADER_LEN, 0) == SQLITE_OK;
}

static int on_commit(void *arg, sqlite3 *db, const char *schema, int n_frames)
{
	struct store *store = arg;
	sqlite3_file *file = log_file(store);
	unsigned char header[LOG_HEADER_LEN];

	store->log_bytes = 0;
	if (file != NULL && header_read(file, header)) {
		sqlite3_int64 frame =
			LOG_FRAME_HEADER_LEN + (sqlite3_int64)big_endian(header + LOG_PAGE_SIZE);

		memcpy(store->log_salt, header + LOG_SALT, sizeof(store->log_salt));
		store->log_bytes = LOG_HEADER_LEN + n_frames * frame;
	}
	if (n_frames >= LOG_FRAMES_MAX)
		sqlite3_wal_checkpoint(db, schema);
	return SQLITE_OK;
}

void store_log_watch(struct store *store)
{
	sqlite3_wal_hook(store->db, on_commit, store);
}

bool store_log_cut(const struct store *store)
{
	sqlite3_file *file = log_file(store);
	unsigned char header[LOG_HEADER_LEN];
	sqlite3_int64 size = 0;
	sqlite3_int64 committed = store->log_bytes;

	if (file == NULL || committed == 0 || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return false;
	/* Begun anew by what was refused: all before it is in the database. */
	if (size >= LOG_HEADER_LEN &&
		(!header_read(file, header) ||
			memcmp(header + LOG_SALT, store->log_salt, sizeof(store->log_salt)) != 0))
		committed = 0;
	if (size <= committed)
		return true;
	if (file->pMethods->xTruncate(file, committed) != SQLITE_OK)
		return false;
	/* For the end of the machine; the end of the process needs none. */
	file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	return true;
}
