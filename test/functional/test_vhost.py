# SPDX-License-Identifier: BSD-3-Clause
"""vhost-user ports: both socket modes, several queues, peers that die and return."""
import os
import re
import signal
import stat

import pytest

from leatlib import frames, vhost_peer, wait
from leatlib.testpmd import Testpmd, virtio_user
from leatlib.traffic import Stream

RESTARTS = 20
ECHO = {"ips": [], "guard": {"spoof": False}}  # of an endpoint that sends back what it gets
MANY = 5000


def testpmd_between(net, a, b, **options):
    """A sender on a to a receiver on b, forwarding not yet begun."""
    options.setdefault("extra", ["--eth-peer", f"0,{b.mac}", f"--tx-ip={a.ip},{b.ip}"])
    sender = net.keep(Testpmd([virtio_user(a)], "txonly", **options))
    receiver = net.keep(Testpmd([virtio_user(b)], "rxonly"))
    for host in (a, b):
        wait.until(lambda: net.state_of(host) == "active", 10, f"{host.id} to be active")
    return sender, receiver


testpmd_between.__test__ = False


@pytest.mark.parametrize("mode", ["server", "client"])
def test_testpmd_to_testpmd(net, mode):
    a, b = net.vhost("a", mode=mode), net.vhost("b", mode=mode)
    assert a.result["state"] == "pending"
    sender, receiver = testpmd_between(net, a, b)
    receiver.start()
    sender.start()
    receiver.wait_received(MANY)
    sent = sender.stop()[0][1]
    wait.until(lambda: net.port("a")["rx_packets"] == sent, 10, "all that was sent to be counted")
    wait.until(lambda: receiver.stats()[0] == net.port("b")["tx_packets"], 10,
               "testpmd to take all that was sent to it")


def test_in_order_is_offered(net):
    """A driver that knows it need not read the used ring: test_testpmd_to_testpmd's is one."""
    peer = net.peer(net.vhost("v"), features=vhost_peer.F_IN_ORDER)
    assert peer.features & vhost_peer.F_IN_ORDER


def test_io_loop_between_two_ports_of_one_process(net):
    """testpmd sends a container's frames back to it."""
    a = net.tap("a", bare=True)
    open_port = {"guard": {"spoof": False, "macs": 16}}
    echo = net.vhost("echo", ips=[], **open_port)
    net.keep(Testpmd([virtio_user(echo)], "macswap")).start()
    wait.until(lambda: net.state_of(echo) == "active", 10, "echo to be active")
    a.raw.send(frames.udp(a, echo, "there and back"))
    got = a.raw.expect(frames.payload_is("there and back"))
    assert got.dst == a.mac and got.src == echo.mac


@pytest.mark.parametrize("mode", ["server", "client"])
def test_tap_to_vhost_and_back(net, mode):
    a, v = net.tap("a", bare=True), net.vhost("v", mode=mode)
    peer = net.peer(v)
    for size in (60, 200, 1400):
        a.raw.send(frames.udp(a, v, f"to guest {size} ".ljust(size, "g")))
        header, _ = peer.expect(lambda data, size=size: f"to guest {size} ".encode() in data)
        assert header[0] in (0, 2)  # nothing left to finish: the guest did not take CSUM
        peer.transmit(frames.udp(v, a, f"from guest {size} ".ljust(size, "g")))
        a.raw.expect(frames.payload_is(f"from guest {size} "))


def test_large_segment_from_tap_is_cut_for_a_guest_without_tso(net):
    """What the guest did not negotiate it does not get."""
    a, v = net.tap("a"), net.vhost("v")
    peer = net.peer(v)
    a.ns.ip(f"neigh add {v.ip} lladdr {v.mac} dev eth0")
    sender = a.ns.start(["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'datagram', ('{v.ip}', 9))
"""])
    header, frame = peer.expect(lambda data: b"datagram" in data)
    sender.wait(10)
    assert header[0] == 0, "an unfinished checksum went to a guest that does not take it"
    packet = frames.Ether(frame)
    there = packet[frames.UDP].chksum
    del packet[frames.UDP].chksum
    assert frames.Ether(bytes(packet))[frames.UDP].chksum == there


def test_guest_with_offloads_gets_the_checksum_unfinished(net):
    a, v = net.tap("a"), net.vhost("v")
    peer = net.peer(v, features=vhost_peer.F_MRG_RXBUF | vhost_peer.F_GUEST_CSUM
                    | vhost_peer.F_GUEST_TSO4 | vhost_peer.F_CSUM)
    a.ns.ip(f"neigh add {v.ip} lladdr {v.mac} dev eth0")
    a.ns.run(["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'datagram', ('{v.ip}', 9))
"""])
    header, _ = peer.expect(lambda data: b"datagram" in data)
    assert header[0] == 1  # NEEDS_CSUM


def test_guest_sends_a_chain_and_an_indirect_table(net):
    a, v = net.tap("a", bare=True), net.vhost("v")
    peer = net.peer(v)
    frame = bytes(frames.udp(v, a, "chained".ljust(600, "c")))
    base = peer.buffer(1, 0)
    peer.memory[base:base + 12 + len(frame)] = bytes(12) + frame
    address = vhost_peer.GUEST_BASE + base
    peer.desc(1, 0, address, 12, vhost_peer.DESC_NEXT, 1)
    peer.desc(1, 1, address + 12, 100, vhost_peer.DESC_NEXT, 2)
    peer.desc(1, 2, address + 112, len(frame) - 100)
    peer.offer(1, 0)
    peer.kick(1)
    assert bytes(a.raw.expect(frames.payload_is("chained"))) == frame
    frame = frame.replace(b"chained", b"indirec")
    frame = bytes(frames.Ether(frame))
    peer.memory[base + 12:base + 12 + len(frame)] = frame
    table = peer.buffer(1, 100)
    for slot, (start, length, flags) in enumerate(((0, 12, 1), (12, 50, 1),
                                                   (62, len(frame) - 50, 0))):
        vhost_peer.DESC.pack_into(peer.memory, table + 16 * slot, address + start, length, flags,
                                  slot + 1)
    peer.desc(1, 3, vhost_peer.GUEST_BASE + table, 48, vhost_peer.DESC_INDIRECT)
    peer.offer(1, 3)
    peer.kick(1)
    assert bytes(a.raw.expect(frames.payload_is("indirec"))) == frame


