# SPDX-License-Identifier: BSD-3-Clause
"""vhost-user peers that lie: they lose their own port, and nothing else happens."""
import fcntl
import os
import random
import socket
import struct

import pytest

from leatlib import frames, wait
from leatlib.traffic import Stream
from leatlib.vhost_peer import (DESC_INDIRECT, DESC_NEXT, DESC_WRITE, GUEST_BASE, HEADER, MEMORY,
                                SET_FEATURES, SET_MEM_TABLE, SET_OWNER, SET_VRING_ADDR,
                                SET_VRING_NUM, VhostPeer)


@pytest.fixture
def beside(net):
    """A pair of containers with a stream that must not lose anything, and a vhost-user port."""
    net.a, net.b = net.tap("a"), net.tap("b")
    net.v = net.vhost("v")
    stream = Stream(net.a, net.b, rate=500)
    yield net
    stream.wait_more(50)
    stream.assert_lossless()


def a_good_peer_still_works(net):
    """After the liar: an honest peer gets the port, or one on the same socket does."""
    peer = net.peer(net.v)
    wait.until(lambda: net.state_of(net.v) == "active", 10, "the port to be active again")
    peer.transmit(frames.udp(net.v, net.a, "honest", dst=frames.BROADCAST))
    wait.until(lambda: net.v.stats()["rx_packets"] >= 1, 5, "an honest frame to be counted")
    peer.close()


def test_connects_and_says_nothing(beside):
    silent = [VhostPeer(beside.v.socket, handshake=False) for _ in range(3)]
    beside.call("network.upsert", id="meanwhile", vlan=7)
    for peer in silent:
        peer.close()
    a_good_peer_still_works(beside)


def test_garbage(beside):
    generator = random.Random(7)
    for _ in range(20):
        peer = VhostPeer(beside.v.socket, handshake=False)
        try:
            peer.sock.sendall(generator.randbytes(generator.randrange(1, 5000)))
        except (BrokenPipeError, ConnectionResetError):
            pass
        peer.close()
    a_good_peer_still_works(beside)


def test_messages_that_lie_about_their_size(beside):
    for size in (0, 1, 4, 0xFFFF, 0xFFFFFFFF):
        for request in (SET_FEATURES, SET_MEM_TABLE, SET_VRING_ADDR, 250):
            peer = VhostPeer(beside.v.socket, handshake=False)
            try:
                peer.send(SET_OWNER)
                peer.send(request, bytes(8), size=size)
                peer.sock.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            peer.close()
    a_good_peer_still_works(beside)


def test_handshake_cut_anywhere(beside):
    """The connection ends after each number of bytes of a good beginning."""
    whole = HEADER.pack(SET_OWNER, 1, 0) + HEADER.pack(SET_FEATURES, 1, 8) + struct.pack("<Q", 0)
    for cut in range(1, len(whole)):
        peer = VhostPeer(beside.v.socket, handshake=False)
        peer.sock.sendall(whole[:cut])
        peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("regions", [
    [(GUEST_BASE, 1 << 60, 0x7F0000000000, 0)], [(GUEST_BASE, MEMORY, 0x7F0000000000, 1 << 63)],
    [(GUEST_BASE, 0, 0, 0)], [(0, MEMORY, 0, 0), (0, MEMORY, 0, 0)]])
def test_bad_memory_tables(beside, regions):
    peer = VhostPeer(beside.v.socket, handshake=False)
    table = struct.pack("<II", len(regions), 0)
    for base, size, user, offset in regions:
        table += struct.pack("<QQQQ", base, size, user, offset)
    try:
        peer.send(SET_OWNER)
        peer.send(SET_MEM_TABLE, table, [peer.fd] * len(regions))
        for queue in (0, 1):
            peer.set_ring(queue)
        peer.hung_up(1)
    except (BrokenPipeError, ConnectionResetError):
        pass
    peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("size", [0, 3, 0xFFFFFFFF, 65536])
def test_bad_ring_sizes(beside, size):
    peer = VhostPeer(beside.v.socket, handshake=False)
    try:
        peer.send(SET_OWNER)
        peer.set_memory()
        peer.send(SET_VRING_NUM, struct.pack("<II", 0, size))
        peer.send(SET_VRING_NUM, struct.pack("<II", 0xFFFFFF, 256))
        peer.hung_up(1)
    except (BrokenPipeError, ConnectionResetError):
        pass
    peer.close()
    a_good_peer_still_works(beside)


