/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/leatctl/document.h"
#include "ctrl/leatctl/editor.h"
#include "ctrl/leatctl/print.h"
#include "ctrl/leatctl/run_private.h"
#include "lib/alloc.h"
#include "lib/error.h"

#define STALE_TRIES 8

struct edit {
	const struct settings *settings;
	const char *kind; /* NULL: all objects of the owner */
	const char *id;	  /* NULL: all objects, or the kind has but one */
	json_t *base;	  /* as the switch has it */
	json_int_t rev;	  /* when it had it */
	char *note;	  /* what was wrong, NULL: nothing yet */
};

static void note_set(struct edit *edit, char *text)
{
	free(edit->note);
	edit->note = text;
}

/*
 * One request on a connection of its own, since an editor may be open for hours. STATUS_DONE with the
 * result, else the note is set; *code: that of a refusal.
 */
static int edit_ask(
	struct edit *edit, const char *method, json_t *params, json_t **ret, json_int_t *code)
{
	const struct settings *settings = edit->settings;
	struct connection connection;
	json_t *hello = settings->owner != NULL ? owner_params(settings->owner) : NULL;
	json_t *answer = NULL;
	int asked = connection_open(&connection, settings->socket, settings->timeout_ms);

	*code = 0;
	if (asked < 0) {
		note_set(edit, alloc_strdup(connection.message));
		json_decref(hello);
		return STATUS_NO_CONNECTION;
	}
	if (hello != NULL) {
		asked = connection_call(&connection, "system.hello", hello, &answer);
		json_decref(hello);
	}
	if (asked == 0) {
		json_decref(answer);
		answer = NULL;
		asked = document_call(&connection, method, params, &answer);
	}
	connection_close(&connection);
	if (asked == 0) {
		*ret = answer;
		return STATUS_DONE;
	}
	note_set(edit, asked < 0 ? alloc_strdup(connection.message) : refusal_text(answer));
	*code = json_integer_value(json_object_get(answer, "code"));
	json_decref(answer);
	return asked < 0 ? STATUS_NO_CONNECTION : STATUS_REFUSED;
}

/* What the switch has now. */
static int base_fetch(struct edit *edit)
{
	const char *owner = edit->settings->owner != NULL ? edit->settings->owner : DEFAULT_OWNER;
	char *method =
		edit->kind != NULL ? alloc_printf("%s.get", edit->kind) : alloc_strdup("state.get");
	json_t *params = edit->kind == NULL ? json_pack("{s:s}", "owner", owner)
					    : json_pack("{s:s*}", "id", edit->id);
	json_t *result = NULL;
	json_int_t code;
	int status = edit_ask(edit, method, params, &result, &code);

	if (status == STATUS_DONE) {
		json_decref(edit->base);
		edit->base = json_incref(
			json_object_get(result, edit->kind != NULL ? edit->kind : "objects"));
		edit->rev = json_integer_value(json_object_get(result, "rev"));
	}
	json_decref(result);
	json_decref(params);
	free(method);
	return status;
}

static int apply_once(struct edit *edit, json_t *wish, json_t **ret, json_int_t *code)
{
	json_t *params;
	char *method;
	int status;

	if (edit->kind == NULL) {
		params = json_pack("{s:O, s:I}", "objects", wish, "if_rev", edit->rev);
		status = edit_ask(edit, "state.replace", params, ret, code);
		json_decref(params);
		return status;
	}
	method = alloc_printf("%s.%s", edit->kind, edit->id != NULL ? "upsert" : "set");
	params = json_pack("{s:[{s:s, s:O}], s:I}", "ops", "method", method, "params", wish,
		"if_rev", edit->rev);
	status = edit_ask(edit, "txn.apply", params, ret, code);
	json_decref(params);
	free(method);
	return status;
}

/* Say what somebody else has made of it. */
static void meanwhile_note(struct edit *edit)
{
	char *now = json_dumps(edit->base, JSON_INDENT(2));

	note_set(edit, alloc_printf("it was changed meanwhile; saved again, this replaces what it "
				    "is now:\n%s",
			       now != NULL ? now : ""));
	free(now);
}

