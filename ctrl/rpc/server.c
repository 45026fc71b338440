/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rpc/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ctrl/limits.h"
#include "ctrl/rpc/server_internal.h"
#include "lib/alloc.h"
#include "lib/log.h"

#define LISTEN_BACKLOG 128
#define FLUSH_LIMIT_MS 1000 /* for replies still to be sent at the end */
#define FLUSH_LOOK_MS 10    /* how often it is looked whether they are */
#define LISTEN_AGAIN_MS 200 /* after a lack of descriptors */

void request_fail(struct request *request, json_t *id, const struct error *error)
{
	struct failure failure = {.error = *error};

	request->reply = reply_failure(id, &failure, &request->reply_length);
}

static struct timeval ms(unsigned value)
{
	return (struct timeval){value / 1000, (value % 1000) * 1000};
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	bool ended;
	struct request *request = queue_collect(&server->queue, &ended);

	(void)fd;
	(void)what;
	while (request != NULL) {
		struct request *next = request->next;

		client_reply(request->client, request);
		request = next;
	}
	if (ended && !server->ending)
		event_base_loopbreak(server->base);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("ending: %s", strsignal(number));
	server_stop(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int length, void *arg)
{
	struct server *server = arg;

	(void)listener;
	(void)address;
	(void)length;
	if (!peer_allowed(server, fd))
		client_refuse(fd, LEAT_NOT_OWNER,
			"only root, the daemon's user and the socket's group may connect");
	else if (server_clients(server) >= LIMIT_CLIENTS)
		client_refuse(fd, LEAT_BUSY, "too many clients are connected");
	else
		client_new(server, fd);
}

/* accept(2) failed, as for lack of descriptors: do not spin on it. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct server *server = arg;
	struct timeval pause = ms(LISTEN_AGAIN_MS);

	log_warning("cannot accept a client: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(server->listen_again, &pause);
}

static void on_listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	if (!server->ending && server->listener != NULL)
		evconnlistener_enable(server->listener);
}

static int loop_events_make(struct server *server)
{
	struct event_base *base = server->base;
	static const int numbers[] = {SIGTERM, SIGINT};

	server->listener = evconnlistener_new(
		base, on_accept, server, LEV_OPT_CLOSE_ON_EXEC, LISTEN_BACKLOG, server->listen_fd);
	server->wake_event =
		event_new(base, server->queue.wake_fd, EV_READ | EV_PERSIST, on_done, server);
	server->listen_again = event_new(base, -1, 0, on_listen_again, server);
	if (server->listener == NULL || server->wake_event == NULL || server->listen_again == NULL)
		return -1;
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	event_add(server->wake_event, NULL);
	for (size_t i = 0; i < 2; i++) {
		server->signals[i] = evsignal_new(base, numbers[i], on_signal, server);
		if (server->signals[i] == NULL || event_add(server->signals[i], NULL) < 0)
			return -1;
	}
	return 0;
}

static void loop_events_free(struct server *server)
{
	if (server->listener != NULL)
		evconnlistener_free(server->listener);
	if (server->wake_event != NULL)
		event_free(server->wake_event);
	if (server->listen_again != NULL)
		event_free(server->listen_again);
	for (size_t i = 0; i < 2; i++) {
		if (server->signals[i] != NULL)
			event_free(server->signals[i]);
		server->signals[i] = NULL;
	}
	server->listener = NULL;
	server->wake_event = NULL;
	server->listen_again = NULL;
}

static bool all_flushed(struct server *server)
{
	bool flushed = true;

	for (struct client *c = server->clients; c != NULL; c = c->next)
		flushed &= client_flush(c);
	return flushed;
}

/* After the executor has ended: send what is left, then let everybody go. */
static void clients_end(struct server *server)
{
	struct timeval look = ms(FLUSH_LOOK_MS);

	server->ending = true;
	on_done(-1, 0, server);
	for (unsigned waited = 0; waited < FLUSH_LIMIT_MS && !all_flushed(server);
		waited += FLUSH_LOOK_MS) {
		event_base_loopexit(server->base, &look);
		event_base_dispatch(server->base);
	}
	while (server->clients != NULL)
		client_drop(server->clients);
	/* libevent closes the sockets in its loop alone. */
	event_base_loop(server->base, EVLOOP_NONBLOCK);
}

static void *io_thread(void *arg)
{
	struct server *server = arg;
	sigset_t own;

	sigemptyset(&own);
	sigaddset(&own, SIGTERM);
	sigaddset(&own, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &own, NULL);
	event_base_dispatch(server->base);
	return NULL;
}

struct server *server_new(const struct server_options *options, struct error *err)
{
	struct server *server = alloc_zero(1, sizeof(*server));
	int result;

	result = queue_init(&server->queue);
	if (result < 0) {
		error_device(err, -result, "cannot make an eventfd");
		free(server);
		return NULL;
	}
	if (listen_open(server, options, err) < 0) {
		server_free(server);
		return NULL;
	}
	server->base = event_base_new();
	if (server->base == NULL) {
		error_device(err, errno, "cannot make an event loop");
		server_free(server);
		return NULL;
	}
	return server;
}

int server_run(struct server *server, struct rpc_context *ctx, void (*ready)(void *arg), void *arg,
	struct error *err)
{
	int result;

	signal(SIGPIPE, SIG_IGN);
	server->ctx = ctx;
	if (listen(server->listen_fd, LISTEN_BACKLOG) < 0)
		return error_device(err, errno, "cannot listen on %s", server->path);
	if (loop_events_make(server) < 0) {
		loop_events_free(server);
		return error_device(err, errno, "cannot make the events of the control socket");
	}
	result = pthread_create(&server->thread, NULL, io_thread, server);
	if (result != 0) {
		loop_events_free(server);
		return error_device(err, result, "cannot start the thread of the control socket");
	}
	pthread_setname_np(server->thread, "leat-io");
	if (ready != NULL)
		ready(arg);
	executor_run(server);
	queue_end(&server->queue);
	pthread_join(server->thread, NULL);
	/* From here on this thread has the connections, and what they still queued. */
	executor_run(server);
	evconnlistener_disable(server->listener);
	clients_end(server);
	loop_events_free(server);
	return 0;
}

void server_stop(struct server *server)
{
	queue_stop(&server->queue);
}

unsigned server_clients(const struct server *server)
{
	return atomic_load_explicit(&server->n_clients, memory_order_relaxed);
}

void server_free(struct server *server)
{
	if (server->base != NULL)
		event_base_free(server->base);
	listen_close(server);
	queue_fini(&server->queue);
	free(server);
}
