# SPDX-License-Identifier: BSD-3-Clause
"""snooping: multicast goes to endpoints that have joined its group, once a querier is heard."""
import itertools
import re
import socket
import struct

from leatlib import wait
from leatlib.frames import BROADCAST, IP, UDP, Ether, IPv6, arp_sentinel, payload_is, udp
from scapy.layers.inet6 import ICMPv6MLQuery, IPv6ExtHdrHopByHop, RouterAlert
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

GROUP, GROUP6, PORT = "239.7.7.7", "ff15::7:7", 5007
QUERIER = "02:00:00:00:0f:01"
# RFC 2236, 2: to all, to be answered within a second; its checksum.
IGMP_QUERY = struct.pack("!BBH4s", 0x11, 10, 0xffff - 0x110a, bytes(4))
# RFC 2236, 2: of version 2, about GROUP.
IGMP_REPORT = struct.pack("!BBH4s", 0x16, 0, 0xffff - (0x1600 + 0xef07 + 0x0707 - 0xffff),
                          socket.inet_aton(GROUP))


def queries(mac=QUERIER, ip="10.1.99.99", ip6="fe80::99"):
    """What an IGMP and an MLD querier sends."""
    return [Ether(src=mac, dst="01:00:5e:00:00:01")
            / IP(src=ip, dst="224.0.0.1", ttl=1, proto=2, options=[]) / IGMP_QUERY,
            Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=ip6, dst="ff02::1", hlim=1)
            / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery(mrd=1000)]


def ask_all(up):
    """The same from outside, in VLAN 100."""
    for query in queries():
        up.send(Ether(src=query.src, dst=query.dst) / Dot1Q(vlan=100) / query.payload)


def passes(a, b, packet):
    """Does it come by at b, before one for all?"""
    sentinel, is_sentinel = arp_sentinel(a, b)
    a.raw.send(packet)
    a.raw.send(sentinel)
    return bool(b.raw.collect(lambda data: bytes(data) == bytes(packet), is_sentinel))


def snooping(switch):
    return switch.call("network.get", id="net")["oper"]["snooping"]


def members(switch):
    """{group: who has joined it}, of the groups of this test."""
    return {item["group"]: item["endpoints"] for item in snooping(switch)["groups"]
            if item["group"] in (GROUP, GROUP6)}


class Listener:
    """A program that has joined a group by its kernel."""

    def __init__(self, host, family):
        self.sock = host.ns.socket(family, socket.SOCK_DGRAM, 0)
        self.sock.settimeout(5)
        if family == socket.AF_INET6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.sock.bind(("", PORT))
        if family == socket.AF_INET:
            self.membership = (socket.IPPROTO_IP, struct.pack("4s4s", socket.inet_aton(GROUP),
                                                              socket.inet_aton(host.ip)))
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, self.membership[1])
        else:
            index = int(host.ns.run(["ip", "-o", "link", "show", "eth0"]).stdout.split(":")[0])
            self.membership = (socket.IPPROTO_IPV6, struct.pack(
                "16sI", socket.inet_pton(socket.AF_INET6, GROUP6), index))
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, self.membership[1])

    def leave(self):
        level, value = self.membership
        v4 = level == socket.IPPROTO_IP
        option = socket.IP_DROP_MEMBERSHIP if v4 else socket.IPV6_LEAVE_GROUP
        self.sock.setsockopt(level, option, value)


def to_group(a, text, v6=False):
    said = UDP(sport=4000, dport=PORT) / Raw(text.encode())
    if v6:
        return Ether(src=a.mac, dst="33:33:00:07:00:07") / IPv6(src=a.ip6, dst=GROUP6) / said
    return Ether(src=a.mac, dst="01:00:5e:07:07:07") / IP(src=a.ip, dst=GROUP) / said


QUESTIONS = itertools.count()


