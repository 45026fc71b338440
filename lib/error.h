/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors a program can branch on.
 *
 * One list gives the number on the wire, the reason string and whether trying again may help. The
 * numbers are part of the control protocol and never change.
 */
#ifndef LEAT_LIB_ERROR_H
#define LEAT_LIB_ERROR_H

#include <stdbool.h>

/* name, code on the wire, retryable */
#define LEAT_ERRORS(X)                                                                             \
	X(PARSE, -32700, false)                                                                    \
	X(INVALID_REQUEST, -32600, false)                                                          \
	X(METHOD_NOT_FOUND, -32601, false)                                                         \
	X(INVALID_PARAMS, -32602, false)                                                           \
	X(INTERNAL, -32603, false)                                                                 \
	X(MESSAGE_TOO_LARGE, -32001, false)                                                        \
	X(NOT_READY, -32002, true)                                                                 \
	X(BUSY, -32003, true)                                                                      \
	X(VERSION, -32004, false)                                                                  \
	X(NOT_OWNER, -32005, false)                                                                \
	X(TIMEOUT, -32006, true)                                                                   \
	X(NOT_FOUND, 1001, false)                                                                  \
	X(CONFLICT, 1002, false)                                                                   \
	X(DEPENDENCY, 1003, true)                                                                  \
	X(IN_USE, 1004, true)                                                                      \
	X(EXHAUSTED, 1005, true)                                                                   \
	X(UNSUPPORTED, 1006, false)                                                                \
	X(STALE_REVISION, 1007, true)                                                              \
	X(DEVICE, 1008, true)                                                                      \
	X(TXN_ABORTED, 1009, false)                                                                \
	X(GUARD, 1010, false)

enum leat_error_code {
	LEAT_OK = 0,
#define X(name, code, retryable) LEAT_##name = (code),
	LEAT_ERRORS(X)
#undef X
};

/*
 * One error on its way to whoever asked. Owned by the caller, on its stack; a function that fails
 * fills it and returns -1, a function that succeeds leaves it alone. Zero-initialise before use.
 */
struct error {
	enum leat_error_code code;
	int sys_errno;	   /* with DEVICE: the errno, else 0 */
	char path[256];	   /* with INVALID_PARAMS: JSON pointer into params, else "" */
	char object[320];  /* "type:id" the error is about, else "" */
	char message[512]; /* for people: what is wrong and, where there is one, the remedy */
};

/* Fill err (may be NULL) and return -1, so that a caller can "return error_set(...)". */
int error_set(struct error *err, enum leat_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, for DEVICE with an errno (positive); appends strerror to the message. */
int error_device(struct error *err, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "CONFLICT" for LEAT_CONFLICT; "INTERNAL" for a number not in the list. Static storage. */
const char *error_reason(enum leat_error_code code);
bool error_retryable(enum leat_error_code code);

#endif
