# SPDX-License-Identifier: BSD-3-Clause
"""memif ports: both roles, peers that die and return, peers that lie."""
import fcntl
import os
import random
import signal
import socket
import struct

import pytest

from leatlib import frames, memif_peer, rpc, wait
from leatlib.memif_peer import BUFFER, MEMORY, MESSAGE, NEXT, SLOTS, MemifPeer
from leatlib.rpc import RpcError
from leatlib.testpmd import Testpmd
from leatlib.traffic import Stream, iperf3, received_bits_per_second

OPEN = {"ips": [], "guard": {"spoof": False, "macs": 64}}
RESTARTS = 20


def memif(switch, name="m", role="server", path=None, number=0, **fields):
    """A memif endpoint; host.socket is the path of its socket."""
    host = switch.host(name)
    host.socket = path or switch.path(name + ".sock")
    host.port_spec = {"kind": "memif", "socket": host.socket, "id": number, "role": role}
    host.result = switch.endpoint(host, host.port_spec, **fields)
    return host


def wait_state(switch, host, state="active"):
    wait.until(lambda: switch.state_of(host) == state, 10, f"{host.id} to be {state}")


def wait_files(switch, files):
    """A port is pending before what its connection had open is closed."""
    wait.until(lambda: switch.open_files() <= files, 10,
               lambda: f"{switch.open_files()} descriptors to become {files} again")


@pytest.fixture
def beside(net):
    """A pair of containers with a stream that must not lose anything, and a memif server port."""
    net.a, net.b = net.tap("a"), net.tap("b")
    net.c = net.tap("c", bare=True)
    net.m = memif(net)
    stream = Stream(net.a, net.b, rate=500)
    files = net.open_files()
    yield net
    stream.wait_more(50)
    stream.assert_lossless()
    wait_files(net, files)


def frames_cross(net, peer):
    """Both ways between container c and a peer of m."""
    for size in (60, 1400):
        net.c.raw.send(frames.udp(net.c, net.m, f"to peer {size} ".ljust(size, "g")))
        peer.expect_frame(lambda data, size=size: f"to peer {size} ".encode() in data)
        peer.transmit(frames.udp(net.m, net.c, f"from peer {size} ".ljust(size, "g")))
        net.c.raw.expect(frames.payload_is(f"from peer {size} "))


def a_good_peer_still_works(net):
    """After the liar: an honest peer gets the port."""
    peer = MemifPeer(net.m.socket)
    wait_state(net, net.m)
    frames_cross(net, peer)
    peer.close()
    wait_state(net, net.m, "pending")


def test_both_ways(beside):
    assert beside.m.result["state"] == "pending"
    a_good_peer_still_works(beside)


def test_frames_of_several_slots(switch):
    switch.network(mtu=9000)
    switch.c = switch.tap("c", bare=True)
    switch.m = memif(switch)
    peer = switch.keep(MemifPeer(switch.m.socket))
    frame = frames.udp(switch.c, switch.m, "jumbo".ljust(8000, "j"))
    switch.c.raw.send(frame)
    assert peer.expect_frame(lambda data: b"jumbo" in data) == bytes(frame)
    back = frames.udp(switch.m, switch.c, "ojbmu".ljust(8000, "j"))
    for piece in (BUFFER, 300):
        peer.transmit(back, piece)
        assert bytes(switch.c.raw.expect(frames.payload_is("ojbmu"))) == bytes(back)


def test_two_switches(make_switch):
    """Two switches joined by a memif: containers of either reach those of the other."""
    left, right = make_switch(), make_switch()
    for switch in (left, right):
        switch.network()
    server = memif(left, "link", **OPEN)
    client = memif(right, "link", "client", server.socket, **OPEN)
    a, b = left.tap("a", number=10), right.tap("b", number=20)
    wait_state(left, server)
    wait_state(right, client)
    a.ping(b)
    b.ping(a, "-s", 1472, "-M", "do")
    assert received_bits_per_second(iperf3(a, b, seconds=1)) > 1e6
    assert received_bits_per_second(iperf3(b, a, seconds=1)) > 1e6


