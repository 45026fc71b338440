# SPDX-License-Identifier: BSD-3-Clause
"""Two containers, and the paths between them that are compared."""
import os
import signal

from benchlib.book import APP_CPU, SWITCH_CPU
from leatlib import paths
from leatlib.switch import Switch

MEMORY_MB = 256


def first(pid):
    """Put a session's processes before what else the machine does. The scheduler shares cores out
    among sessions first, so their nice values alone say nothing."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except FileNotFoundError:
        pass  # a kernel that does not group by session


def start(namespace, argv):
    """A program in a namespace, ended with it."""
    process = namespace.start(argv)
    first(process.pid)
    return process


def switch():
    """leatd with one worker, in a namespace of its own."""
    made = Switch(release=True, workers=str(SWITCH_CPU), memory=MEMORY_MB)
    first(made.pid)
    made.network()
    return made


def on_app_cpu(*argv):
    return ["taskset", "-c", str(APP_CPU), *argv]


def bridge(root, hosts):
    """A kernel bridge in the namespace `root`, and a veth pair to it for each host, offloads on.
    Their addresses on it."""
    root.ip("link add kbr type bridge")
    root.ip("link set kbr up")
    out = []
    for number, host in enumerate(hosts, 1):
        root.ip(f"link add kbr{number} type veth peer name kbr netns {host.ns.name}")
        root.ip(f"link set kbr{number} master kbr up")
        host.ns.ip(f"addr add 10.9.0.{number}/24 dev kbr")
        host.ns.ip("link set kbr up")
        out.append(f"10.9.0.{number}")
    return out


class PlainLoop:
    """taploop between two hosts; stopped except while it is measured, since it spins."""

    def __init__(self, root, hosts):
        program = os.path.join(paths.BUILD_RELEASE, "test", "bench", "taploop")
        self.process = start(root, ["taskset", "-c", SWITCH_CPU, program, "plain0",
                                    *[host.ns.path for host in hosts]])
        self.process.expect("ready", 10)
        self.addresses = []
        for number, host in enumerate(hosts, 1):
            host.ns.ip(f"addr add 10.8.0.{number}/24 dev plain0")
            host.ns.ip("link set plain0 up")
            self.addresses.append(f"10.8.0.{number}")
        self.pause()

    def pause(self):
        self.process.kill(signal.SIGSTOP)

    def during(self, measure):
        """What `measure` gives while the loop runs."""
        self.process.kill(signal.SIGCONT)
        try:
            return measure()
        finally:
            self.pause()
