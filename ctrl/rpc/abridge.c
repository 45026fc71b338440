/* SPDX-License-Identifier: BSD-3-Clause */
/* What a change has done is told whatever its length: lists too long for a line give way to their lengths. */
#include "ctrl/limits.h"
#include "ctrl/rpc/jsonrpc.h"

#define DIFFERENCES "differences"

static void lists_to_lengths(json_t *object)
{
	const char *name;
	void *next;
	json_t *value;

	json_object_foreach_safe (object, next, name, value) {
		if (json_is_array(value))
			json_object_set_new(
				object, name, json_integer((json_int_t)json_array_size(value)));
		else
			lists_to_lengths(value);
	}
}

static bool fits(const json_t *result)
{
	return json_dumpb(result, NULL, 0, JSON_COMPACT) + REPLY_ENVELOPE_BYTES <= LIMIT_LINE_BYTES;
}

void result_abridge(json_t *result)
{
	json_t *differences = json_object_get(result, DIFFERENCES);

	if (fits(result))
		return;
	json_object_set_new(result, "abridged", json_true());
	/* They are by far the longest, and the ids alone still say what it is about. */
	if (differences != NULL)
		json_object_set_new(result, DIFFERENCES,
			json_integer((json_int_t)json_array_size(differences)));
	if (!fits(result))
		lists_to_lengths(result);
}