def test_several_interfaces_on_one_socket(net):
    net.c = net.tap("c", bare=True)
    hosts = [memif(net, f"m{number}", path=net.path("shared"), number=number + 5)
             for number in range(3)]
    peers = [net.keep(MemifPeer(host.socket, host.port_spec["id"])) for host in hosts]
    for net.m, peer in zip(hosts, peers):
        frames_cross(net, peer)
    hosts[0].delete()
    assert peers[0].hung_up()
    for net.m, peer in list(zip(hosts, peers))[1:]:
        frames_cross(net, peer)
        net.m.delete()
    assert not os.path.exists(net.path("shared"))


def test_mtu_changes_live(beside):
    peer = MemifPeer(beside.m.socket)
    beside.network(mtu=4000)
    frames_cross(beside, peer)
    peer.close()


# Peers of another make: DPDK's driver

def testpmd_memif(host):
    """testpmd on the far side of a memif port, sending back what it gets."""
    role = "client" if host.port_spec["role"] == "server" else "server"
    return Testpmd([{"role": role, "socket": host.socket, "socket-abstract": "no",
                     "mac": host.mac}], "macswap", driver="net_memif")


testpmd_memif.__test__ = False


def echoes(net, host, text):
    net.c.raw.send(frames.udp(net.c, host, text))
    net.c.raw.expect(frames.payload_is(text))


@pytest.mark.alone
@pytest.mark.parametrize("role", ["server", "client"])
def test_testpmd_killed_and_back(net, role):
    """kill -9 of testpmd, again and again; the pair beside it does not lose a datagram."""
    a, b = net.tap("a"), net.tap("b")
    net.c = net.tap("c", bare=True)
    host = memif(net, role=role, **OPEN)
    stream = Stream(a, b, rate=500)
    files = net.open_files()
    for number in range(RESTARTS):
        if role == "client" and os.path.exists(host.socket):
            os.unlink(host.socket)
        peer = testpmd_memif(host)
        try:
            peer.start()
            wait_state(net, host)
            echoes(net, host, f"round {number}.")
        finally:
            peer.kill()
        wait_state(net, host, "pending")
        wait_files(net, files)
    stream.assert_lossless()


def test_switch_killed_under_traffic(make_switch):
    """kill -9 of either switch of a pair while TCP runs; the other goes on, and they meet again."""
    sides = [make_switch(), make_switch()]
    hosts, roles = [None, None], ["server", "client"]
    path = sides[0].path("link")

    def furnish(side):
        switch = sides[side]
        switch.hosts = 0
        switch.network()
        link = memif(switch, "link", roles[side], path, **OPEN)
        if hosts[side] is None:
            hosts[side] = switch.tap("h", number=10 + side)
        else:
            switch.endpoint(hosts[side], hosts[side].port_spec)
            hosts[side].configure(v6=False)
        return link

    links = [furnish(0), furnish(1)]
    for number in range(6):
        for side in (0, 1):
            wait_state(sides[side], links[side])
        hosts[0].ping(hosts[1])
        server = hosts[0].ns.start(["iperf3", "-s", "-1", "--forceflush"])
        server.expect("Server listening", 10)
        client = hosts[1].ns.start(["iperf3", "-c", hosts[0].ip, "-t", 20, "-i", "0.1",
                                    "--forceflush"])
        client.expect(r"sec +[1-9].*bits/sec", 10)
        dead = number % 2
        sides[dead].rpc.close()
        sides[dead].process.kill(signal.SIGKILL)
        wait_state(sides[1 - dead], links[1 - dead], "pending")
        for process in (server, client):
            process.kill()
        sides[dead].start()
        links[dead] = furnish(dead)


# Peers that lie

def test_hang_up_at_once(beside):
    for number in range(300):
        peer = MemifPeer(beside.m.socket, handshake=False)
        if number % 2:
            peer.init()
        peer.close()
    a_good_peer_still_works(beside)


def test_says_nothing(beside):
    """Silent ones keep a place for a while, and no longer."""
    silent = [MemifPeer(beside.m.socket, handshake=False) for _ in range(20)]
    assert all(peer.hung_up() for peer in silent)
    for peer in silent:
        peer.close()
    a_good_peer_still_works(beside)


def test_says_nothing_in_the_middle(beside):
    """An interface is not kept by one who does not go on."""
    peer = MemifPeer(beside.m.socket, handshake=False)
    peer.begin()
    assert "too long" in peer.reason()
    peer.close()
    a_good_peer_still_works(beside)