@pytest.mark.parametrize("features", [0, vhost_peer.F_EVENT_IDX])
def test_guest_is_called_when_it_asks(net, features):
    """Its eventfds say that there is something in the receive ring, and that a frame was taken."""
    a, v = net.tap("a", bare=True), net.vhost("v")
    peer = net.peer(v, features=vhost_peer.F_MRG_RXBUF | features)
    for number in range(3):
        a.raw.send(frames.udp(a, v, f"to guest {number}"))
        assert peer.called(0) >= 1
        peer.expect(lambda data, number=number: f"to guest {number}".encode() in data)
        peer.want_call(0)
        peer.transmit(frames.udp(v, a, f"from guest {number}"))
        assert peer.called(1) >= 1
        peer.want_call(1)


def test_frame_larger_than_one_buffer_takes_several(switch):
    switch.network(mtu=9000)
    a, v = switch.tap("a", bare=True), switch.vhost("v")
    peer = switch.peer(v)
    frame = frames.udp(a, v, "jumbo".ljust(8000, "j"))
    a.raw.send(frame)
    _, got = peer.expect(lambda data: b"jumbo" in data)
    assert got == bytes(frame)


@pytest.mark.parametrize("mode", ["server", "client"])
def test_several_queues(net, mode):
    a, b = net.vhost("a", mode=mode, queues=2), net.vhost("b", mode=mode)
    sender = net.keep(Testpmd([virtio_user(a, queues=2)], "txonly", queues=2, extra=[
        "--eth-peer", f"0,{b.mac}", f"--tx-ip={a.ip},{b.ip}"]))
    receiver = net.keep(Testpmd([virtio_user(b)], "rxonly"))
    receiver.start()
    sender.start()
    receiver.wait_received(MANY)
    text = sender.command("show port xstats 0")
    assert int(re.search(r"tx_q1_good_packets: (\d+)", text).group(1)) > 1000
    sent = sender.stop()[0][1]
    wait.until(lambda: net.port("a")["rx_packets"] == sent, 10, "both queues' frames to be counted")


def test_socket_owner_and_mode(net):
    host = net.host("v")
    path = net.path("v.sock")
    net.call("endpoint.upsert", id="v", network="net", mac=host.mac, port={
        "kind": "vhost-user", "socket": path, "mode": "server", "uid": 12345, "gid": 54321,
        "perm": "0620"})
    info = os.stat(path)
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (12345, 54321, 0o620)
    net.call("endpoint.delete", id="v")
    assert not os.path.exists(path)


@pytest.mark.parametrize("mode", ["server", "client"])
def test_peer_killed_and_back(net, mode):
    """kill -9 of testpmd in a flood, 20 times; the pair beside it does not lose a datagram."""
    a, b = net.tap("a"), net.tap("b")
    c, v = net.tap("c", bare=True), net.vhost("v", mode=mode, **ECHO)
    stream = Stream(a, b, rate=500)
    for number in range(RESTARTS):
        peer = Testpmd([virtio_user(v)], "macswap", extra=["--eth-peer", f"0,{c.mac}"])
        try:
            peer.start()
            wait.until(lambda: net.state_of(v) == "active", 10, "v to be active")
            c.raw.send(frames.udp(c, v, f"are you back, {number}?"))
            c.raw.expect(frames.payload_is(f"are you back, {number}?"))
            peer.command("stop")
            peer.command("set fwd txonly")
            before = net.port("v")["rx_packets"]
            peer.start()
            wait.until(lambda: net.port("v")["rx_packets"] > before + MANY, 10, "a flood")
        finally:
            peer.kill()
        wait.until(lambda: net.state_of(v) == "pending", 10, "v to be pending again")
    stream.assert_lossless()


@pytest.mark.parametrize("mode", ["server", "client"])
def test_switch_killed_and_back(make_switch, mode):
    """kill -9 of leatd in a flood, 20 times: its peer comes back to it, traffic flows again.

    testpmd waits for a switch that connects; of one that listens it is a client, which does not
    try again, so that its place is then taken by a fresh one.
    """
    switch, peer = make_switch(), None
    for number in range(RESTARTS):
        switch.hosts = 0
        switch.network()
        echo = switch.vhost("echo", mode=mode, **ECHO)
        if peer is None or mode == "server":
            peer = switch.keep(Testpmd([virtio_user(echo)], "macswap"))
            peer.start()
        a, b = switch.tap("a", bare=True), switch.tap("b", bare=True)
        wait.until(lambda: switch.state_of(echo) == "active", 15, "echo to be active")
        a.raw.send(frames.udp(a, echo, f"round {number}."))
        a.raw.expect(frames.payload_is(f"round {number}."))
        for count in range(200):
            b.raw.send(frames.udp(b, echo, f"{count}"))
        switch.rpc.close()
        switch.process.kill(signal.SIGKILL)
        if mode == "server":
            peer.kill()
        switch.start()
