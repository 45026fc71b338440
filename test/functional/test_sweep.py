# SPDX-License-Identifier: BSD-3-Clause
"""From a container that may not: all ports of another, and what claims to belong to something.
Nothing arrives."""
import pytest

from leatlib import frames
from leatlib.frames import IP, UDP, Ether, Raw
from scapy.layers.inet import ICMP, TCP

SWEEP_SECONDS = 100
SWEEP_RATE = 20000  # probes a second, at least
QUEUE = 100_000  # frames: all of a sweep
UDP_PORTS = "1-2000"


@pytest.fixture
def pair(net):
    """An intruder, and a container whose group lets nobody in."""
    net.call("group.upsert", id="closed", default_action="deny")
    net.call("group.upsert", id="open")
    net.intruder = net.tap("intruder", group="open")
    # On a busy machine the switch may be late: nothing of a sweep gets lost before it is judged.
    net.intruder.ns.ip(f"link set eth0 txqueuelen {QUEUE}")
    net.target = net.tap("target", group="closed")
    # While nmap or the kernel looks for a neighbour, an answer may be late and probes are lost.
    net.intruder.ns.ip(f"neigh add {net.target.ip} lladdr {net.target.mac} dev eth0")
    net.target.open_raw()
    return net


def arrived(pair):
    """What has come to the target but ARP, up to a frame that no rule judges."""
    sender = frames.Tap(pair.intruder.ns)
    sentinel, is_sentinel = frames.arp_sentinel(pair.intruder, pair.target)
    sender.send(sentinel)
    sender.close()
    return pair.target.raw.collect(lambda packet: packet.haslayer(IP), is_sentinel)


@pytest.mark.parametrize("options, probes, reasons", [
    (["-sS", "-p-"], 65535, {"default_deny"}),
    # Some ports are those of DHCP clients, to whom only a server speaks.
    (["-sU", "-p", UDP_PORTS], 2000, {"default_deny", "dhcp_guard"})], ids=["tcp", "udp"])
def test_sweep(pair, options, probes, reasons):
    done = pair.intruder.ns.run(
        ["nmap", "-n", "-Pn", "--disable-arp-ping", *options, "--max-retries", "0",
         "--min-rate", SWEEP_RATE, "--host-timeout", f"{SWEEP_SECONDS}s", pair.target.ip],
        seconds=SWEEP_SECONDS + 20)
    assert "1 host up" in done.stdout and " open " not in done.stdout, done.stdout
    assert not arrived(pair)
    assert pair.drops("intruder").keys() == reasons
    assert sum(pair.drops("intruder").values()) >= probes


def test_what_belongs_to_nothing(pair):
    """Each as if it were of a connection; none is."""
    a, b = pair.intruder, pair.target
    ip = Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip)
    about = bytes(IP(src=b.ip, dst=a.ip) / UDP(sport=5000, dport=53) / b"12345678")
    unsolicited = [ip / TCP(sport=80, dport=40000, flags=flags) / Raw(b"data")
                   for flags in ("A", "PA", "F", "FA", "R", "RA", "SA", "")]
    unsolicited += [ip / UDP(sport=53, dport=5000) / Raw(b"an answer"),
                    ip / ICMP(type=0, id=7) / Raw(b"an answer")]
    unsolicited += [ip / ICMP(type=kind, code=0) / Raw(about) for kind in (3, 4, 11, 12)]
    sender = frames.Tap(a.ns)
    for packet in unsolicited:
        sender.send(packet)
    sender.close()
    assert not arrived(pair)
    assert pair.drops("intruder") == {"default_deny": len(unsolicited)}
