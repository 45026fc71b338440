# SPDX-License-Identifier: BSD-3-Clause
"""A large state in one commit: how long it takes, what it weighs, whether others are answered."""
import os
import tempfile
import time

from benchlib import rig
from leatlib import large
from leatlib.pinger import Pinger
from leatlib.rpc import Rpc
from leatlib.switch import Switch

RULES, GROUPS, ENDPOINTS = 100000, 100, 1000
PING_MS = 50
TIMEOUT_SECONDS = 300


def _round(folder, number):
    switch = Switch(release=True, workers=str(rig.SWITCH_CPU), memory=rig.MEMORY_MB,
                    state_dir=os.path.join(folder, str(number)))
    try:
        rig.first(switch.pid)
        before = large.memory_mb(switch.pid)
        rpc = switch.keep(Rpc(switch.socket, timeout=TIMEOUT_SECONDS))
        objects = list(large.state(switch, RULES, GROUPS, ENDPOINTS))
        pinger = Pinger(switch.socket)
        _, put, commit = large.resync(rpc, objects)
        longest = pinger.stop()
        after, most = large.memory_mb(switch.pid), large.memory_mb(switch.pid, "VmHWM")
        begin = time.monotonic()
        switch.restart()
        restart = time.monotonic() - begin
        return {"puts": put * 1000, "commit": commit * 1000, "longest ping": longest * 1000,
                "memory more": after - before, "memory at most": most, "restart": restart * 1000}
    finally:
        switch.close()


def run(book, rounds, _options):
    book.say(f"== resync: {RULES} rules in {GROUPS} groups and {ENDPOINTS} endpoints in one commit")
    for name in ("puts", "commit", "longest ping", "restart"):
        book.metric("resync", name, "ms", "lower")
    for name in ("memory more", "memory at most"):
        book.metric("resync", name, "MB", "lower")
    with tempfile.TemporaryDirectory(prefix="leat-resync-") as folder:
        for number in range(1, min(rounds, 2) + 1):
            book.look()
            book.add("resync", "leat", number, _round(folder, number))
    longest = book.best("resync", "longest ping", "leat")
    book.target(f"resync: system.ping within {PING_MS} ms", f"{longest:.1f} ms", longest <= PING_MS)
