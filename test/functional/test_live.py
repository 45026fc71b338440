# SPDX-License-Identifier: BSD-3-Clause
"""Ports come and go while traffic runs on others, and many of all kinds at once."""
from leatlib import books, frames, wait
from leatlib.netns import Namespace, veth_into
from leatlib.process import run
from leatlib.traffic import Stream
from leatlib.vhost_peer import VhostPeer

ROUNDS = 10
TAPS, VHOSTS, MEMIFS, VETHS, NULLS = 28, 16, 8, 4, 8


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


class Crowd:
    """The 64 endpoints of mixed kinds, and what they hang on."""

    def __init__(self, switch):
        self.switch = switch
        self.hosts = [switch.host(f"e{number}") for number in
                      range(TAPS + VHOSTS + MEMIFS + VETHS + NULLS)]
        self.spaces = [switch.keep(Namespace("crowd")) for _ in range(TAPS + VETHS)]
        for space in self.spaces:
            space.allow_v6(False)
        self.ports = [{"kind": "tap", "netns": space.path, "name": "eth0"}
                      for space in self.spaces[:TAPS]]
        self.ports += [{"kind": "vhost-user", "socket": switch.path(f"v{number}"),
                        "mode": "server"} for number in range(VHOSTS)]
        self.ports += [{"kind": "memif", "socket": switch.path(f"m{number}"), "role": "server"}
                       for number in range(MEMIFS)]
        for space in self.spaces[TAPS:]:
            near = veth_into(space)
            run(["ip", "link", "set", near, "netns", switch.root.name])
            switch.root.ip(f"link set {near} up")
            space.ip("link set eth0 up")
            self.ports.append({"kind": "af_xdp", "netdev": near})
        self.ports += [{"kind": "dpdk", "devargs": f"net_null{number},no-rx=1"}
                       for number in range(NULLS)]

    def create(self):
        for host, port in zip(self.hosts, self.ports):
            self.switch.endpoint(host, port)

    def fill(self):
        """Broadcasts from TAPs, veths and vhost peers reach everybody."""
        switch = self.switch
        peers = [VhostPeer(port["socket"]) for port in self.ports[TAPS:TAPS + VHOSTS]]
        try:
            for host in self.hosts[TAPS:TAPS + VHOSTS]:
                wait.until(lambda host=host: switch.state_of(host) == "active", 10, host.id)
            for number in (0, TAPS - 1, TAPS + 1):
                space = self.spaces[number]
                if number < TAPS:
                    space.ip("link set eth0 up")
                host = self.hosts[number if number < TAPS else number + VHOSTS + MEMIFS]
                with frames.Tap(space) as raw:
                    for count in range(20):
                        raw.send(frames.udp(host, host, f"{count}", dst=frames.BROADCAST))
            sender = self.hosts[TAPS]
            for count in range(20):
                peers[0].transmit(frames.udp(sender, sender, f"{count}", dst=frames.BROADCAST))
            received = [self.hosts[0], self.hosts[TAPS - 1], self.hosts[TAPS + 1 + VHOSTS + MEMIFS],
                        sender]
            for host in received:
                wait.until(lambda host=host: host.stats()["rx_packets"] >= 20, 10, host.id)
            last = self.hosts[-1]  # a null device swallows them all
            wait.until(lambda: last.stats()["tx_packets"] >= 80, 10, lambda: str(last.stats()))
            books.assert_books_balance(switch.rpc)
        finally:
            for peer in peers:
                peer.close()

    def delete(self):
        for host in self.hosts:
            assert host.delete()["changed"]


def test_64_endpoints_ten_times(make_switch):
    switch = make_switch(memory=512)
    switch.network()
    crowd = Crowd(switch)
    assert len(crowd.hosts) == 64
    files = []
    for _ in range(ROUNDS):
        crowd.create()
        crowd.fill()
        crowd.delete()
        files.append(switch.open_files())
        assert switch.call("stats.get")["port"] == {}
        assert not any(space.has_link("eth0") for space in crowd.spaces[:TAPS])
    assert files[-1] <= files[0], f"file descriptors after each round: {files}"
