# SPDX-License-Identifier: BSD-3-Clause
"""What moves frames between two vhost-user ports: leatd with everything on, and the bare loops."""
import contextlib
import os
import shutil
import signal
import tempfile

from benchlib import policy, rig
from benchlib.book import SWITCH_CPU
from leatlib import paths
from leatlib.process import Process

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
IPS = ("10.1.0.1", "10.1.0.2")
EAL = ["--lcores", f"0@{SWITCH_CPU}", "--in-memory", "--no-pci", "--no-telemetry", "-m", "128",
       "--log-level=warning"]
GROUP = "bench"
KBPS = 1_000_000_000  # more than any port gives: a token bucket that is asked and never empty


class Contender:
    """Something that listens on two sockets. While another is measured it is stopped."""
    takes_ports = False  # whether more ports can be had

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="leat-bench-", dir="/tmp")
        self.sockets = [os.path.join(self.directory, name) for name in ("a", "b")]
        self.idle = []  # sockets of further ports

    def pids(self):
        """The processes that make it up."""
        raise NotImplementedError

    def stop(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)

    @contextlib.contextmanager
    def running(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)
        try:
            yield
        finally:
            self.stop()

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Loop(Contender):
    """A bare loop: `kind` is "library" or "rings"."""

    def __init__(self, kind):
        super().__init__()
        program = os.path.join(paths.BUILD_RELEASE, "test", "bench", "bench-loop-" + kind)
        self.process = Process([program, *EAL, "--", *self.sockets])
        rig.first(self.process.pid)
        self.process.expect("^ready", 20)
        self.stop()

    def pids(self):
        return [self.process.pid]

    def close(self):
        self.process.kill()
        super().close()


class Leat(Contender):
    """leatd with everything on: VLAN network, uplink, strict policy with a thousand rules, spoof
    guard, token buckets both ways on both endpoints."""
    takes_ports = True

    def __init__(self):
        super().__init__()
        self.net = rig.switch()
        try:
            self.net.uplink_tap()
            self.net.call("txn.apply", ops=[
                {"method": "group.upsert", "params": {"id": GROUP, "default_action": "allow"}},
                *[{"method": "rule.upsert", "params": params} for params in leat_rules()]])
            hosts = [self._endpoint(name) for name in ("a", "b")]
            assert [host.mac for host in hosts] == list(MACS), "the generator's MAC addresses"
            self.sockets = [host.socket for host in hosts]
        except BaseException:
            self.close()
            raise
        self.stop()

    def _endpoint(self, name):
        return self.net.vhost(name, group=GROUP, qos={"tx_kbps": KBPS, "rx_kbps": KBPS})

    def pids(self):
        return [self.net.pid]

    def ports(self, number):
        """Have so many ports besides the two."""
        with self.running():
            while len(self.idle) > number:
                self.net.call("endpoint.delete", id=f"idle{len(self.idle) - 1}")
                self.idle.pop()
            while len(self.idle) < number:
                self.idle.append(self._endpoint(f"idle{len(self.idle)}").socket)

    def close(self):
        self.net.close()
        super().close()


def leat_rules():
    """policy.rules() as the parameters of rule.upsert."""
    for number, rule in enumerate(policy.rules()):
        low, high = rule["ports"]
        yield {"id": f"r{number}", "group": GROUP, "priority": 50, "action": rule["action"],
               "direction": rule["direction"], "proto": rule["proto"],
               "port": low if low == high else f"{low}-{high}", "remote": {"cidr": rule["cidr"]}}


KINDS = {"library": lambda: Loop("library"), "rings": lambda: Loop("rings"), "leat": Leat}
NAMES = {"library": "vhost library, bare loop", "rings": "ring to ring, bare loop",
         "leat": "leat, everything on"}
