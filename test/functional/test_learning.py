# SPDX-License-Identifier: BSD-3-Clause
"""Ports without configured addresses: MACs are learned, bounded, moved and forgotten."""
import itertools

import pytest

from leatlib import frames, wait
from leatlib.frames import payload_is, udp

OPEN = {"ips": [], "bare": True, "guard": {"spoof": False, "macs": 4}}


class Stranger:
    def __init__(self, number):
        self.mac, self.ip = f"02:aa:00:00:00:{number:02x}", f"10.1.50.{number}"


@pytest.fixture
def three(net):
    """Two learning ports and an ordinary one that listens in."""
    net.a, net.b = net.tap("a", **OPEN), net.tap("b", **OPEN)
    net.c = net.tap("c", **OPEN)
    return net


def is_flooded(net, frame, text, marker):
    """Send from b; does c see it? A broadcast behind it ends the wait."""
    net.b.raw.send(frame)
    net.b.raw.send(udp(net.b, net.c, marker, dst=frames.BROADCAST))
    return bool(net.c.raw.collect(payload_is(text), payload_is(marker)))


def test_learned_mac_is_no_longer_flooded(three):
    stranger = Stranger(1)
    assert is_flooded(three, udp(three.b, stranger, "unknown yet"), "unknown yet", "end 1")
    three.a.raw.send(udp(stranger, three.b, "here I am"))
    three.b.raw.expect(payload_is("here I am"))
    assert not is_flooded(three, udp(three.b, stranger, "known now"), "known now", "end 2")
    three.a.raw.expect(payload_is("known now"))


def test_mac_moves(three):
    stranger = Stranger(1)
    three.a.raw.send(udp(stranger, three.b, "from a"))
    three.b.raw.expect(payload_is("from a"))
    three.c.raw.send(udp(stranger, three.b, "from c"))
    three.b.raw.expect(payload_is("from c"))
    three.b.raw.send(udp(three.b, stranger, "follow"))
    three.c.raw.expect(payload_is("follow"))


def test_macs_are_bounded(three):
    for number in range(10):
        three.a.raw.send(udp(Stranger(number + 1), three.b, f"stranger {number}"))
    wait.until(lambda: three.drops("a").get("mac_limit"), 5, "the bound to be reached")
    assert three.drops("a") == {"mac_limit": 6}


def test_guarded_endpoints_mac_cannot_be_learned_elsewhere(three):
    """A learning port that sends with a configured endpoint's MAC does not take its traffic."""
    victim = three.tap("victim", bare=True)
    three.a.raw.send(udp(victim, three.b, "I am the victim"))
    three.b.raw.send(udp(three.b, victim, "for the victim"))
    victim.raw.expect(payload_is("for the victim"))


def test_forgotten_after_mac_age(three):
    three.call("global.set", mac_age_s=10)
    stranger = Stranger(1)
    three.a.raw.send(udp(stranger, three.b, "here I am"))
    three.b.raw.expect(payload_is("here I am"))
    assert not is_flooded(three, udp(three.b, stranger, "known"), "known", "end 0")
    count = itertools.count(1)

    def forgotten():
        number = next(count)
        return is_flooded(three, udp(three.b, stranger, f"anyone {number}?"),
                          f"anyone {number}?", f"end {number}.")
    wait.until(forgotten, 20, "the stranger's MAC to be forgotten")


def test_deleting_a_port_forgets_its_macs(three):
    stranger = Stranger(1)
    three.a.raw.send(udp(stranger, three.b, "here I am"))
    three.b.raw.expect(payload_is("here I am"))
    three.a.delete()
    assert is_flooded(three, udp(three.b, stranger, "unknown again"), "unknown again", "end 1")
