# SPDX-License-Identifier: BSD-3-Clause
"""Large states, brought in by resync."""
import time

PUT_OBJECTS = 5000  # of one message, well below 4 MiB


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


def memory_mb(pid, field="VmRSS"):
    """Resident memory, or with VmHWM its highest."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field} of process {pid}")
