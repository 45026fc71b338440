/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
	if (memory == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *alloc_zero(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size));
}

void *alloc_resize(void *old, size_t n, size_t size)
{
	return checked(reallocarray(old, n > 0 ? n : 1, size));
}

char *alloc_strdup(const char *text)
{
	return text == NULL ? NULL : checked(strdup(text));
}

char *alloc_printf(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vasprintf(&text, fmt, ap);
	va_end(ap);
	return checked(length < 0 ? NULL : text);
}
