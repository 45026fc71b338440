/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wanted state on disk: each object as its canonical JSON, in one SQLite database. What
 * store_commit() has accepted survives the end of the process at any instant, and of the machine.
 *
 * One thread, the executor. Files in the state folder: state.db and its log state.db-wal, and state.rev,
 * which tells by a number of its own whether the log has lost commits.
 */
#ifndef LEAT_CTRL_STORE_H
#define LEAT_CTRL_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

#define STORE_DEFAULT_DIR "/var/lib/leat"
#define STORE_APPLICATION_ID                                                                       \
	0x6c656174	/* "leat", in the file's header (SQLite file format 1.3.17) */
#define STORE_VERSION 1 /* of the tables; in the header as user_version */

struct store;

enum store_source {
	STORE_EMPTY,	 /* made now */
	STORE_SNAPSHOT,	 /* as the last daemon left it */
	STORE_RECOVERED, /* commits at its end were lost: it is at the last whole one */
};

struct store_options {
	const char *dir; /* made where it is missing, its parents not */
	bool renew;	 /* keep what is there aside under another name, and begin empty */
};

/*
 * Lock the folder, look at what is there, open or make the database. CONFLICT: another daemon holds the
 * folder. DEVICE: it cannot be used, err->message names the file and why: foreign, newer, damaged, or
 * out of reach. Nothing of a file that is refused has been changed.
 */
struct store *store_open(const struct store_options *options, struct error *err);

/* Let go of it. Nothing is written that store_commit() has not accepted. NULL is fine. */
void store_close(struct store *store);

/*
 * Every object, by type and id; object is borrowed. fn fails with -1 and err. The whole has been checked
 * against its digest before. Where fn fails store_load() does, and what it gave before is not a state.
 */
typedef int store_object_fn(
	const char *type, const char *id, json_t *object, void *arg, struct error *err);
int store_load(struct store *store, store_object_fn *fn, void *arg, struct error *err);

/* After store_load(). */
const char *store_path(const struct store *store); /* of the database, for messages */
enum store_source store_source(const struct store *store);
uint64_t store_rev(
	const struct store *store); /* of the state; after a recovery above all there were */
uint64_t store_boots(const struct store *store); /* how often it was opened, this time included */

/*
 * One commit: begin, any number of puts and deletes, and then store_commit(), after which it is on disk,
 * or store_abort(). -1 and DEVICE where the disk does not take it: then abort, and nothing has changed.
 */
int store_begin(struct store *store, struct error *err);
int store_put(struct store *store, const char *type, const char *id, const char *owner,
	json_t *object, struct error *err);
int store_delete(struct store *store, const char *type, const char *id, struct error *err);
int store_commit(struct store *store, uint64_t rev, struct error *err);
void store_abort(struct store *store);

#endif
