# SPDX-License-Identifier: BSD-3-Clause
"""Restarts under TCP connections: none breaks, and how long no data comes."""
import statistics
import time

from leatlib.switch import Switch
from leatlib.traffic import TcpFlow, iperf3_beside

STEADY_BLOCKS = 500  # between restarts, a millisecond each: TCP forgets the retries before
SECONDS_EACH = 3  # of iperf3, for one restart and what follows


def run(count, state_dir, say, release=True):
    """Kill and start `count` times; the gaps in milliseconds."""
    switch = Switch(release=release, state_dir=state_dir, workers="1")
    gaps = []
    try:
        switch.network()
        a, b = switch.tap("a"), switch.tap("b")
        flow = TcpFlow(a, b)
        bulk = iperf3_beside(a, b, seconds=count * SECONDS_EACH)
        say("restart  ready again  without data")
        for number in range(1, count + 1):
            flow.wait_more(STEADY_BLOCKS)
            flow.gap_ms()
            killed = time.monotonic()
            switch.restart()
            ready_ms = 1000 * (time.monotonic() - killed)
            flow.wait_more()
            gaps.append(flow.gap_ms())
            say(f"{number:7}  {ready_ms:8.0f} ms  {gaps[-1]:9.0f} ms")
        flow.stop()
        assert bulk.wait(count * SECONDS_EACH + 30) == 0, bulk.text()
    finally:
        switch.close()
    say(f" median               {statistics.median(gaps):9.0f} ms")
    say(f"longest               {max(gaps):9.0f} ms")
    return gaps