def test_garbage(beside):
    generator = random.Random(5)
    for _ in range(50):
        peer = MemifPeer(beside.m.socket, handshake=False)
        peer.expect(memif_peer.HELLO)
        try:
            for _ in range(5):
                size = generator.choice([1, 2, MESSAGE - 1, MESSAGE, MESSAGE, MESSAGE + 1, 4000])
                peer.send(generator.randrange(12), generator.randbytes(120), size=size,
                          fds=[peer.fd] * generator.randrange(3))
        except (BrokenPipeError, ConnectionResetError):
            pass
        peer.close()
    a_good_peer_still_works(beside)


def lie_of_handshake(name):
    """A function that tells one lie after INIT was acknowledged."""
    def other_version(peer):
        peer.init(version=0x0300)

    def unsealed(peer):
        peer.add_region()

    def smaller(peer):
        peer.seal()
        peer.add_region(size=MEMORY + 4096)

    def no_size(peer):
        peer.seal()
        peer.add_region(size=0)

    def without_memory(peer):
        peer.add_region(fds=[])

    def other_memory(peer):
        peer.add_region(fds=[peer.calls["c2s"]])

    def second_first(peer):
        peer.seal()
        peer.add_region(index=1)

    def ring_without_region(peer):
        peer.add_ring("c2s")

    def connect_without_rings(peer):
        peer.send(memif_peer.CONNECT)

    def hello(peer):
        peer.send(memif_peer.HELLO, bytes(100))
    return locals()[name]


def lie_of_ring(**ring):
    """A ring that cannot be."""
    def tell(peer):
        peer.seal()
        peer.add_region()
        peer.expect(memif_peer.ACK)
        peer.add_ring("s2c", **ring)
    return tell


def no_cookie(peer):
    peer.add_rings()
    struct.pack_into("<I", peer.memory, memif_peer.RING["s2c"], 1)
    peer.send(memif_peer.CONNECT)


LIES = {**{name: lie_of_handshake(name) for name in (
    "other_version", "unsealed", "smaller", "no_size", "without_memory", "other_memory",
    "second_first", "ring_without_region", "connect_without_rings", "hello")},
    "ring beyond region": lie_of_ring(offset=MEMORY - 256),
    "ring far beyond": lie_of_ring(offset=0xFFFFFF80),
    "ring not aligned": lie_of_ring(offset=0x2004),
    "ring too large": lie_of_ring(log2=40),
    "ring of no region": lie_of_ring(region=7),
    "second ring": lie_of_ring(index=1),
    "ring without call": lie_of_ring(fds=[]),
    "no cookie": no_cookie}


@pytest.mark.parametrize("name", LIES)
def test_bad_handshakes(beside, name):
    peer = MemifPeer(beside.m.socket, handshake=False)
    peer.begin()
    LIES[name](peer)
    assert peer.reason()
    peer.close()
    a_good_peer_still_works(beside)


def test_ring_with_a_call_that_is_none(beside):
    peer = MemifPeer(beside.m.socket, handshake=False)
    peer.begin()
    peer.seal()
    peer.add_region()
    peer.expect(memif_peer.ACK)
    peer.add_ring("c2s", fds=[peer.fd])
    assert "eventfd" in peer.reason()
    peer.close()
    a_good_peer_still_works(beside)


def test_memory_that_does_not_say_whether_it_is_sealed(beside):
    peer = MemifPeer(beside.m.socket, handshake=False)
    peer.begin()
    peer.seal()
    path = os.open(f"/proc/self/fd/{peer.fd}", os.O_PATH)
    peer.add_region(fds=[path])
    os.close(path)
    assert "sealed" in peer.reason()
    peer.close()
    a_good_peer_still_works(beside)


def test_unknown_interface_and_taken_one(beside):
    stranger = MemifPeer(beside.m.socket, 99, handshake=False)
    stranger.expect(memif_peer.HELLO)
    stranger.init()
    assert "id" in stranger.reason()
    first = MemifPeer(beside.m.socket)
    second = MemifPeer(beside.m.socket, handshake=False)
    second.expect(memif_peer.HELLO)
    second.init()
    assert "already" in second.reason()
    frames_cross(beside, first)
    for peer in (stranger, first, second):
        peer.close()
    a_good_peer_still_works(beside)


