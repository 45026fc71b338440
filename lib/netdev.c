/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/netdev.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

bool netdev_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= NETDEV_NAME_LEN || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || *p == ':' || isspace((unsigned char)*p))
			return false;
	return true;
}

/* libnl's error as the errno it most likely was. */
static int nl_to_errno(int nl_error)
{
	switch (nl_error < 0 ? -nl_error : nl_error) {
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return ENODEV;
	case NLE_PERM:
	case NLE_NOACCESS:
		return EPERM;
	case NLE_BUSY:
		return EBUSY;
	case NLE_EXIST:
		return EEXIST;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_NOADDR:
		return EADDRNOTAVAIL;
	case NLE_RANGE:
		return ERANGE;
	case NLE_OPNOTSUPP:
		return EOPNOTSUPP;
	default:
		return EINVAL;
	}
}

/* A route socket and the link of that name; the caller puts both back. */
static int link_open(
	const char *name, struct nl_sock **ret_sk, struct rtnl_link **ret_link, struct error *err)
{
	struct nl_sock *sk;
	int rc;

	if (!netdev_name_valid(name))
		return error_device(err, ENODEV, "\"%.64s\" is no name of an interface", name);
	sk = nl_socket_alloc();
	if (sk == NULL)
		return error_device(err, ENOMEM, "netlink socket");
	rc = nl_connect(sk, NETLINK_ROUTE);
	if (rc == 0)
		rc = rtnl_link_get_kernel(sk, 0, name, ret_link);
	if (rc < 0) {
		nl_socket_free(sk);
		return error_device(err, nl_to_errno(rc),
			"interface %s has to be in the network namespace of the switch", name);
	}
	*ret_sk = sk;
	return 0;
}

/* libnl-route does not know IFLA_XDP: look into the message itself. */
static int take_xdp(struct nl_msg *msg, void *arg)
{
	struct nlattr *xdp = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct ifinfomsg), IFLA_XDP);
	struct nlattr *id = NULL;
	uint32_t *ret = arg;

	if (xdp != NULL)
		id = nla_find(nla_data(xdp), nla_len(xdp), IFLA_XDP_PROG_ID);
	if (id != NULL)
		*ret = nla_get_u32(id);
	return NL_OK;
}

static uint32_t xdp_prog_id(struct nl_sock *sk, int ifindex)
{
	struct ifinfomsg ask = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	uint32_t id = 0;

	if (nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, take_xdp, &id) == 0 &&
		nl_send_simple(sk, RTM_GETLINK, 0, &ask, sizeof(ask)) >= 0)
		nl_recvmsgs_default(sk);
	return id;
}

int netdev_get(const char *name, struct netdev_info *ret, struct error *err)
{
	struct nl_sock *sk = NULL;
	struct rtnl_link *link = NULL;
	struct nl_addr *addr;

	if (link_open(name, &sk, &link, err) != 0)
		return -1;
	*ret = (struct netdev_info){
		.ifindex = rtnl_link_get_ifindex(link),
		.flags = rtnl_link_get_flags(link),
		.mtu = rtnl_link_get_mtu(link),
	};
	addr = rtnl_link_get_addr(link);
	if (addr != NULL && nl_addr_get_len(addr) == MAC_LEN)
		memcpy(ret->mac.b, nl_addr_get_binary_addr(addr), MAC_LEN);
	if (rtnl_link_get_ifalias(link) != NULL)
		snprintf(ret->alias, sizeof(ret->alias), "%s", rtnl_link_get_ifalias(link));
	ret->xdp_prog = xdp_prog_id(sk, ret->ifindex);
	rtnl_link_put(link);
	nl_socket_free(sk);
	return 0;
}

static int change_fill(struct rtnl_link *want, const struct netdev_change *change)
{
	struct nl_addr *addr;

	if (change->mac != NULL) {
		addr = nl_addr_build(AF_LLC, change->mac->b, MAC_LEN);
		if (addr == NULL)
			return -NLE_NOMEM;
		rtnl_link_set_addr(want, addr);
		nl_addr_put(addr);
	}
	if (change->alias != NULL)
		rtnl_link_set_ifalias(want, change->alias);
	if (change->mtu != 0)
		rtnl_link_set_mtu(want, change->mtu);
	if (change->flags_set != 0)
		rtnl_link_set_flags(want, change->flags_set);
	if (change->flags_clear != 0)
		rtnl_link_unset_flags(want, change->flags_clear);
	return 0;
}

