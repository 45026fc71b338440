/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire: print what a client can see of the protocol, one item a line, without the sentences for
 * people and without what is merely not enforced yet: the input of docs/wire-check.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/event_types.h"
#include "ctrl/schema.h"
#include "dataplane/counters.h"

/* Take away what is not of the contract, at any depth. */
static void strip(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	json_object_del(value, "doc");
	json_object_del(value, "enforced");
	json_object_foreach (value, name, member) {
		strip(member);
	}
	json_array_foreach (value, i, member) {
		strip(member);
	}
}

static json_t *errors(void)
{
	json_t *out = json_object();

#define X(name, code, retryable)                                                                   \
	json_object_set_new(out, #name,                                                            \
		json_pack("[i, b]", LEAT_##name, error_retryable(LEAT_##name) ? 1 : 0));
	LEAT_ERRORS(X)
#undef X
	return out;
}

static json_t *event_types(void)
{
	json_t *out = json_array();

#define X(name, text, doc) json_array_append_new(out, json_string(text));
	EVENT_TYPES(X)
#undef X
	return out;
}

static json_t *drop_reasons(void)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		json_array_append_new(out, json_string(drop_reason_name((enum drop_reason)i)));
	return out;
}

int main(void)
{
	json_t *contract = schema_to_json();
	int result;

	strip(contract);
	json_object_set_new(contract, "errors", errors());
	json_object_set_new(contract, "events", event_types());
	json_object_set_new(contract, "drops", drop_reasons());
	result = json_dumpf(contract, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(contract);
	return result == 0 && putchar('\n') != EOF && fflush(stdout) == 0 ? EXIT_SUCCESS
									  : EXIT_FAILURE;
}
