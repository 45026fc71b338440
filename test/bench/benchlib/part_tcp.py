# SPDX-License-Identifier: BSD-3-Clause
"""One bulk TCP connection between two containers, by every path."""
import json

from benchlib import rig
from benchlib.book import turns
from benchlib.containers import LOOP, REFERENCE, TAP, Containers

SECONDS = 2
SHARE_WANTED = 0.9  # of the plain loop


def _round(client, listener, address):
    mark = listener.mark()
    argv = rig.on_app_cpu("iperf3", "-J", "-c", address, "-t", SECONDS)
    done = client.run(argv, seconds=SECONDS + 20, check=False)
    assert done.returncode == 0, f"iperf3 to {address}: {done.stdout}{done.stderr}"
    report = json.loads(done.stdout)
    listener.expect("Server listening", 10, mark)  # before the next client asks
    return {"rate": report["end"]["sum_received"]["bits_per_second"] / 1e9,
            "retransmits": report["end"]["sum_sent"]["retransmits"]}


def run(book, rounds, _options):
    pair = Containers()
    try:
        listener = rig.start(pair.server.ns, rig.on_app_cpu("iperf3", "-s", "--forceflush"))
        listener.expect("Server listening", 10)
        book.say(f"== tcp: iperf3, one connection, {SECONDS} s a round")
        book.metric("tcp", "rate", "Gb/s", "higher", LOOP)
        book.metric("tcp", "retransmits", "segments", "lower")
        turns(book, "tcp",
              pair.turns(lambda address: _round(pair.client.ns, listener, address)), rounds)
        share = book.ratio("tcp", "rate", TAP)[0]
        book.target(f"tcp: at least {SHARE_WANTED} of a plain read and write loop",
                    f"{share:.2f} of it (best rounds)", share >= SHARE_WANTED)
        best, bridge = (book.best("tcp", "rate", name) for name in (TAP, REFERENCE))
        book.target("tcp: not below the kernel bridge with offloads",
                    f"{best / bridge:.2f} of it (best rounds)", best >= bridge)
    finally:
        pair.close()
