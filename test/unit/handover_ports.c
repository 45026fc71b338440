/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/handover_ports.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "test/fixtures/builder.h"

#define FRAME_BYTES 60
#define NUMBER_OFFSET 50 /* behind all headers: the source, then the frame's number */
#define BURST 4
#define FLOWS 8

static const char *fault; /* atomic */

const char *handover_fault(void)
{
	return __atomic_load_n(&fault, __ATOMIC_ACQUIRE);
}

static void fault_set(const char *what)
{
	__atomic_store_n(&fault, what, __ATOMIC_RELEASE);
}

static struct source *source_of(struct port *port)
{
	return (struct source *)port;
}

/* Built by hand: the builder's checksums would be the slowest part of the test. */
static void make_frame(const struct source *s, uint32_t number, uint8_t *b)
{
	struct mac src = host_mac(HOST_OF_SOURCES + s->number);
	struct mac dst = host_mac(HOST_OF_SINK);

	memset(b, 0, FRAME_BYTES);
	memset(b, 0xff, MAC_LEN);
	memcpy(b + 6, src.b, MAC_LEN);
	b[12] = 0x88;
	b[13] = 0xb5;
	if (!is_broadcast(number)) {
		static const uint8_t ip[] = {0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0};

		memcpy(b, dst.b, MAC_LEN);
		b[12] = 8;
		b[13] = 0;
		memcpy(b + 14, ip, sizeof(ip));
		b[26] = b[30] = 10;
		b[29] = (uint8_t)(HOST_OF_SOURCES + s->number);
		b[33] = HOST_OF_SINK;
		b[35] = (uint8_t)(number / 2 % FLOWS);
		b[37] = 80;
		b[39] = 26;
	}
	b[NUMBER_OFFSET] = (uint8_t)s->number;
	memcpy(b + NUMBER_OFFSET + 1, &number, sizeof(number));
}

static uint16_t source_receive(struct port *port, uint16_t queue, struct burst *b)
{
	struct source *s = source_of(port);
	uint32_t quota = __atomic_load_n(&s->quota, __ATOMIC_ACQUIRE);

	b->n = 0;
	b->n_segs = 0;
	if (queue != 0 || __atomic_exchange_n(&s->in_use, true, __ATOMIC_RELAXED))
		fault_set("two workers have one queue");
	/* Not always: so that workers run idle, too. */
	while (s->turn++ % 3 == 0 && b->n < b->max && b->n < BURST && s->next < quota) {
		for (unsigned i = 0; i < BURST && b->n < b->max && s->next < quota; i++) {
			struct frame *f = &b->frame[b->n];

			memset(f, 0, sizeof(*f));
			f->head = b->head[b->n];
			make_frame(s, s->next++, f->head);
			f->len = f->head_len = FRAME_BYTES;
			stat_add(&b->stats->rx_packets, 1);
			b->n++;
		}
	}
	if (b->n == 0)
		__atomic_store_n(&s->in_use, false, __ATOMIC_RELAXED);
	return b->n;
}

static void source_release(struct port *port, uint16_t queue, struct burst *b)
{
	struct source *s = source_of(port);

	(void)b;
	if (queue != 0 || !__atomic_exchange_n(&s->in_use, false, __ATOMIC_RELAXED))
		fault_set("released without having been received");
	__atomic_store_n(&s->made, s->next, __ATOMIC_RELEASE);
}

static void source_transmit(struct port *port, unsigned worker, const struct tx_item *items,
	uint16_t n, struct port_stats *stats)
{
	(void)port;
	(void)worker;
	(void)items;
	stat_add(&stats->tx_packets, n);
}

static enum port_wait source_wait_begin(struct port *port, uint16_t queue)
{
	struct source *s = source_of(port);
	uint64_t drained;

	(void)queue;
	if (!s->sleepy)
		return PORT_WAIT_POLL;
	/* First empty the signal, then look: what comes later signals anew. */
	if (read(s->fd, &drained, sizeof(drained)) < 0)
		drained = 0;
	if (s->next < __atomic_load_n(&s->quota, __ATOMIC_ACQUIRE))
		return PORT_WAIT_WORK;
	__atomic_add_fetch(&s->waits, 1, __ATOMIC_RELAXED);
	return PORT_WAIT_FD;
}

