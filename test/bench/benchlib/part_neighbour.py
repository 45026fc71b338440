# SPDX-License-Identifier: BSD-3-Clause
"""Redis, and one request at a time, beside a neighbour that is as loud as it can."""
import contextlib
import json
import signal

from benchlib import rig
from benchlib.book import turns
from benchlib.core_share import CoreShare
from benchlib.neighbours import Neighbours
from benchlib.part_latency import FIGURES, latency_round, latency_server
from benchlib.part_redis import redis_answers, redis_round, redis_start

PART = "neighbour"
REQUESTS = 40000
LOUD_SHARE = 0.25  # of the applications' core, for whoever is loud with a kernel's socket
ALONE = "alone"
BURN = ["sh", "-c", "echo burning; while :; do :; done"]
BURNT = "a quarter of the core burnt"  # what such a neighbour is compared with
FLOODS = {"64-byte flood": "udp", "broadcast storm": "broadcast", "SYN flood": "syn"}
BULK = "TCP bulk"
LOADS = [ALONE, BURNT, *FLOODS, BULK]
RATE_KEPT = 0.9
P99_TIMES = 2
ASKED = [ALONE, BURNT, "64-byte flood", BULK]  # beside whom one request at a time is timed
ASKED_PORT = 11111


class _Loads:
    def __init__(self, four, share):
        self.four, self.share = four, share
        sink = four.hosts[3].ns
        self.listener = rig.start(
            sink, share.argv(*rig.on_app_cpu("iperf3", "-s", "--forceflush")))
        self.listener.expect("Server listening", 10)

    def _start(self, site, load):
        """What is loud, when it is."""
        if load == BURNT:
            argv, ready = BURN, "burning"
        elif load == BULK:
            argv, ready = ["iperf3", "-c", site.addresses[3], "-t", "60"], "connected"
        else:
            argv, ready = site.flood(FLOODS[load]), "sending"
        argv = rig.on_app_cpu("stdbuf", "-oL", *argv)
        if load not in FLOODS or not site.free:
            argv = self.share.argv(*argv)
        process = rig.start(self.four.hosts[2].ns, argv)
        process.expect(ready, 20)
        return process

    @contextlib.contextmanager
    def running(self, site, load):
        """After it, what is given has what the switch took of a flood ("mpps"), its sender of
        the applications' core, and how often that found its ring empty ("dry")."""
        taken = {}
        if load == ALONE:
            yield taken
            return
        mark = self.listener.mark()
        process = self._start(site, load)
        try:
            yield taken
        finally:
            process.kill(signal.SIGTERM)
            process.wait(10)
            if load == BULK:
                self.listener.expect("Server listening", 20, mark)
        if load in FLOODS:
            done = json.loads(process.text().splitlines()[-1])
            taken["mpps"] = done["frames"] / done["seconds"] / 1e6
            taken["core"] = done["core_share"]
            taken["dry"] = done["dry"]


def _round(four, loads, site):
    client, address = four.hosts[1].ns, site.addresses[0]
    values = {}
    with site.running():
        for load in LOADS:
            with loads.running(site, load) as taken:
                done = redis_round(client, address, REQUESTS)
                if load in ASKED:
                    trip = latency_round(client, address, ASKED_PORT, "--tcp")
                    values.update({f"trip {name}, {load}": us for name, us in trip.items()})
            values[f"requests, {load}"] = done["requests"]
            values[f"p99, {load}"] = done["p99"]
            if taken:
                values[f"taken, {load}"] = taken["mpps"]
                values[f"flooder's core, {load}"] = taken["core"]
                values[f"ran dry, {load}"] = taken["dry"]
    return values


def _judge(book, site, is_ours):
    for load in [*FLOODS, BULK]:
        base = ALONE if load in FLOODS and site.free else BURNT
        rate, p99 = (book.best(PART, f"{name}, {load}", site.name) /
                     book.best(PART, f"{name}, {base}", site.name) for name in ("requests", "p99"))
        words = f"requests {rate:.2f} of those {base}, p99 {p99:.2f} times"
        if is_ours:
            book.target(f"{load}: Redis beside it has {RATE_KEPT} of its requests, and {P99_TIMES} "
                        "times its p99", words, rate >= RATE_KEPT and p99 <= P99_TIMES)
        else:
            book.notes.append(f"{site.name}, {load}: {words}")


def _trips(book, site):
    """One request, one response: beside bulk transfers of others, and without."""
    for load in ASKED:
        best = [f"{name} {book.best(PART, f'trip {name}, {load}', site.name):,.0f} us"
                for name in FIGURES]
        book.notes.append(f"{site.name}, one request at a time, {load}: {', '.join(best)}")


def _drops(book, four):
    """Why the flooder's frames went no further, by its own port's counters."""
    reasons = four.net.drops(four.guests[0].id)
    said = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    book.notes.append(f"leat dropped of the flooder: {said or 'nothing'}")


def run(book, rounds, _options):
    four = Neighbours()
    with contextlib.ExitStack() as closing:
        share = CoreShare(LOUD_SHARE)
        closing.callback(share.close)
        closing.callback(four.close)
        redis_start(four.hosts[0].ns, four.net.directory)
        latency_server(four.hosts[0].ns, ASKED_PORT, "--tcp")
        for site in four.sites:
            with site.running():
                redis_answers(four.hosts[1].ns, site.addresses[0])
        loads = _Loads(four, share)
        book.say(f"== {PART}: redis-benchmark -t get -c 50 beside a container that floods")
        for load in LOADS:
            book.metric(PART, f"requests, {load}", "1/s", "higher")
            book.metric(PART, f"p99, {load}", "ms", "lower")
            for name in FIGURES if load in ASKED else ():
                book.metric(PART, f"trip {name}, {load}", "us", "lower")
            if load in FLOODS:
                book.metric(PART, f"taken, {load}", "Mpps", "higher")
                book.metric(PART, f"flooder's core, {load}", "share", "lower")
                book.metric(PART, f"ran dry, {load}", "share", "lower")
        turns(book, PART, {site.name: lambda site=site: _round(four, loads, site)
                           for site in four.sites}, rounds)
        for number, site in enumerate(four.sites):
            _judge(book, site, number == 0)
            _trips(book, site)
        _drops(book, four)
