# SPDX-License-Identifier: BSD-3-Clause
"""An upgrade is the start of a new binary in the old one's place."""
import os
import shutil
import signal

import pytest

from leatlib import frames, wait


@pytest.fixture
def installed(make_switch, tmp_path):
    """A switch that runs from an installed file, as /usr/sbin/leatd is one, with its state."""
    switch = make_switch(start=False, state_dir=str(tmp_path / "state"))
    built, switch.binary = switch.binary, str(tmp_path / "leatd")
    shutil.copy(built, switch.binary)
    switch.argv[0] = switch.binary
    switch.start()
    switch.network()
    return switch


def replace_binary(switch):
    """As dpkg does it, under the running daemon: a new file, renamed over the old."""
    new = switch.binary + ".dpkg-new"
    shutil.copy(switch.binary, new)
    os.rename(new, switch.binary)
    assert os.readlink(f"/proc/{switch.pid}/exe").endswith(" (deleted)")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_new_binary_goes_on(installed, signum):
    """State, TAPs with their addresses, and vhost-user sockets: the guest connects again."""
    a, b = installed.tap("a"), installed.tap("b")
    guest = installed.vhost("guest")
    client = installed.vhost("client", mode="client")
    link = a.ns.ip("-o link show eth0").stdout.split(":")[0]
    before = installed.call("state.get")
    a.ping(b)
    replace_binary(installed)
    a.ping(b)  # by the old one, whose file is gone
    installed.restart(signum)
    assert os.readlink(f"/proc/{installed.pid}/exe") == installed.binary
    assert installed.call("state.get") == before
    assert a.ns.ip("-o link show eth0").stdout.split(":")[0] == link
    a.ping(b)
    for host in (guest, client):
        installed.peer(host).transmit(frames.udp(host, a, "after the upgrade"))
        wait.until(lambda: host.stats()["rx_packets"] == 1, 5, f"{host.id}'s frame")
