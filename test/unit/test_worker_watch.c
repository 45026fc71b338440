/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's look at ports whose frames cost a system call, also where the kernel refuses to help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/worker_private.h"
#include "test/unit/eal_up.h"

static int port_fd;

static int wait_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return port_fd;
}

static const struct port_ops ops = {.kind = "test", .wait_fd = wait_fd};
static struct port port = {.ops = &ops, .rx_syscall = true};
static struct poll_slot slot;
static struct worker w;

static int setup(void **state)
{
	(void)state;
	slot = (struct poll_slot){.port = &port, .rx_syscall = true};
	w = (struct worker){.slots = &slot,
		.n_slots = 1,
		.epoll_fd = -1,
		.rearm = true,
		.has_syscall_ports = true,
		.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	return w.wake_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(w.wake_fd);
	if (w.epoll_fd >= 0)
		close(w.epoll_fd);
	return 0;
}

static bool looks_worth_it(void)
{
	slot.hot = false;
	worker_look(&w);
	return slot.hot;
}

static void test_ready_alone_is_hot(void **state)
{
	(void)state;
	port_fd = eventfd(0, EFD_NONBLOCK);
	assert_false(looks_worth_it());
	eventfd_write(port_fd, 1);
	assert_true(looks_worth_it());
	close(port_fd);
}

/* epoll knows no ordinary files: as little as one beyond what a user may watch. */
static void test_refused_is_polled(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	port_fd = fileno(file);
	assert_true(looks_worth_it());
	assert_true(looks_worth_it());
	assert_int_equal(worker_watch_all(&w), 0);
	assert_true(slot.must_poll);
	assert_false(w.syscall_ports_busy);
	assert_true(looks_worth_it());
	fclose(file);
}

/* No descriptor is left: ports are polled until one is. */
static void test_no_descriptors(void **state)
{
	struct rlimit few, many;

	(void)state;
	port_fd = eventfd(0, EFD_NONBLOCK);
	assert_false(looks_worth_it());
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &many), 0);
	few = (struct rlimit){.rlim_cur = 0, .rlim_max = many.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	w.rearm = true;
	assert_true(looks_worth_it());
	assert_true(looks_worth_it());
	assert_int_not_equal(worker_watch_all(&w), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
	assert_int_equal(worker_watch_all(&w), 0);
	assert_false(looks_worth_it());
	eventfd_write(port_fd, 1);
	assert_true(looks_worth_it());
	close(port_fd);
}

#define FRAMES 16 /* in so many looks after one another are enough for anybody to be busy */

/* Who has frames look after look is not watched any more, and the worker knows that; silence ends it. */
static void test_busy_is_not_watched(void **state)
{
	uint64_t now = 0;

	(void)state;
	port_fd = eventfd(0, EFD_NONBLOCK);
	assert_false(looks_worth_it());
	for (unsigned i = 0; i < FRAMES; i++)
		worker_looked(&w, &slot, true, ++now);
	assert_true(looks_worth_it());
	assert_true(w.syscall_ports_busy);
	worker_looked(&w, &slot, false, now + us_to_tsc(1000000));
	assert_false(looks_worth_it());
	assert_false(w.syscall_ports_busy);
	close(port_fd);
}

/* When the next look after one at `now` is due, in us from then. */
static uint64_t look_waits(bool found, bool busy, uint64_t now)
{
	worker_look_next(&w, found, busy, now);
	return (w.next_look_tsc - now) / us_to_tsc(1);
}

/* Looks of a busy worker become rare when nothing comes, and not before an answer to what came had its time. */
static void test_looks_become_rare(void **state)
{
	const uint64_t begin = us_to_tsc(1000000);
	uint64_t often, waits, before;

	(void)state;
	often = look_waits(true, true, begin);
	for (uint64_t us = 0; us < 100; us += often)
		assert_int_equal(look_waits(false, true, begin + us_to_tsc(us)), often);
	waits = often;
	for (uint64_t us = 10000; us < 11000; us += waits) {
		before = waits;
		waits = look_waits(false, true, begin + us_to_tsc(us));
		assert_true(waits >= before && waits <= 2 * before);
	}
	assert_true(waits > 10 * often);
	assert_int_equal(look_waits(false, true, begin + us_to_tsc(20000)), waits);
	assert_int_equal(look_waits(false, false, begin + us_to_tsc(20000)), often);
	look_waits(false, true, begin + us_to_tsc(20000));
	assert_int_equal(look_waits(true, true, begin + us_to_tsc(20000)), often);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready_alone_is_hot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_is_polled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_is_not_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_looks_become_rare, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal_up, eal_down);
}
