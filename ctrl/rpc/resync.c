/* SPDX-License-Identifier: BSD-3-Clause */
/* resync.*: a state.replace whose objects come in several messages. One a connection, gone with it. */
#include <stdlib.h>

#include "ctrl/rpc/document.h"
#include "lib/alloc.h"

struct resync {
	struct document *document;
	json_t *params; /* of resync.begin */
	char *owner;	/* whose objects, as it was then */
};

void resync_free(struct resync *resync)
{
	if (resync == NULL)
		return;
	document_free(resync->document);
	json_decref(resync->params);
	free(resync->owner);
	free(resync);
}

static void resync_end(struct session *session)
{
	resync_free(session->resync);
	session->resync = NULL;
}

json_t *resync_begin(const struct call *call, struct failure *failure)
{
	struct resync *resync;

	if (call->session->resync != NULL) {
		error_set(&failure->error, LEAT_CONFLICT,
			"this connection is in a resync already; resync.commit or resync.abort "
			"ends it");
		return NULL;
	}
	resync = alloc_zero(1, sizeof(*resync));
	resync->document = document_new();
	resync->params = json_incref(call->params);
	resync->owner = alloc_strdup(call_owner(call));
	call->session->resync = resync;
	return json_pack("{s:I}", "rev", (json_int_t)model_rev(call->ctx->model));
}

static struct resync *resync_of(const struct call *call, struct error *err)
{
	if (call->session->resync == NULL)
		error_set(err, LEAT_NOT_FOUND,
			"this connection is in no resync; resync.begin begins one");
	return call->session->resync;
}

json_t *resync_put(const struct call *call, struct failure *failure)
{
	struct resync *resync = resync_of(call, &failure->error);

	if (resync == NULL ||
		document_add(resync->document, json_object_get(call->params, "objects"),
			json_object_get(resync->params, "scope"), &failure->error) < 0)
		return NULL;
	return json_pack("{s:I}", "objects", (json_int_t)document_size(resync->document));
}

/* Refused or not, it is over: what is right of it can be put again, what is not need not be kept. */
json_t *resync_commit(const struct call *call, struct failure *failure)
{
	struct resync *resync = resync_of(call, &failure->error);
	struct replacement wish;
	struct call begin = *call;
	json_t *result;

	if (resync == NULL)
		return NULL;
	begin.params = resync->params;
	replacement_of(&begin, &wish);
	wish.owner = resync->owner;
	result = replace_run(call, &wish, resync->document, failure);
	resync_end(call->session);
	return result;
}

json_t *resync_abort(const struct call *call, struct failure *failure)
{
	if (resync_of(call, &failure->error) == NULL)
		return NULL;
	resync_end(call->session);
	return json_object();
}
