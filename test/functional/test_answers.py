# SPDX-License-Identifier: BSD-3-Clause
"""arp=proxy: the switch answers for addresses that it knows, and neighbours are not disturbed."""
import pytest

from leatlib.frames import ARP, BROADCAST, IP, Ether, payload_is, udp
from leatlib.process import run
from scapy.layers.inet6 import ICMPv6ND_NS
from scapy.layers.l2 import Dot1Q

REMOTE = {"id": "far", "network": "net", "mac": "02:00:00:00:0f:01",
          "ips": ["10.1.9.9", "fd00:1::99"]}


def is_question(got):
    return (ARP in got and got[ARP].op == 1) or ICMPv6ND_NS in got


def questions(tap, sender, last):
    """Those that came before a frame that `sender` floods now."""
    sender.raw.send(udp(sender, sender, last, dst=BROADCAST))
    return tap.collect(is_question, payload_is(last))


@pytest.fixture
def crowd(switch):
    switch.network(arp="proxy")
    switch.a, switch.b = switch.tap("a", v6=True), switch.tap("b", v6=True)
    switch.c, switch.d = switch.tap("c", bare=True), switch.tap("d", bare=True)
    switch.up = switch.uplink_tap()
    return switch


def test_neighbours_find_each_other_and_nobody_else_hears_it(crowd):
    a, b, c, d = crowd.a, crowd.b, crowd.c, crowd.d
    c.raw.drain()
    crowd.up.drain()
    a.ping(b)
    a.ping6(b)
    asked = [got for tap in (c.raw, crowd.up) for got in questions(tap, d, "flooded")
             if ICMPv6ND_NS not in got or got[ICMPv6ND_NS].tgt in (a.ip6, b.ip6)]
    assert asked == []
    # b has to ask, too: it did not hear who a is.
    drops = crowd.drops()
    assert drops["arp_answered"] >= 2 and drops["nd_answered"] >= 2
    assert "spoofed_arp" not in drops
    for host, other in ((a, b), (b, a)):
        for address in (other.ip, other.ip6):
            assert other.mac in host.ns.run(["ip", "neigh", "show", address]).stdout


def test_remote_endpoints_and_the_wire(crowd):
    """Who is on another host is answered for here, and answers there itself."""
    a, c = crowd.a, crowd.c
    crowd.call("remote_endpoint.upsert", REMOTE)
    crowd.up.drain()
    a.ns.run(["ping", "-n", "-c", 1, "-W", "0.2", REMOTE["ips"][0]], check=False)
    seen = []
    crowd.up.collect(seen.append, lambda got: IP in got and got.dst == REMOTE["mac"])
    assert not any(ARP in got and got[ARP].pdst == REMOTE["ips"][0] for got in seen)
    ask = {"psrc": "10.1.77.7", "hwsrc": "02:00:00:00:0f:77"}
    for address in (REMOTE["ips"][0], a.ip):
        crowd.up.send(Ether(src=ask["hwsrc"], dst=BROADCAST) / Dot1Q(vlan=100)
                      / ARP(op=1, pdst=address, **ask))
    answer = crowd.up.expect(lambda got: ARP in got and got[ARP].op == 2)
    assert (answer[Dot1Q].vlan, answer[ARP].psrc, answer[ARP].hwsrc) == (100, a.ip, a.mac)
    # In order: the first question went on to the endpoints, the second to nobody.
    heard = questions(c.raw, crowd.d, "after them")
    assert [got[ARP].pdst for got in heard
            if ARP in got and got[ARP].psrc == ask["psrc"]] == [REMOTE["ips"][0]]


def test_what_is_not_known_is_flooded_and_the_mode_follows_the_configuration(crowd):
    a, c, d = crowd.a, crowd.c, crowd.d

    def hears(address, text):
        a.ns.ip("neigh flush dev eth0")
        a.ns.run(["ping", "-n", "-c", 1, "-W", "0.1", address], check=False)
        return any(got[ARP].pdst == address for got in questions(c.raw, d, text) if ARP in got)

    assert hears("10.1.200.1", "unknown") and not hears(crowd.b.ip, "known")
    crowd.network(arp="flood")
    assert hears(crowd.b.ip, "flood")
    crowd.network()
    assert hears(crowd.b.ip, "as global, flood")
    crowd.call("global.set", arp="proxy")
    assert not hears(crowd.b.ip, "as global, proxy")


def test_trace_says_it(crowd):
    b = crowd.b
    done = run([crowd.ctl, "-s", crowd.socket, "trace", "endpoint=a", f"packet.dst_ip={b.ip}",
                "packet.resolve=true"])
    assert "arp_answered" in done.stdout and b.mac in done.stdout and "endpoint b" in done.stdout
    said = crowd.call("policy.trace", endpoint="a", packet={"dst_ip": b.ip6, "resolve": True})
    assert (said["verdict"], said["reason"], said["out"]) == ("drop", "nd_answered", [])
    unknown = {"dst_ip": "10.1.200.1", "resolve": True}
    said = crowd.call("policy.trace", endpoint="a", packet=unknown)
    assert said["verdict"] == "flood"
