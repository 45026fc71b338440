/* SPDX-License-Identifier: BSD-3-Clause */
/* A state larger than a message: the objects of each type page by page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/document_private.h"
#include "ctrl/limits.h"
#include "ctrl/schema.h"
#include "lib/alloc.h"
#include "lib/error.h"

#define TRIES 8 /* to see all pages at one revision */

struct fetch {
	struct connection *connection;
	json_t *params; /* of state.get */
	json_int_t rev; /* of the first page, -1: before it */
	bool moved;	/* a page was of another one */
};

bool is_too_large(json_t *error)
{
	return json_integer_value(json_object_get(error, "code")) == LEAT_MESSAGE_TOO_LARGE;
}

static bool type_wanted(const struct fetch *fetch, const char *type)
{
	json_t *types = json_object_get(fetch->params, "types");
	json_t *name;
	size_t i;

	if (types == NULL)
		return true;
	json_array_foreach (types, i, name) {
		if (json_is_string(name) && strcmp(json_string_value(name), type) == 0)
			return true;
	}
	return false;
}

static void rev_note(struct fetch *fetch, json_t *result)
{
	json_int_t rev = json_integer_value(json_object_get(result, "rev"));

	if (fetch->rev < 0)
		fetch->rev = rev;
	fetch->moved = rev != fetch->rev;
}

/* One page, smaller ones where the objects are large. */
static int page_ask(const struct fetch *fetch, const char *method, json_t *params, json_t **ret)
{
	for (int limit = LIMIT_LIST_ITEMS;; limit /= 2) {
		int asked;

		json_object_set_new(params, "limit", json_integer(limit));
		asked = connection_call(fetch->connection, method, params, ret);
		if (asked != 1 || limit == 1 || !is_too_large(*ret))
			return asked;
		json_decref(*ret);
		*ret = NULL;
	}
}

static void items_take(json_t *page, json_t *items)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(page, "items"), i, item) {
		json_object_del(item, "oper");
		json_array_append(items, item);
	}
}

static int list_fetch(struct fetch *fetch, const char *type, json_t *items, json_t **ret)
{
	json_t *owner = json_object_get(fetch->params, "owner");
	char *method = alloc_printf("%s.list", type);
	json_t *params = json_object();
	bool more = true;
	int asked = 0;

	if (owner != NULL)
		json_object_set(params, "owner", owner);
	while (asked == 0 && more && !fetch->moved) {
		json_t *page = NULL;
		json_t *next;

		asked = page_ask(fetch, method, params, &page);
		if (asked == 1)
			*ret = page;
		if (asked != 0)
			break;
		rev_note(fetch, page);
		items_take(page, items);
		next = json_object_get(page, "next");
		more = json_is_string(next);
		if (more)
			json_object_set(params, "after", next);
		json_decref(page);
	}
	json_decref(params);
	free(method);
	return asked;
}

/* There is but one of its type, and no list of it. */
static int global_fetch(struct fetch *fetch, json_t *objects, json_t **ret)
{
	json_t *params = json_copy(fetch->params);
	json_t *result = NULL;
	int asked;

	json_object_set_new(params, "types", json_pack("[s]", object_type_name(OBJECT_GLOBAL)));
	asked = connection_call(fetch->connection, "state.get", params, &result);
	json_decref(params);
	if (asked != 0) {
		*ret = result;
		return asked;
	}
	rev_note(fetch, result);
	json_object_update(objects, json_object_get(result, "objects"));
	json_decref(result);
	return 0;
}

static int all_fetch(struct fetch *fetch, json_t *objects, json_t **ret)
{
	int asked = 0;

	for (int type = 0; type < OBJECT_TYPES && asked == 0 && !fetch->moved; type++) {
		const char *name = object_type_name(type);
		json_t *items;

		if (!type_wanted(fetch, name))
			continue;
		if (type == OBJECT_GLOBAL) {
			asked = global_fetch(fetch, objects, ret);
			continue;
		}
		items = json_array();
		asked = list_fetch(fetch, name, items, ret);
		json_object_set_new(objects, name, items);
	}
	return asked;
}

int document_fetch(struct connection *c, json_t *params, json_t **ret)
{
	for (int i = 0; i < TRIES; i++) {
		struct fetch fetch = {.connection = c, .params = params, .rev = -1};
		json_t *objects = json_object();
		int asked = all_fetch(&fetch, objects, ret);

		if (asked == 0 && !fetch.moved) {
			*ret = json_pack("{s:I, s:o}", "rev", fetch.rev, "objects", objects);
			return 0;
		}
		json_decref(objects);
		if (asked != 0)
			return asked;
	}
	snprintf(c->message, sizeof(c->message),
		"the state is larger than a message, and changes too often to be read in several");
	return -1;
}
