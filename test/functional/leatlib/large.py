# SPDX-License-Identifier: BSD-3-Clause
"""Large states, brought in by resync, and whether others are answered meanwhile."""
import multiprocessing
import time

from leatlib import wait
from leatlib.rpc import Rpc

PUT_OBJECTS = 5000  # of one message, well below 4 MiB
PING_PAUSE_SECONDS = 0.002


def rules(count, groups):
    """As many rules, spread over the groups, each with an address, protocol and port of its own."""
    for number in range(count):
        yield {"id": f"rule{number}", "group": f"group{number % groups}",
               "direction": "in" if number % 2 else "out", "action": "allow",
               "priority": 1 + number % 100, "proto": ("tcp", "udp")[number % 3 == 0],
               "port": 1 + number % 60000,
               "remote": {"cidr": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/32"}}


def state(switch, n_rules, n_groups, n_endpoints):
    """[(type, object)]: one network, groups with rules, vhost-user endpoints."""
    yield "network", {"id": "net", "vlan": 100}
    for number in range(n_groups):
        yield "group", {"id": f"group{number}", "default_action": "deny"}
    for rule in rules(n_rules, n_groups):
        yield "rule", rule
    for number in range(n_endpoints):
        yield "endpoint", {
            "id": f"endpoint{number}", "network": "net", "group": f"group{number % n_groups}",
            "ips": [f"10.200.{number >> 8}.{number & 255}"],
            "port": {"kind": "vhost-user", "mode": "server",
                     "socket": switch.path(f"{number}.sock")}}


def resync(rpc, objects, at_commit=lambda: None):
    """Bring the objects in; the result, seconds of the puts and of the commit, before which
    `at_commit` is called."""
    begin = time.monotonic()
    rpc.call("resync.begin")
    message, size = {}, 0
    for kind, item in objects:
        message.setdefault(kind, []).append(item)
        size += 1
        if size == PUT_OBJECTS:
            rpc.call("resync.put", objects=message)
            message, size = {}, 0
    rpc.call("resync.put", objects=message)
    at_commit()
    put = time.monotonic()
    result = rpc.call("resync.commit")
    return result, put - begin, time.monotonic() - put


def _ping(path, stop, longest, answered):
    rpc = Rpc(path, timeout=60)
    while not stop.is_set():
        begin = time.monotonic()
        rpc.call("system.ping")
        answered.value += 1
        longest.value = max(longest.value, time.monotonic() - begin)
        wait.let_pass(PING_PAUSE_SECONDS)
    rpc.close()


class Pinger:
    """Pings on a connection of its own, from its making until stop(). In a process of its own: a
    thread would wait for this one's interpreter."""

    def __init__(self, path):
        context = multiprocessing.get_context("fork")
        self.ended = context.Event()
        self.longest, self.count = context.Value("d", 0.0), context.Value("q", 0)
        self.process = context.Process(target=_ping, args=(
            path, self.ended, self.longest, self.count))
        self.process.start()

    def answered(self):
        """How many there have been."""
        return self.count.value

    def stop(self):
        """The longest time that an answer took, in seconds."""
        self.ended.set()
        self.process.join(70)
        assert self.process.exitcode == 0, "a ping was not answered"
        return self.longest.value


def memory_mb(pid, field="VmRSS"):
    """Resident memory, or with VmHWM its highest."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field} of process {pid}")
