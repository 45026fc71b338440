# SPDX-License-Identifier: BSD-3-Clause
"""Restarts under TCP connections: none breaks, and how long no data comes."""
import os
import shutil
import signal
import statistics
import time

from leatlib.netns import Namespace
from leatlib.switch import Switch
from leatlib.traffic import Silences, TcpFlow, iperf3_beside
from leatlib.vhost_relay import VhostRelay

STEADY_BLOCKS = 500  # between restarts, a millisecond each: TCP forgets the retries before
SECONDS_EACH = 3  # of iperf3, for one restart and what follows


class Taps:
    """Containers on TAPs: a block each millisecond between two of them, iperf3 between two
    others."""
    NAMES = ("steady", "iperf3")

    def __init__(self, switch, count):
        a, b, c, d = (switch.tap(name) for name in ("a", "b", "bulk1", "bulk2"))
        self.flow = TcpFlow(a, b)
        self.seconds = count * SECONDS_EACH
        self.bulk = iperf3_beside(c, d, seconds=self.seconds)
        self.watched = (self.flow, Silences(d))

    def stop(self):
        self.flow.stop()
        self.watched[1].stop()
        assert self.bulk.wait(self.seconds + 30) == 0, self.bulk.text()

    def check(self):
        assert self.bulk.alive(), "iperf3 ended amid the restarts:\n" + self.bulk.text()


class Guests:
    """Containers behind vhost-user ports, a block each millisecond: one peer connects again when
    the switch is back, and the switch connects to the other."""
    NAMES = ("steady",)

    def __init__(self, switch, _count):
        hosts = []
        for name, mode in (("guest1", "server"), ("guest2", "client")):
            host = switch.vhost(name, mode=mode)
            host.ns = switch.keep(Namespace(name[:6]))
            hosts.append(host)
        self.relays = [switch.keep(VhostRelay(host)) for host in hosts]
        self.flow = TcpFlow(*hosts)
        self.watched = (self.flow,)

    def stop(self):
        self.flow.stop()
        for relay in self.relays:
            relay.close()

    def check(self):
        pass


PORTS = {"TAP": Taps, "vhost-user": Guests}


def _replace_binary(switch):
    """As a package's upgrade does it, under the running daemon: a new file, renamed over the
    old."""
    new = switch.binary + ".new"
    shutil.copy(switch.binary, new)
    os.rename(new, switch.binary)


def _one(switch, traffic, upgrade):
    """Milliseconds from the end of the old until the new is ready, and those without data."""
    for watched in traffic.watched:
        watched.wait_more(STEADY_BLOCKS)
        watched.gap_ms()
    if upgrade:
        _replace_binary(switch)
    ended = time.monotonic()
    switch.restart(signal.SIGTERM if upgrade else signal.SIGKILL)
    ready_ms = 1000 * (time.monotonic() - ended)
    for watched in traffic.watched:
        watched.wait_more()
    traffic.check()
    return [ready_ms] + [watched.gap_ms() for watched in traffic.watched]


def _line(label, values):
    return f"{label:>8}" + "".join(f"{value:>12}" for value in values)


def _figures(label, values):
    return _line(label, [f"{value:.0f} ms" for value in values])


def _ports(kind, count, state_dir, say, upgrade, release):
    switch = Switch(release=release, state_dir=state_dir, workers="1", start=False)
    rows = []
    try:
        if upgrade:  # a file of its own, which may be replaced
            built, switch.binary = switch.binary, switch.path("leatd")
            switch.argv[0] = shutil.copy(built, switch.binary)
        switch.start()
        switch.network()
        traffic = PORTS[kind](switch, count)
        say(f"{kind}: milliseconds until it is ready again, and without data")
        say(_line("restart", ("ready",) + traffic.NAMES))
        for number in range(1, count + 1):
            rows.append(_one(switch, traffic, upgrade))
            say(_figures(str(number), rows[-1]))
        traffic.stop()
    finally:
        switch.close()
    for label, function in (("shortest", min), ("median", statistics.median), ("longest", max)):
        say(_figures(label, [function(column) for column in zip(*rows)]))
    return rows


def run(count, state_dir, say, upgrade=False, release=True):
    """End and start it `count` times for each kind of ports, killed or by an upgrade; by kind a row
    for each restart: milliseconds until it was ready, and without data."""
    os.makedirs(state_dir)
    return {kind: _ports(kind, count, os.path.join(state_dir, kind), say, upgrade, release)
            for kind in PORTS}
