/* SPDX-License-Identifier: BSD-3-Clause */
/* leatd: from the command line to a running switch, and back. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "ctrl/commit.h"
#include "ctrl/eal.h"
#include "ctrl/limits.h"
#include "ctrl/options.h"
#include "ctrl/rpc/events.h"
#include "ctrl/rpc/server.h"
#include "ctrl/store.h"
#include "ctrl/watchdog.h"
#include "dataplane/worker.h"
#include "lib/clock.h"
#include "lib/log.h"

#ifndef LEAT_MARCH
#error "the build defines LEAT_MARCH"
#endif

#define CONFIG_OWNER "config"
#define PROGRAM_NAME "leatd"

struct daemon {
	struct options options;
	struct rpc_context ctx;
	struct server *server;
	struct store *store; /* NULL with --no-state */
};

static void daemon_shutdown(void *arg)
{
	struct daemon *daemon = arg;

	server_stop(daemon->server);
}

static unsigned daemon_clients(void *arg)
{
	const struct daemon *daemon = arg;

	return server_clients(daemon->server);
}

static int daemon_idle(void *arg)
{
	struct daemon *daemon = arg;
	int retry_ms = commit_retry();

	watchdog_beat();
	ports_watch(&daemon->ctx);
	rules_watch(&daemon->ctx);
	return retry_ms >= 0 && retry_ms < PORT_WATCH_MS ? retry_ms : PORT_WATCH_MS;
}

static void error_log(const char *what, const struct error *err)
{
	log_error("%s%s%s%s", what, err->object, err->object[0] != '\0' ? ": " : "", err->message);
}

/* The document of --config, under an owner of its own; nothing of it, or all. */
static int config_apply(struct daemon *daemon, const char *path)
{
	struct session session = {.owner = NULL};
	struct failure failure = {0};
	json_error_t cause;
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &cause);
	json_t *result = NULL;

	if (document == NULL) {
		if (cause.line > 0)
			log_error("--config %s, line %d: %s", path, cause.line, cause.text);
		else
			log_error("--config: %s", cause.text); /* it names the file */
		return -1;
	}
	if (json_is_object(document))
		json_object_set_new(document, "owner", json_string(CONFIG_OWNER));
	result = rpc_call(&daemon->ctx, &session, "state.replace", document, &failure);
	if (result == NULL) {
		error_log("--config: ", &failure.error);
		if (failure.error.path[0] != '\0')
			log_error("--config %s: the fault is at %s", path, failure.error.path);
	}
	json_decref(document);
	json_decref(result);
	failure_fini(&failure);
	session_fini(&session);
	return result == NULL ? -1 : 0;
}

static void on_ready(void *arg)
{
	const struct daemon *daemon = arg;

	watchdog_start();
	sd_notify(0, "READY=1");
	log_info("ready: socket %s, %u workers, DPDK %s, built for %s", daemon->options.socket,
		worker_count(), eal_version(), LEAT_MARCH);
}

static void context_init(struct daemon *daemon)
{
	boot_id_make(daemon->ctx.boot_id);
	daemon->ctx.model = model_new();
	daemon->ctx.events = events_new(daemon->ctx.boot_id);
	model_observe(daemon->ctx.model, commit_note, &daemon->ctx);
	daemon->ctx.dpdk_version = eal_version();
	daemon->ctx.started_ns = monotonic_ns();
	daemon->ctx.daemon = daemon;
	daemon->ctx.shutdown = daemon_shutdown;
	daemon->ctx.clients = daemon_clients;
	daemon->ctx.dpdk_log_level = eal_log_level_set;
	daemon->ctx.idle = daemon_idle;
}

/* What the store holds, or nothing. An exit code. */
static int state_restore(struct daemon *daemon)
{
	static const char *const sources[] = {
		[STORE_EMPTY] = "empty",
		[STORE_SNAPSHOT] = "snapshot",
		[STORE_RECOVERED] = "recovered",
	};
	struct rpc_context *ctx = &daemon->ctx;
	struct store *store = daemon->store;
	struct error err = {0};

	ctx->config_source = sources[STORE_EMPTY];
	if (store == NULL)
		return EXIT_DONE;
	if (model_restore(ctx->model, store, &err) < 0) {
		error_log("", &err);
		return EXIT_BAD_CONFIG;
	}
	ctx->config_source = sources[store_source(store)];
	log_info("the state is kept in %s: revision %llu, start %llu", store_path(store),
		(unsigned long long)store_rev(store), (unsigned long long)store_boots(store));
	return EXIT_DONE;
}

