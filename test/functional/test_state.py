# SPDX-License-Identifier: BSD-3-Clause
"""The state on disk: what was acknowledged is there after any end of the daemon."""
import errno
import glob
import os
import signal

import pytest

from leatlib import frames, rpc, wait
from leatlib.daemon import sanitizer_env
from leatlib.process import Process, run
from leatlib.rpc import RpcError
from leatlib.testpmd import Testpmd, virtio_user

RESTARTS = 3


@pytest.fixture
def kept(make_switch, tmp_path):
    """A switch that keeps its state, with one network."""
    switch = make_switch(state_dir=str(tmp_path / "state"))
    switch.network()
    return switch


def end_code(switch, *options):
    """The exit code of a daemon started by hand on the switch's folders, and what it said."""
    process = Process([*switch.argv, *options], env=sanitizer_env())
    code = process.wait(30)
    text = process.text()
    process.close()
    return code, text


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_the_same_after_the_end(kept, signum):
    kept.call("group.upsert", id="db", default_action="deny")
    kept.call("rule.upsert", id="icmp", group="db", direction="in", action="allow", proto="icmp")
    a, b = kept.tap("a"), kept.tap("b", group="db")
    kept.vhost("v")
    kept.call("global.set", mac_age_s=77)
    a.ping(b)
    before = kept.call("state.get")
    boot_id = kept.call("system.hello")["boot_id"]
    kept.restart(signum)
    hello = kept.call("system.hello")
    assert hello["config_source"] == "snapshot" and hello["boot_id"] != boot_id
    assert hello["rev"] == before["rev"]
    assert kept.call("state.get") == before
    # Addresses are the containers' own: nobody has set them again.
    a.ping(b)
    assert kept.state_of(a) == "active" and os.path.exists(kept.path("v.sock"))
    kept.call("endpoint.delete", id="a")
    assert not a.ns.has_link("eth0") and b.ns.has_link("eth0")


def test_neighbours_outlive_the_daemon(kept):
    """A container's kernel still knows whom it spoke with, so it has not to ask when the switch is
    back: a question that is lost amid that is asked again after a second."""
    a, b = kept.tap("a", v6=True), kept.tap("b", v6=True)
    a.ping(b)
    a.ping6(b)
    kept.kill()
    wait.until(lambda: "NO-CARRIER" in a.ns.ip("link show eth0").stdout, 5, "the carrier's loss")
    for address in (b.ip, b.ip6):
        assert b.mac in a.ns.ip(f"neigh show {address}").stdout
    kept.start()
    a.ping(b)
    a.ping6(b)


def test_a_tap_goes_with_its_endpoint_alone(kept):
    a, b = kept.tap("a"), kept.tap("b")
    index = a.ns.run(["cat", "/sys/class/net/eth0/ifindex"], check=False).stdout
    a.ns.ip("route add 10.77.0.0/16 via " + b.ip)
    kept.restart()
    assert "10.77.0.0/16" in a.ns.ip("route show").stdout
    assert a.ns.run(["cat", "/sys/class/net/eth0/ifindex"], check=False).stdout == index
    a.delete()
    assert not a.ns.has_link("eth0")
    kept.restart(signal.SIGTERM)
    assert not a.ns.has_link("eth0") and b.ns.has_link("eth0")
    b.delete()
    assert not b.ns.has_link("eth0")


def test_without_state_nothing_is_left(make_switch):
    switch = make_switch()
    switch.network()
    a, b = switch.tap("a"), switch.tap("b")
    a.ping(b)
    switch.restart()
    assert not a.ns.has_link("eth0") and not b.ns.has_link("eth0")
    hello = switch.call("system.hello")
    assert (hello["config_source"], hello["rev"]) == ("empty", 0)


def test_somebody_elses_tap_is_not_taken(kept):
    host = kept.host("a", ns=True)
    host.ns.ip("tuntap add eth0 mode tap")
    with pytest.raises(RpcError) as caught:
        kept.endpoint(host, {"kind": "tap", "netns": host.ns.path, "name": "eth0"})
    assert caught.value.code == rpc.DEVICE
    assert host.ns.has_link("eth0")


