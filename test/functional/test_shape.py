# SPDX-License-Identifier: BSD-3-Clause
"""Shaping: a TCP stream gets the rate, and who asks beside it does not wait behind it."""
import re

import pytest

from leatlib import frames, wait
from leatlib.memif_peer import MemifPeer
from leatlib.traffic import iperf3_beside

pytestmark = pytest.mark.alone

MEASURE_NS = 1_500_000_000
RATE_LEAST = 0.7  # of the rate: a worker that others keep off its core for long comes too late
RATE_MOST = 1.1  # and when counters and clock are read is not one moment
PING_MS = 5
RING = 256   # frames that a guest's ring holds,
BEYOND = 8   # and that it has no room for: less than a turn of a flow, which CoDel leaves alone
WAKE_MS = 200  # a worker that is not woken sleeps for a second


def qos(side, kbps, mode="shape"):
    return {f"{side}_kbps": kbps, "mode": mode}


def bits_per_second(net, receiver):
    """What reaches a port under a load that is running, from when it does."""
    def sample():
        stats = net.call("stats.get", kinds=["port"], ids=[receiver.id])
        return stats["ts_ns"], stats["port"][receiver.id]["tx_bytes"]
    first = sample()
    wait.until(lambda: sample()[1] > first[1] + 300_000, 8, "a stream that runs")
    first, last = wait.window(sample, MEASURE_NS, 10, "some load")
    return (last[1] - first[1]) * 8e9 / (last[0] - first[0])


def shaper(net, host, side):
    return net.call("stats.get", kinds=["endpoint"], ids=[host.id])["endpoint"][host.id]["qos"][
        side]["shaper"]


def ping_ms(source, target):
    """What a quarter of round trips stay below: what else runs on the cores lengthens others."""
    out = source.ns.run(["ping", "-n", "-c", 30, "-i", "0.02", target.ip]).stdout
    times = sorted(float(ms) for ms in re.findall(r"time=([0-9.]+) ms", out))
    assert len(times) > 20, out
    return times[len(times) // 4]


def assert_gets(net, receiver, kbps):
    rate = bits_per_second(net, receiver)
    assert RATE_LEAST * kbps * 1000 < rate < RATE_MOST * kbps * 1000, rate


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_tcp_beside_ping(net, side):
    """At 10 Mb/s, then, while the stream runs, at 100, policed, and without its endpoint."""
    a, b = net.tap("a"), net.tap("b")
    shaped = a if side == "tx" else b
    net.endpoint(shaped, shaped.port_spec, qos=qos(side, 10_000))
    iperf3_beside(a, b, 20)
    assert_gets(net, b, 10_000)
    assert ping_ms(a, b) < PING_MS
    assert shaper(net, shaped, side)["sent_packets"] > 1000
    net.endpoint(shaped, shaped.port_spec, qos=qos(side, 100_000))
    assert_gets(net, b, 100_000)
    assert ping_ms(a, b) < PING_MS
    assert "shaper_gone" not in net.drops()
    net.endpoint(shaped, shaped.port_spec, qos=qos(side, 10_000))
    assert_gets(net, b, 10_000)
    net.endpoint(shaped, shaped.port_spec, qos=qos(side, 20_000, "police"))
    net.endpoint(shaped, shaped.port_spec, qos=qos(side, 5_000))
    wait.until(lambda: shaper(net, shaped, side)["waiting_packets"] > 0, 8, "a queue")
    shaped.delete()


def test_two_workers(make_switch):
    """What one worker leaves in a shaper that another one empties, and may sleep, goes in time."""
    net = make_switch(workers="0,1")
    net.network()
    a, b = net.tap("a"), net.tap("b")
    for host in (a, b):
        net.endpoint(host, host.port_spec,
                     qos={"tx_kbps": 20_000, "rx_kbps": 20_000, "mode": "shape"})
    iperf3_beside(a, b, 3)
    assert_gets(net, b, 20_000)
    assert ping_ms(a, b) < WAKE_MS and ping_ms(b, a) < WAKE_MS


def memif(net):
    host = net.host("b")
    port = {"kind": "memif", "role": "server", "socket": net.path("b.sock")}
    net.endpoint(host, port, qos=qos("rx", 1_000_000))
    return host, net.keep(MemifPeer(port["socket"]))


def vhost(net):
    host = net.vhost("b", qos=qos("rx", 1_000_000))
    return host, net.peer(host)


@pytest.mark.parametrize("make", [vhost, memif])
def test_waits_for_a_receiver_without_room(net, make):
    """What its ring does not hold stays in the queue, in order, until it reads."""
    a = net.tap("a", bare=True)
    b, guest = make(net)
    wait.until(lambda: net.state_of(b) == "active", 10, "the guest to be there")
    for number in range(RING + BEYOND):
        a.raw.send(frames.udp(a, b, f"number {number} ".ljust(100, "-")))
    wait.until(lambda: net.port(b.id)["tx_packets"] == RING, 10, "a full ring")
    wait.until(lambda: shaper(net, b, "rx")["waiting_packets"] == BEYOND, 10,
               lambda: f"{BEYOND} to wait: {shaper(net, b, 'rx')} {net.drops()}")
    for number in range(RING + BEYOND):
        got = guest.receive()
        assert f"number {number} ".encode() in (got if make is memif else got[1])
    assert not net.drops(b.id)
