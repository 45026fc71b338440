# SPDX-License-Identifier: BSD-3-Clause
"""Redis, and one request at a time, beside a neighbour that is as loud as it can be."""
import contextlib
import json
import signal

from benchlib import rig
from benchlib.book import turns
from benchlib.core_share import CoreShare
from benchlib.part_latency import FIGURES, latency_round, latency_server
from benchlib.part_redis import redis_answers, redis_round, redis_start

REQUESTS = 40000
LOUD_SHARE = 0.25  # of the applications' core, for whoever is loud with a kernel's socket
ALONE = "alone"
BURN = ["sh", "-c", "echo burning; while :; do :; done"]
BURNT = "a quarter of the core burnt"  # what such a neighbour is compared with
FLOODS = {"64-byte flood": "udp", "broadcast storm": "broadcast", "SYN flood": "syn"}
BULK = "TCP bulk"
ASKED = [ALONE, BURNT, "64-byte flood", BULK]  # beside whom one request at a time is timed
ASKED_PORT = 11111
RATE_KEPT = 0.9
P99_TIMES = 2


class _Loads:
    """What is loud: it begins and ends."""

    def __init__(self, scene, share):
        self.scene, self.share = scene, share
        self.listener = rig.start(
            scene.hosts[3].ns, share.argv(*rig.on_app_cpu("iperf3", "-s", "--forceflush")))
        self.listener.expect("Server listening", 10)

    def _start(self, site, load):
        if load == BURNT:
            argv, ready = BURN, "burning"
        elif load == BULK:
            argv, ready = ["iperf3", "-c", site.addresses[3], "-t", "60"], "connected"
        else:
            argv, ready = site.flood(FLOODS[load]), "sending"
        argv = rig.on_app_cpu("stdbuf", "-oL", *argv)
        if load not in FLOODS or not site.free:
            argv = self.share.argv(*argv)
        process = rig.start(self.scene.hosts[2].ns, argv)
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


class _Beside:
    """A part of the bench: a scene, and the loud ones of it, `floods` and bulk."""

    def __init__(self, book, part, scene, floods):
        self.book, self.part, self.scene = book, part, scene
        self.loud = [*floods, BULK]
        self.loads = [ALONE, BURNT, *self.loud]

    def _round(self, loads, site):
        client, address = self.scene.hosts[1].ns, site.addresses[0]
        values = {}
        with site.running():
            for load in self.loads:
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

    def _metrics(self):
        for load in self.loads:
            found = [(f"requests, {load}", "1/s", "higher"), (f"p99, {load}", "ms", "lower")]
            if load in ASKED:
                found += [(f"trip {name}, {load}", "us", "lower") for name in FIGURES]
            if load in FLOODS:
                found += [(f"taken, {load}", "Mpps", "higher"),
                          (f"flooder's core, {load}", "share", "lower"),
                          (f"ran dry, {load}", "share", "lower")]
            for name, unit, better in found:
                self.book.metric(self.part, name, unit, better)

    def measure(self, share, rounds):
        server, client = self.scene.hosts[0].ns, self.scene.hosts[1].ns
        redis_start(server, self.scene.net.directory)
        latency_server(server, ASKED_PORT, "--tcp")
        for site in self.scene.sites:
            with site.running():
                redis_answers(client, site.addresses[0])
        loads = _Loads(self.scene, share)
        self._metrics()
        turns(self.book, self.part, {site.name: lambda site=site: self._round(loads, site)
                                     for site in self.scene.sites}, rounds)

    def judge(self, site, is_ours):
        for load in self.loud:
            base = ALONE if load in FLOODS and site.free else BURNT
            rate, p99 = (self._best(site, f"{name}, {load}") / self._best(site, f"{name}, {base}")
                         for name in ("requests", "p99"))
            words = f"requests {rate:.2f} of those {base}, p99 {p99:.2f} times"
            if is_ours:
                self.book.target(
                    f"{self.part}, {load}: Redis beside it has {RATE_KEPT} of its requests, and "
                    f"{P99_TIMES} times its p99", words, rate >= RATE_KEPT and p99 <= P99_TIMES)
            else:
                self.book.notes.append(f"{self.part}, {site.name}, {load}: {words}")

    def _best(self, site, metric):
        return self.book.best(self.part, metric, site.name)

    def trips(self, site):
        """One request, one response: beside what others do, and without."""
        for load in self.loads:
            if load in ASKED:
                best = [f"{name} {self._best(site, f'trip {name}, {load}'):,.0f} us"
                        for name in FIGURES]
                self.book.notes.append(f"{self.part}, {site.name}, one request at a time, {load}: "
                                       f"{', '.join(best)}")


def beside(book, part, scene, floods, rounds):
    """Measure it all on all sites of a scene, judge ours and show the others beside it. Who is loud
    through a kernel's socket has a part of the applications' core, as if it were burnt."""
    with contextlib.ExitStack() as closing:
        share = CoreShare(LOUD_SHARE)
        closing.callback(share.close)
        closing.callback(scene.close)
        whole = _Beside(book, part, scene, floods)
        whole.measure(share, rounds)
        for number, site in enumerate(scene.sites):
            whole.judge(site, number == 0)
            whole.trips(site)
        reasons = scene.net.drops(scene.flooder.id)
        said = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        book.notes.append(f"{part}, leat dropped of the flooder: {said or 'nothing'}")
