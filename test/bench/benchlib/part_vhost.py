# SPDX-License-Identifier: BSD-3-Clause
"""A first figure for vhost-user: two guests on one core, both directions at once."""
from benchlib import rig
from benchlib.book import APP_CPU, turns
from leatlib import wait
from leatlib.testpmd import Testpmd

SECONDS = 2
BURSTS = 16  # of 32 frames each way, that go round and round
FLOWS = {"leat, 1 flow": [], "leat, 256 flows": ["--txonly-multi-flow"]}


def _guests(hosts, options):
    """dpdk-testpmd with a virtio-user port on each socket. It sends some frames out of both ports,
    then gives each frame that comes in by one port back out of the other: where it came from."""
    ports = [{"path": host.socket, "mac": host.mac, "queue_size": 1024} for host in hosts]
    peers = [f"--eth-peer={number},{host.mac}" for number, host in enumerate(reversed(hosts))]
    return Testpmd(ports, forward="io", cpu=APP_CPU, extra=[
        "--txd=1024", "--rxd=1024", "--burst=32", "--txpkts=64", "--no-mlockall", *peers, *options])


def _carried(net, hosts):
    stats = net.call("stats.get", kinds=["port"])
    return sum(stats["port"][host.id]["tx_packets"] for host in hosts), stats["ts_ns"]


def _round(net, hosts, options):
    guests = _guests(hosts, options)
    try:
        rig.first(guests.process.pid)
        wait.until(lambda: all(net.state_of(host) == "active" for host in hosts), 20,
                   "both guests' handshakes")
        start = _carried(net, hosts)[0]
        guests.command(f"start tx_first {BURSTS}")
        wait.until(lambda: _carried(net, hosts)[0] > start + 1000000, 20,
                   lambda: f"a million frames between the guests: {net.call('stats.get')}")
        before, begin = _carried(net, hosts)
        wait.let_pass(SECONDS)
        after, end = _carried(net, hosts)
        return {"rate": (after - before) / (end - begin) * 1000}
    finally:
        guests.kill()


def run(book, rounds, _options):
    net = rig.switch()
    try:
        hosts = [net.vhost(name, ips=[]) for name in ("left", "right")]
        book.say(f"== vhost: two virtio-user ports of one testpmd (io), 64 bytes, "
                 f"{2 * BURSTS * 32} frames going round")
        book.metric("vhost", "rate", "Mpps", "higher")
        turns(book, "vhost", {
            name: lambda options=options: _round(net, hosts, options)
            for name, options in FLOWS.items()}, rounds)
        book.notes.append("vhost is a first figure, of a closed circle of frames; generator and "
                          "sink are one core of testpmd.")
    finally:
        net.close()
