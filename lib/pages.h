/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zeroed memory for large tables that are sparsely used, from the kernel: a page costs nothing before it is touched,
 * neither memory nor the time of a start. Any thread.
 */
#ifndef LEAT_LIB_PAGES_H
#define LEAT_LIB_PAGES_H

#include <stddef.h>

/* Begins at a page. NULL: no memory. */
void *pages_zero(size_t size);
/* The same size. NULL is fine. */
void pages_free(void *pages, size_t size);

#endif
