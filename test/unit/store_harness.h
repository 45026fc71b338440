/* SPDX-License-Identifier: BSD-3-Clause */
/* Stores in folders of the test's own, killed and damaged as a test wants them. */
#ifndef LEAT_TEST_STORE_HARNESS_H
#define LEAT_TEST_STORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/store.h"

#define DB "state.db"
#define WAL "state.db-wal"

/* A folder to keep state in, below one of the test's own; it and all in it goes with store_clean(). */
extern char state_dir[];

int store_clean(void **state);
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, store_clean, store_clean)

/* "folder/name" in static storage, good until the call after the next. */
char *in(const char *folder, const char *name);
long size_of(const char *path);
void cut_to(const char *path, long size);
void overwrite(const char *path, long offset, const void *bytes, size_t n);
void copy_folder(const char *from, const char *to);

/*
 * Open it, NULL with err where that fails, and read it: {"type:id": json} into *objects. With both the
 * caller has something to free.
 */
struct store *store_read(const char *dir, json_t **objects, struct error *err);

/* The same, which must work. */
struct store *must_read(const char *dir, json_t **objects);
/* It is refused, the file is named, and what is said contains `why`. */
void assert_refused(const char *dir, const char *why);

/* Commits 1..n, each with a new object "rN" of n members, by a process that ends without closing. */
void killed_after(const char *dir, unsigned n);

/* One object put by itself. */
int put_one(struct store *store, uint64_t rev, const char *id, const char *json, struct error *err);

/* What killed_after() has left at that revision. */
json_t *expected_at(unsigned rev);

#endif
