# SPDX-License-Identifier: BSD-3-Clause
"""A first figure for vhost-user: two guests on one core, both directions at once."""
from benchlib import rig
from benchlib.book import APP_CPU, turns
from leatlib import wait
from leatlib.process import Process

SECONDS = 3
FLOWS = {"1 flow": 1, "1,000 flows": 1000}


class Guests:
    """dpdk-testpmd with a virtio-user port on each socket: it generates into both and swallows
    what comes."""

    def __init__(self, hosts, flows):
        argv = ["dpdk-testpmd", "--lcores", f"(0,1)@{APP_CPU}", "--in-memory",
                "--single-file-segments", "-m", "128", "--no-pci", "--no-telemetry"]
        for number, host in enumerate(hosts):
            argv += ["--vdev", f"net_virtio_user{number},path={host.socket},mac={host.mac},"
                               "queue_size=1024"]
        argv += ["--", "--forward-mode=flowgen", f"--flowgen-flows={flows}", "--txpkts=64",
                 "--txd=1024", "--rxd=1024", "--burst=32", "--total-num-mbufs=16384",
                 "--auto-start", "--stats-period=3600", "--no-mlockall"]
        # flowgen sends out of the other port of the pair than it receives on.
        for number, host in enumerate(reversed(hosts)):
            argv += [f"--eth-peer={number},{host.mac}"]
        self.process = Process(argv)
        rig.first(self.process.pid)

    def close(self):
        self.process.kill()


def _sent(net, hosts):
    stats = net.call("stats.get", kinds=["port"])
    return sum(stats["port"][host.id]["tx_packets"] for host in hosts), stats["ts_ns"]


def _round(net, hosts, flows):
    guests = Guests(hosts, flows)
    try:
        start = _sent(net, hosts)[0]
        wait.until(lambda: _sent(net, hosts)[0] > start + 100000, 60,
                   lambda: "frames between the guests\n" + guests.process.text()[-3000:] +
                   str(net.call("stats.get")))
        before, begin = _sent(net, hosts)
        wait.let_pass(SECONDS)
        after, end = _sent(net, hosts)
        return {"rate": (after - before) / (end - begin) * 1000}
    finally:
        guests.close()


def run(book, rounds, _options):
    net = rig.switch()
    try:
        hosts = [net.vhost(name, ips=[]) for name in ("left", "right")]
        book.say("== vhost: two virtio-user ports of one testpmd (flowgen), 64 bytes")
        book.metric("vhost", "rate", "Mpps", "higher")
        turns(book, "vhost", {
            f"leat, {name}": lambda flows=flows: _round(net, hosts, flows)
            for name, flows in FLOWS.items()}, rounds)
        book.notes.append("vhost is a first figure: testpmd's flowgen makes each frame anew and is "
                          "the slower side.")
    finally:
        net.close()
