# SPDX-License-Identifier: BSD-3-Clause
"""A share of a core for a group of processes, and no more: the kernel's CPU bandwidth control, by
control groups of version 1 or 2."""
import os

PERIOD_US = 10000
ROOT_V1, ROOT_V2 = "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"


def _write(*path, text):
    with open(os.path.join(*path), "w", encoding="ascii") as file:
        file.write(str(text))


class CoreShare:
    """Whatever begins by argv() has together at most `share` of one core."""

    def __init__(self, share):
        quota = int(PERIOD_US * share)
        old = os.path.exists(os.path.join(ROOT_V1, "cpu.cfs_quota_us"))
        self.path = os.path.join(ROOT_V1 if old else ROOT_V2, f"leat-bench-{os.getpid()}")
        if not old:
            _write(ROOT_V2, "cgroup.subtree_control", text="+cpu")
        os.mkdir(self.path)
        if old:
            _write(self.path, "cpu.cfs_period_us", text=PERIOD_US)
            _write(self.path, "cpu.cfs_quota_us", text=quota)
        else:
            _write(self.path, "cpu.max", text=f"{quota} {PERIOD_US}")

    def argv(self, *argv):
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', os.path.join(self.path, "cgroup.procs"),
                *argv]

    def close(self):
        """Its processes have ended."""
        os.rmdir(self.path)
