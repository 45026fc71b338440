# SPDX-License-Identifier: BSD-3-Clause
"""One request, one response, one at a time, between two containers by every path."""
import re

from benchlib import rig
from benchlib.book import turns
from benchlib.containers import REFERENCE, Containers

SECONDS = 1
BYTES = 64
WAYS = {"latency TCP": ["--tcp"], "latency UDP": []}
FIGURES = {"p50": "50.000", "p99": "99.000", "p99.9": "99.900"}
FIRST_PORT = 11111


def latency_round(client, address, port, *options):
    """sockperf's round trip, in us, run in the namespace `client`."""
    argv = rig.on_app_cpu("sockperf", "ping-pong", "--full-rtt", "-i", address, "-p", port, "-t",
                          SECONDS, "-m", BYTES, *options)
    said = client.run(argv, seconds=SECONDS + 20).stdout
    found = {name: re.search(rf"percentile {share}\s*=\s*([\d.]+)", said)
             for name, share in FIGURES.items()}
    assert all(found.values()), f"sockperf to {address}: {said}"
    return {name: float(match.group(1)) for name, match in found.items()}


def latency_server(server, port, *options):
    """What answers latency_round(), in the namespace `server`."""
    process = rig.start(server, ["stdbuf", "-oL", *rig.on_app_cpu(
        "sockperf", "server", "-i", "0.0.0.0", "-p", port, *options)])
    process.expect("Warmup stage|listen on", 10)


def run(book, rounds, _options):
    pair = Containers()
    try:
        for port, (part, options) in enumerate(WAYS.items(), FIRST_PORT):
            latency_server(pair.server.ns, port, *options)
            book.say(f"== {part}: sockperf ping-pong, {BYTES} bytes, {SECONDS} s a round")
            for name in FIGURES:
                book.metric(part, name, "us", "lower", REFERENCE)
            turns(book, part, pair.turns(
                lambda address, port=port, options=options:
                latency_round(pair.client.ns, address, port, *options)), rounds)
    finally:
        pair.close()
