# SPDX-License-Identifier: BSD-3-Clause
"""What cannot be done is refused with its cause; nothing is left behind; the rest goes on."""
import errno
import os

import pytest

from leatlib import rpc
from leatlib.netns import veth_into
from leatlib.rpc import RpcError


def refused(net, host, port, **fields):
    """The error of an endpoint.upsert; nothing of it may remain."""
    before = net.call("state.get")
    with pytest.raises(RpcError) as caught:
        net.endpoint(host, port, **fields)
    assert net.call("state.get") == before
    return caught.value


def test_socket_path_too_long(net):
    error = refused(net, net.host("v"), {"kind": "vhost-user", "socket": "/tmp/" + "x" * 103})
    assert (error.code, error.path) == (rpc.PARAMS, "/port/socket")
    fits = net.directory + "/" + "x" * (107 - len(net.directory) - 1)
    assert net.endpoint(net.host("w"), {"kind": "vhost-user", "socket": fits, "mode": "server"})
    assert os.path.exists(fits)


def test_socket_folder_missing(net):
    error = refused(net, net.host("v"), {"kind": "vhost-user", "mode": "server",
                                         "socket": net.path("no/such/folder.sock")})
    assert error.code == rpc.DEVICE and error.data["errno"] == errno.ENOENT
    assert "make its folder" in error.message


def test_socket_path_is_a_regular_file(net):
    path = net.path("precious")
    with open(path, "w", encoding="ascii") as file:
        file.write("data")
    error = refused(net, net.host("v"), {"kind": "vhost-user", "socket": path, "mode": "server"})
    assert error.code == rpc.DEVICE and path in error.message
    with open(path, encoding="ascii") as file:
        assert file.read() == "data"


def test_netns_missing(net):
    error = refused(net, net.host("t"), {"kind": "tap", "netns": "/run/netns/nobody",
                                         "name": "eth0"})
    assert error.code == rpc.DEVICE and error.data["errno"] == errno.ENOENT
    assert "/run/netns/nobody" in error.message and "ip netns add" in error.message


def test_netns_is_no_namespace(net):
    fifo = net.path("fifo")
    os.mkfifo(fifo)
    for path in ("/etc/passwd", fifo):
        error = refused(net, net.host("t"), {"kind": "tap", "netns": path, "name": "eth0"})
        assert error.code == rpc.DEVICE and path + " is not a network namespace" in error.message


def test_interface_name_taken(net):
    first = net.tap("first")
    error = refused(net, net.host("second"), first.port_spec)
    assert error.code in (rpc.CONFLICT, rpc.DEVICE) and "eth0" in error.message
    stranger = net.host("stranger", ns=True)
    stranger.ns.ip("link add eth0 type veth peer name other")
    error = refused(net, stranger, {"kind": "tap", "netns": stranger.ns.path, "name": "eth0"})
    assert error.code == rpc.DEVICE and error.data["errno"] in (errno.EEXIST, errno.EBUSY)


def test_netdev_missing(net):
    error = refused(net, net.host("x"), {"kind": "af_xdp", "netdev": "nosuchdev"})
    assert error.code == rpc.DEVICE and "nosuchdev" in error.message


def test_netdev_taken(net):
    first = net.veth("first")
    error = refused(net, net.host("second"), first.port_spec)
    assert error.code in (rpc.CONFLICT, rpc.DEVICE)
    assert first.port_spec["netdev"] in error.message
    b = net.tap("b")
    first.ping(b)


def test_netdev_taken_by_another_switch(make_switch):
    one, two = make_switch(), make_switch()
    for switch in (one, two):
        switch.network()
    host = one.host("x", ns=True)
    near = veth_into(host.ns)  # in the namespace of the tests: neither switch has it
    error = refused(one, host, {"kind": "af_xdp", "netdev": near})
    assert error.code == rpc.DEVICE


def test_device_that_does_not_exist(net):
    for port in ({"kind": "dpdk", "devargs": "net_nonsense0"},
                 {"kind": "dpdk", "devargs": "net_null0,nonsense=1"}):
        assert refused(net, net.host("d"), port).code == rpc.DEVICE
    with pytest.raises(RpcError) as caught:
        net.call("uplink.upsert", id="up", device={"kind": "pci", "address": "0000:7f:1f.7"})
    assert caught.value.code == rpc.DEVICE


def test_same_address_twice(net):
    a = net.tap("a")
    twin = net.host("twin", ns=True)
    port = {"kind": "tap", "netns": twin.ns.path, "name": "eth0"}
    twin.mac = a.mac
    assert refused(net, twin, port).code == rpc.CONFLICT
    twin.mac, twin.ip = "02:00:00:00:77:77", a.ip
    assert refused(net, twin, port).code == rpc.CONFLICT
    assert not twin.ns.has_link("eth0")


def test_failed_change_of_a_port_keeps_the_old_one(net):
    a, b = net.tap("a"), net.tap("b")
    refused(net, a, {"kind": "tap", "netns": "/run/netns/nobody", "name": "eth0"})
    a.ping(b)


def test_others_go_on(net):
    a, b = net.tap("a"), net.tap("b")
    for number in range(20):
        refused(net, net.host(f"bad{number}"), {"kind": "tap", "netns": "/run/netns/nobody",
                                                "name": "eth0"})
    a.ping(b)