/* Forward by the state; then the --config file. An exit code. */
static int state_publish(struct daemon *daemon)
{
	const char *config_file = daemon->options.config_file;
	struct rpc_context *ctx = &daemon->ctx;
	struct error err = {0};

	if (model_publish(ctx->model, &err) < 0) {
		error_log("cannot bring the state into the data plane: ", &err);
		return EXIT_START_FAILED;
	}
	if (config_file == NULL)
		return EXIT_DONE;
	if (config_apply(daemon, config_file) < 0)
		return EXIT_BAD_CONFIG;
	if (strcmp(ctx->config_source, "empty") == 0)
		ctx->config_source = "controller";
	return EXIT_DONE;
}

/* The workers run: bring the state in, and serve until told to end. */
static int serve(struct daemon *daemon)
{
	struct error err = {0};
	int code = state_publish(daemon);

	if (code != EXIT_DONE)
		return code;
	if (server_run(daemon->server, &daemon->ctx, on_ready, daemon, &err) < 0) {
		error_log("", &err);
		return EXIT_START_FAILED;
	}
	sd_notify(0, "STOPPING=1");
	return EXIT_DONE;
}

static int dataplane_run(struct daemon *daemon, const struct worker_options *workers)
{
	struct error err = {0};
	int code = EXIT_START_FAILED;

	if (eal_start(&daemon->options, workers, &err) < 0) {
		error_log("", &err);
		return EXIT_START_FAILED;
	}
	if (workers_start(workers, &err) < 0) {
		error_log("cannot start the workers: ", &err);
		eal_stop();
		return EXIT_START_FAILED;
	}
	if (commit_init(daemon->store != NULL, &err) < 0)
		error_log("cannot prepare the data plane: ", &err);
	else
		code = serve(daemon);
	workers_stop();
	commit_fini();
	eal_stop();
	return code;
}

/* First what takes no time and gives the containers their carrier back, then what takes some. */
static int switch_run(struct daemon *daemon)
{
	struct worker_options workers;
	struct error err = {0};
	int code;

	if (worker_options_make(&daemon->options, &workers, &err) < 0) {
		error_log("--workers: ", &err);
		return EXIT_BAD_USAGE;
	}
	context_init(daemon);
	code = state_restore(daemon);
	if (code == EXIT_DONE) {
		model_hold(daemon->ctx.model);
		code = dataplane_run(daemon, &workers);
		commit_hold_end();
	}
	model_free(daemon->ctx.model);
	events_free(daemon->ctx.events);
	return code;
}

/* Before anything that takes time: whether the state can be used at all. An exit code. */
static int state_open(struct daemon *daemon)
{
	struct store_options options = {daemon->options.state_dir, daemon->options.new_state};
	struct error err = {0};

	if (daemon->options.no_state)
		return EXIT_DONE;
	daemon->store = store_open(&options, &err);
	if (daemon->store != NULL)
		return EXIT_DONE;
	error_log("", &err);
	return err.code == LEAT_CONFLICT ? EXIT_ALREADY_RUNS : EXIT_BAD_CONFIG;
}

int main(int argc, char **argv)
{
	struct daemon daemon = {.server = NULL};
	struct server_options socket;
	struct error err = {0};
	sigset_t blocked;
	int code;

	if (!options_parse(argc, argv, &daemon.options, &code))
		return code;
	if (daemon.options.version) {
		puts(PROGRAM_NAME " " LEAT_RELEASE ", built for " LEAT_MARCH);
		return EXIT_DONE;
	}
	/* One name for ps and pgrep, though the launcher ran leatd-v3. */
	pthread_setname_np(pthread_self(), PROGRAM_NAME);
	log_level_set(daemon.options.log_level);
	/* Every thread made from here on leaves them to the control socket's. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* The hash seed, before there are threads that would race for it. */
	json_object_seed(0);
	socket = (struct server_options){daemon.options.socket, daemon.options.socket_group};
	daemon.server = server_new(&socket, &err);
	if (daemon.server == NULL) {
		error_log("", &err);
		if (err.code == LEAT_CONFLICT)
			return EXIT_ALREADY_RUNS;
		return err.code == LEAT_INVALID_PARAMS ? EXIT_BAD_USAGE : EXIT_START_FAILED;
	}
	code = state_open(&daemon);
	if (code == EXIT_DONE)
		code = switch_run(&daemon);
	store_close(daemon.store);
	server_free(daemon.server);
	return code;
}
