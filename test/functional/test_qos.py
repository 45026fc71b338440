# SPDX-License-Identifier: BSD-3-Clause
"""Rates: what is let through in a time that the switch itself tells, within 3 %."""
import threading
import time

import pytest

from leatlib import frames, wait
from leatlib.frames import IP, Ether, IPv6, payload_is, udp, udp6
from leatlib.process import run
from leatlib.traffic import iperf3, received_bits_per_second
from scapy.layers.l2 import Dot1Q

MBIT100 = 100_000
MEASURE_NS = 2_000_000_000
TOLERANCE = 0.03


def rate_at(net, receiver, reason, limited=None):
    """(bits, packets) a second that reach a port under a load that is running, far above the limit;
    or that conform to the rate of the host `limited`, whatever its receiver then has room for.

    The measure begins when the bucket's store is used up, which the first drops show.
    """
    wait.until(lambda: sum(port["drops"].get(reason, 0) for port in
                           net.call("stats.get", kinds=["port"])["port"].values()) > 200, 8,
               f"drops for {reason}")

    def sample():
        stats = net.call("stats.get", kinds=["port", "endpoint"])
        if limited:
            passed = stats["endpoint"][limited.id]["qos"][reason[:2]]["conforming"]
            return stats["ts_ns"], passed["bytes"], passed["packets"]
        port = stats["port"][receiver.id]
        return stats["ts_ns"], port["tx_bytes"], port["tx_packets"]
    first, last = wait.window(sample, MEASURE_NS, 10, "two seconds of load")
    seconds = (last[0] - first[0]) / 1e9
    return (last[1] - first[1]) * 8 / seconds, (last[2] - first[2]) / seconds


def measured(net, sender, receiver, options, reason):
    """rate_at() under UDP from one container to another."""
    listener = receiver.ns.start(["iperf3", "-s", "-1", "--forceflush"])
    listener.expect("Server listening", 10)
    sender.ns.start(["iperf3", "-u", "-c", receiver.ip, "-t", 8, *options])
    return rate_at(net, receiver, reason)


@pytest.mark.alone
@pytest.mark.parametrize("side", ["tx", "rx"])
def test_rate(net, side):
    limit = {f"{side}_kbps": MBIT100}
    a = net.tap("a", **({"qos": limit} if side == "tx" else {}))
    b = net.tap("b", **({"qos": limit} if side == "rx" else {}))
    bits, _ = measured(net, a, b, ["-b", "160M", "-l", 1400], f"{side}_rate")
    assert abs(bits / (MBIT100 * 1000) - 1) < TOLERANCE, bits


@pytest.mark.alone
@pytest.mark.parametrize("side", ["tx", "rx"])
def test_packets_a_second(net, side):
    limit = {f"{side}_pps": 2000}
    a = net.tap("a", **({"qos": limit} if side == "tx" else {}))
    b = net.tap("b", **({"qos": limit} if side == "rx" else {}))
    _, packets = measured(net, a, b, ["-b", "4M", "-l", 100], f"{side}_pps")
    assert abs(packets / 2000 - 1) < TOLERANCE, packets


@pytest.mark.alone
def test_tcp_gets_the_rate(net):
    """Large segments are charged as the frames they become, and a stream still gets along."""
    a, b = net.tap("a", qos={"tx_kbps": MBIT100}), net.tap("b")
    rate = received_bits_per_second(iperf3(a, b, seconds=3))
    assert 0.7 * MBIT100 * 1000 < rate < 1.1 * MBIT100 * 1000


def send_many(src, dst, count):
    frame = bytes(frames.udp(src, dst, "one of many"))
    for _ in range(count):
        src.raw.send(frame)


def test_group_gives_each_endpoint_its_own_bucket(net):
    net.call("group.upsert", id="slow", qos={"tx_pps": 100})
    a, b = net.tap("a", bare=True, group="slow"), net.tap("b", bare=True, group="slow")
    c = net.tap("c", bare=True)
    send_many(a, c, 1000)
    wait.until(lambda: net.port("a")["rx_packets"] == 1000, 5, "the flood to be taken")
    assert net.drops("a")["tx_pps"] > 500
    assert frames.crosses(b, c, frames.udp(b, c, "unhindered"))


def test_endpoint_replaces_the_groups(net):
    net.call("group.upsert", id="slow", qos={"tx_pps": 100})
    a = net.tap("a", bare=True, group="slow", qos={"tx_kbps": 1_000_000})
    b = net.tap("b", bare=True)
    send_many(a, b, 500)
    wait.until(lambda: net.port("b")["tx_packets"] == 500, 5, "all of them")