def hears(host, a, v6):
    """Does a frame to the group come by there, before one for all?"""
    number = next(QUESTIONS)  # what an earlier question sent may still be on its way
    a.raw.send(to_group(a, f"for the group {number}.", v6))
    a.raw.send(udp(a, a, f"for all {number}.", dst=BROADCAST))
    return bool(host.raw.collect(payload_is(f"for the group {number}."),
                                 payload_is(f"for all {number}.")))


def test_who_has_joined_gets_it_and_nobody_else(switch):
    switch.network(snooping=True)
    a, c = (switch.tap(name, v6=True, bare=True) for name in "ac")
    b = switch.tap("b", v6=True)
    up = switch.uplink_tap()
    listeners = {False: Listener(b, socket.AF_INET), True: Listener(b, socket.AF_INET6)}
    b.open_raw()
    # Nobody asks hosts to say again what they want: all get all.
    assert hears(c, a, False) and hears(c, a, True)
    assert not snooping(switch)["ipv4"]["querier"]
    ask_all(up)
    for v6, listener in listeners.items():
        wait.until(lambda: not hears(c, a, v6), 20, "hosts to have had their time to answer")
        while listener.sock.recv(100) != b"last":
            a.raw.send(to_group(a, "last", v6))
        assert not hears(c, a, v6) and hears(b, a, v6)
        assert members(switch)[GROUP6 if v6 else GROUP] == ["b"]
        assert snooping(switch)["ipv6" if v6 else "ipv4"] == {
            "querier": True, "active": True, "routers": []}
        listener.leave()
        wait.until(lambda: not hears(b, a, v6), 10, "the group to be left")
        assert (GROUP6 if v6 else GROUP) not in members(switch)
    # The wire gets all, and is told who wants what.
    up.drain()
    a.raw.send(to_group(a, "to the wire"))
    up.expect(payload_is("to the wire"))
    said = switch.call("policy.trace", endpoint="a", packet={
        "dst_ip": GROUP, "proto": "udp", "dst_mac": "01:00:5e:07:07:07"})
    assert (said["verdict"], said["out"]) == ("flood", ["up0"])
    assert any("snooping" in step for step in said["steps"])


def test_who_may_be_a_router(switch):
    """Without guard.router nobody becomes one by what he says; with it he does, and is shown."""
    switch.network(snooping=True)
    a, b = (switch.tap(name, v6=True, bare=True) for name in "ab")
    link_local = "fe80::ff:fe00:1"  # of a's MAC
    own = queries(a.mac, a.ip, link_local)
    assert not any(passes(a, b, query) for query in own)
    assert switch.drops("a") == {"querier_guard": 2}
    state = snooping(switch)
    assert (state["ipv4"]["querier"], state["ipv4"]["routers"]) == (False, [])
    query = {"dst_ip": "224.0.0.1", "proto": 2, "icmp_type": 17}
    assert switch.call("policy.trace", endpoint="a", packet=query)["reason"] == "querier_guard"
    switch.endpoint(a, a.port_spec, v6=True, guard={"router": True})
    assert all(passes(a, b, query) for query in own)
    for version in ("ipv4", "ipv6"):
        assert snooping(switch)[version] == {"querier": True, "active": False, "routers": ["a"]}
    report = Ether(src=b.mac, dst="01:00:5e:07:07:07") / IP(
        src=b.ip, dst=GROUP, ttl=1, proto=2) / IGMP_REPORT
    b.raw.send(report)
    wait.until(lambda: members(switch) == {GROUP: ["b"]}, 5, "the group to be joined")
    shown = switch.root.run([switch.ctl, "-s", switch.socket, "network", "get", "net"]).stdout
    assert re.search(rf"^MULTICAST GROUP +ENDPOINTS\n(.*\n)*{GROUP} +b$", shown, re.M), shown
    assert re.search(r"^oper\.snooping\.ipv4\.routers +a$", shown, re.M), shown
    assert "snooping" not in switch.call("network.list")["items"][0]["oper"]
    # Who ceases to be one, and who is gone.
    switch.endpoint(a, a.port_spec, v6=True)
    assert snooping(switch)["ipv4"]["routers"] == []
    b.delete()
    assert members(switch) == {} and snooping(switch)["refused"] == 0
