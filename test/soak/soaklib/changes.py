# SPDX-License-Identifier: BSD-3-Clause
"""Endpoints and networks come and go beside traffic at half the switch's rate, of which nothing may
be lost."""
import json
import os
import time

from leatlib import paths, wait
from leatlib.process import Process
from leatlib.switch import Switch

PER_SECOND = 100
FLOWS = 1000
FULL_SECONDS = 0.5  # to find out the switch's rate
# Frames under way each way at most, fewer than a ring holds: a machine that has no time for a while
# overruns none.
WINDOW = 900
TAP_EACH = 10  # one in so many endpoints is a TAP, whose deletion takes its kernel 20 ms


def _bench(hosts, seconds, *options):
    return Process([os.path.join(paths.BUILD_RELEASE, "test", "bench", "leat-bench"), "--json",
                    "--cpu", "1", "--bidir", "--flows", FLOWS, "--secs", seconds, "--window",
                    WINDOW, *options, *(host.socket for host in hosts)])


def _ways(bench, seconds):
    assert bench.wait(seconds + 60) == 0, bench.text()
    ways = json.loads(bench.text().splitlines()[-1])["directions"]
    bench.close()
    return ways


def _changes(switch, space):
    """One change after another, for ever: each is a function."""
    number = 0
    while True:
        name = f"n{number}"
        host = switch.host(name, number=1000 + number % 1000)
        port = {"kind": "vhost-user", "socket": switch.path("coming.sock"), "mode": "server"}
        if number % TAP_EACH == 0:
            port = {"kind": "tap", "netns": space.path, "name": "coming"}
        yield lambda: switch.network(name, vlan=1000 + number % 1000)
        yield lambda: switch.endpoint(host, port, network=name)
        yield host.delete
        yield lambda: switch.call("network.delete", id=name)
        number += 1


def run(seconds, say):
    """For so many seconds; how many changes there were."""
    switch = Switch(release=True, workers="0", memory=512)
    try:
        switch.network()
        a, b = switch.vhost("a"), switch.vhost("b")
        space = switch.host("space", ns=True).ns
        full = min(way["received"] for way in _ways(_bench([a, b], FULL_SECONDS), FULL_SECONDS))
        rate = int(full / FULL_SECONDS / 2)
        bench = _bench([a, b], seconds, "--rate", rate, "--check")
        done, longest, start = 0, 0.0, time.monotonic()
        for change in _changes(switch, space):
            if not bench.alive():
                break
            begun = time.monotonic()
            change()
            done, longest = done + 1, max(longest, time.monotonic() - begun)
            wait.pace(start, done, PER_SECOND)
        took = time.monotonic() - start
        ways = _ways(bench, seconds)
        drops = {host.id: switch.drops(host.id) for host in (a, b)}
    finally:
        switch.close()
    say(f"{done} changes, {done / took:.0f} a second, the longest {1000 * longest:.0f} ms, beside "
        f"{sum(way['sent'] for way in ways) / seconds / 1e6:.2f} of {4 * rate / 1e6:.2f} Mpps")
    for way in ways:
        say(f"sent {way['sent']}, lost {way['lost']}, out of order {way['reordered']}")
        assert way["sent"] and not way["lost"] and not way["reordered"], way
    assert not any(drops.values()), f"drops: {drops}"
    return done