def lie(name):
    """Put one bad chain at slot 0 of the transmit ring."""
    def bad(peer):
        good = GUEST_BASE + peer.buffer(1, 0)
        if name == "address below memory":
            peer.desc(1, 0, 0, 100)
        elif name == "address above memory":
            peer.desc(1, 0, GUEST_BASE + MEMORY + 4096, 100)
        elif name == "end above memory":
            peer.desc(1, 0, GUEST_BASE + MEMORY - 50, 100)
        elif name == "address wraps":
            peer.desc(1, 0, (1 << 64) - 8, 100)
        elif name == "length wraps":
            peer.desc(1, 0, good, 0xFFFFFFFF)
        elif name == "zero length":
            peer.desc(1, 0, good, 0)
        elif name == "shorter than its header":
            peer.desc(1, 0, good, 5)
        elif name == "loop to itself":
            peer.desc(1, 0, good, 100, DESC_NEXT, 0)
        elif name == "loop of two":
            peer.desc(1, 0, good, 100, DESC_NEXT, 1)
            peer.desc(1, 1, good, 100, DESC_NEXT, 0)
        elif name == "chain of all":
            for slot in range(peer.size):
                peer.desc(1, slot, good, 100, DESC_NEXT, (slot + 1) % peer.size)
        elif name == "next out of range":
            peer.desc(1, 0, good, 100, DESC_NEXT, 60000)
        elif name == "writable where we read":
            peer.desc(1, 0, good, 100, DESC_WRITE)
        elif name == "indirect out of memory":
            peer.desc(1, 0, 16, 64, DESC_INDIRECT)
        elif name == "indirect of odd size":
            peer.desc(1, 0, good, 17, DESC_INDIRECT)
        elif name == "indirect of no size":
            peer.desc(1, 0, good, 0, DESC_INDIRECT)
        elif name == "indirect and next":
            peer.desc(1, 0, good, 64, DESC_INDIRECT | DESC_NEXT, 1)
        elif name == "indirect loop":
            struct.pack_into("<QIHH", peer.memory, peer.buffer(1, 0), good, 16, DESC_NEXT, 0)
            peer.desc(1, 0, good, 64, DESC_INDIRECT)
        elif name == "indirect in indirect":
            struct.pack_into("<QIHH", peer.memory, peer.buffer(1, 0), good, 16, DESC_INDIRECT, 0)
            peer.desc(1, 0, good, 16, DESC_INDIRECT)
        elif name == "indirect entry out of memory":
            struct.pack_into("<QIHH", peer.memory, peer.buffer(1, 0), 64, 100, 0, 0)
            peer.desc(1, 0, good, 16, DESC_INDIRECT)
        else:
            raise ValueError(name)
    return bad


LIES = ["address below memory", "address above memory", "end above memory", "address wraps",
        "length wraps", "zero length", "shorter than its header", "loop to itself", "loop of two",
        "chain of all", "next out of range", "writable where we read", "indirect out of memory",
        "indirect of odd size", "indirect of no size", "indirect and next", "indirect loop",
        "indirect in indirect", "indirect entry out of memory"]


def test_bad_descriptors(beside):
    """Each lie, followed by an honest frame: dropped by its name, or the peer loses its port."""
    for name in LIES:
        before = beside.drops("v")
        peer = VhostPeer(beside.v.socket)
        lie(name)(peer)
        peer.offer(1, 0)
        peer.kick(1)
        wait.until(lambda: beside.drops("v") != before or beside.state_of(beside.v) != "active",
                   5, lambda name=name: f"anything to happen on {name!r}")
        peer.close()
        wait.until(lambda: beside.state_of(beside.v) == "pending", 10, "the liar to be gone")
    assert set(beside.drops("v")) <= {"bad_descriptor", "malformed", "bad_offload", "port_down"}
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("where", ["avail index far ahead", "avail entry out of range"])
def test_bad_rings(beside, where):
    peer = VhostPeer(beside.v.socket)
    if where == "avail index far ahead":
        peer.set_avail(1, 40000)
    else:
        peer.offer(1, 60000)
    peer.kick(1)
    peer.kick(0)
    wait.until(lambda: beside.drops("v") or beside.state_of(beside.v) != "active", 5, where)
    peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("name", ["address below memory", "end above memory", "zero length",
                                  "loop to itself", "writable bit missing"])
