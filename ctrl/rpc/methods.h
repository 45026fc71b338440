/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods behind the transport: one function each, one file a noun. Executor thread only. */
#ifndef LEAT_CTRL_RPC_METHODS_H
#define LEAT_CTRL_RPC_METHODS_H

#include <jansson.h>
#include <stdint.h>

#include "ctrl/model.h"
#include "ctrl/rpc/jsonrpc.h"
#include "ctrl/schema.h"
#include "lib/log.h"

#define BOOT_ID_LEN 33 /* 32 hexadecimal digits and the NUL */

struct events;

/* What the methods work on; one a daemon, owned by its main(). */
struct rpc_context {
	struct model *model;
	struct events *events;
	char boot_id[BOOT_ID_LEN]; /* another one at each start */
	const char *dpdk_version;
	/* Where the state came from: "empty", "snapshot", "recovered"; "controller": --config */
	const char *config_source;
	uint64_t started_ns; /* monotonic_ns() */
	void *daemon;
	void (*shutdown)(void *daemon);	   /* end in good order, soon */
	unsigned (*clients)(void *daemon); /* connections now */
	void (*dpdk_log_level)(enum log_level level);
	/*
	 * Called by the executor before it waits for a request. Returns the milliseconds after which it
	 * is to be called again, -1: when there has been a request. NULL: nothing is to be done.
	 */
	int (*idle)(void *daemon);
};

void boot_id_make(char boot_id[static BOOT_ID_LEN]);

struct resync;
void resync_free(struct resync *resync); /* NULL is fine */

/* What lasts as long as a connection. */
struct session {
	char *owner;		     /* named in system.hello, else NULL */
	struct resync *resync;	     /* under way, else NULL */
	struct stats_window *window; /* of a stats.get that is not answered yet, else NULL */
	/*
	 * Set by a method that returns NULL and no failure: the same call is to be made again at this time
	 * (monotonic_ns()), and the connection's next ones after it. 0: it has done all.
	 */
	uint64_t again_ns;
};
const char *session_owner(const struct session *session);
void session_fini(struct session *session);

/* One call; params are decoded. Returns the result, or NULL with the failure filled in. */
struct call {
	struct rpc_context *ctx;
	struct session *session;
	const struct method *method;
	json_t *params;
};
typedef json_t *method_fn(const struct call *call, struct failure *failure);

/* Look the method up, decode its params (NULL: none given), run it. Result or NULL and failure; or
 * NULL alone, see session.again_ns. */
json_t *rpc_call(struct rpc_context *ctx, struct session *session, const char *name,
	json_t *raw_params, struct failure *failure);

method_fn system_hello, system_ping, system_methods, system_schema, system_status, system_shutdown,
	log_set;
method_fn object_upsert, object_delete, object_list, object_get, global_get;
method_fn txn_apply;
method_fn state_get, state_replace, endpoint_retain;
method_fn resync_begin, resync_put, resync_commit, resync_abort;
method_fn stats_get;
method_fn policy_trace;
method_fn garp_send;
method_fn events_subscribe_method, events_unsubscribe_method;

/* Make events of commits: a model_commit_fn, with the rpc_context; of ports; and of what rules log. */
model_commit_fn commit_note;
void ports_watch(struct rpc_context *ctx);
void rules_watch(struct rpc_context *ctx);

/* Is the state at the revision `if_rev` (NULL: any)? -1: no, with STALE_REVISION. */
int rev_check(const struct call *call, json_t *if_rev, struct error *err);

/* {changed, rev, pending[], ...}: what an upsert or delete gives back; after the commit. */
json_t *change_result(
	const struct call *call, struct txn *txn, const struct txn_change *change, bool dry_run);
/* An object's oper part, NULL: it has none. */
json_t *object_oper(const struct model *model, const struct object *object);

#endif
