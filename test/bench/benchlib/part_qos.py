# SPDX-License-Identifier: BSD-3-Clause
"""The rate that was typed, and the rate that arrives: UDP in frames of three sizes between
vhost-user ports, TCP in large segments between containers, each way, beside Open vSwitch's
policers."""
import contextlib
import json

from benchlib import generator, rig
from benchlib.contender_rates import NONE, LeatRates, OvsTcpRates, OvsVhostRates, limit_leat
from benchlib.contenders import installed
from leatlib import rpc

KBPS = {"1 Mb/s": 1_000, "10 Mb/s": 10_000, "100 Mb/s": 100_000, "1 Gb/s": 1_000_000,
        "10 Gb/s": 10_000_000}
SIZES = (64, 512, 1518)  # bytes, check sequence included
SIDES = ("tx", "rx")
POLICE, SHAPE, OVS = "leat, police", "leat, shape", "Open vSwitch"
WAYS = (POLICE, SHAPE, OVS)
MODES = {POLICE: "police", SHAPE: "shape"}

UDP_SECONDS = 1
UDP_WARMUP = 0.3      # seconds: enough for the burst
FRAMES_MIN = 400      # that a measurement lasts for: one more or less is half of what is allowed
UDP_BURST_MS = 10     # of the rate: what the warm-up uses up
UDP_BURST_MIN_KBIT = 1000
TCP_BURST_MS = 200    # leat's default
TCP_SECONDS, TCP_OMIT = 3, 2
TCP_BURSTS = 10       # in the time of a measurement at least: what a refilled bucket adds is less
WIRE_SHARE = 1514 / 1448  # layer-2 bytes to TCP's payload: MTU 1500, time stamps
BEYOND = 0.99         # of what passes without a limit: a rate above is beyond the machine
UDP_ERROR, TCP_SHARE = 0.005, 0.95
ROUNDS = 4            # at most, where less arrives: a core that the host takes away loses some


