# SPDX-License-Identifier: BSD-3-Clause
"""How long creating and deleting an endpoint takes, from the request to the reply."""
import time

from benchlib import rig
from benchlib.book import percentile

ENDPOINTS = 100
UPSERT_MS = 20


def _timed(call, *args, **fields):
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


def _round(net, kind):
    hosts = list(_ports(net, kind))
    upserts = [_timed(net.endpoint, host, port) for host, port in hosts]
    deletes = [_timed(net.call, "endpoint.delete", id=host.id) for host, _ in hosts]
    return {"upsert median": percentile(upserts, 0.5), "upsert p99": percentile(upserts, 0.99),
            "delete median": percentile(deletes, 0.5), "delete p99": percentile(deletes, 0.99)}


def run(book, rounds, _options):
    book.say(f"== control: {ENDPOINTS} endpoints made and deleted, from request to reply")
    for name in ("upsert median", "upsert p99", "delete median", "delete p99"):
        book.metric("control", name, "ms", "lower")
    for number in range(1, min(rounds, 3) + 1):
        for kind in ("tap", "vhost-user"):
            net = rig.switch()
            try:
                book.look()
                book.add("control", f"leat, {kind}", number, _round(net, kind))
            finally:
                net.close()
    for kind in ("tap", "vhost-user"):
        median = book.best("control", "upsert median", f"leat, {kind}")
        book.target(f"control: endpoint.upsert ({kind}) under {UPSERT_MS} ms", f"{median:.2f} ms",
                    median < UPSERT_MS)
