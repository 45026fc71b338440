# SPDX-License-Identifier: BSD-3-Clause
"""One bulk TCP connection between two containers."""
import json

from benchlib import rig
from benchlib.book import SWITCH_CPU, turns

SECONDS = 2
SHARE_WANTED = 0.75


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
    net = rig.switch()
    try:
        server, client = net.tap("server"), net.tap("client")
        over_bridge = rig.bridge(net.root, [server, client])[0]
        over_second = rig.bridge(net.root, [server, client], "kbs", "10.7.0", SWITCH_CPU)[0]
        loop = rig.PlainLoop(net.root, [server, client])
        listener = rig.start(server.ns, rig.on_app_cpu("iperf3", "-s", "--forceflush"))
        listener.expect("Server listening", 10)
        book.say(f"== tcp: iperf3, one connection, {SECONDS} s a round")
        book.metric("tcp", "rate", "Gb/s", "higher", "plain loop, TAP")
        book.metric("tcp", "retransmits", "segments", "lower")
        turns(book, "tcp", {
            "leat, TAP": lambda: _round(client.ns, listener, server.ip),
            "plain loop, TAP": lambda: loop.during(
                lambda: _round(client.ns, listener, loop.addresses[0])),
            "kernel bridge, veth": lambda: _round(client.ns, listener, over_bridge),
            "kernel bridge, core 0": lambda: _round(client.ns, listener, over_second),
        }, rounds)
        share = book.ratio("tcp", "rate", "leat, TAP")[0]
        book.target(f"tcp: at least {SHARE_WANTED} of a plain read and write loop",
                    f"{share:.2f} of it (best rounds)", share >= SHARE_WANTED)
    finally:
        net.close()
