# SPDX-License-Identifier: BSD-3-Clause
"""Bounds on time and CPU, of the optimised build."""
import statistics
import time

import pytest

from leatlib import wait
from leatlib.traffic import iperf3, received_bits_per_second

pytestmark = pytest.mark.release

IDLE_SECONDS = 5


def test_endpoint_upsert_takes_under_20_ms(net):
    """From the request to the reply, which means that every worker forwards by it."""
    took = []
    for number in range(50):
        host = net.host(f"t{number}", ns=True)
        port = {"kind": "tap", "netns": host.ns.path, "name": "eth0"}
        begin = time.monotonic()
        net.endpoint(host, port)
        took.append(time.monotonic() - begin)
    assert statistics.median(took) < 0.020, [round(one * 1000, 1) for one in took]


def test_idle_switch_costs_under_2_percent(net):
    for number in range(8):
        net.tap(f"t{number}")
    for number in range(8):
        net.peer(net.vhost(f"v{number}"))
    wait.let_pass(1)  # a busy worker is given time to notice that nothing happens
    begin = net.cpu_seconds()
    wait.let_pass(IDLE_SECONDS)
    share = (net.cpu_seconds() - begin) / IDLE_SECONDS
    assert share < 0.02, f"{share:.1%} of a core"


def test_tcp_bulk_is_not_slow(net):
    """A bound that only a broken offload misses; the figures are scripts/bench's."""
    a, b = net.tap("a"), net.tap("b")
    best = max(received_bits_per_second(iperf3(a, b, seconds=1)) for _ in range(3))
    assert best > 2e9
