# SPDX-License-Identifier: BSD-3-Clause
"""What an idle switch costs, and how long the first packet after silence takes."""
import os
import re

from benchlib import rig
from benchlib.book import percentile
from leatlib import wait

SECONDS = 10
SHARE_WANTED = 2.0
SILENCE = 1.0    # between two pings
BUSY_GAP = 0.05  # the same where another pair keeps the worker awake
LONG = 600


def _cpu_seconds(pid):
    """What all threads of a process ran so far, as the scheduler counts it, to the nanosecond."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def _share(book, net, name, rounds):
    for number in range(1, rounds + 1):
        book.look()
        wait.let_pass(1)
        before = _cpu_seconds(net.pid)
        wait.let_pass(SECONDS)
        share = (_cpu_seconds(net.pid) - before) / SECONDS * 100
        book.add("idle", name, number, {"share": share})
    best = book.best("idle", "share", name)
    book.target(f"idle: {name}: under {SHARE_WANTED:.0f} % of a core", f"{best:.2f} %",
                best < SHARE_WANTED)


def _start_pings(client, address, count, gap):
    return rig.start(client.ns, rig.on_app_cpu("ping", "-n", "-c", count, "-i", gap, "-W", 2,
                                               address))


def _pings(book, name, process, count, gap):
    process.wait(count * gap + LONG / 10)
    took = [float(ms) * 1000 for ms in re.findall(r"time=([\d.]+) ms", process.text())]
    assert len(took) >= count * 0.9, f"{name}: {len(took)} of {count} answers\n{process.text()}"
    took = took[1:]  # the first asks for the MAC address, too
    for value in took:
        book.rows.append({"part": "wake-up", "metric": "round trip", "contender": name,
                          "round": 1, "value": value, **book.line})
    book.add("wake-up", name, 1, {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)})


def _wake_up(book, net, pair, others, count):
    server, client = pair
    over_bridge = rig.bridge(net.root, list(pair))[0]
    book.look()
    book.say(f"   {count} pings with {SILENCE:.0f} s of silence between, leat and kernel bridge "
             "half a second apart ...")
    sleeping = _start_pings(client, server.ip, count, SILENCE)
    wait.let_pass(SILENCE / 2)
    bridged = _start_pings(client, over_bridge, count, SILENCE)
    _pings(book, "leat, TAP, asleep", sleeping, count, SILENCE)
    _pings(book, "kernel bridge, veth", bridged, count, SILENCE)
    flood = rig.start(others[1].ns, rig.on_app_cpu("ping", "-n", "-q", "-f", others[0].ip))
    book.look()
    _pings(book, "leat, TAP, kept awake", _start_pings(client, server.ip, count, BUSY_GAP), count,
           BUSY_GAP)
    flood.kill()


def _taps_and_vhost(book, rounds, pings):
    net = rig.switch()
    try:
        taps = [net.tap(f"t{number}") for number in range(8)]
        for number in range(8):
            net.vhost(f"v{number}")
        _share(book, net, "leat, 8 TAP, 8 vhost-user", rounds)
        _wake_up(book, net, taps[:2], taps[2:4], pings)
    finally:
        net.close()


def _with_af_xdp(book, rounds, pings):
    net = rig.switch()
    try:
        for number in range(8):
            net.tap(f"t{number}")
        for number in range(4):
            net.vhost(f"v{number}")
        veths = [net.veth(f"x{number}") for number in range(4)]
        _share(book, net, "leat, 8 TAP, 4 vhost-user, 4 AF_XDP", rounds)
        book.look()
        book.say(f"   {pings} pings between two AF_XDP ports, {SILENCE:.0f} s of silence "
                 "between ...")
        _pings(book, "leat, AF_XDP, asleep", _start_pings(veths[1], veths[0].ip, pings, SILENCE),
               pings, SILENCE)
    finally:
        net.close()


def run(book, rounds, options):
    book.say(f"== idle: CPU time of the whole daemon over {SECONDS} s, then the first packet")
    book.metric("idle", "share", "% of a core", "lower")
    for name in ("p50", "p99"):
        book.metric("wake-up", name, "us", "lower", "kernel bridge, veth")
    rounds = min(rounds, 3)
    _taps_and_vhost(book, rounds, options.pings)
    _with_af_xdp(book, rounds, options.pings)
