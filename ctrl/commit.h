/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the wanted state to the data plane: open what is new, build the next snapshot aside, publish
 * it, wait until every worker forwards by it, close what nobody uses any more.
 *
 * One thread, the executor, calls everything here.
 */
#ifndef LEAT_CTRL_COMMIT_H
#define LEAT_CTRL_COMMIT_H

#include <jansson.h>

#include "ctrl/config.h"
#include "lib/error.h"

struct stats_window;

#define COMMIT_DEADLINE_MS 5000 /* bound of the wait for the workers where the client names none */

/*
 * Prepare an empty data plane state and publish the empty snapshot. The workers run already.
 * keep_interfaces: TAPs outlive the daemon, however it ends, until their endpoint is deleted; one that an
 * earlier daemon left is taken up again, with the addresses and routes it has got since.
 */
int commit_init(bool keep_interfaces, struct error *err);

/* Drop the published state: ports closed, snapshot freed. After the workers have stopped. */
void commit_fini(void);

/*
 * Before commit_init(), which may take long: open the TAPs of `want` that an earlier daemon left, in a thread of its own, so that they have
 * their carrier; the commit that opens the ports takes them over. commit_hold_wait() before that one, and before `want`
 * goes; commit_hold_end() after it, or instead of it: those that it did not take are closed.
 */
void commit_hold_begin(const struct config *want);
void commit_hold_wait(void);
void commit_hold_end(void);

struct commit_options {
	unsigned deadline_ms; /* bound of the wait for the workers; 0: COMMIT_DEADLINE_MS */
	/* A port that cannot be opened leaves its owner in state "error"; the commit succeeds without it. */
	bool lenient;
	/*
	 * Called when nothing but the publishing is left to do, to make the change last; NULL: nothing is
	 * to be done. Where it fails with -1 and err, so does the commit, and nothing has changed.
	 */
	int (*seal)(void *arg, struct error *err);
	void *seal_arg;
};

/*
 * Make the data plane forward by `want`. On success (0) every worker does, and what the former
 * config alone used is gone; `want` must stay alive until the next successful call has returned.
 * On failure (-1) before publishing nothing has changed: ports opened on the way are closed again
 * and the former config stands. TIMEOUT: published, but a worker has not confirmed within
 * its bound; the new config stands and its predecessor is reclaimed later.
 * err->object names the object at fault, as "endpoint:web1".
 */
int commit_apply(
	const struct config *want, const struct commit_options *options, struct error *err);

/*
 * Try again to open what is in state "error" for want of its port, when its time has come. Returns the
 * milliseconds until the next attempt is due, -1: nothing is to be tried. Cheap where nothing is.
 */
int commit_retry(void);
/* Somebody has reason to think that it may be open now: its time has come. */
void commit_retry_soon(void);

struct port_status {
	const char *type; /* "endpoint" or "uplink" */
	const char *id;
	const char *state; /* "active", "pending" or "error" */
	const char *error; /* why it is the last; else NULL */
};
typedef void port_status_fn(const struct port_status *port, void *arg);

/* Every port of an endpoint or uplink; and those whose state is another than this call last gave. */
void commit_ports_each(port_status_fn *fn, void *arg);
void commit_port_changes(port_status_fn *fn, void *arg);

/* What is known of an object beyond its configuration; new references, never NULL. */
json_t *commit_endpoint_oper(const char *id); /* {state, port:{id,kind,name,socket,mtu,mac}} */
json_t *commit_uplink_oper(const char *id);   /* the same shape */

/* Of one with snooping {snooping: {ipv4, ipv6, groups, more, refused}}; it may be long. */
json_t *commit_network_oper(const char *id);

/*
 * From now on, for ms milliseconds, the workers time their stages. Any number of windows may be open: each has
 * its own begin and end. Freed by the caller, NULL is fine.
 */
struct stats_window *stats_window_open(unsigned ms);
void stats_window_free(struct stats_window *window);

/* The parts of stats.get; new references. ids: JSON array of strings, or NULL for all. */
json_t *stats_ports(json_t *ids);     /* endpoints and uplinks by id */
json_t *stats_endpoints(json_t *ids); /* endpoints alone, with their rates */
json_t *stats_uplinks(json_t *ids);   /* uplinks alone, with their capacity */
json_t *stats_rules(json_t *ids);
/* Array, by worker; with what each spent on its stages in the window, which may be NULL. */
json_t *stats_workers(const struct stats_window *window);
json_t *stats_drops(void); /* totals over all ports, gone ones included */
json_t *stats_gone(void);  /* sum over ports deleted since the start, port shape */

/* Parts of system.status: [{cpu, busy, ports}], and {hugepages, heap_total_bytes, ...}. */
json_t *status_workers(void);
json_t *status_memory(void);

/*
 * garp.send: {frames, copies} in *ret on success. -1: NOT_FOUND, DEVICE where the endpoint has no port,
 * TIMEOUT.
 */
int garp_run(const char *endpoint, json_t **ret, struct error *err);

/* policy.trace: params as the schema accepted them; result in *ret on success. */
int trace_run(json_t *params, json_t **ret, struct error *err);

#endif
