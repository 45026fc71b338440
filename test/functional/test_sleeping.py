# SPDX-License-Identifier: BSD-3-Clause
"""A worker without work waits for its ports, and each kind of them wakes it."""
from leatlib import wait

QUIET_SECONDS = 3


def _sleeps(net):
    worker = net.call("system.status")["workers"][0]
    return worker["sleeps"], worker["waits"]


def test_idle_worker_waits_and_is_woken(net):
    """All of these ports can signal, so it waits for them, a second at a time, and never looks by
    itself. What interfaces say when they come up wakes it too; that is soon over."""
    taps = [net.tap(f"t{number}") for number in range(8)]
    for number in range(8):
        net.peer(net.vhost(f"v{number}"))

    def is_quiet():
        begin = _sleeps(net)
        wait.let_pass(QUIET_SECONDS)
        end = _sleeps(net)
        return end[0] == begin[0] and 0 < end[1] - begin[1] < 4 * QUIET_SECONDS

    wait.until(is_quiet, 30, "a worker that waits")
    taps[0].ping(taps[1])
