# SPDX-License-Identifier: BSD-3-Clause
"""All rules are replaced at once: no packet is judged by some of one set and some of another."""
import threading
import time

import pytest

from leatlib import frames, wait
from leatlib.frames import payload_is, udp

REPLACES, FILLERS = 100, 24  # more than a scan goes through
RATE = 2000  # packets a second of each sender
SETS = ("out", "in")  # which side of a connection a set allows; the other one it denies


def rules(allowed):
    """A set by which nothing passes. Together with the other one something would."""
    yield from ({"id": side, "group": group, "direction": side,
                 "action": "allow" if side == allowed else "deny", "proto": "udp"}
                for side, group in (("out", "ga"), ("in", "gb")))
    for number in range(FILLERS):
        yield {"id": f"r{number}", "group": ("ga", "gb")[number % 2], "action": "deny",
               "direction": SETS[number % 2], "priority": 2, "proto": "tcp",
               "port": 1 + (number + FILLERS * SETS.index(allowed)),
               "remote": {"cidr": f"10.1.{number}.0/24"}}


@pytest.fixture
def three(net):
    """Two senders, and who may never hear them."""
    for group in ("ga", "gb"):
        net.call("group.upsert", id=group)
    net.senders = [net.tap(name, bare=True, group="ga") for name in "ac"]
    net.b = net.tap("b", bare=True, group="gb")
    return net


class Flood:
    """Each packet of a sender's is judged: what rules refuse no cache answers for."""

    def __init__(self, src, dst):
        self.src, self.frame, self.running = src, bytes(udp(src, dst, "never")), True
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self):
        start, sent = time.monotonic(), 0
        while self.running:
            self.src.raw.send(self.frame)
            sent += 1
            wait.pace(start, sent, RATE)

    def stop(self):
        self.running = False
        self.thread.join()


def replace(switch, allowed):
    switch.call("state.replace", owner="local", scope=["rule"],
                objects={"rule": list(rules(allowed))})


def heard(switch):
    """What b has received of it."""
    sentinel, is_sentinel = frames.arp_sentinel(switch.senders[0], switch.b)
    switch.senders[0].raw.send(sentinel)
    return switch.b.raw.collect(payload_is("never"), is_sentinel)


def test_a_packet_meets_one_set(three):
    replace(three, "in")
    floods = [Flood(sender, three.b) for sender in three.senders]
    for number in range(REPLACES):
        replace(three, SETS[number % 2])
    for flood in floods:
        flood.stop()
    assert not heard(three)
    taken = sum(three.port(sender.id)["rx_packets"] for sender in three.senders) - 1  # the sentinel
    counted = {side: three.call("stats.get", kinds=["rule"], ids=[side])["rule"][side]["packets"]
               for side in SETS}
    # The sender's side is asked of each packet, the receiver's where that allows; both were met.
    assert counted["out"] == taken == three.drops()["rule_deny"]
    assert REPLACES < counted["in"] < counted["out"] - REPLACES


def test_a_mixture_would_be_seen(three):
    """The same in two commits: between them what neither set allows gets through."""
    replace(three, "in")
    flood = Flood(three.senders[0], three.b)
    three.call("rule.upsert", next(rules("out")))
    wait.until(lambda: three.port("b")["tx_packets"] > 0, 10, "a packet to get through")
    replace(three, "out")
    flood.stop()
    assert heard(three)
