# SPDX-License-Identifier: BSD-3-Clause
"""The model and the switch, side by side: what policy.trace says of a packet, where a real one
arrives, what is counted."""
import json
import random
import time
from collections import Counter

from policymodel.model import UPLINK, Model
from policymodel.packet import TCP
from policymodel.wire import Wire
from policymodel.world import NETWORKS, World

ERA_CONFIGS = 25  # after so many nothing is known of the connections of before ...
ERA_SECONDS = 25  # ... and they took less time than any connection needs to be forgotten
ERAS = 255
HISTORY = 40
REFUSALS = ("rule_deny", "default_deny")


class Comparison:
    """One switch in one mode."""

    def __init__(self, mode, seed, **options):
        self.mode, self.seed = mode, seed
        self.random = random.Random(f"{mode} {seed}")
        self.world = World(self.random, mode)
        self.wire = Wire(**options)
        self.model, self.state = Model(), None
        self.history, self.pending = [], []  # what has arrived and where; what is to come next
        self.configs = self.traced = self.sent = 0
        self.seen = Counter()  # what came of the packets traced

    def close(self):
        self.wire.close()

    def fail(self, what, p, wanted, got):
        raise AssertionError(
            f"{self.mode}, seed {self.seed}, config {self.configs}: {what} of\n  {p}\n"
            f"  by the contract: {wanted}\n  by the switch:   {got}\n  state: "
            + json.dumps({**self.state, "endpoint": [
                {key: value for key, value in endpoint.items() if key != "port"}
                for endpoint in self.state["endpoint"]]}))

    def run(self, configs, traces, packets):
        """So many more configurations, with so many packets each."""
        for _ in range(configs):
            if self.configs % ERA_CONFIGS == 0:
                self._begin_era()
            assert time.monotonic() - self.era_began < ERA_SECONDS, "too slow to be compared"
            self.state = self.world.state(self.wire.ports)
            self.model.configure(self.state)
            self.wire.configure(self.state)
            self._trace(traces)
            self._forward(packets)
            self.configs += 1

    def _begin_era(self):
        self.world.era = (self.world.era + 1) % ERAS
        self.model.connections.clear()
        self.model.firsts.clear()
        self.era_began = time.monotonic()
        self.history, self.pending = [], []

    # policy.trace

    def _trace(self, count):
        packets = [self.world.packet(traced=True) for _ in range(count)]
        for p, got in zip(packets, self.wire.trace(packets)):
            wanted = self.model.judge(p, remember=False)
            verdict = "flood" if wanted.flood else "forward"
            fits = (got["verdict"] == verdict and sorted(got["out"]) == sorted(wanted.outs)
                    if wanted.outs else
                    got["verdict"] == "drop" and got["reason"] in wanted.reasons)
            # Of one that several receive, each is judged by rules of its own.
            if fits and (not wanted.flood or self.model.contiv):
                fits = got["rule"] == wanted.rule
            if not fits:
                self.fail("trace", p, wanted, got)
            self.traced += 1
            self.seen[got["reason"] or verdict] += 1

    # Real packets

    def _forward(self, count):
        before, wanted = self.wire.counters(), Counter()
        left = count
        while left > 0:
            packets, verdicts = [], []
            for p in self._round(left):
                packets.append(p)
                verdicts.append(self.model.judge(p))
                if verdicts[-1].ended:
                    break
            left -= len(packets)
            arrived = self.wire.exchange(
                packets, lambda network, number: self.world.address(network, number, 4))
            for p, verdict, got in zip(packets, verdicts, arrived):
                self._compare_arrival(p, verdict, got, wanted)
        self._compare_counters(before, wanted)

    def _compare_arrival(self, p, verdict, got, counted):
        tag = NETWORKS[p.network][1]
        wanted = sorted((name, tag if name == UPLINK else 0) for name in verdict.outs)
        if sorted(got) != wanted:
            self.fail("forwarding", p, verdict, got)
        if not verdict.outs:
            counted[frozenset(verdict.reasons)] += 1
        for rule in verdict.counted:
            counted[rule, "packets"] += 1
        for rule in verdict.began:
            counted[rule, "connections"] += 1
        self.sent += 1
        if verdict.outs:
            self.history.append((p, verdict.outs[0]))
            del self.history[:-HISTORY]

    def _compare_counters(self, before, wanted):
        """Where receivers refuse for different reasons, either may be counted."""
        now = self.wire.counters()
        vague = frozenset(REFUSALS) in wanted
        got = Counter()
        for key, value in now.items():
            if value != before.get(key, 0):
                got["refused" if vague and key in REFUSALS else key] = (
                    value - before.get(key, 0) + got["refused" if vague and key in REFUSALS
                                                     else key])
        folded = Counter()
        for key, value in wanted.items():
            if isinstance(key, frozenset):
                key = "refused" if vague and key <= set(REFUSALS) else next(iter(key))
            folded[key] += value
        if +folded != +got:
            self.fail("counters", "all packets of this configuration", folded - got, got - folded)

    def _round(self, left):
        """Packets that come by one port, or whose order does not matter. The switch may take them
        in one burst, of which each is judged by what was known before it."""
        first = self._next()
        yield first
        for _ in range(left - 1 if self.model.contiv else self.random.randrange(min(left, 7))):
            p = self._next() if self.model.contiv else self.world.packet(first.port)
            if self.model.contiv or not (self._alone(first) or self._alone(p)):
                yield p

    def _alone(self, p):
        """What becomes of it depends on what went just before it."""
        return p.fragment or p.about or "rst" in p.flags or (
            p.proto == TCP and self.model.drop_midstream)

    def _next(self):
        if self.pending:
            return self.pending.pop()
        choice = self.random.random()
        if self.history and choice < 0.4:
            return self.world.follow(*self.random.choice(self.history))
        p = self.world.packet()
        datagram = self.world.datagram(p) if choice < 0.5 else None
        if datagram is None:
            return p
        first, later = datagram
        # In order, or the later one first, or alone.
        self.pending = self.random.choice(([later], [later], [later, later], [first], []))
        return later if self.pending in ([first], []) else first
