/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allocation on the control side, of sizes that are bounded by a named limit and where there is
 * nothing sensible to do without the memory. Each aborts with a message instead of returning NULL.
 * Not for the data path. Freed with free(). Any thread.
 */
#ifndef LEAT_LIB_ALLOC_H
#define LEAT_LIB_ALLOC_H

#include <stddef.h>

void *alloc_zero(size_t n, size_t size);
void *alloc_resize(void *old, size_t n, size_t size);
char *alloc_strdup(const char *text); /* NULL gives NULL */
char *alloc_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
