# SPDX-License-Identifier: BSD-3-Clause
"""Limits on what several receive: of an endpoint, and of an uplink (storm control)."""
import time

from leatlib.frames import BROADCAST, crosses, payload_is, udp
from scapy.layers.l2 import Dot1Q, Ether

BURST = 16  # frames that pass at once
GROUP = "01:00:5e:00:00:05"


def flood(send, frames):
    """Seconds it took."""
    began = time.monotonic()
    for frame in frames:
        send(frame)
    return time.monotonic() - began


def test_broadcast_and_multicast_of_an_endpoint(pair):
    a, b = pair.a, pair.b
    pair.endpoint(a, a.port_spec, v6=True, guard={"broadcast_pps": 20, "multicast_pps": 10})
    began = time.monotonic()
    shouts = [udp(a, b, f"shout {i:03d}", dst=BROADCAST) for i in range(200)]
    groups = [udp(a, b, f"group {i:03d}", dst=GROUP) for i in range(100)]
    arrived = crosses(a, b, *shouts, *groups, udp(a, b, "to one"))
    seconds = time.monotonic() - began
    shouted, grouped = sum(arrived[:200]), sum(arrived[200:300])
    assert BURST <= shouted <= BURST + 20 * seconds and arrived[:BURST] == [True] * BURST
    assert BURST <= grouped <= BURST + 10 * seconds and arrived[300]
    assert pair.drops("a") == {"broadcast_rate": 200 - shouted, "multicast_rate": 100 - grouped}
    # A change elsewhere leaves the buckets as they are.
    before = pair.drops("a")["broadcast_rate"]
    pair.endpoint(b, b.port_spec, v6=True, guard={"broadcast_pps": 5})
    crosses(a, b, *shouts)
    seconds = time.monotonic() - began
    passed = shouted + 200 - (pair.drops("a")["broadcast_rate"] - before)
    assert passed <= BURST + 20 * seconds
    steps = pair.call("policy.trace", endpoint="a", packet={
        "src_ip": a.ip, "dst_ip": "10.1.255.255", "dst_mac": BROADCAST})["steps"]
    assert any("broadcast by this port is limited to 20 frames a second" in step for step in steps)


def test_storm_control_of_an_uplink(net):
    up = net.uplink_tap(guard={"broadcast_pps": 10, "unknown_unicast_pps": 1})
    a = net.tap("a", bare=True)
    outside = net.host("outside")
    port = {"spoof": False, "macs": 8}
    for name in ("c", "d"):
        net.tap(name, bare=True, ips=[], guard=port)
    up.drain()

    def frame(text, dst):
        inner = udp(outside, a, text)
        return Ether(src=outside.mac, dst=dst) / Dot1Q(vlan=100) / inner.payload
    seconds = flood(up.send, [frame(f"storm {i}", BROADCAST) for i in range(100)])
    seconds += flood(up.send, [frame(f"who {i}", "02:00:00:00:77:77") for i in range(60)])
    up.send(frame("the last", a.mac))
    heard = len(a.raw.collect(payload_is("storm"), payload_is("the last")))
    drops = net.drops("up0")
    assert BURST <= heard <= BURST + 10 * (seconds + 1)
    assert drops["broadcast_rate"] == 100 - heard
    assert BURST <= 60 - drops["unknown_unicast_rate"] <= BURST + 1 + seconds
    assert net.port("c")["tx_packets"] == net.port("d")["tx_packets"] == (
        heard + 60 - drops["unknown_unicast_rate"])
