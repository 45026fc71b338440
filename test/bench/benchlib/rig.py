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


def bridge(root, hosts, name="kbr", subnet="10.9.0", cpu=None):
    """A kernel bridge in the namespace `root`, and a veth pair to it for each host, offloads on.
    Their addresses on it. Its work is done on the core of whoever sends, or all of it on `cpu`."""
    root.ip(f"link add {name} type bridge")
    root.ip(f"link set {name} up")
    out = []
    for number, host in enumerate(hosts, 1):
        root.ip(f"link add {name}{number} type veth peer name {name} netns {host.ns.name}")
        root.ip(f"link set {name}{number} master {name} up")
        if cpu is not None:
            _receive_on(root, f"{name}{number}", cpu)
        host.ns.ip(f"addr add {subnet}.{number}/24 dev {name}")
        host.ns.ip(f"link set {name} up")
        out.append(f"{subnet}.{number}")
    return out


def _receive_on(namespace, interface, cpu):
    """What an interface receives is worked on by a core of our choice. Its switch for that is in
    the sysfs of its namespace, which a mount of its own shows."""
    queue = f"/sys/class/net/{interface}/queues/rx-0/rps_cpus"
    namespace.run(["unshare", "--mount", "sh", "-c",
                   f"mount -t sysfs sysfs /sys && echo {1 << cpu:x} >{queue}"])


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