def _burst(kbps, milliseconds):
    return max(UDP_BURST_MIN_KBIT, kbps * milliseconds // 1000)


def _udp_seconds(kbps, size):
    """Long enough for a few hundred frames."""
    return max(UDP_SECONDS, FRAMES_MIN * size * 8 / (kbps * 1000))


def _tcp_seconds(kbps):
    return max(TCP_SECONDS, TCP_BURSTS * _burst(kbps, TCP_BURST_MS) // kbps)


class Row:
    """One workload at one rate: what each way delivers of it, in kb/s."""

    def __init__(self, words, kbps, side):
        self.words, self.kbps, self.side = words, kbps, side
        self.delivered = {}   # way: kb/s, the most of its rounds; None: refused
        self.unlimited = {}   # way: kb/s without a limit
        self.again = {}       # way: whether one round was not enough

    def is_beyond(self, way):
        """The machine does not carry so much, limit or not."""
        most = self.unlimited.get(OVS if way == OVS else POLICE)
        return most is not None and self.kbps > BEYOND * most

    def cell(self, way):
        if way not in self.delivered:
            return ""
        if self.delivered[way] is None:
            return "refused"
        if self.is_beyond(way):
            return f"machine: {self.delivered[way] / 1000:,.0f} Mb/s"
        return f"{self.delivered[way] / self.kbps:.2%}"


class _Udp:
    """leat-bench between vhost-user ports."""

    def __init__(self, closing):
        self.made = {}
        leat = LeatRates()
        closing.callback(leat.close)
        self.made[POLICE] = self.made[SHAPE] = leat
        if installed("ovs"):
            self.made[OVS] = OvsVhostRates()
            closing.callback(self.made[OVS].close)

    def limit(self, way, side, kbps):
        mode = (MODES[way],) if way in MODES else ()
        burst = _burst(kbps, UDP_BURST_MS) if kbps != NONE else NONE
        self.made[way].limit(side, kbps, burst, *mode)

    def delivered(self, way, size, seconds):
        done = generator.load(self.made[way],
                              ["--size", size, "--warmup", UDP_WARMUP, "--steady"], seconds)
        return done["directions"][0]["gbps"] * 1e6


class _Tcp:
    """iperf3 between containers: TAP for leat, AF_XDP on a veth pair for Open vSwitch."""

    def __init__(self, closing):
        self.net = rig.switch()
        closing.callback(self.net.close)
        self.client, self.server = self.hosts = [self.net.tap("client"), self.net.tap("server")]
        self.made = {POLICE: None, SHAPE: None}
        if installed("ovs"):
            self.made[OVS] = OvsTcpRates(self.hosts)
            closing.callback(self.made[OVS].close)
        self.listener = rig.start(self.server.ns,
                                  rig.on_app_cpu("iperf3", "-s", "--forceflush"))
        self.listener.expect("Server listening", 10)

    def limit(self, way, side, kbps):
        burst = _burst(kbps, TCP_BURST_MS) if kbps != NONE else NONE
        if way == OVS:
            self.made[OVS].limit(side, kbps, burst)
        else:
            limit_leat(self.net, self.hosts, side, kbps, burst, MODES[way])

    def delivered(self, way, _size, seconds):
        with contextlib.ExitStack() as running:
            address = self.server.ip
            if way == OVS:
                running.enter_context(self.made[OVS].running())
                address = self.made[OVS].addresses[1]
            mark = self.listener.mark()
            argv = rig.on_app_cpu("iperf3", "-J", "-c", address, "-t", seconds, "-O", TCP_OMIT)
            done = self.client.ns.run(argv, seconds=seconds + TCP_OMIT + 30, check=False)
            assert done.returncode == 0, f"iperf3 to {address}: {done.stdout}{done.stderr}"
            self.listener.expect("Server listening", 10, mark)
        received = json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]
        return received / 1000 * WIRE_SHARE


def _accepts(rates, way, row):
    """Set the limit; False: the switch says that it does not enforce it yet."""
    try:
        rates.limit(way, row.side, row.kbps)
    except rpc.RpcError as error:
        if error.code != rpc.UNSUPPORTED:
            raise
        return False
    return True


def _rounds(book, rates, row, way, size, seconds):
    """Until enough arrives; the most. So what is more than was typed counts in any round."""
    enough = row.kbps * (TCP_SHARE if size is None else 1 - UDP_ERROR)
    most = 0
    for number in range(1, ROUNDS + 1):
        book.look()
        found = rates.delivered(way, size, seconds)
        book.look_again()
        book.add(f"{row.words}, {row.side}", way, number,
                 {"delivered": 100 * found / row.kbps, "delivered, kb/s": found})
        most = max(most, found)
        if most >= enough or row.is_beyond(way):
            break
    row.again[way] = number > 1
    return most


def _measure(book, rates, row, size, seconds):
    part = f"{row.words}, {row.side}"
    book.metric(part, "delivered", "% of typed", "higher")
    for way in rates.made:
        if not _accepts(rates, way, row):
            row.delivered[way] = None
            book.say(f"        {way:24s} refused")
            continue
        row.delivered[way] = _rounds(book, rates, row, way, size, seconds)


def _unlimited(book, rates, words, size, seconds):
    """{way: kb/s} of the ways that differ without a limit."""
    found = {}
    for way in rates.made:
        if way != SHAPE:
            rates.limit(way, "tx", NONE)
            found[way] = rates.delivered(way, size, seconds)
            book.say(f"   {words}, no limit: {way} {found[way] / 1000:,.0f} Mb/s")
    return found


def _sweep(book, rates, size, words, seconds_of):
    """All rates, each way; the rows."""
    rows = [Row(f"{words}, {typed}", kbps, side) for typed, kbps in KBPS.items()
            for side in SIDES]
    most = _unlimited(book, rates, words, size, seconds_of(KBPS["10 Gb/s"]))
    for number, row in enumerate(rows, 1):
        book.say(f"-- {row.words}, {row.side}: {number} of {len(rows)}")
        row.unlimited = most
        _measure(book, rates, row, size, seconds_of(row.kbps))
    return rows


def _print(book, rows):
    ways = [way for way in WAYS if any(way in row.delivered for row in rows)]
    book.say("\n" + "".join(cell.ljust(30 if i == 0 else 20) for i, cell in
                            enumerate(["of the typed rate arrived", "side", *ways])).rstrip())
    for row in rows:
        book.say(row.words.ljust(30) + row.side.ljust(20) +
                 "".join(row.cell(way).ljust(20) for way in ways).rstrip())


def _judge(book, name, rows, way, wanted, is_met):
    judged = [row for row in rows
              if row.delivered.get(way) is not None and not row.is_beyond(way)]
    shares = [row.delivered[way] / row.kbps for row in judged]
    if shares:
        worst = max(shares, key=lambda share: abs(share - 1))
        again = sum(row.again[way] for row in judged)
        book.target(f"{name}, {way}: {wanted}",
                    f"worst {worst:.2%} in {len(shares)} workloads, {again} of them in more than "
                    f"one round", all(is_met(share) for share in shares))


def run(book, _rounds, _options):
    """Mostly one round: a rate is right or it is not, and a machine's speed matters little."""
    book.say("== qos: typed against delivered, in layer-2 bytes without check sequences")
    if not installed("ovs"):
        book.notes.append(f"{OVS} is not installed: --install-peers installs it")
    with contextlib.ExitStack() as closing:
        rates = _Udp(closing)
        udp = [row for size in SIZES for row in _sweep(
            book, rates, size, f"UDP {size} bytes",
            lambda kbps, size=size: _udp_seconds(kbps, size))]
    with contextlib.ExitStack() as closing:
        tcp = _sweep(book, _Tcp(closing), None, "TCP", _tcp_seconds)
    _print(book, udp + tcp)
    for way in MODES:
        _judge(book, "qos UDP", udp, way, f"within {UDP_ERROR:.1%}",
               lambda share: abs(share - 1) <= UDP_ERROR)
    _judge(book, "qos TCP", tcp, SHAPE, f"at least {TCP_SHARE:.0%}",
           lambda share: share >= TCP_SHARE)
