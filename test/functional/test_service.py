# SPDX-License-Identifier: BSD-3-Clause
"""leatd as its systemd unit runs it: capabilities, watchdog, and that the unit is sound."""
import os
import signal
import socket
import stat

import pytest

from leatlib import frames, paths, rpc, unit, wait
from leatlib.daemon import START_SECONDS, sanitizer_env
from leatlib.process import Process, run
from leatlib.ptrace import Held
from leatlib.rpc import Rpc, RpcError

# linux/capability.h
NUMBERS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13,
           "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21}
NOBODY = 65534
WATCHDOG_US = 1500000
SILENT_SECONDS = 2 * WATCHDOG_US / 1e6
EXPOSURE_TENTHS = 45  # of systemd-analyze security: 0 is nothing exposed, 100 everything


@pytest.fixture
def make_confined(make_switch, tmp_path):
    """A function that starts a switch with some capabilities: its network is there."""
    def make(names):
        switch = make_switch(start=False, state_dir=str(tmp_path / "state"))
        switch.argv = switch.root.argv(unit.confined(switch.argv, names))
        switch.start()
        wanted = sum(1 << NUMBERS[name] for name in names)
        for field in ("CapPrm", "CapEff", "CapBnd"):
            assert unit.capability_mask(switch.pid, field) == wanted
        switch.network()
        return switch
    return make


def foreign_directory(switch):
    """A folder that is not root's, for sockets of a program that is not root."""
    path = switch.path("foreign")
    os.mkdir(path, mode=0o700)
    os.chown(path, NOBODY, NOBODY)
    return path


# What each capability is for: a port that cannot be without it.

def open_tap(switch):
    switch.tap("tap")


def open_af_packet(switch):
    switch.root.run(["ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1"])
    switch.root.ip("link set up0 up")
    switch.call("uplink.upsert", id="up", device={"kind": "af_packet", "netdev": "up0"})


def open_by_process(switch):
    """The namespace of a process that has all capabilities."""
    host = switch.host("proc", ns=True)
    sleeper = host.ns.start(["sleep", "infinity"])
    other = os.stat("/proc/self/ns/net").st_ino
    wait.until(lambda: os.stat(f"/proc/{sleeper.pid}/ns/net").st_ino != other, 5, "nsenter")
    switch.endpoint(host, {"kind": "tap", "netns": f"/proc/{sleeper.pid}/ns/net", "name": "eth0"})
    assert host.ns.has_link("eth0")


def open_owned_socket(switch):
    host = switch.host("owned")
    path = switch.path("owned.sock")
    switch.endpoint(host, {"kind": "vhost-user", "socket": path, "mode": "server",
                           "uid": NOBODY, "gid": NOBODY, "perm": 0o600})
    state = os.stat(path)
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (NOBODY, NOBODY, 0o600)


def open_foreign_socket(switch):
    host = switch.host("foreign")
    path = os.path.join(foreign_directory(switch), "v.sock")
    switch.endpoint(host, {"kind": "vhost-user", "socket": path, "mode": "server"})
    assert os.path.exists(path)


USES = {
    "CAP_NET_ADMIN": open_tap,
    "CAP_SYS_ADMIN": open_tap,
    "CAP_NET_RAW": open_af_packet,
    "CAP_SYS_PTRACE": open_by_process,
    "CAP_CHOWN": open_owned_socket,
    "CAP_DAC_OVERRIDE": open_foreign_socket,
}


def test_every_kind_of_port(make_confined):
    """Traffic through TAP, AF_XDP and vhost-user; after kill -9 and a restart as well."""
    switch = make_confined(unit.capabilities())
    for use in set(USES.values()) - {open_tap}:
        use(switch)
    a, b = switch.tap("a"), switch.veth("b")
    server, client = switch.vhost("server"), switch.vhost("client", mode="client")
    for signum in (None, signal.SIGKILL, signal.SIGTERM):
        if signum:
            switch.restart(signum)
        a.ping(b)
        for guest in (server, client):
            peer = switch.peer(guest)
            peer.transmit(frames.udp(guest, a, "from the guest"))
            wait.until(lambda: guest.stats()["rx_packets"] == 1, 5, f"{guest.id}'s frame")
            peer.close()
        assert all(item["oper"]["state"] != "error" for item in switch.call(
            "endpoint.list")["items"])


@pytest.mark.parametrize("name", USES)
def test_none_too_many(make_confined, name):
    """Without any one of them something fails that works with all."""
    names = unit.capabilities()
    assert sorted(names) == sorted(USES)
    switch = make_confined([other for other in names if other != name])
    with pytest.raises(RpcError) as caught:
        USES[name](switch)
    assert caught.value.code == rpc.DEVICE


class Manager:
    """The notify socket of a service manager, with the watchdog that it set."""

    def __init__(self, switch):
        self.socket = switch.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.socket.bind(switch.path("manager"))
        self.socket.settimeout(START_SECONDS)
        switch.argv = ["env", "NOTIFY_SOCKET=" + switch.path("manager"),
                       f"WATCHDOG_USEC={WATCHDOG_US}", *switch.root.argv(switch.argv)]
        switch.process = Process(switch.argv, env=sanitizer_env())
        self.expect(b"READY=1")
        switch.rpc = Rpc(switch.socket)
        self.socket.settimeout(SILENT_SECONDS)

    def expect(self, message):
        assert self.socket.recv(4096) == message

    def hear(self, count=1):
        for _ in range(count):
            self.expect(b"WATCHDOG=1")

    def silent(self):
        """Nothing for longer than the watchdog waits, after one beat at most that was due."""
        heard = 0
        try:
            while heard <= 1:
                self.expect(b"WATCHDOG=1")
                heard += 1
        except TimeoutError:
            return True
        return False


def threads(switch):
    """Thread ids by name."""
    folder = f"/proc/{switch.pid}/task"
    found = {}
    for tid in os.listdir(folder):
        with open(f"{folder}/{tid}/comm", encoding="ascii") as file:
            found[file.read().strip()] = int(tid)
    return found


def test_watchdog_beats_while_idle_and_busy(make_switch):
    switch = make_switch(start=False)
    manager = Manager(switch)
    manager.hear(3)
    switch.network()
    a, b = switch.tap("a"), switch.tap("b")
    a.ping(b)
    manager.hear(3)


@pytest.mark.parametrize("thread", ["leat-worker-0", "leatd"])
def test_watchdog_is_silent_when_a_thread_hangs(make_switch, thread):
    """A worker that stands still and the control thread: no more beats; and again when it runs."""
    switch = make_switch(start=False)
    manager = Manager(switch)
    manager.hear()
    with Held(threads(switch)[thread]):
        assert manager.silent()
        if thread != "leatd":
            assert switch.call("system.ping") is not None
    manager.hear(2)


def test_unit_is_sound(tmp_path):
    """systemd has nothing to say against it, and judges it no worse than it is today."""
    installed = tmp_path / "leatd.service"
    with open(unit.UNIT, encoding="ascii") as file:
        text = file.read().replace("@sbindir@", paths.BUILD)
    helper = os.path.join(paths.ROOT, "service")
    installed.write_text(text.replace("@helperdir@", helper), encoding="ascii")
    done = run(["systemd-analyze", "verify", "--man=no", installed], check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "leatd.service" in line]
    assert done.returncode == 0 and not said, said
    run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_TENTHS}",
         "--no-pager", installed])
