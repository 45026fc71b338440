# SPDX-License-Identifier: BSD-3-Clause
"""Containers on veth pairs whose near end the switch takes by AF_XDP."""
from leatlib.traffic import checksum_errors, iperf3, received_bits_per_second


def test_ping_to_tap(net):
    a, b = net.veth("a", v6=True), net.tap("b", v6=True)
    a.ping(b)
    b.ping(a, "-s", 1472, "-M", "do")
    a.ping6(b)
    assert a.result["state"] == "active" and a.result["port"]["kind"] == "af_xdp"


def test_tcp_from_tap_is_segmented_and_summed(net):
    """64 KB segments with unfinished checksums become MTU-sized frames with right sums."""
    a, b = net.tap("a"), net.veth("b")
    report = iperf3(a, b, seconds=1)
    assert received_bits_per_second(report) > 1e6
    assert not checksum_errors(b)
    stats = b.stats()
    assert stats["tx_bytes"] / stats["tx_packets"] <= 1514
    assert net.port("a")["copies"] > 0


def test_tcp_to_tap(net):
    a, b = net.veth("a"), net.tap("b")
    report = iperf3(a, b, seconds=1)
    assert received_bits_per_second(report) > 1e6
    assert not checksum_errors(b)


def test_ipv6_tcp_from_tap(net):
    a, b = net.tap("a", v6=True), net.veth("b", v6=True)
    assert received_bits_per_second(iperf3(a, b, "-6", seconds=1, address=b.ip6)) > 1e6
    assert not checksum_errors(b)


def test_two_veth(net):
    a, b = net.veth("a"), net.veth("b")
    a.ping(b)
    assert received_bits_per_second(iperf3(a, b, seconds=1)) > 1e6


def test_delete_gives_the_interface_back(net):
    a, b = net.veth("a"), net.tap("b")
    a.ping(b)
    a.delete()
    near = a.port_spec["netdev"]
    assert net.root.has_link(near)
    net.endpoint(a, a.port_spec)
    a.ping(b)
