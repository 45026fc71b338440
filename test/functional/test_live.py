# SPDX-License-Identifier: BSD-3-Clause
"""Ports come and go while traffic runs on others, and many of all kinds at once."""
from leatlib import books, frames, paths
from leatlib.crowd import NULLS, VETHS, Crowd
from leatlib.traffic import Stream

ROUNDS = 10
# Bytes that drivers of DPDK 22.11 forget when a device is closed: AF_XDP what it knows of the umem,
# net_null the packet that it makes up for each queue, of which it sends with one a worker.
KEPT_BY_AF_XDP = 256
KEPT_BY_NULL = 192 * (1 + len(paths.WORKERS.split(",")))


def test_ports_come_and_go_beside_a_stream(net):
    a, b = net.tap("a"), net.tap("b")
    stream = Stream(a, b, rate=1000)
    for number in range(10):
        t = net.tap(f"t{number}", bare=True)
        v = net.vhost(f"v{number}")
        peer = net.peer(v)
        t.raw.send(frames.udp(t, v, "hello"))
        peer.expect(lambda data: b"hello" in data)
        stream.wait_more(20)
        peer.close()
        v.delete()
        t.delete()
    stream.wait_more(100)
    stream.assert_lossless()


def test_rules_and_networks_change_beside_a_stream(net):
    net.call("group.upsert", id="g")
    a, b = net.tap("a", group="g"), net.tap("b", group="g")
    stream = Stream(a, b, rate=1000)
    for number in range(30):
        net.call("rule.upsert", id="r", group="g", direction="in", action="deny", proto="tcp",
                 port=number + 1)
        net.network(f"n{number}", vlan=1000 + number)
        net.call("group.upsert", id="h", qos={"tx_kbps": 1000 + number})
    stream.wait_more(100)
    stream.assert_lossless()


def test_network_changes_live(net):
    """Its VLAN, subnet and gateway change under containers that do not notice."""
    a, b = net.tap("a"), net.tap("b")
    up = net.uplink_tap()
    stream = Stream(a, b, rate=500)
    net.network(vlan=200, subnet="10.1.0.0/16", gateway="10.1.0.254")
    stream.wait_more(100)
    up.drain()
    a.ns.run(["ping", "-c", "1", "-w", "1", "-W", "0.1", "10.1.3.3"], check=False)
    assert up.expect(lambda packet: packet.type == 0x8100).vlan == 200
    stream.assert_lossless()


def test_mtu_of_a_network_changes_live(net):
    """The containers keep their interfaces, with the addresses on them."""
    a, b = net.tap("a"), net.tap("b")
    net.network(mtu=9000)
    a.ns.ip("link set eth0 mtu 9000")
    b.ns.ip("link set eth0 mtu 9000")
    a.ping(b, "-s", 8000, "-M", "do")


def test_64_endpoints_ten_times(make_switch):
    """All kinds, traffic in each: nothing leaks, nothing sticks, nothing is lost."""
    switch = make_switch(memory=512)
    switch.network()
    crowd = Crowd(switch)
    assert len(crowd.members) == 64
    files, memory = [], []
    for _ in range(ROUNDS):
        crowd.create()
        crowd.talk()
        books.assert_books_balance(switch.rpc)
        crowd.delete()
        assert switch.call("stats.get")["port"] == {}
        assert not any(member.space.has_link("eth0") for member in crowd.members
                       if member.port["kind"] == "tap")
        files.append(switch.open_files())
        memory.append(switch.call("system.status")["memory"]["heap_free_bytes"])
    assert files[-1] <= files[0], f"file descriptors after each round: {files}"
    kept = (ROUNDS - 1) * (VETHS * KEPT_BY_AF_XDP + NULLS * KEPT_BY_NULL)
    assert memory[-1] >= memory[0] - kept, f"free memory after each round: {memory}"
