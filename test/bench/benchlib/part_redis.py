# SPDX-License-Identifier: BSD-3-Clause
"""redis-benchmark through leatd's TAP ports, a kernel bridge, and a plain loop between TAPs."""
import csv
import io

from benchlib import rig
from benchlib.book import SWITCH_CPU, turns
from leatlib import wait

WAYS = {"redis": [], "redis -P 16": ["-P", "16"]}
REQUESTS = {"redis": 100000, "redis -P 16": 1000000}


def _round(client, address, part):
    argv = rig.on_app_cpu("redis-benchmark", "-h", address, "-t", "get", "-c", "50", "-n",
                          REQUESTS[part], "--csv", *WAYS[part])
    rows = list(csv.DictReader(io.StringIO(client.run(argv, seconds=120).stdout)))
    row = next(row for row in rows if row["test"].startswith("GET"))
    return {"requests": float(row["rps"]), "p50": float(row["p50_latency_ms"]),
            "p99": float(row["p99_latency_ms"])}


def _answers(client, address):
    argv = ["redis-cli", "-h", address, "ping"]
    wait.until(lambda: "PONG" in client.run(argv, check=False).stdout, 10, "Redis at " + address)


def run(book, rounds, _options):
    net = rig.switch()
    try:
        server, client = net.tap("server"), net.tap("client")
        loop = rig.PlainLoop(net.root, [server, client])
        addresses = {"leat, TAP": server.ip,
                     "kernel bridge, veth": rig.bridge(net.root, [server, client])[0],
                     "kernel bridge, core 0": rig.bridge(net.root, [server, client], "kbs",
                                                         "10.7.0", SWITCH_CPU)[0],
                     "plain loop, TAP": loop.addresses[0]}
        rig.start(server.ns, rig.on_app_cpu(
            "redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir",
            net.directory))
        for address in addresses.values():
            loop.during(lambda address=address: _answers(client.ns, address))
        for part in WAYS:
            book.say(f"== {part}: redis-benchmark -t get -c 50 {' '.join(WAYS[part])}")
            for name, unit, better in (("requests", "1/s", "higher"), ("p50", "ms", "lower"),
                                       ("p99", "ms", "lower")):
                book.metric(part, name, unit, better, "kernel bridge, veth")
            ways = {name: lambda address=address, part=part: _round(client.ns, address, part)
                    for name, address in addresses.items()}
            over_loop = ways["plain loop, TAP"]
            ways["plain loop, TAP"] = lambda over_loop=over_loop: loop.during(over_loop)
            turns(book, part, ways, rounds)
            _judge(book, part)
    finally:
        net.close()


def _judge(book, part):
    rate = book.ratio(part, "requests", "leat, TAP")
    p50 = book.ratio(part, "p50", "leat, TAP")
    book.target(f"{part}: at least the requests of the kernel bridge",
                f"{rate[0]:.2f} of it (best rounds)", rate[0] >= 1)
    book.target(f"{part}: p50 no worse than over the kernel bridge",
                f"{p50[0]:.2f} of it (best rounds)", p50[0] <= 1)
