/* SPDX-License-Identifier: BSD-3-Clause */
/* What an uplink and an endpoint's port can be, by kind. */
#include "ctrl/limits.h"
#include "ctrl/schema.h"
#include "ctrl/schema_tables.h"

static const struct field pci_fields[] = {
	{"address", FIELD_STRING, FIELD_REQUIRED, FORMAT_PCI_ADDRESS, 1, 16,
		.doc = "PCI address, as 0000:3b:00.0."},
	FIELDS_END,
};
static const struct object_schema pci_schema = {
	.name = "pci",
	.doc = "A NIC by its PCI address.",
	.fields = pci_fields,
};

static const struct field netdev_fields[] = {
	{"netdev", FIELD_STRING, FIELD_REQUIRED, FORMAT_IFNAME, 1, LIMIT_IFNAME_CHARS,
		.doc = "A network interface that exists in the switch's network namespace."},
	FIELDS_END,
};
static const struct object_schema af_xdp_schema = {
	.name = "af_xdp",
	.doc = "A kernel interface by AF_XDP, as the host end of a veth pair.",
	.fields = netdev_fields,
};
static const struct object_schema af_packet_schema = {
	.name = "af_packet",
	.doc = "A kernel interface by AF_PACKET.",
	.fields = netdev_fields,
};

static const struct field uplink_tap_fields[] = {
	{"name", FIELD_STRING, FIELD_REQUIRED, FORMAT_IFNAME, 1, LIMIT_IFNAME_CHARS,
		.doc = "The interface's name."},
	FIELDS_END,
};
static const struct object_schema uplink_tap_schema = {
	.name = "tap",
	.doc = "A TAP interface made by the switch in its own network namespace.",
	.fields = uplink_tap_fields,
};

static const struct field dpdk_fields[] = {
	{"devargs", FIELD_STRING, FIELD_REQUIRED, FORMAT_TEXT, 1, LIMIT_DEVARGS_CHARS,
		.doc = "DPDK device arguments, as net_null0 or net_pcap0,iface=eth1."},
	FIELDS_END,
};
static const struct object_schema dpdk_schema = {
	.name = "dpdk",
	.doc = "Any other DPDK device.",
	.fields = dpdk_fields,
};

const struct variant device_variants[] = {
	{"pci", &pci_schema, false},
	{"af_xdp", &af_xdp_schema, false},
	{"af_packet", &af_packet_schema, false},
	{"tap", &uplink_tap_schema, false},
	{"dpdk", &dpdk_schema, false},
	{.kind = NULL},
};

static const struct field vhost_user_fields[] = {
	{"socket", FIELD_STRING, FIELD_REQUIRED, FORMAT_PATH, 1, LIMIT_SOCKET_BYTES,
		.doc = "Path of the vhost-user socket."},
	{"mode", FIELD_ENUM, .values = VALUES("client", "server"), .fallback = "\"client\"",
		.doc = "The switch's side; a client reconnects for ever, so the port outlives "
		       "restarts of either side."},
	FIELD_QUEUES,
	{"uid", FIELD_INT, .min = 0, .max = 4294967294,
		.doc = "User id that is to own the socket (mode `server`)."},
	{"gid", FIELD_INT, .min = 0, .max = 4294967294,
		.doc = "Group id that is to own the socket (mode `server`)."},
	{"perm", FIELD_FILE_MODE, .min = 0, .max = 0777,
		.doc = "Mode bits of the socket (mode `server`), as octal text \"0660\"."},
	FIELDS_END,
};
static const struct object_schema vhost_user_schema = {
	.name = "vhost-user",
	.doc = "A vhost-user socket, as of a VM or a virtio-user process.",
	.fields = vhost_user_fields,
	.check = vhost_user_check,
};

static const struct field tap_fields[] = {
	{"netns", FIELD_STRING, .format = FORMAT_PATH, .min = 1, .max = LIMIT_PATH_CHARS,
		.doc = "Path of the network namespace it is moved into, as /run/netns/c1; absent: "
		       "the "
		       "switch's own."},
	{"name", FIELD_STRING, FIELD_REQUIRED, FORMAT_IFNAME, 1, LIMIT_IFNAME_CHARS,
		.doc = "The interface's name in there."},
	FIELDS_END,
};
static const struct object_schema tap_schema = {
	.name = "tap",
	.doc = "A TAP interface with vnet headers, made by the switch; it gets the endpoint's MAC "
	       "and the "
	       "network's MTU.",
	.fields = tap_fields,
};

static const struct field memif_fields[] = {
	{"socket", FIELD_STRING, FIELD_REQUIRED, FORMAT_PATH, 1, LIMIT_SOCKET_BYTES,
		.doc = "Path of the memif control socket."},
	{"id", FIELD_INT, .min = 0, .max = 4294967295, .fallback = "0",
		.doc = "Number of the interface on that socket."},
	{"role", FIELD_ENUM, .values = VALUES("server", "client"), .fallback = "\"server\"",
		.doc = "The switch's side; a client reconnects for ever."},
	FIELDS_END,
};
static const struct object_schema memif_schema = {
	.name = "memif",
	.doc = "An interface in shared memory (memif 2.0, as VPP and DPDK have it).",
	.fields = memif_fields,
};

const struct variant port_variants[] = {
	{"vhost-user", &vhost_user_schema, false},
	{"tap", &tap_schema, false},
	{"af_xdp", &af_xdp_schema, false},
	{"memif", &memif_schema, false},
	{"dpdk", &dpdk_schema, false},
	{.kind = NULL},
};
