/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/rpc/server_internal.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000L
#define NS_PER_S 1000000000L

static void list_init(struct request_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

void request_list_append(struct request_list *list, struct request *request)
{
	request->next = NULL;
	*list->last = request;
	list->last = &request->next;
}

struct request *request_list_take(struct request_list *list)
{
	struct request *request = list->first;

	if (request == NULL)
		return NULL;
	list->first = request->next;
	if (list->first == NULL)
		list->last = &list->first;
	return request;
}

void request_list_move(struct request_list *to, struct request_list *from)
{
	list_init(to);
	if (from->first != NULL)
		*to = (struct request_list){from->first, from->last};
	list_init(from);
}

int queue_init(struct queue *queue)
{
	pthread_condattr_t clock;

	queue->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (queue->wake_fd < 0)
		return -errno;
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->filled, &clock);
	pthread_condattr_destroy(&clock);
	list_init(&queue->todo);
	list_init(&queue->done);
	queue->stopping = false;
	queue->ended = false;
	return 0;
}

static void list_free(struct request_list *list)
{
	struct request *request;

	while ((request = request_list_take(list)) != NULL)
		request_free(request);
}

void queue_fini(struct queue *queue)
{
	list_free(&queue->todo);
	list_free(&queue->done);
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
	close(queue->wake_fd);
}

void queue_push(struct queue *queue, struct request *request)
{
	pthread_mutex_lock(&queue->mutex);
	request_list_append(&queue->todo, request);
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
}

static struct timespec deadline_in(int wait_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += wait_ms / MS_PER_S;
	ts.tv_nsec += (long)(wait_ms % MS_PER_S) * NS_PER_MS;
	if (ts.tv_nsec >= NS_PER_S) {
		ts.tv_nsec -= NS_PER_S;
		ts.tv_sec++;
	}
	return ts;
}

struct request *queue_pop(struct queue *queue, int wait_ms, bool *stopping)
{
	struct timespec deadline = deadline_in(wait_ms < 0 ? 0 : wait_ms);
	struct request *request;
	int rc = 0;

	pthread_mutex_lock(&queue->mutex);
	while (queue->todo.first == NULL && !queue->stopping && rc != ETIMEDOUT) {
		if (wait_ms < 0)
			rc = pthread_cond_wait(&queue->filled, &queue->mutex);
		else
			rc = pthread_cond_timedwait(&queue->filled, &queue->mutex, &deadline);
	}
	*stopping = queue->stopping;
	request = request_list_take(&queue->todo);
	pthread_mutex_unlock(&queue->mutex);
	return request;
}

static void wake(const struct queue *queue)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so the other side is awake already. */
	while (write(queue->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void queue_finish(struct queue *queue, struct request *request)
{
	pthread_mutex_lock(&queue->mutex);
	request_list_append(&queue->done, request);
	pthread_mutex_unlock(&queue->mutex);
	wake(queue);
}

void queue_end(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->ended = true;
	pthread_mutex_unlock(&queue->mutex);
	wake(queue);
}

struct request *queue_collect(struct queue *queue, bool *ended)
{
	struct request *first;
	uint64_t count;

	while (read(queue->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&queue->mutex);
	first = queue->done.first;
	list_init(&queue->done);
	*ended = queue->ended;
	pthread_mutex_unlock(&queue->mutex);
	return first;
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->stopping = true;
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
}

void request_free(struct request *request)
{
	free(request->line);
	free(request->reply);
	message_fini(&request->message);
	free(request);
}
