/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int error_vset(struct error *err, enum leat_error_code code, const char *fmt, va_list ap)
{
	if (err != NULL) {
		err->code = code;
		vsnprintf(err->message, sizeof(err->message), fmt, ap);
	}
	return -1;
}

int error_set(struct error *err, enum leat_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_vset(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int error_device(struct error *err, int sys_errno, const char *fmt, ...)
{
	va_list ap;
	size_t used;

	va_start(ap, fmt);
	error_vset(err, LEAT_DEVICE, fmt, ap);
	va_end(ap);
	if (err != NULL) {
		err->sys_errno = sys_errno;
		used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s",
			strerror(sys_errno));
	}
	return -1;
}

const char *error_reason(enum leat_error_code code)
{
	switch (code) {
#define X(name, number, retryable)                                                                 \
	case LEAT_##name:                                                                          \
		return #name;
		LEAT_ERRORS(X)
#undef X
	default:
		return "INTERNAL";
	}
}

bool error_retryable(enum leat_error_code code)
{
	switch (code) {
#define X(name, number, retry)                                                                     \
	case LEAT_##name:                                                                          \
		return retry;
		LEAT_ERRORS(X)
#undef X
	default:
		return false;
	}
}
