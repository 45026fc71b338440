# SPDX-License-Identifier: BSD-3-Clause
"""Bare loops, and testpmd on DPDK's own vhost driver: they know no networks and no rules."""
import os

from benchlib import rig
from benchlib.book import SWITCH_CPU
from benchlib.contender import Contender
from leatlib import paths
from leatlib.process import Process

EAL = ["--in-memory", "--no-pci", "--no-telemetry", "-m", "128", "--log-level=warning"]
START_SECONDS = 20


class _Program(Contender):
    """One process, which is ready when it says so."""

    def __init__(self, argv, ready):
        super().__init__()
        self.process = Process([*argv, *self.arguments()], stdin=True)
        try:
            rig.first(self.process.pid)
            self.process.expect(ready, START_SECONDS)
        except BaseException:
            self.close()
            raise
        self.stop()

    def arguments(self):
        """Those that name the sockets."""
        raise NotImplementedError

    def pids(self):
        return [self.process.pid]

    def close(self):
        self.process.kill()
        super().close()


class Loop(_Program):
    """A bare loop: `kind` is "library" or "rings"."""

    def __init__(self, kind):
        program = os.path.join(paths.BUILD_RELEASE, "test", "bench", "bench-loop-" + kind)
        super().__init__([program, "--lcores", f"0@{SWITCH_CPU}", *EAL], "^ready")

    def arguments(self):
        return ["--", *self.sockets]


class Testpmd(_Program):
    """dpdk-testpmd in its io mode between two ports of the net_vhost driver."""

    def __init__(self):
        super().__init__(["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"(0,1)@{SWITCH_CPU}",
                          *EAL], "^testpmd> ")

    def arguments(self):
        vdevs = [f"--vdev=net_vhost{number},iface={socket}"
                 for number, socket in enumerate(self.sockets)]
        return [*vdevs, "--", "-i", "--auto-start", "--forward-mode=io", "--no-mlockall",
                "--total-num-mbufs=16384", "--txd=1024", "--rxd=1024"]
