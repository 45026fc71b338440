/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/rpc/{server,executor,postpone,listen,client,queue}.c alone. */
#ifndef LEAT_CTRL_RPC_SERVER_INTERNAL_H
#define LEAT_CTRL_RPC_SERVER_INTERNAL_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "ctrl/rpc/jsonrpc.h"
#include "ctrl/rpc/server.h"

/* One line on its way through the executor and back. */
struct request {
	struct client *client;	 /* io thread */
	struct session *session; /* the client's; executor while it holds the request */
	char *line;		 /* not parsed yet, or NULL */
	size_t length;		 /* of the line as it came */
	struct message message;	 /* where line is NULL and reply is NULL */
	char *reply; /* the answer: from the executor, or from the io thread where it was
		      * found wrong before; NULL: none is sent */
	size_t reply_length;
	bool notification; /* an event: it answers nothing, and was never counted */
	bool goodbye;	   /* the connection is over: the executor is to forget its session */
	struct request *next;
};

struct request_list {
	struct request *first;
	struct request **last;
};

/* Hand-over between the two threads: whoever holds the mutex reads and writes both lists. */
struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct request_list todo; /* io to executor */
	struct request_list done; /* executor to io */
	bool stopping;		  /* the executor is to end */
	bool ended;		  /* it has: the io thread is to end */
	int wake_fd;		  /* eventfd, written by the executor for each addition to done */
};

/* A connection; io thread. It lives until its last request is back. */
struct client {
	struct server *server;
	struct bufferevent *bev; /* NULL: gone */
	struct session session;	 /* executor */
	unsigned outstanding;	 /* requests with the executor */
	size_t outstanding_bytes;
	size_t scanned; /* bytes of input known to hold no newline */
	bool skipping;	/* in the rest of a line that is too long */
	bool eof;	/* has nothing more to send */
	bool leaving;	/* the executor has been told that it is over */
	struct client *prev, *next;
};

struct postponed;

struct server {
	int lock_fd;
	int listen_fd;
	char *path;
	gid_t group; /* (gid_t)-1: none */
	struct rpc_context *ctx;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *wake_event;
	struct event *listen_again; /* timer after a lack of descriptors */
	struct event *flush_limit;  /* timer of the end */
	struct event *signals[2];
	struct client *clients;
	_Atomic unsigned n_clients; /* written by io, read by system.status; relaxed */
	struct queue queue;
	struct postponed *postponed; /* executor */
	pthread_t thread;
	bool ending; /* io: flush and leave */
};

/* listen.c: the socket's file, its lock, who may connect. */
int listen_open(struct server *server, const struct server_options *options, struct error *err);
void listen_close(struct server *server);
bool peer_allowed(const struct server *server, int fd);

/* client.c */
void client_new(struct server *server, int fd);
void client_refuse(int fd, enum leat_error_code code, const char *text);
/* A request is back: send its reply, take the next ones. Frees the request. */
void client_reply(struct client *client, struct request *request);
void client_drop(struct client *client);
/* No more requests are read; what is to be sent is. True: nothing is left to send. */
bool client_flush(struct client *client);

/* queue.c */
int queue_init(struct queue *queue);
void queue_fini(struct queue *queue);
void queue_push(struct queue *queue, struct request *request);
/*
 * Executor: the next request; NULL once stopping and empty, or when there was none for wait_ms, -1: as
 * long as it takes.
 */
struct request *queue_pop(struct queue *queue, int wait_ms, bool *stopping);
void queue_finish(struct queue *queue, struct request *request);
/* io: all that is done, and whether the executor has ended. */
struct request *queue_collect(struct queue *queue, bool *ended);
/* Executor: it has ended. */
void queue_end(struct queue *queue);
void queue_stop(struct queue *queue);
void request_free(struct request *request);

/* Requests one behind the other; whoever has the list. take: NULL where there is none. */
void request_list_append(struct request_list *list, struct request *request);
struct request *request_list_take(struct request_list *list);
/* All of them, to a list that need not be one yet; `from` is empty then. */
void request_list_move(struct request_list *to, struct request_list *from);

/* executor.c: run requests until the queue is stopped and empty. */
void executor_run(struct server *server);

/* postpone.c: the first of a connection's requests is called again when its session says, the others wait. */
void postpone(struct postponed **list, struct request_list *requests);
/* Behind what its connection waits for; false: that waits for nothing. */
bool postponed_append(struct postponed *list, struct request *request);
/* Take the requests of a connection whose time has come, or of any; false: there is none. */
bool postponed_due(struct postponed **list, bool all, struct request_list *ret);
/* Milliseconds until the next one is due, or wait_ms where that is less; -1: as long as it takes. */
int postponed_wait_ms(const struct postponed *list, int wait_ms);

/* server.c: fill request->reply of request->message. */
void request_fail(struct request *request, json_t *id, const struct error *error);

#endif
