/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods over a model of their own, with a recorder in the place of the data plane. */
#ifndef LEAT_TEST_MODEL_HARNESS_H
#define LEAT_TEST_MODEL_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/limits.h"
#include "ctrl/rpc/events.h"
#include "ctrl/rpc/methods.h"
#include "test/unit/commit_recorder.h"

extern struct rpc_context ctx;
extern struct session session;
extern struct failure failure; /* of the last call */
extern json_t *last_result;    /* of the last call, or NULL */
extern unsigned shutdowns;

int model_setup(void **state);
int model_teardown(void **state);

/* The result, borrowed until the next call; NULL with `failure`. */
json_t *call_json(const char *method, json_t *params);
json_t *call(const char *method, const char *params);
/* As call(); the test fails where the call does. */
json_t *ok(const char *method, const char *params);
/* It must fail so, and leave the revision alone. */
void refused(const char *method, const char *params, enum leat_error_code code);
/* Did the last call say "changed":true? */
bool changed(void);

#define NET(id, vlan) "{\"id\":\"" id "\",\"vlan\":" vlan "}"
#define TAP(id, net, more)                                                                         \
	"{\"id\":\"" id "\",\"network\":\"" net "\",\"port\":{\"kind\":\"tap\",\"name\":\"" id     \
	"\"}" more "}"

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, model_setup, model_teardown)

#endif
