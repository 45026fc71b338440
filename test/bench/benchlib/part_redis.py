# SPDX-License-Identifier: BSD-3-Clause
"""redis-benchmark between two containers, by every path."""
import csv
import io

from benchlib import rig
from benchlib.book import turns
from benchlib.containers import REFERENCE, TAP, Containers
from leatlib import wait

WAYS = {"redis": [], "redis -P 16": ["-P", "16"]}
REQUESTS = {"redis": 100000, "redis -P 16": 1000000}


def redis_round(client, address, requests, *options):
    """redis-benchmark's figures, run in the namespace `client`."""
    argv = rig.on_app_cpu("redis-benchmark", "-h", address, "-t", "get", "-c", "50", "-n",
                          requests, "--csv", *options)
    rows = list(csv.DictReader(io.StringIO(client.run(argv, seconds=120).stdout)))
    row = next(row for row in rows if row["test"].startswith("GET"))
    return {"requests": float(row["rps"]), "p50": float(row["p50_latency_ms"]),
            "p99": float(row["p99_latency_ms"])}


def redis_answers(client, address):
    """Wait until Redis at `address` answers."""
    argv = ["redis-cli", "-h", address, "ping"]
    wait.until(lambda: "PONG" in client.run(argv, check=False).stdout, 10, "Redis at " + address)


def redis_start(server, directory):
    """A Redis that keeps nothing, in the namespace `server`."""
    rig.start(server, rig.on_app_cpu(
        "redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir",
        directory))


def run(book, rounds, _options):
    pair = Containers()
    try:
        client = pair.client.ns
        redis_start(pair.server.ns, pair.net.directory)
        for name in pair.ways:
            pair.measure(name, lambda address: redis_answers(client, address))
        for part in WAYS:
            book.say(f"== {part}: redis-benchmark -t get -c 50 {' '.join(WAYS[part])}")
            for name, unit, better in (("requests", "1/s", "higher"), ("p50", "ms", "lower"),
                                       ("p99", "ms", "lower")):
                book.metric(part, name, unit, better, REFERENCE)
            turns(book, part, pair.turns(
                lambda address, part=part:
                redis_round(client, address, REQUESTS[part], *WAYS[part])), rounds)
            _judge(book, part)
    finally:
        pair.close()


def _judge(book, part):
    rate = book.ratio(part, "requests", TAP)
    p50 = book.ratio(part, "p50", TAP)
    book.target(f"{part}: at least the requests of the kernel bridge",
                f"{rate[0]:.2f} of it (best rounds)", rate[0] >= 1)
    book.target(f"{part}: p50 no worse than over the kernel bridge",
                f"{p50[0]:.2f} of it (best rounds)", p50[0] <= 1)
