# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces and veth pairs with names of this run, and sweeping up after a dead one."""
import ctypes
import os
import re
import socket
import threading

from leatlib.process import Process, run

CLONE_NEWNET = 0x40000000
RUN_DIR = "/run/netns"
NAME = re.compile(r"lt(\d+)[-v]")
# Whose processes make such names; the last is one of pytest-xdist.
RUNNERS = (b"pytest", b"scripts/bench", b"scripts/soak", b"exec(eval(sys.stdin.readline()))")

_libc = ctypes.CDLL(None, use_errno=True)
_lock = threading.Lock()
_serial = 0


def _next():
    global _serial
    with _lock:
        _serial += 1
        return _serial


def link_name():
    """A name for a link of the root namespace: at most 15 characters, of this run alone."""
    return f"lt{os.getpid()}v{_next()}"


def sweep():
    """Delete namespaces and links whose run is over (or is this one)."""
    names = os.listdir(RUN_DIR) if os.path.isdir(RUN_DIR) else []
    for name in names:
        if _is_over(name):
            run(["ip", "netns", "delete", name], check=False)
    for name in os.listdir("/sys/class/net"):
        if _is_over(name):
            run(["ip", "link", "delete", name], check=False)


def _is_over(name):
    match = NAME.match(name)
    if match is None:
        return False
    pid = int(match.group(1))
    if pid == os.getpid():
        return True
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read()
            return not any(runner in command for runner in RUNNERS)
    except FileNotFoundError:
        return True


def call_in(path, function):
    """Call `function` on a thread that stands in the network namespace at `path`; its result."""
    result = {}

    def body():
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns " + path)
            finally:
                os.close(fd)
            result["value"] = function()
        except BaseException as error:  # carried over to the caller
            result["error"] = error
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


class Namespace:
    """One container's network. `path` is what the switch is told."""

    def __init__(self, label="c"):
        self.name = f"lt{os.getpid()}-{label}{_next()}"
        self.path = os.path.join(RUN_DIR, self.name)
        run(["ip", "netns", "add", self.name])
        self.children = []
        self.run(["ip", "link", "set", "lo", "up"])

    def close(self):
        for child in self.children:
            child.kill()
        self.children = []
        if os.path.exists(self.path):
            run(["ip", "netns", "delete", self.name])

    def argv(self, argv):
        return ["nsenter", f"--net={self.path}", "--"] + [str(arg) for arg in argv]

    def run(self, argv, seconds=20, check=True, stdin=None):
        return run(self.argv(argv), seconds, check, stdin)

    def ip(self, command):
        """As `ns.ip("addr add 10.0.0.1/24 dev eth0")`."""
        return self.run(["ip"] + command.split())

    def start(self, argv, stdin=False):
        """A program in the background, ended with the namespace at the latest."""
        child = Process(self.argv(argv), stdin=stdin)
        self.children.append(child)
        return child

    def socket(self, *args):
        """A socket of this namespace, usable from anywhere."""
        return call_in(self.path, lambda: socket.socket(*args))

    def sysctl(self, key, value):
        """Set net.KEY; from a thread inside, as /proc/sys/net is that of who looks."""
        path = "/proc/sys/net/" + key.replace(".", "/")

        def write():
            with open(path, "w", encoding="ascii") as file:
                file.write(str(value))
        call_in(self.path, write)

    def allow_v6(self, allowed):
        """Whether its interfaces, those to come too, speak IPv6, which they do unasked."""
        for which in ("all", "default"):
            self.sysctl(f"ipv6.conf.{which}.disable_ipv6", 0 if allowed else 1)

    def has_link(self, name):
        return self.run(["ip", "link", "show", "dev", name], check=False).returncode == 0


def veth_into(namespace, name="eth0"):
    """A veth pair: the far end in the namespace under `name`, the near end's name is returned."""
    near = link_name()
    run(["ip", "link", "add", near, "type", "veth", "peer", "name", name,
         "netns", namespace.name])
    run(["ip", "link", "set", near, "up"])
    return near
