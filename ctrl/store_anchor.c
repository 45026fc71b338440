/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctrl/store_internal.h"
#include "lib/log.h"

#define ANCHOR_NAME "state.rev"
#define ANCHOR_MODE 0600
/* "leat", the number in a fixed width, a newline: one write of a few bytes that no reader sees half. */
#define ANCHOR_WORD "leat "
#define ANCHOR_FORMAT ANCHOR_WORD "%020" PRIu64 "\n"
#define ANCHOR_LEN 26

int store_anchor_open(struct store *store, bool fresh, struct error *err)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (fresh ? O_CREAT | O_TRUNC : 0);

	store->anchor_fd = openat(store->dir_fd, ANCHOR_NAME, flags, ANCHOR_MODE);
	if (store->anchor_fd >= 0)
		return 0;
	if (!fresh && errno == ENOENT) {
		log_warning("%s/" ANCHOR_NAME
			    " is missing: whether the last commits are there cannot be "
			    "told; it is made anew",
			store->dir);
		return store_anchor_open(store, true, err);
	}
	return error_device(err, errno, "cannot open %s/" ANCHOR_NAME, store->dir);
}

uint64_t store_anchor_read(const struct store *store)
{
	char text[ANCHOR_LEN + 1] = "";
	char *end;
	uint64_t rev;

	if (pread(store->anchor_fd, text, ANCHOR_LEN, 0) != ANCHOR_LEN ||
		strncmp(text, ANCHOR_WORD, strlen(ANCHOR_WORD)) != 0)
		return 0;
	rev = strtoull(text + strlen(ANCHOR_WORD), &end, 10);
	return end == text + ANCHOR_LEN - 1 && *end == '\n' ? rev : 0;
}

/*
 * Not synced: what counts is the end of the process, and after that of the machine a number that is too
 * small accuses nobody.
 */
void store_anchor_write(const struct store *store, uint64_t rev)
{
	char text[ANCHOR_LEN + 1];

	snprintf(text, sizeof(text), ANCHOR_FORMAT, rev);
	if (pwrite(store->anchor_fd, text, ANCHOR_LEN, 0) != ANCHOR_LEN)
		log_warning("cannot write %s/" ANCHOR_NAME ": %s", store->dir, strerror(errno));
}
