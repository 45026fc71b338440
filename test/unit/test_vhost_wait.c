/* SPDX-License-Identifier: BSD-3-Clause */
/* Kicks and calls of a vhost-user port: who wakes whom, and that nobody waits for a guest. */
#include "test/unit/vhost_guest.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/port/call.h"

static bool called(void)
{
	eventfd_t n = 0;

	vhost_ring_notify(&guest.ring);
	return eventfd_read(guest.ring.callfd, &n) == 0 && n != 0;
}

static void test_calls(void **state)
{
	struct frame f = {.head = pattern, .len = 60, .head_len = 60};
	struct tx_item items[4] = {{&f, 0}, {&f, 0}, {&f, 0}, {&f, 0}};
	int fd = eventfd(0, EFD_NONBLOCK);

	(void)state;
	start(12, 65533);
	guest.ring.callfd = fd;
	guest_buffers(&guest, 8, 512);
	vhost_ring_transmit(&guest.ring, items, 1, &stats);
	assert_true(called());
	guest.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	vhost_ring_transmit(&guest.ring, items, 1, &stats);
	assert_false(called());

	start(12, 65533);
	guest.ring.callfd = fd;
	guest.ring.event_idx = true;
	guest.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT; /* of no account then */
	guest_buffers(&guest, 8, 512);
	guest.ring.avail->ring[RING] = 65535; /* call when entry 65535 is used */
	vhost_ring_transmit(&guest.ring, items, 2, &stats);
	assert_false(called());
	vhost_ring_transmit(&guest.ring, items, 2, &stats);
	assert_true(called());
	vhost_ring_transmit(&guest.ring, items, 2, &stats);
	assert_false(called());
	close(fd);
}

/* More calls than a context has room for results. */
static void test_calls_are_counted(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(port_call(fd), 0);
	assert_int_equal(eventfd_read(fd, &n), 0);
	assert_int_equal(n, 10000);
	close(fd);
}

/* alarm() ends the test if it blocks. */
static void test_calls_never_block(void **state)
{
	int full = eventfd(0, 0), ends[2];

	(void)state;
	alarm(20);
	assert_int_equal(eventfd_write(full, UINT64_MAX - 1), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(port_call(full), 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(port_call(ends[1]), -EINVAL);
	assert_int_equal(port_call(-1), -EBADF);
	alarm(0);
	close(full);
	close(ends[0]);
	close(ends[1]);
}

static void test_kicks(void **state)
{
	(void)state;
	start(12, 65535);
	assert_false(vhost_ring_kicks(&guest.ring, false));
	assert_int_equal(guest.ring.used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(vhost_ring_kicks(&guest.ring, true));
	assert_int_equal(guest.ring.used->flags, 0);
	guest_offer(&guest, 0);
	assert_true(vhost_ring_kicks(&guest.ring, true));

	start(12, 4711);
	guest.ring.event_idx = true;
	assert_false(vhost_ring_kicks(&guest.ring, true));
	assert_int_equal(vhost_read16(&guest.ring.used->ring[RING]), 4711);
	guest_offer(&guest, 0);
	assert_true(vhost_ring_kicks(&guest.ring, true));
}

static void test_wait(void **state)
{
	struct port *port = &guest.port.port;
	uint32_t faulted = 0;
	struct vhost_live live = {.faulted = &faulted, .rx = {&guest.ring}};
	int fd = eventfd(0, 0); /* one that would block */
	eventfd_t n = 0;

	(void)state;
	start(12, 0);
	guest.port.live = &live;
	assert_int_equal(vhost_wait_begin(port, 0), PORT_WAIT_POLL); /* a guest that cannot kick */
	guest.ring.kickfd = fd;
	assert_int_equal(vhost_wait_begin(port, 0), PORT_WAIT_FD);
	assert_int_equal(vhost_wait_fd(port, 0), fd);
	assert_int_equal(guest.ring.used->flags, 0);
	eventfd_write(fd, 1);
	vhost_wait_end(port, 0);
	assert_int_equal(guest.ring.used->flags, VRING_USED_F_NO_NOTIFY);
	eventfd_write(fd, 1); /* a late kick does not end the next wait */
	assert_int_equal(vhost_wait_begin(port, 0), PORT_WAIT_FD);
	eventfd_write(fd, 5);
	eventfd_read(fd, &n);
	assert_int_equal(n, 5);
	guest_offer(&guest, 0);
	assert_int_equal(vhost_wait_begin(port, 0), PORT_WAIT_WORK);
	assert_int_equal(guest.ring.used->flags, VRING_USED_F_NO_NOTIFY);
	close(fd);
}

static eventfd_t calls_of(int fd)
{
	eventfd_t n = 0;

	return eventfd_read(fd, &n) == 0 ? n : 0;
}

/*
 * The peer is withdrawn, or comes back with its ring made anew, between what it was given and the end of the
 * round: it is told of what lies in the former ring, too.
 */
static void test_ring_replaced_within_a_round(void **state)
{
	struct frame f = {.head = pattern, .len = 60, .head_len = 60};
	struct tx_item item = {&f, 0};
	struct port *port = &guest.port.port;
	uint32_t faulted = 0;
	struct vhost_live former = {.faulted = &faulted, .tx = {&guest.ring}};
	struct vhost_ring anew;
	struct vhost_live later = {.faulted = &faulted, .tx = {&anew}};
	int fd = eventfd(0, EFD_NONBLOCK);
	int fd_anew = eventfd(0, EFD_NONBLOCK);

	(void)state;
	start(12, 0);
	guest.ring.callfd = fd;
	guest_buffers(&guest, 8, 512);
	guest.port.live = &former;
	vhost_transmit(port, 0, &item, 1, &stats);
	guest.port.live = NULL;
	vhost_notify_tx(port, 0);
	assert_int_equal(calls_of(fd), 1);

	guest.port.live = &former;
	vhost_transmit(port, 0, &item, 1, &stats);
	anew = guest.ring;
	anew.callfd = fd_anew;
	anew.called = anew.last_used;
	guest.port.live = &later;
	vhost_transmit(port, 0, &item, 1, &stats);
	vhost_notify_tx(port, 0);
	assert_int_equal(calls_of(fd), 1);
	assert_int_equal(calls_of(fd_anew), 1);
	/* Of nothing new nobody is told, nor is a ring looked at that may be gone by now. */
	vhost_notify_tx(port, 0);
	assert_int_equal(calls_of(fd), 0);
	assert_int_equal(calls_of(fd_anew), 0);
	assert_int_equal(stats.tx_packets, 3);
	close(fd);
	close(fd_anew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_calls_are_counted),
		cmocka_unit_test(test_calls_never_block),
		cmocka_unit_test(test_kicks),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_ring_replaced_within_a_round),
	};

	return port_calls_init(1, NULL) != 0 || cmocka_run_group_tests(tests, setup, teardown);
}