BAD_SLOTS = {
    "region out of range": {"region": 3, "length": 100},
    "offset out of range": {"offset": MEMORY, "length": 100},
    "offset far out of range": {"offset": 0xFFFFFFFF, "length": 100},
    "end out of range": {"offset": MEMORY - 50, "length": 100},
    "length wraps": {"length": 0xFFFFFFFF},
    "chain without end": {"length": 100, "flags": NEXT},
    "no length": {"length": 0},
    "shorter than a header": {"length": 13},
}


@pytest.mark.parametrize("name", BAD_SLOTS)
def test_bad_slots(beside, name):
    """What a peer sends in a bad slot is dropped by its name; the slots behind it are taken."""
    peer = MemifPeer(beside.m.socket)
    peer.desc("c2s", 0, **BAD_SLOTS[name])
    peer.set_index("c2s", 1)
    peer.call()
    names = {"bad_descriptor", "malformed"}
    wait.until(lambda: names & set(beside.drops("m")), 5, name)
    frames_cross(beside, peer)
    peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("name", ["region out of range", "end out of range", "length wraps",
                                  "no length"])
def test_bad_buffers(beside, name):
    """The switch writes only where the peer's memory is."""
    peer = MemifPeer(beside.m.socket)
    wait_state(beside, beside.m)
    peer.desc("s2c", 0, **BAD_SLOTS[name])
    before = beside.drops("m").get("port_down", 0)
    beside.c.raw.send(frames.udp(beside.c, beside.m, "into nowhere"))
    assert "no sense" in peer.reason()
    assert beside.drops("m") == {"port_down": before + 1}
    peer.close()
    a_good_peer_still_works(beside)


@pytest.mark.parametrize("ring,index", [("c2s", SLOTS + 1), ("c2s", 40000), ("s2c", 40000),
                                        ("s2c", SLOTS * 2 + 1)])
def test_bad_indices(beside, ring, index):
    peer = MemifPeer(beside.m.socket)
    wait_state(beside, beside.m)
    peer.set_index(ring, index)
    peer.call()
    beside.c.raw.send(frames.udp(beside.c, beside.m, "wake up"))
    assert "no sense" in peer.reason()
    peer.close()
    a_good_peer_still_works(beside)


def test_calls_that_would_block(beside):
    peer = MemifPeer(beside.m.socket)
    for call in peer.calls.values():
        fcntl.fcntl(call, fcntl.F_SETFL, os.O_RDWR)
        os.eventfd_write(call, 0xFFFFFFFFFFFFFFFE - 1)
    frames_cross(beside, peer)
    peer.close()
    a_good_peer_still_works(beside)


def test_random_rings(beside):
    generator = random.Random(13)
    for _ in range(15):
        peer = MemifPeer(beside.m.socket)
        for ring in memif_peer.RING:
            for slot in range(SLOTS):
                peer.desc(ring, slot, generator.choice([0, 1, 60, 1500, BUFFER, 1 << 31]),
                          generator.randrange(4), generator.choice([0, 0, 0, 1, 65535]),
                          generator.choice([0, MEMORY - 64, 1 << 31, generator.randrange(MEMORY)]))
            peer.set_index(ring, generator.randrange(2 * SLOTS))
        peer.call()
        beside.c.raw.send(frames.udp(beside.c, beside.m, "for a liar"))
        beside.call("system.ping")
        peer.close()
    a_good_peer_still_works(beside)


# What is refused

def test_socket_path_taken(net):
    """By a file, by somebody who listens; a dead one's socket is taken over."""
    path = net.path("precious")
    with open(path, "w", encoding="ascii") as file:
        file.write("data")
    with pytest.raises(RpcError) as caught:
        memif(net, "file", path=path)
    assert caught.value.code == rpc.DEVICE and path in caught.value.message
    path = net.path("living")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        with pytest.raises(RpcError) as caught:
            memif(net, "living", path=path)
        assert caught.value.code == rpc.CONFLICT and path in caught.value.message
    assert memif(net, "dead", path=path).result["state"] == "pending"


def test_the_driver_of_dpdk_is_refused(net):
    host = net.host("d")
    with pytest.raises(RpcError) as caught:
        net.endpoint(host, {"kind": "dpdk", "devargs": "net_memif0,role=server"})
    assert caught.value.code == rpc.UNSUPPORTED and "kind memif" in caught.value.message
