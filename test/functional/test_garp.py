# SPDX-License-Identifier: BSD-3-Clause
"""garp.send: an endpoint's addresses are announced to its network, tagged on uplinks."""
import pytest

from leatlib import wait
from leatlib.frames import ARP, BROADCAST, Ether, IPv6, payload_is, udp
from leatlib.process import run
from leatlib.rpc import RpcError
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr
from scapy.layers.l2 import Dot1Q

ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


def announcement(host, vlan=None):
    """RFC 5227: a request for the address by its owner."""
    ether = Ether(src=host.mac, dst=BROADCAST)
    if vlan:
        ether /= Dot1Q(vlan=vlan)
    return bytes(ether / ARP(op=1, hwsrc=host.mac, psrc=host.ip, pdst=host.ip))


def advertisement(host, vlan=None):
    """RFC 4861, 7.2.6; scapy computes the checksum."""
    ether = Ether(src=host.mac, dst=ALL_NODES_MAC)
    if vlan:
        ether /= Dot1Q(vlan=vlan)
    return bytes(ether / IPv6(src=host.ip6, dst=ALL_NODES, hlim=255) /
                 ICMPv6ND_NA(R=0, S=0, O=1, tgt=host.ip6) / ICMPv6NDOptDstLLAddr(lladdr=host.mac))


def neighbours(host, address):
    return host.ns.run(["ip", "neigh", "show", address]).stdout


def next_two(tap):
    return {tap.receive_raw(5), tap.receive_raw(5)}


def test_neighbours_and_uplinks_hear_it(net):
    up = net.uplink_tap()
    a = net.tap("a", bare=True, ips=["10.1.0.1", "fd00:1::1"])
    b, c = net.tap("b", bare=True), net.tap("c", bare=True)
    up.drain()
    assert net.call("garp.send", endpoint="a") == {"frames": 2, "copies": 6}
    for tap in (b.raw, c.raw):
        assert next_two(tap) == {announcement(a), advertisement(a)}
    assert next_two(up) == {announcement(a, vlan=100), advertisement(a, vlan=100)}
    assert net.port("a") == {"rx_packets": 0, "rx_bytes": 0, "tx_packets": 0, "tx_bytes": 0,
                             "copies": 6, "drops": {}}
    assert net.port("b")["tx_packets"] == 2 and net.port("up0")["tx_packets"] == 2


def test_nobody_else_hears_it(net):
    net.network("other", vlan=200)
    a, b = net.tap("a", bare=True), net.tap("b", bare=True)
    c, d = (net.tap(name, network="other", bare=True) for name in "cd")
    net.call("garp.send", endpoint="a")
    assert b.raw.receive_raw(5) == announcement(a)
    b.raw.send(udp(b, a, "last"))
    assert not a.raw.collect(lambda got: ARP in got, payload_is("last"))
    d.raw.send(udp(d, c, "last"))
    assert not c.raw.collect(lambda got: ARP in got, payload_is("last"))


def test_kernels_take_it_up(net):
    """A neighbour that knows another MAC for them, as before a move, has the right one then."""
    a, b = net.tap("a", v6=True), net.tap("b", v6=True)
    for address in (a.ip, a.ip6):
        b.ns.ip(f"neigh replace {address} lladdr 02:00:00:00:ff:99 dev eth0 nud stale")
    net.call("garp.send", endpoint="a")
    for address in (a.ip, a.ip6):
        wait.until(lambda: a.mac in neighbours(b, address), 5,
                   lambda: f"{address} to be known again: {neighbours(b, address)}")


def test_receivers_that_are_not_there_are_drops(net):
    net.tap("a", bare=True)
    net.vhost("absent")
    assert net.call("garp.send", endpoint="a") == {"frames": 1, "copies": 1}
    assert net.drops("absent") == {"port_down": 1}


def test_nothing_to_say_and_nobody_to_hear(net):
    net.tap("a", bare=True)
    assert net.call("garp.send", endpoint="a") == {"frames": 1, "copies": 0}
    net.tap("b", bare=True, ips=[], guard={"spoof": False})
    assert net.call("garp.send", endpoint="b") == {"frames": 0, "copies": 0}


def test_it_follows_what_was_acknowledged(net):
    """Each announcement is of the addresses that the reply before it acknowledged."""
    a, b = net.tap("a", bare=True), net.tap("b", bare=True)
    for number in range(50, 100):
        a.ip = f"10.1.0.{number}"
        net.endpoint(a, a.port_spec)
        assert net.call("garp.send", endpoint="a") == {"frames": 1, "copies": 1}
        assert b.raw.receive_raw(5) == announcement(a)


def test_refusals(net):
    for params, code, path in (({"endpoint": "nobody"}, 1001, None),
                               ({}, -32602, "/endpoint"),
                               ({"endpoint": 7}, -32602, "/endpoint"),
                               ({"endpoint": "a", "count": 3}, -32602, "/count")):
        with pytest.raises(RpcError) as refused:
            net.call("garp.send", params)
        assert refused.value.code == code and refused.value.data.get("path") == path
    with pytest.raises(RpcError) as refused:
        net.call("garp.send", endpoint="nobody")
    assert refused.value.data["object"] == "endpoint:nobody"


def test_leatctl(net):
    a, b = net.tap("a", bare=True), net.tap("b", bare=True)
    done = run([net.ctl, "-s", net.socket, "garp", "send", "a"], check=False)
    assert done.returncode == 0 and "copies" in done.stdout
    assert b.raw.receive_raw(5) == announcement(a)
    done = run([net.ctl, "-s", net.socket, "garp", "send", "nobody"], check=False)
    assert done.returncode == 1 and "NOT_FOUND" in done.stderr