def test_a_namespace_that_is_gone(kept):
    """Its endpoint waits in state "error" until it is back; everything else works."""
    a, b, lost = kept.tap("a"), kept.tap("b"), kept.tap("lost")
    kept.kill()
    lost.ns.close()
    kept.start()
    a.ping(b)
    oper = kept.call("endpoint.get", id="lost")["oper"]
    assert oper["state"] == "error" and lost.ns.path in oper["error"]
    with pytest.raises(RpcError) as caught:
        kept.call("garp.send", endpoint="lost")
    assert caught.value.code == rpc.DEVICE and caught.value.data["object"] == "endpoint:lost"
    listed = {item["id"]: item["oper"] for item in kept.call("endpoint.list")["items"]}
    assert listed["lost"]["state"] == "error" and listed["a"]["state"] == "active"
    run(["ip", "netns", "add", lost.ns.name])
    wait.until(lambda: kept.state_of(lost) == "active", 20, "the port to be opened")
    lost.configure(False)
    lost.ping(a)
    kept.restart()
    lost.ping(a)


def test_an_interface_that_was_deleted(kept):
    """It is made again, in a while; or at once for who says the same once more."""
    a, b = kept.tap("a"), kept.tap("b")
    b.ns.ip("link delete eth0")
    wait.until(lambda: b.ns.has_link("eth0"), 20, "the interface to be made again")
    wait.until(lambda: kept.state_of(b) == "active", 5, "b to be active")
    b.configure(False)
    b.ping(a)
    b.ns.ip("link delete eth0")
    wait.until(lambda: kept.endpoint(b, b.port_spec)["state"] == "active" and
               b.ns.has_link("eth0"), 5, "the interface to be made again by who asks")
    b.configure(False)
    b.ping(a)
    kept.restart()
    b.ping(a)


def test_a_deleted_endpoint_whose_port_was_lost(kept):
    lost = kept.tap("lost")
    kept.kill()
    lost.ns.close()
    kept.start()
    assert kept.call("endpoint.delete", id="lost")["changed"]
    kept.restart()
    assert kept.call("endpoint.list")["items"] == []


def test_second_daemon_on_the_same_folder(kept):
    argv = list(kept.argv)
    argv[argv.index("--socket") + 1] = kept.path("other.sock")
    second = Process(argv, env=sanitizer_env())
    assert second.wait(30) == 3, second.text()
    assert "state folder" in second.text()
    second.close()
    kept.call("system.ping")


@pytest.mark.parametrize("damage", ["cut", "zero", "foreign", "garbage", "newer"])
def test_a_store_that_cannot_be_used(kept, damage):
    before = kept.call("state.get")
    database = os.path.join(kept.argv[kept.argv.index("--state-dir") + 1], "state.db")
    kept.stop()
    with open(database, "r+b") as file:
        whole = file.read()
        if damage == "cut":
            file.truncate(len(whole) - 5000)
        elif damage == "zero":
            file.truncate(0)
        elif damage == "foreign":
            file.seek(68)
            file.write(b"GPKG")
        elif damage == "garbage":
            file.seek(4096)
            file.write(os.urandom(4096))
        else:
            file.seek(60)
            file.write((2).to_bytes(4, "big"))
        file.seek(0)
        harmed = file.read()
    for _ in range(2):
        code, text = end_code(kept)
        assert code == 4 and database in text, text
        with open(database, "rb") as file:
            assert file.read() == harmed
    kept.argv.append("--new-state")
    kept.start()
    assert kept.call("system.hello")["config_source"] == "empty"
    assert kept.call("network.list")["items"] == []
    aside = glob.glob(os.path.join(os.path.dirname(database), "kept-*-state.db"))
    assert len(aside) == 1
    with open(aside[0], "rb") as file:
        assert file.read() == harmed
    kept.call("state.replace", objects=before["objects"])


