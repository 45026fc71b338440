/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closing ports. The kernel takes some 20 ms to let one TAP go, most of them waiting for a grace period
 * of its own, which several wait for together when they are closed at once.
 */
#include <pthread.h>
#include <string.h>

#include "ctrl/commit_state.h"
#include "lib/clock.h"

#define CLOSE_THREADS 16

/*
 * A worker that looks at an fd for readiness while it is closed drops the last reference to it, a moment
 * after close() has returned; so long does the interface's name stay taken.
 */
#define LINGER_NS 1000000000ULL

static uint64_t last_tap_ns; /* when the last TAP was closed, monotonic */

bool ports_may_linger(void)
{
	return last_tap_ns != 0 && monotonic_ns() - last_tap_ns < LINGER_NS;
}

/* The TAPs to close; next: index of the first that no thread has taken, atomic. */
struct closing {
	struct port **ports;
	size_t n;
	size_t next;
};

/* Closing a TAP touches nothing but that TAP; of other kinds it would be too much to ask. */
static bool closes_alone(const struct port *port)
{
	return strcmp(port->ops->kind, "tap") == 0;
}

static void *close_taps(void *arg)
{
	struct closing *c = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->n)
		port_close(c->ports[i]);
	return NULL;
}

void ports_close(struct port **ports, size_t n)
{
	struct closing c = {.ports = ports};
	pthread_t threads[CLOSE_THREADS];
	size_t n_threads = 0;

	for (size_t i = 0; i < n; i++)
		if (closes_alone(ports[i]))
			ports[c.n++] = ports[i];
		else
			port_close(ports[i]);
	while (n_threads + 1 < c.n && n_threads < CLOSE_THREADS &&
		pthread_create(&threads[n_threads], NULL, close_taps, &c) == 0)
		n_threads++;
	close_taps(&c);
	while (n_threads > 0)
		pthread_join(threads[--n_threads], NULL);
	if (c.n > 0)
		last_tap_ns = monotonic_ns();
}
