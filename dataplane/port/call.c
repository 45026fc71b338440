/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer shares the open file description of its call eventfd with us, so it can clear O_NONBLOCK
 * and fill the counter at any moment: whoever then writes waits for the peer's pleasure, and no look
 * beforehand rules that out. eventfd's write knows no RWF_NOWAIT. But the kernel's own way to signal
 * one never waits, and asynchronous I/O takes it at a request's end (IOCB_FLAG_RESFD, io_submit(2)).
 * So a call is a read of nothing from /dev/null, which ends within io_submit(), and one system call as
 * a write would be. What is no eventfd the kernel refuses.
 *
 * The results gather in a ring of the context and are thrown away when it is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "dataplane/port.h"
#include "dataplane/port/call.h"

#define RESULTS_MAX 64 /* a context asks for room for so many; the kernel gives more */
#define TRIES_MAX 16   /* another thread may take the room that was made */

static aio_context_t contexts[WORKERS_MAX];
static unsigned n_contexts; /* written by the control side before any ring is there */
static int null_fd = -1;
static unsigned n_callers; /* threads that have made a call; atomic */

int port_calls_init(unsigned threads, struct error *err)
{
	if (null_fd < 0)
		null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0)
		return error_device(err, errno, "/dev/null");
	while (n_contexts < RTE_MIN(threads, (unsigned)WORKERS_MAX)) {
		if (syscall(SYS_io_setup, RESULTS_MAX, &contexts[n_contexts]) != 0)
			return error_device(err, errno,
				"no asynchronous I/O, by which peers are called; is fs.aio-max-nr "
				"too low?");
		n_contexts++;
	}
	return 0;
}

/* Each thread has a context of its own, or shares one where there are more, which costs time alone. */
static aio_context_t context_mine(void)
{
	static __thread int mine = -1;

	if (unlikely(mine < 0))
		mine = (int)(__atomic_fetch_add(&n_callers, 1, __ATOMIC_RELAXED) % n_contexts);
	return contexts[mine];
}

static void results_drop(aio_context_t context)
{
	struct io_event events[RESULTS_MAX];
	struct timespec now = {0, 0};

	while (syscall(SYS_io_getevents, context, 0L, (long)RESULTS_MAX, events, &now) ==
		RESULTS_MAX)
		;
}

int port_call(int fd)
{
	aio_context_t context = context_mine();
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)null_fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *requests = &request;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		if (likely(syscall(SYS_io_submit, context, 1L, &requests) == 1))
			return 0;
		if (errno != EAGAIN)
			break;
		results_drop(context);
	}
	return -errno;
}

void port_call_drain(int fd)
{
	uint64_t count;
	struct iovec iov = {&count, sizeof(count)};

	while (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == EINTR)
		;
}

bool port_is_eventfd(int fd)
{
	char path[32], target[32];
	ssize_t n;

	if (fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, "anon_inode:[eventfd]") == 0;
}
