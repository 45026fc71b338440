# SPDX-License-Identifier: BSD-3-Clause
"""Containers on TAP ports: frames, large segments and checksums cross as they should."""
import json

import pytest
from leatlib import frames
from leatlib.frames import Ether
from leatlib.traffic import checksum_errors, iperf3, received_bits_per_second
from scapy.layers.inet import IP, TCP


def test_ping(net):
    a, b = net.tap("a", v6=True), net.tap("b", v6=True)
    a.ping(b)
    b.ping(a, "-s", 1472, "-M", "do")
    a.ping6(b)
    assert a.result["state"] == "active" and a.result["port"]["kind"] == "tap"


def test_interface_has_mac_and_mtu(switch):
    switch.network("small", mtu=1280)
    a = switch.tap("a", network="small")
    link = json.loads(a.ns.run(["ip", "-j", "link", "show", "eth0"]).stdout)[0]
    assert link["address"] == a.mac and link["mtu"] == 1280


def test_segments_cross_whole(net):
    """A TCP stream's frames are far larger than the MTU at the receiver, and none is corrupt."""
    a, b = net.tap("a"), net.tap("b")
    seen = b.open_raw()
    report = iperf3(a, b, seconds=1)
    assert received_bits_per_second(report) > 1e6
    largest = 0
    while (data := seen.receive_raw(0)) is not None:
        largest = max(largest, len(data))
    assert largest > 20000
    stats = b.stats()
    assert stats["tx_bytes"] / stats["tx_packets"] > 3000
    assert not checksum_errors(a) and not checksum_errors(b)


def test_tcp_over_ipv6(net):
    a, b = net.tap("a", v6=True), net.tap("b", v6=True)
    report = iperf3(a, b, "-6", seconds=1, address=b.ip6)
    assert received_bits_per_second(report) > 1e6
    assert b.stats()["tx_bytes"] / b.stats()["tx_packets"] > 3000
    assert not checksum_errors(b)


def test_tcp_both_ways_at_once(net):
    a, b = net.tap("a"), net.tap("b")
    report = iperf3(a, b, "--bidir", "-P", 4, seconds=1)
    assert received_bits_per_second(report) > 1e6
    assert report["end"]["sum_received_bidir_reverse"]["bits_per_second"] > 1e6
    assert not checksum_errors(a) and not checksum_errors(b)


def test_sender_without_offloads(net):
    a, b = net.tap("a"), net.tap("b")
    a.ns.run(["ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off"])
    seen = b.open_raw()
    iperf3(a, b, seconds=1)
    largest = 0
    while (data := seen.receive_raw(0)) is not None:
        if len(data) > largest and TCP in (packet := Ether(data)):
            largest = len(data)
            there = packet[TCP].chksum
            del packet[TCP].chksum
            assert Ether(bytes(packet))[TCP].chksum == there
    assert 1400 < largest <= 1514
    assert not checksum_errors(b)


@pytest.mark.parametrize("size", [0, 1, 46, 100, 114, 115, 1000, 1472])
def test_bytes_arrive_as_sent(net, size):
    a, b = net.tap("a", bare=True), net.tap("b", bare=True)
    text = bytes(number & 255 for number in range(7, 7 + size))
    sent = frames.udp(a, b, b"head" + text[4:] if size >= 4 else text)
    a.raw.send(sent)
    got = b.raw.expect(lambda packet: IP in packet and packet[IP].src == a.ip)
    assert bytes(got)[:len(sent)] == bytes(sent)


def test_mtu_drop(switch):
    switch.network("small", vlan=5, mtu=1000)
    a = switch.tap("a", network="small", bare=True)
    b = switch.tap("b", network="small", bare=True)
    a.ns.ip("link set eth0 mtu 1500")
    fits = frames.udp(a, b, "fits".ljust(972, "."))
    over = frames.udp(a, b, "over".ljust(973, "."))
    assert len(fits) == 1014
    assert frames.crosses(a, b, over, fits) == [False, True]
    assert switch.drops("a") == {"mtu_exceeded": 1}


def test_large_mtu(switch):
    switch.network("jumbo", vlan=5, mtu=9000)
    a, b = switch.tap("a", network="jumbo"), switch.tap("b", network="jumbo")
    a.ping(b, "-s", 8972, "-M", "do")


def test_own_namespace_of_the_switch(net):
    net.call("endpoint.upsert", id="here", network="net", port={"kind": "tap", "name": "tap7"})
    assert net.root.has_link("tap7")
    net.call("endpoint.delete", id="here")
    assert not net.root.has_link("tap7")


def test_namespace_that_goes_away(net):
    """A container dies under its port: the port is in error, others go on, deletion works."""
    a, b, gone = net.tap("a"), net.tap("b"), net.tap("gone")
    gone.ns.close()
    a.ping(b)
    assert gone.delete()["changed"]
    a.ping(b)
