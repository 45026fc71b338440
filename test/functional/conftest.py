# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the functional tests, and what is shown when one fails."""
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
for folder in ("soak", "model"):
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", folder))

from leatlib import books, netns, paths, turns  # noqa: E402  (the path above)
from leatlib.rpc import Rpc  # noqa: E402
from leatlib.switch import Switch  # noqa: E402


# Modules of long tests. They come first, so that at the end no process waits for another one's.
LONG = ("test_vhost", "test_workers", "test_policy_model", "test_live", "test_qemu", "test_soak")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.module.__name__ not in LONG)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """A test that measures has the machine alone among the tests of all processes."""
    with turns.held(alone=item.get_closest_marker("alone") is not None):
        yield


def pytest_sessionstart(session):
    """A missing tool fails the run: nothing is skipped."""
    if hasattr(session.config, "workerinput"):
        return  # a process of pytest-xdist: what started it has looked
    lacks = paths.missing()
    if lacks and not session.config.option.collectonly:
        pytest.exit("cannot run: " + "; ".join(lacks), returncode=1)
    netns.sweep()


def pytest_sessionfinish(session):
    if not session.config.option.collectonly and os.geteuid() == 0:
        netns.sweep()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)
    if report.failed:
        for switch in getattr(item, "switches", []):
            report.sections.append(("leatd " + switch.directory, describe(switch)))


def describe(switch):
    """State and log of a switch, for the report of a failed test."""
    parts = []
    if switch.alive():
        for method in ("stats.get", "system.status"):
            try:
                rpc = Rpc(switch.socket, timeout=5)
                parts.append(method + " " + json.dumps(rpc.call(method), indent=1))
                rpc.close()
            except Exception as error:  # the report must not hide the failure
                parts.append(f"{method}: {error!r}")
    else:
        code = switch.process.child.returncode if switch.process else None
        parts.append(f"leatd is not running, exit code {code}")
    parts.append("log:\n" + switch.log()[-12000:])
    return "\n".join(parts)


@pytest.fixture
def make_switch(request):
    """A function that starts a switch. At the end the books of each must balance, it must stop in
    good order and no sanitizer may have spoken."""
    switches = request.node.switches = []

    def make(**options):
        switch = Switch(**options)
        switches.append(switch)
        return switch
    yield make
    try:
        failed = not getattr(request.node, "report_call", None) or request.node.report_call.failed
        for switch in switches:
            if switch.rpc is None:
                continue  # the test has stopped it itself
            if not failed:
                books.assert_books_balance(switch.rpc)
            if not failed or not switch.alive():
                switch.stop()
    finally:
        for switch in switches:
            switch.close()


@pytest.fixture
def switch(make_switch):
    """One switch with its defaults."""
    return make_switch()


@pytest.fixture
def net(switch):
    """A switch with one network `net` on VLAN 100."""
    switch.network()
    return switch


@pytest.fixture
def pair(net):
    """Two hosts with v4 and v6 addresses and nobody at home."""
    net.a = net.tap("a", v6=True, bare=True)
    net.b = net.tap("b", v6=True, bare=True)
    return net
