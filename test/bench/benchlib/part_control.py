# SPDX-License-Identifier: BSD-3-Clause
"""The control side: endpoints and rules, from the request to the reply, which means that every
worker forwards by it; and what traffic loses meanwhile."""
import signal
import time

from benchlib import generator, policy, rig
from benchlib.book import percentile
from benchlib.contender_leat import GROUP, Leat, leat_rules
from leatlib import wait

ENDPOINTS = 100
UPSERT_MS = 20
RULES = 1000          # one by one
SWAPPED = (1000, 10000)
SWAPS = 4             # between two sets of rules
RATE = 100000         # packets a second each way meanwhile: a ring of 1,024 lasts 10 ms
TRAFFIC_SECONDS = 300  # at most: it ends with the swaps


def timed(call, *args, **fields):
    """How long the call takes, in ms."""
    begin = time.monotonic()
    call(*args, **fields)
    return (time.monotonic() - begin) * 1000


def _ports(net, kind):
    """A host and its port a number, as many as there are endpoints."""
    root = net.host("taps", ns=True)
    for number in range(ENDPOINTS):
        host = net.host(f"{kind}{number}")
        if kind == "tap":
            yield host, {"kind": "tap", "netns": root.ns.path, "name": f"tap{number}"}
        else:
            yield host, {"kind": "vhost-user", "socket": net.path(host.id + ".sock"),
                         "mode": "server"}


def _endpoints(net, kind):
    hosts = list(_ports(net, kind))
    upserts = [timed(net.endpoint, host, port) for host, port in hosts]
    deletes = [timed(net.call, "endpoint.delete", id=host.id) for host, _ in hosts]
    return {"upsert median": percentile(upserts, 0.5), "upsert p99": percentile(upserts, 0.99),
            "delete median": percentile(deletes, 0.5), "delete p99": percentile(deletes, 0.99),
            "a second": 1000 * ENDPOINTS / sum(upserts)}


def _rules(net):
    """One by one, each commit compiling all there are; then as many in one transaction."""
    net.call("group.upsert", id=GROUP)
    rules = list(leat_rules(RULES))
    single = [timed(net.call, "rule.upsert", rule) for rule in rules]
    net.call("txn.apply", ops=[{"method": "rule.delete", "params": {"id": rule["id"]}}
                               for rule in rules])
    together = timed(net.call, "txn.apply", ops=[{"method": "rule.upsert", "params": rule}
                                                 for rule in rules])
    return {"one by one": 1000 * RULES / sum(single), "in one go": 1000 * RULES / together}


def _swap(leat, count, seed):
    """Exchange all rules for others, in one commit; how long it took, in ms."""
    return timed(leat.net.call, "state.replace", owner="local", scope=["rule"],
                  objects={"rule": list(leat_rules(count, seed))})


def _swaps(count):
    """How long each swap takes, and what traffic meanwhile loses: frames that the switch took and
    did not deliver, and frames that were due while it had not taken a whole ring's before them."""
    leat = Leat()
    try:
        with leat.running():
            _swap(leat, count, policy.SEED)
            traffic = generator.start(leat, ["--bidir", "--flows", 1000, "--rate", RATE],
                                      TRAFFIC_SECONDS)
            wait.until(lambda: leat.net.port("a")["rx_packets"] > RATE, 20, "traffic")
            took = [_swap(leat, count, policy.SEED + 1 + number % 2) for number in range(SWAPS)]
            assert traffic.alive(), "the traffic ended early: " + traffic.text()
            traffic.kill(signal.SIGTERM)
            done = generator.finish(traffic, 20)
    finally:
        leat.close()
    ways = done["directions"]
    return {"median": percentile(took, 0.5), "longest": max(took),
            "frames lost": sum(way["lost"] for way in ways),
            "frames not taken": sum(way["unsent"] for way in ways),
            "frames sent": sum(way["sent"] for way in ways)}


def _metrics(book):
    for name in ("upsert median", "upsert p99", "delete median", "delete p99"):
        book.metric("control", name, "ms", "lower")
    book.metric("control", "a second", "endpoints", "higher")
    for name in ("one by one", "in one go"):
        book.metric("rules a second", name, "rules", "higher")
    for name in ("median", "longest"):
        book.metric("swap", name, "ms", "lower")
    for name in ("frames lost", "frames not taken", "frames sent"):
        book.metric("swap", name, "frames", "lower")


def _round(book, number):
    for kind in ("tap", "vhost-user"):
        net = rig.switch()
        try:
            book.look()
            book.add("control", f"leat, {kind}", number, _endpoints(net, kind))
            if kind == "vhost-user":
                book.add("rules a second", f"leat, {RULES:,} rules", number, _rules(net))
        finally:
            net.close()
    for count in SWAPPED:
        book.look()
        book.add("swap", f"leat, {count:,} rules", number, _swaps(count))


def run(book, rounds, _options):
    book.say(f"== control: {ENDPOINTS} endpoints made and deleted, {RULES:,} rules made, thousands "
             f"exchanged under traffic of {2 * RATE:,} packets a second")
    _metrics(book)
    for number in range(1, min(rounds, 3) + 1):
        _round(book, number)
    for kind in ("tap", "vhost-user"):
        median = book.best("control", "upsert median", f"leat, {kind}")
        book.target(f"control: endpoint.upsert ({kind}) under {UPSERT_MS} ms", f"{median:.2f} ms",
                    median < UPSERT_MS)