def test_bad_receive_descriptors(beside, name):
    """The switch writes only where the peer's memory is."""
    peer = VhostPeer(beside.v.socket, fill=False)
    good = GUEST_BASE + peer.buffer(0, 0)
    descriptor = {"address below memory": (16, 2048, DESC_WRITE, 0),
                  "end above memory": (GUEST_BASE + MEMORY - 20, 2048, DESC_WRITE, 0),
                  "zero length": (good, 0, DESC_WRITE, 0),
                  "loop to itself": (good, 1, DESC_WRITE | DESC_NEXT, 0),
                  "writable bit missing": (good, 2048, 0, 0)}[name]
    peer.desc(0, 0, *descriptor)
    peer.offer(0, 0)
    wait.until(lambda: beside.state_of(beside.v) == "active", 10, "v to be active")
    beside.a.ns.ip(f"neigh add {beside.v.ip} lladdr {beside.v.mac} dev eth0")
    beside.a.ns.run(["ping", "-c", "3", "-i", "0.02", "-w", "1", "-W", "0.1", beside.v.ip],
                    check=False)
    wait.until(lambda: beside.drops("v") or beside.state_of(beside.v) != "active", 5, name)
    peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("keep", [0, 4096, 0x100000])
def test_memory_shrinks_under_traffic(beside, keep):
    """ftruncate of shared memory: an access is SIGBUS, which must cost the peer alone its port."""
    peer = VhostPeer(beside.v.socket)
    wait.until(lambda: beside.state_of(beside.v) == "active", 10, "v to be active")
    beside.a.ns.ip(f"neigh add {beside.v.ip} lladdr {beside.v.mac} dev eth0")
    flood = beside.a.ns.start(["ping", "-i", "0.002", "-c", "1500", "-q", beside.v.ip])
    assert peer.receive()
    slot_address = GUEST_BASE + peer.buffer(1, 0)
    for slot in range(peer.size):
        peer.desc(1, slot, slot_address, 100)
    peer.shrink(keep)
    peer.kick(1)
    beside.call("system.ping")
    wait.until(lambda: beside.state_of(beside.v) != "active" or not flood.alive(), 10,
               "the port to be lost, or the flood to end")
    flood.kill()
    peer.close()
    a_good_peer_still_works(beside)


def frames_cross(net, peer, count=5):
    """Both ways between container a and the peer, which does not wait for calls."""
    raw = net.a.open_raw()
    for number in range(count):
        raw.send(frames.udp(net.a, net.v, f"to guest {number}."))
        peer.expect(lambda data, number=number: f"to guest {number}.".encode() in data)
        peer.transmit(frames.udp(net.v, net.a, f"from guest {number}."))
        raw.expect(frames.payload_is(f"from guest {number}."))


def test_calls_that_would_block(beside):
    """The peer shares the descriptions of its call eventfds: it can make a write to them wait."""
    peer = beside.peer(beside.v)
    wait.until(lambda: beside.state_of(beside.v) == "active", 10, "v to be active")
    for call in peer.calls:
        fcntl.fcntl(call, fcntl.F_SETFL, os.O_RDWR)
        os.eventfd_write(call, 0xFFFFFFFFFFFFFFFE)
    frames_cross(beside, peer)
    peer.close()
    a_good_peer_still_works(beside)


def full_pipe():
    """The end of a pipe that takes no more, and what keeps it open."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(65536)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    return writer, reader


def full_socket():
    """The same of a socket."""
    one, other = socket.socketpair()
    one.setblocking(False)
    try:
        while one.send(bytes(65536)):
            pass
    except BlockingIOError:
        one.setblocking(True)
    return one.detach(), other.detach()


def plain_file():
    return os.memfd_create("call"), None


@pytest.mark.parametrize("make", [full_pipe, full_socket, plain_file])
def test_calls_that_are_no_eventfds(beside, make):
    """Nothing is written to them: a guest that looks at its rings gets along."""
    calls, rest = zip(*(make() for _ in range(2)))
    peer = beside.peer(beside.v, calls=list(calls))
    wait.until(lambda: beside.state_of(beside.v) == "active", 10, "v to be active")
    frames_cross(beside, peer)
    if make is plain_file:
        assert all(os.fstat(call).st_size == 0 for call in calls)
    peer.close()
    for fd in rest:
        if fd is not None:
            os.close(fd)
    a_good_peer_still_works(beside)


def test_random_rings(beside):
    """Rings full of random descriptors, many times over."""
    generator = random.Random(11)
    for _ in range(15):
        peer = VhostPeer(beside.v.socket)
        for queue in (0, 1):
            for slot in range(peer.size):
                address = generator.choice([0, GUEST_BASE, GUEST_BASE + MEMORY - 64, 1 << 63,
                                            GUEST_BASE + generator.randrange(MEMORY)])
                peer.desc(queue, slot, address, generator.choice([0, 1, 12, 64, 1500, 1 << 31]),
                          generator.randrange(8), generator.randrange(300))
                peer.offer(queue, generator.randrange(300))
            peer.kick(queue)
        beside.call("system.ping")
        peer.close()
        wait.until(lambda: beside.state_of(beside.v) == "pending", 10, "the liar to be gone")
    a_good_peer_still_works(beside)