def test_limit_is_lifted_live(net):
    a, b = net.tap("a", bare=True, qos={"tx_pps": 10}), net.tap("b", bare=True)
    send_many(a, b, 300)
    wait.until(lambda: net.port("a")["rx_packets"] == 300, 5, "the flood to be taken")
    assert net.drops("a")["tx_pps"] > 100
    net.endpoint(a, a.port_spec)
    before = net.port("b")["tx_packets"]
    send_many(a, b, 300)
    wait.until(lambda: net.port("b")["tx_packets"] == before + 300, 5, "all of them")


def test_rate_changes_live(net):
    """While frames come, changed rates lose none; a limit holds from the reply on, to the frame."""
    a, b = net.tap("a", bare=True, qos={"tx_pps": 100_000}), net.tap("b", bare=True)
    ended = threading.Event()

    def send():
        while not ended.wait(0.001):  # at a pace at which the TAP's queue never is full
            send_many(a, b, 50)
    sender = threading.Thread(target=send)
    sender.start()
    took = []
    try:
        for number in range(20):
            start = time.monotonic()
            net.endpoint(a, a.port_spec, qos={"tx_kbps": 900_000 + number, "tx_pps": 100_000})
            took.append(time.monotonic() - start)
    finally:
        ended.set()
        sender.join()
    assert frames.crosses(a, b, udp(a, b, "behind all of them"))
    assert net.port("b")["tx_packets"] == net.port("a")["rx_packets"] > 100
    assert not net.drops("a") and min(took) < 0.010, took

    net.endpoint(a, a.port_spec, qos={"tx_pps": 1})
    before = net.port("b")["tx_packets"]
    conforming = net.call("stats.get", kinds=["endpoint"])["endpoint"]["a"]["qos"]["tx"]
    send_many(a, b, 300)
    wait.until(lambda: net.drops("a").get("tx_pps", 0) + net.port("b")["tx_packets"] - before
               == 300, 5, "the flood to be taken")
    assert net.port("b")["tx_packets"] - before in (128, 129)
    now = net.call("stats.get", kinds=["endpoint"])["endpoint"]["a"]["qos"]["tx"]
    assert now["pps"] == 1
    assert now["over_pps"]["packets"] == net.drops("a")["tx_pps"]
    assert (now["conforming"]["packets"] - conforming["conforming"]["packets"]
            == net.port("b")["tx_packets"] - before)
    shown = run([net.ctl, "-s", net.socket, "qos", "show", "a"]).stdout.splitlines()
    assert len(shown) == 2 and shown[1].split()[:3] == ["a", "tx", "police"]


def sent_with(frame, traffic_class):
    """A copy of the frame with this TOS or traffic class, checksums made anew."""
    copy = Ether(bytes(frame))
    if IP in copy:
        copy[IP].tos = traffic_class
        del copy[IP].chksum
    else:
        copy[IPv6].tc = traffic_class
    return copy


def test_marks(net):
    """DSCP and priority of what a container sends; ECN and what others send stay as they are."""
    net.up = net.uplink_tap()
    a = net.tap("a", bare=True, v6=True, qos={"dscp": 46, "pcp": 5})
    b = net.tap("b", bare=True, v6=True)
    for text, packet in (("four", udp), ("six", udp6)):
        plain = packet(a, b, text)
        a.raw.send(sent_with(plain, 10 << 2 | 3))
        assert bytes(b.raw.expect(payload_is(text))) == bytes(sent_with(plain, 46 << 2 | 3))
        back = sent_with(packet(b, a, text), 10 << 2 | 1)
        b.raw.send(back)
        assert bytes(a.raw.expect(payload_is(text))) == bytes(back)
    outwards = sent_with(udp(a, b, "outwards"), 2)
    outwards.dst = "02:00:00:00:ff:01"
    a.raw.send(outwards)
    tag = Dot1Q(prio=5, vlan=100, type=outwards.type)
    want = Ether(src=a.mac, dst=outwards.dst) / tag / sent_with(outwards, 46 << 2 | 2).payload
    assert bytes(net.up.expect(payload_is("outwards"))) == bytes(want)
    steps = net.call("policy.trace", endpoint="a", packet={
        "dst_ip": "10.1.9.9", "dst_mac": outwards.dst, "proto": "udp"})["steps"]
    assert "mark: DSCP 46 in place of 0" in steps
    assert "forward: to an uplink, VLAN 100, priority 5" in steps