def test_a_log_that_has_lost_commits(kept):
    folder = kept.argv[kept.argv.index("--state-dir") + 1]
    for number in range(10):
        kept.network(f"n{number}", vlan=200 + number)
    kept.kill()
    log = os.path.join(folder, "state.db-wal")
    os.truncate(log, os.path.getsize(log) - 1)
    kept.start()
    hello = kept.call("system.hello")
    assert hello["config_source"] == "recovered"
    assert [item["id"] for item in kept.call("network.list")["items"]] == [
        "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "net"]
    assert hello["rev"] == 12 and "has lost its last commits" in kept.log()
    kept.restart()
    assert kept.call("system.hello")["config_source"] == "snapshot"


@pytest.fixture
def small_disk(make_switch, tmp_path):
    """A switch whose state lies on a file system of its own of 4 MB."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 4 << 20)
    folder.mkdir()
    run(["mkfs.ext4", "-q", image])
    run(["mount", "-o", "loop", image, folder])
    try:
        switch = make_switch(state_dir=str(folder / "state"))
        switch.network()
        switch.folder = str(folder)
        yield switch
        switch.stop()
    finally:
        run(["umount", "--lazy", folder])


def fill(path):
    """Write until the disk is full."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (4096, 1):
            try:
                while True:
                    os.write(file, b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC
    finally:
        os.close(file)


def refused_and_standing(switch, a, b):
    """A change is refused with DEVICE, and all is as it was."""
    before = switch.call("state.get")
    host = switch.host("late", ns=True)
    for method, params in (
            ("endpoint.upsert", {"id": "late", "network": "net", "port": {
                "kind": "tap", "netns": host.ns.path, "name": "eth0"}}),
            ("endpoint.delete", {"id": "a"}),
            ("network.upsert", {"id": "net", "vlan": 100, "mtu": 1400}),
            ("txn.apply", {"ops": [{"method": "endpoint.delete", "params": {"id": "a"}},
                                   {"method": "endpoint.delete", "params": {"id": "b"}}]})):
        with pytest.raises(RpcError) as caught:
            switch.call(method, params)
        assert caught.value.code == rpc.DEVICE and "state.db" in caught.value.message, method
    assert not host.ns.has_link("eth0")
    assert switch.call("state.get") == before
    assert "mtu 1500" in a.ns.ip("link show eth0").stdout
    a.ping(b)
    host.ns.close()
    return before


def test_disk_full(small_disk):
    switch = small_disk
    a, b = switch.tap("a"), switch.tap("b")
    filler = os.path.join(switch.folder, "filler")
    fill(filler)
    before = refused_and_standing(switch, a, b)
    switch.restart()
    assert switch.call("state.get") == before
    a.ping(b)
    os.unlink(filler)
    switch.network("more", vlan=7)
    a.delete()
    assert not a.ns.has_link("eth0")
    switch.restart()
    assert switch.call("state.get")["rev"] == before["rev"] + 2


def test_disk_read_only(small_disk):
    """As ext4 makes itself after an error of the disk, with files open for writing."""
    switch = small_disk
    a, b = switch.tap("a"), switch.tap("b")
    run(["mount", "-o", "remount,abort", switch.folder])
    refused_and_standing(switch, a, b)


def test_config_file_over_the_store(kept, tmp_path):
    """Its objects are the owner `config`'s; those of others stay as the store has them."""
    config = tmp_path / "config.json"
    config.write_text('{"objects": {"network": [{"id": "fromfile", "vlan": 9}]}}')
    kept.argv += ["--config", str(config)]
    kept.restart()
    owners = {item["id"]: item["owner"] for item in kept.call("network.list")["items"]}
    assert owners == {"net": "local", "fromfile": "config"}
    rev = kept.call("system.status")["rev"]
    kept.restart()
    assert kept.call("system.status")["rev"] == rev  # nothing new in it: no commit
    config.write_text('{"objects": {}}')
    kept.restart()
    assert [item["id"] for item in kept.call("network.list")["items"]] == ["net"]


def test_vhost_user_peers_come_back(kept):
    """Whoever listens is connected to again, by the store alone."""
    echo = kept.vhost("echo", mode="client", ips=[], guard={"spoof": False})
    peer = kept.keep(Testpmd([virtio_user(echo)], "macswap"))
    peer.start()
    a = kept.tap("a", bare=True)
    for number in range(RESTARTS):
        wait.until(lambda: kept.state_of(echo) == "active", 15, "echo to be active")
        a.raw.send(frames.udp(a, echo, f"round {number}."))
        a.raw.expect(frames.payload_is(f"round {number}."))
        kept.restart()


def test_vhost_user_sockets_are_made_again(kept):
    """Whoever connects finds the same sockets; a peer that comes back flows again."""
    v = kept.vhost("v")
    a = kept.tap("a", bare=True)
    for number in range(RESTARTS):
        peer = kept.peer(v)
        a.raw.send(frames.udp(a, v, f"round {number}."))
        peer.expect(lambda data, text=f"round {number}.".encode(): text in data)
        kept.restart()
        assert peer.hung_up()
        peer.close()
