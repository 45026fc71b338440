# SPDX-License-Identifier: BSD-3-Clause
"""What moves frames between two vhost-user ports, and is measured in turn with others."""
import contextlib
import os
import shutil
import signal
import tempfile

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
IPS = ("10.1.0.1", "10.1.0.2")
VLAN = 100
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

    def renew(self):
        """Forget what the last workload has left, where anything is kept."""

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
