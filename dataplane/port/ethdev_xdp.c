/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is an interface free for AF_XDP? The driver would find out, too, but on its way out it detaches
 * whatever XDP program it meets, so that somebody else's port or firewall would be gone.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/port/ethdev.h"

#define PROBE_CHUNK 4096
#define PROBE_RING 2

/* The name of a loaded program, "" where it cannot be had. */
static void prog_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.prog_id = id};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

	name[0] = '\0';
	if (fd < 0)
		return;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0)
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	close(fd);
}

static int set_ring(int fd, int ring)
{
	int entries = PROBE_RING;

	return setsockopt(fd, SOL_XDP, ring, &entries, sizeof(entries));
}

/* Bind a socket to the interface's first queue: 0, or the errno that says why not. */
static int probe_bind(int ifindex)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = (uint32_t)ifindex,
		.sxdp_flags = XDP_COPY,
	};
	struct xdp_umem_reg umem = {.len = PROBE_RING * PROBE_CHUNK, .chunk_size = PROBE_CHUNK};
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	int result;
	void *memory;

	if (fd < 0)
		return errno;
	memory = mmap(NULL, umem.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	umem.addr = (uintptr_t)memory;
	result = memory == MAP_FAILED ||
		 setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) != 0 ||
		 set_ring(fd, XDP_UMEM_FILL_RING) != 0 ||
		 set_ring(fd, XDP_UMEM_COMPLETION_RING) != 0 || set_ring(fd, XDP_RX_RING) != 0 ||
		 bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0;
	result = result ? errno : 0;
	close(fd);
	if (memory != MAP_FAILED)
		munmap(memory, umem.len);
	return result;
}

int ethdev_xdp_check(const struct ethdev_port *p, struct error *err)
{
	char name[BPF_OBJ_NAME_LEN];

	if (p->found.xdp_prog == 0)
		return 0;
	prog_name(p->found.xdp_prog, name);
	if (strcmp(name, "xsk_def_prog") != 0 && strcmp(name, "xdp_dispatcher") != 0)
		return error_device(err, EBUSY,
			"interface %s has the XDP program %s (id %u); ip link set dev %s xdp off",
			p->netdev, name, p->found.xdp_prog, p->netdev);
	if (probe_bind(p->found.ifindex) == EBUSY)
		return error_device(err, EBUSY,
			"interface %s belongs to another process' AF_XDP socket", p->netdev);
	return 0;
}