int netdev_set(const char *name, const struct netdev_change *change, struct error *err)
{
	struct nl_sock *sk = NULL;
	struct rtnl_link *link = NULL;
	struct rtnl_link *want;
	int rc = -NLE_NOMEM;

	if (link_open(name, &sk, &link, err) != 0)
		return -1;
	want = rtnl_link_alloc();
	if (want != NULL) {
		rc = change_fill(want, change);
		if (rc == 0)
			rc = rtnl_link_change(sk, link, want, 0);
		rtnl_link_put(want);
	}
	rtnl_link_put(link);
	nl_socket_free(sk);
	if (rc < 0)
		return error_device(err, nl_to_errno(rc), "cannot set up interface %s", name);
	return 0;
}

/* libnl-route 3.7 does not know that setting, so the message is made here. IPv4 alone can be set like this. */
static int keep_neighbours4(struct nl_sock *sk, int ifindex)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST);
	struct nlattr *families, *inet, *settings;

	if (msg == NULL)
		return -NLE_NOMEM;
	if (nlmsg_append(msg, &link, sizeof(link), NLMSG_ALIGNTO) < 0 ||
		(families = nla_nest_start(msg, IFLA_AF_SPEC)) == NULL ||
		(inet = nla_nest_start(msg, AF_INET)) == NULL ||
		(settings = nla_nest_start(msg, IFLA_INET_CONF)) == NULL ||
		nla_put_u32(msg, IPV4_DEVCONF_ARP_EVICT_NOCARRIER, 0) < 0) {
		nlmsg_free(msg);
		return -NLE_NOMEM;
	}
	nla_nest_end(msg, settings);
	nla_nest_end(msg, inet);
	nla_nest_end(msg, families);
	return nl_send_sync(sk, msg);
}

static void keep_neighbours6(const char *name)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//ndisc_evict_nocarrier") + NETDEV_NAME_LEN];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/ndisc_evict_nocarrier", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

int netdev_keep_neighbours(const char *name, struct error *err)
{
	struct nl_sock *sk = NULL;
	struct rtnl_link *link = NULL;
	int rc;

	if (link_open(name, &sk, &link, err) != 0)
		return -1;
	rc = keep_neighbours4(sk, rtnl_link_get_ifindex(link));
	rtnl_link_put(link);
	nl_socket_free(sk);
	if (rc < 0)
		return error_device(err, nl_to_errno(rc),
			"interface %s does not take arp_evict_nocarrier", name);
	keep_neighbours6(name);
	return 0;
}

struct netns_call {
	const char *path;
	int (*run)(void *arg, struct error *err);
	void *arg;
	struct error *err;
	int result;
};

static void *netns_thread(void *arg)
{
	struct netns_call *call = arg;
	/* Not blocking: it may turn out to be a FIFO. */
	int fd = open(call->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		call->result = error_device(call->err, errno,
			"network namespace %s has to be there before its port, as by ip netns add",
			call->path);
		return NULL;
	}
	if (setns(fd, CLONE_NEWNET) == 0)
		call->result = call->run(call->arg, call->err);
	else if (errno == EINVAL)
		call->result = error_device(call->err, EINVAL,
			"%s is not a network namespace; as /run/netns/NAME is", call->path);
	else
		call->result = error_device(
			call->err, errno, "cannot enter network namespace %s", call->path);
	close(fd);
	return NULL;
}

int netns_run(
	const char *path, int (*run)(void *arg, struct error *err), void *arg, struct error *err)
{
	struct netns_call call = {.path = path, .run = run, .arg = arg, .err = err};
	pthread_t thread;
	int rc;

	if (path == NULL)
		return run(arg, err);
	rc = pthread_create(&thread, NULL, netns_thread, &call);
	if (rc != 0)
		return error_device(err, rc, "cannot start a thread for namespace %s", path);
	pthread_join(thread, NULL);
	return call.result;
}