/* Another revision is no matter as long as what was edited is still what it was. */
static int apply(struct edit *edit, json_t *wish, json_t **ret)
{
	const char *id = json_string_value(json_object_get(wish, "id"));

	if (edit->id != NULL && (id == NULL || strcmp(id, edit->id) != 0)) {
		note_set(edit, alloc_printf("/id: is to stay \"%s\"", edit->id));
		return STATUS_REFUSED;
	}
	for (int i = 0; i < STALE_TRIES; i++) {
		json_t *was;
		json_int_t code;
		int status = apply_once(edit, wish, ret, &code);
		bool same;

		if (status != STATUS_REFUSED || code != LEAT_STALE_REVISION)
			return status;
		was = json_incref(edit->base);
		status = base_fetch(edit);
		same = json_equal(was, edit->base);
		json_decref(was);
		if (status != STATUS_DONE)
			return status;
		if (!same) {
			meanwhile_note(edit);
			return STATUS_REFUSED;
		}
	}
	return STATUS_REFUSED;
}

/* The file: what was wrong, as comments, and the text. */
static char *page_of(const struct edit *edit, const char *text)
{
	char *page = NULL;
	size_t size;
	FILE *out = open_memstream(&page, &size);

	if (out == NULL)
		return NULL;
	fprintf(out,
		"# %s%s%s%s. Lines at the top that begin with # do not count;\n"
		"# saved without a change, or empty, nothing is done.\n",
		edit->kind != NULL ? edit->kind : "all objects", edit->id != NULL ? " " : "",
		edit->id != NULL ? edit->id : "", edit->kind == NULL ? " of the owner" : "");
	if (edit->note != NULL) {
		fputs("#\n# ", out);
		for (const char *c = edit->note; *c != '\0'; c++) {
			fputc(*c, out);
			if (*c == '\n')
				fputs("# ", out);
		}
		fputc('\n', out);
	}
	fputs(text, out);
	fclose(out);
	return page;
}

/* Take the comments at the top away, in place. */
static void comments_strip(char *page)
{
	char *from = page;

	while (*from == '#') {
		from += strcspn(from, "\n");
		from += *from == '\n';
	}
	memmove(page, from, strlen(from) + 1);
}

static int edited_apply(struct edit *edit, const char *text)
{
	json_error_t error;
	json_t *wish = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	json_t *result = NULL;
	int status;

	if (wish == NULL) {
		note_set(edit, alloc_printf("line %d of the JSON, column %d: %s", error.line,
				       error.column, error.text));
		return STATUS_USAGE;
	}
	status = apply(edit, wish, &result);
	json_decref(wish);
	if (status != STATUS_DONE)
		return status;
	if (edit->settings->json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		(edit->kind == NULL ? print_replace : print_txn)(result, &(struct printed){0});
	}
	json_decref(result);
	return STATUS_DONE;
}

/* Until it is applied, or comes back as it went. */
static int rounds(struct edit *edit)
{
	char *text = json_dumps(edit->base, JSON_INDENT(2));
	int status = STATUS_DONE;

	for (;;) {
		char *page = page_of(edit, text);
		char *edited = editor_run(page);

		free(page);
		if (edited == NULL) {
			status = STATUS_USAGE;
			break;
		}
		comments_strip(edited);
		if (edited[strspn(edited, " \t\n")] == '\0' || strcmp(edited, text) == 0) {
			free(edited);
			fputs("leatctl: nothing was changed\n", stderr);
			break;
		}
		free(text);
		text = edited;
		status = edited_apply(edit, text);
		if (status == STATUS_DONE)
			break;
		fprintf(stderr, "leatctl: %s\n", edit->note);
	}
	free(text);
	return status;
}

int edit_run(const struct settings *settings, char *const *words, size_t n)
{
	struct edit edit = {
		.settings = settings,
		.kind = n > 0 ? words[0] : NULL,
		.id = n > 1 ? words[1] : NULL,
	};
	int type = n > 0 ? object_type_find(words[0]) : OBJECT_GLOBAL;
	int status;

	if (type < 0)
		return usage_failed(
			"edit: the kind is to be one of the types of objects, as network");
	if (n > 2 || (n > 0 && (n == 1) != (type == OBJECT_GLOBAL)))
		return usage_failed("edit KIND ID, edit global, or edit alone");
	status = base_fetch(&edit);
	if (status == STATUS_DONE)
		status = rounds(&edit);
	else
		fprintf(stderr, "leatctl: %s\n", edit.note);
	json_decref(edit.base);
	free(edit.note);
	return status;
}
