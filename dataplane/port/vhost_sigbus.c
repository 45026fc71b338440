/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory that goes away.
 *
 * A peer may shrink the file it has shared; the next access here is then a SIGBUS. The handler puts
 * zeros in the place of the whole region, so that the access goes on, marks the connection faulted,
 * so that workers leave it alone, and shuts it down, so that the library takes the ordinary way of
 * a peer that has gone and a fresh one can come. Nothing else notices.
 *
 * Two kinds of access are covered: to a region in the table below, by any thread; and by a thread
 * while it handles a peer's message, to what that message has just mapped. Any other SIGBUS is what
 * it always was.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <rte_vhost.h>

#include "dataplane/port/vhost.h"

/*
 * The mappings of one connection. Written under its port's lock, or by the library's thread alone;
 * read by the handler in any thread: seq is odd while it is written, and changes.
 */
struct guard {
	uint32_t seq;
	uint32_t n;
	uintptr_t start[VHOST_REGIONS_MAX];
	size_t len[VHOST_REGIONS_MAX];
};

static struct guard guards[RTE_MAX_VHOST_DEVICE];
static __thread int handling_vid = -1;

/* Shared memory comes in pages of these sizes; a part of a page cannot be replaced. */
static const size_t page_sizes[] = {4096, 2U << 20, 1U << 30};

static bool zeros_map(uintptr_t start, size_t len)
{
	return mmap((void *)start, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
		       0) != MAP_FAILED;
}

/* A consistent read of entry i; false while it is being written or when there is none. */
static bool guard_read(const struct guard *g, uint32_t i, uintptr_t *start, size_t *len)
{
	uint32_t seq = __atomic_load_n(&g->seq, __ATOMIC_ACQUIRE);

	if ((seq & 1) || i >= __atomic_load_n(&g->n, __ATOMIC_RELAXED))
		return false;
	*start = __atomic_load_n(&g->start[i], __ATOMIC_RELAXED);
	*len = __atomic_load_n(&g->len[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return seq == __atomic_load_n(&g->seq, __ATOMIC_RELAXED);
}

/* The device number whose memory addr is in, its mapping then replaced; -1 if nobody's. */
static int region_replace(uintptr_t addr)
{
	for (int vid = 0; vid < RTE_MAX_VHOST_DEVICE; vid++) {
		for (uint32_t i = 0; i < VHOST_REGIONS_MAX; i++) {
			uintptr_t start;
			size_t len;

			if (!guard_read(&guards[vid], i, &start, &len))
				break;
			if (addr - start < len)
				return zeros_map(start, len) ? vid : -1;
		}
	}
	return -1;
}

/* What the message being handled has mapped is not known here: replace the page. */
static int page_replace(uintptr_t addr)
{
	if (handling_vid < 0)
		return -1;
	for (size_t i = 0; i < RTE_DIM(page_sizes); i++)
		if (zeros_map(addr & ~(page_sizes[i] - 1), page_sizes[i]))
			return handling_vid;
	return -1;
}

static void conn_fault(int vid)
{
	struct vhost_conn *conn = vhost_conn_get(vid);

	if (conn == NULL)
		return;
	__atomic_store_n(&conn->faulted, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&conn->serving, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&conn->port->port.fault, EFAULT, __ATOMIC_RELAXED);
		__atomic_store_n(&conn->port->port.state, PORT_ERROR, __ATOMIC_RELAXED);
	}
	shutdown(conn->sock, SHUT_RDWR); /* safe in a handler, POSIX says */
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	int vid = -1;

	(void)context;
	if (info->si_code > 0) {
		vid = region_replace((uintptr_t)info->si_addr);
		if (vid < 0)
			vid = page_replace((uintptr_t)info->si_addr);
	}
	if (vid >= 0)
		conn_fault(vid);
	else if (info->si_code > 0)
		signal(sig, SIG_DFL); /* the access is made again, and ends us */
	else {
		signal(sig, SIG_DFL);
		raise(sig); /* somebody sent it */
	}
	errno = saved;
}

static int init_errno;

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	init_errno = sigaction(SIGBUS, &action, NULL) == 0 ? 0 : errno;
}

int vhost_guard_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
	errno = init_errno;
	return init_errno == 0 ? 0 : -1;
}

void vhost_guard_set(struct vhost_conn *conn, const struct rte_vhost_memory *table)
{
	struct guard *g = &guards[vhost_conn_vid(conn)];
	uint32_t n = table == NULL ? 0 : RTE_MIN(table->nregions, (uint32_t)VHOST_REGIONS_MAX);
	uint32_t seq = __atomic_load_n(&g->seq, __ATOMIC_RELAXED);

	__atomic_store_n(&g->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&g->n, n, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < n; i++) {
		__atomic_store_n(
			&g->start[i], (uintptr_t)table->regions[i].mmap_addr, __ATOMIC_RELAXED);
		__atomic_store_n(&g->len[i], table->regions[i].mmap_size, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&g->seq, seq + 2, __ATOMIC_RELEASE);
}

void vhost_guard_thread(struct vhost_conn *conn)
{
	handling_vid = conn == NULL ? -1 : vhost_conn_vid(conn);
}
