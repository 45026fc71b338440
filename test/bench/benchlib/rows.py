# SPDX-License-Identifier: BSD-3-Clause
"""The workloads between two vhost-user ports."""
from benchlib import generator
from benchlib.contender import Contender

SECONDS = 0.5
LATENCY_RATE = 1_000_000
NDR_SECONDS = 0.2
NDR_STEP = 0.03   # of the fastest rate tried: where the search ends
NDR_ROOM = 1.02   # begins above what a saturating load carries
PDR_LOSS = 0.005  # what a partial drop rate lets pass


def both_ways(flows, *options):
    return ["--bidir", "--flows", flows, *options]


def lost_share(done):
    """Of what was due to be sent, in a report of leat-bench."""
    ways = done["directions"]
    return (sum(way["lost"] + way["unsent"] for way in ways) /
            max(1, sum(way["sent"] + way["unsent"] for way in ways)))


class Row:
    """One workload. `options`: leat-bench's. `ports`: silent ones besides the two. `wanted`: the
    share of the library's bare loop that leat is to reach, or None. `peers`: whether it is to be
    far ahead of them, too. `warm`: seconds of it before the first round, until every contender has
    seen all flows."""
    METRICS = (("rate", "Mpps", "higher"),)
    ROUNDS = 100  # at most

    def __init__(self, words, options, wanted=None, ports=0, peers=False, warm=0):
        self.words, self.options, self.ports = words, options, ports
        self.wanted, self.peers, self.warm = wanted, peers, warm

    def fits(self, contender: Contender):
        return self.ports == 0 or contender.takes_ports

    def warm_up(self, contender: Contender):
        if self.warm and self.fits(contender):
            generator.load(contender, self.options, self.warm)

    def measure(self, contender: Contender):
        """One round: {metric: value}."""
        if contender.takes_ports:
            contender.ports(self.ports)
        done = generator.load(contender, self.options, SECONDS)
        return {"rate": done["mpps"], "lost share": lost_share(done)}


class Latency(Row):
    """How long a packet takes at a steady rate that every contender carries."""
    METRICS = (("p50", "us", "lower"), ("p99", "us", "lower"), ("p99.9", "us", "lower"))

    def measure(self, contender):
        done = generator.load(contender, [*self.options, "--latency", "--rate", LATENCY_RATE],
                              SECONDS)
        took = done["directions"][0]["latency_ns"]
        return {name: took[name] / 1000 for name, _, _ in self.METRICS}


class Beside(Row):
    """A flood of new flows one way, one established flow the other way."""
    METRICS = (("established", "Mpps", "higher"), ("new", "Mpps", "higher"))

    def measure(self, contender):
        new, established = generator.load(contender, self.options, SECONDS)["directions"]
        return {"established": established["mpps"], "new": new["mpps"]}


class NoDropRate(Row):
    """RFC 2544, section 26.1: the fastest rate at which not one frame is lost, by halving, with
    trials much shorter than the 60 s that it asks for; and the same with a little loss, since on a
    virtual machine a pause of either core is enough to overrun a ring."""
    METRICS = (("no-drop rate", "Mpps", "higher"), ("0.5 % drop rate", "Mpps", "higher"))
    ROUNDS = 2

    def measure(self, contender):
        fastest = generator.load(contender, self.options, NDR_SECONDS)["mpps"]
        partial = self._search(contender, 0.0, fastest * NDR_ROOM, PDR_LOSS, fastest * NDR_STEP)
        none = self._search(contender, 0.0, partial, 0.0, fastest * NDR_STEP)
        return {"no-drop rate": none, "0.5 % drop rate": partial}

    def _search(self, contender, low, high, share, step):
        """The fastest rate between `low` and `high` at which no more than `share` is lost."""
        while high - low > step:
            rate = (low + high) / 2
            if self._loss(contender, rate) <= share:
                low = rate
            else:
                high = rate
        return low

    def _loss(self, contender, mpps):
        """The share lost at a rate, the sum of both directions."""
        return lost_share(generator.load(contender, [*self.options, "--rate", mpps * 1e6 / 2],
                                         NDR_SECONDS))


ROWS = {
    "flows-1": Row("64 bytes, 1 flow", both_ways(1), 1.5, peers=True),
    "flows-10000": Row("64 bytes, 10,000 flows", both_ways(10000), 1.25, peers=True),
    "flows-100000": Row("64 bytes, 100,000 flows", both_ways(100000), 1.1, peers=True, warm=1),
    "flows-1000000": Row("64 bytes, 1,000,000 flows", both_ways(1000000), 1.0, peers=True,
                         warm=4),
    "spread-1000": Row("addresses spread over the rules, 1,000 flows",
                       both_ways(1000, "--spread"), 1.25, peers=True),
    "spread-100000": Row("addresses spread over the rules, 100,000 flows",
                         both_ways(100000, "--spread"), 1.0, peers=True, warm=1),
    "size-1518": Row("1518 bytes, 1 flow", both_ways(1, "--size", 1518), 1.6, peers=True),
    "imix": Row("IMIX, 10,000 flows", both_ways(10000, "--size", "imix")),
    "new-flows": Row("every packet a new flow", both_ways(1, "--new-flows"), 0.15),
    "new-beside": Beside("one way new flows, the other way an established one",
                         both_ways(1, "--new-flows=there")),
    "ports-8": Row("1 flow, 8 ports of which 2 are active", both_ways(1), ports=6),
    "ports-64": Row("1 flow, 64 ports of which 2 are active", both_ways(1), ports=62),
    "virtio-user-1": Row("guests on DPDK's virtio-user, 1 flow",
                         both_ways(1, "--virtio-user"), 0.95),
    "virtio-user-10000": Row("guests on DPDK's virtio-user, 10,000 flows",
                             both_ways(10000, "--virtio-user"), 0.95),
    "virtio-user-100000": Row("guests on DPDK's virtio-user, 100,000 flows",
                              both_ways(100000, "--virtio-user"), 0.95),
    "latency": Latency("a packet's time at 1 Mpps one way", ["--flows", 1]),
    "ndr": NoDropRate("no-drop rate after RFC 2544, 64 bytes, 10,000 flows", both_ways(10000)),
}