static void no_wait_end(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
}

static int source_wait_fd(struct port *port, uint16_t queue)
{
	(void)queue;
	return source_of(port)->sleepy ? source_of(port)->fd : -1;
}

static void source_close(struct port *port)
{
	struct source *s = source_of(port);

	if (s->in_use)
		fault_set("closed in use");
	close(s->fd);
	memset(s, 0xa5, sizeof(*s));
	free(s);
}

static const struct port_ops source_ops = {
	.kind = "source",
	.receive = source_receive,
	.release = source_release,
	.transmit = source_transmit,
	.wait_begin = source_wait_begin,
	.wait_end = no_wait_end,
	.wait_fd = source_wait_fd,
	.close = source_close,
};

struct source *source_create(uint16_t index, unsigned number, bool sleepy)
{
	struct source *s = alloc_zero(1, sizeof(*s));

	s->port.ops = &source_ops;
	s->port.index = index;
	s->port.n_rxq = 1;
	s->port.numa_node = -1;
	s->number = number;
	s->sleepy = sleepy;
	s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return s;
}

void source_allow(struct source *s, uint32_t n)
{
	static const uint64_t one = 1;

	__atomic_add_fetch(&s->quota, n, __ATOMIC_RELEASE);
	if (write(s->fd, &one, sizeof(one)) < 0)
		fault_set("eventfd");
}

struct sink {
	struct port port;
	uint8_t mark;
	struct notes *notes;
};

static void note(struct sink *sink, const struct tx_item *item)
{
	const uint8_t *at = item->frame->head + NUMBER_OFFSET;
	uint8_t mark = sink->mark;
	uint32_t number;
	uint8_t *where;

	memcpy(&number, at + 1, sizeof(number));
	if (at[0] >= SOURCES || number >= FRAMES_MAX) {
		fault_set("a frame nobody made");
		return;
	}
	if (mark == 0) {
		mark = item->tag == 0x8100000a ? 1 : item->tag == 0x81000014 ? 2 : 3;
		where = &sink->notes->by_trunk[at[0]][number];
	} else {
		where = &sink->notes->by_member[at[0]][number];
	}
	if (*where != 0)
		fault_set("a frame came twice");
	*where = mark;
}

static uint16_t sink_receive(struct port *port, uint16_t queue, struct burst *b)
{
	(void)port;
	(void)queue;
	b->n = 0;
	b->n_segs = 0;
	return 0;
}

static void sink_release(struct port *port, uint16_t queue, struct burst *b)
{
	(void)port;
	(void)queue;
	(void)b;
	fault_set("a sink has sent nothing");
}

static void sink_transmit(struct port *port, unsigned worker, const struct tx_item *items,
	uint16_t n, struct port_stats *stats)
{
	(void)worker;
	for (uint16_t i = 0; i < n; i++)
		note((struct sink *)port, &items[i]);
	stat_add(&stats->tx_packets, n);
}

static enum port_wait sink_wait_begin(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return PORT_WAIT_FD;
}

static int sink_wait_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void sink_close(struct port *port)
{
	memset(port, 0xa5, sizeof(struct sink));
	free(port);
}

static const struct port_ops sink_ops = {
	.kind = "sink",
	.receive = sink_receive,
	.release = sink_release,
	.transmit = sink_transmit,
	.wait_begin = sink_wait_begin,
	.wait_end = no_wait_end,
	.wait_fd = sink_wait_fd,
	.close = sink_close,
};

struct port *sink_create(uint16_t index, uint8_t mark, struct notes *notes)
{
	struct sink *sink = alloc_zero(1, sizeof(*sink));

	sink->port.ops = &sink_ops;
	sink->port.index = index;
	sink->port.n_rxq = 1;
	sink->port.numa_node = -1;
	sink->mark = mark;
	sink->notes = notes;
	return &sink->port;
}
