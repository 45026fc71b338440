# SPDX-License-Identifier: BSD-3-Clause
"""Rules in strict mode: connections are judged in both directions, on both sides, IPv4 and IPv6."""
import pytest

from leatlib import frames, wait
from leatlib.frames import IP, UDP, Ether, IPv6, Raw, crosses, payload_is, udp, udp6
from leatlib.traffic import iperf3, received_bits_per_second
from scapy.layers.inet import ICMP, TCP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1Q

SERIAL = iter(range(1, 1 << 30))


def token():
    return f"packet {next(SERIAL)}."


@pytest.fixture
def pair(net):
    """Two hosts, each in a group of its own; both groups allow by default."""
    for group in ("ga", "gb"):
        net.call("group.upsert", id=group)
    net.a = net.tap("a", v6=True, bare=True, group="ga")
    net.b = net.tap("b", v6=True, bare=True, group="gb")
    return net


def deny_by_default(net, *groups):
    for group in groups:
        net.call("group.upsert", id=group, default_action="deny")


def rule(net, name, group, direction, action="allow", **fields):
    return net.call("rule.upsert", id=name, group=group, direction=direction, action=action,
                    **fields)


def counted(net, name):
    return net.call("stats.get", kinds=["rule"], ids=[name])["rule"][name]


def u(net, dport=5000, sport=4000):
    """a to b over UDP; does it pass?"""
    return crosses(net.a, net.b, udp(net.a, net.b, token(), sport=sport, dport=dport))


def back(net, dport=4000, sport=5000):
    """b to a over UDP; does it pass?"""
    return crosses(net.b, net.a, udp(net.b, net.a, token(), sport=sport, dport=dport))


def u6(net, dport=5000, sport=4000):
    return crosses(net.a, net.b, udp6(net.a, net.b, token(), sport=sport, dport=dport))


def tcp(src, dst, flags, sport=4000, dport=80):
    return (Ether(src=src.mac, dst=dst.mac) / IP(src=src.ip, dst=dst.ip)
            / TCP(sport=sport, dport=dport, flags=flags) / Raw(token().encode()))


def test_default_allow(pair):
    assert u(pair) and u6(pair) and back(pair, dport=9)


@pytest.mark.parametrize("group", ["ga", "gb"])
def test_default_deny_of_either_side(pair, group):
    deny_by_default(pair, group)
    assert not u(pair) and not u6(pair)
    assert pair.drops("a") == {"default_deny": 2}


def test_allow_in_and_out(pair):
    deny_by_default(pair, "ga", "gb")
    rule(pair, "out", "ga", "out", proto="udp", port=5000)
    assert not u(pair)
    rule(pair, "in", "gb", "in", proto="udp", port=5000)
    assert u(pair) and u6(pair)
    assert not u(pair, dport=5001)
    assert not back(pair, dport=5000, sport=9)  # the other way round is another connection


def test_deny_by_port_range(pair):
    rule(pair, "no", "gb", "in", "deny", proto="udp", port="5000-5009")
    assert not u(pair, dport=5000) and not u(pair, dport=5009) and not u6(pair, dport=5005)
    assert u(pair, dport=4999) and u(pair, dport=5010)
    assert pair.drops("a") == {"rule_deny": 3}


def test_protocols(pair):
    rule(pair, "no", "gb", "in", "deny", proto="udp")
    syn = tcp(pair.a, pair.b, "S")
    echo = (Ether(src=pair.a.mac, dst=pair.b.mac) / IP(src=pair.a.ip, dst=pair.b.ip)
            / ICMP() / Raw(token().encode()))
    other = (Ether(src=pair.a.mac, dst=pair.b.mac) / IP(src=pair.a.ip, dst=pair.b.ip, proto=47)
             / Raw(token().encode()))
    assert not u(pair) and crosses(pair.a, pair.b, syn, echo, other) == [True] * 3
    rule(pair, "gre", "gb", "in", "deny", proto=47)
    other[Raw].load = token().encode()
    assert not crosses(pair.a, pair.b, other)


def test_remote_group(pair):
    deny_by_default(pair, "gb")
    pair.call("group.upsert", id="gc")
    c = pair.tap("c", bare=True, group="gc")
    rule(pair, "from-a", "gb", "in", remote={"group": "ga"})
    assert u(pair)
    assert not crosses(c, pair.b, udp(c, pair.b, token()))


def test_group_that_is_not_there_yet(pair):
    deny_by_default(pair, "gb")
    result = rule(pair, "later", "gb", "in", remote={"group": "gz"})
    assert result["pending"]
    assert not u(pair)
    pair.call("group.upsert", id="gz")
    pair.endpoint(pair.a, pair.a.port_spec, v6=True, group="gz")
    assert u(pair)


def test_remote_cidr(pair):
    deny_by_default(pair, "gb")
    rule(pair, "v4", "gb", "in", remote={"cidr": f"{pair.a.ip}/32"})
    assert u(pair) and not u6(pair)
    rule(pair, "v6", "gb", "in", remote={"cidr": "fd00:1::/64"})
    assert u6(pair)
    rule(pair, "v4", "gb", "in", remote={"cidr": "192.0.2.0/24"})
    assert not u(pair)


def test_remote_network(pair):
    deny_by_default(pair, "gb")
    pair.network(subnet="10.1.0.0/16", subnet6="fd00:1::/64")
    rule(pair, "ours", "gb", "in", remote={"network": "net"})
    assert u(pair) and u6(pair)
    pair.network(subnet="10.77.0.0/16")
    assert not u(pair, sport=4001) and not u6(pair, sport=4001)


def test_remote_endpoint_gives_its_group(pair):
    deny_by_default(pair, "gb")
    up = pair.uplink_tap()
    far = pair.host("far")
    pair.call("group.upsert", id="gfar")
    rule(pair, "far", "gb", "in", remote={"group": "gfar"})

    def from_far():
        frame = udp(far, pair.b, token())
        up.send(Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=100) / frame.payload)
        sentinel, is_sentinel = frames.arp_sentinel(pair.a, pair.b)
        pair.a.raw.send(sentinel)
        return pair.b.raw.collect(payload_is(bytes(frame[Raw])), is_sentinel)
    up.drain()
    assert not from_far()
    wait.until(lambda: pair.drops("up0") == {"default_deny": 1}, 5, "the uplink's frame to drop")
    pair.call("remote_endpoint.upsert", id="far", network="net", group="gfar", mac=far.mac,
              ips=[far.ip])
    pair.b.raw.drain()
    frame = udp(far, pair.b, token(), sport=4001)
    up.send(Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=100) / frame.payload)
    pair.b.raw.expect(payload_is(bytes(frame[Raw])))


def test_traffic_from_an_uplink_is_judged(pair):
    up = pair.uplink_tap()
    outside = pair.host("outside")
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=5000)
    for text, dport in (("closed door", 5000), ("open door", 5001)):
        frame = udp(outside, pair.b, text, dport=dport)
        up.send(Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=100) / frame.payload)
    assert not pair.b.raw.collect(payload_is("closed"), payload_is("open door"))
    assert pair.drops("up0") == {"rule_deny": 1}


def test_to_an_uplink_is_judged(pair):
    up = pair.uplink_tap()
    outside = pair.host("outside")
    rule(pair, "no", "ga", "out", "deny", proto="udp", port=5000, remote={"cidr": outside.ip})
    pair.a.raw.send(udp(pair.a, outside, "closed door"))
    pair.a.raw.send(udp(pair.a, outside, "open door", dport=5001))
    assert not up.collect(payload_is("closed"), payload_is("open door"))


def test_replies_pass(pair):
    deny_by_default(pair, "ga", "gb")
    rule(pair, "out", "ga", "out", proto="udp", port=5000)
    rule(pair, "in", "gb", "in", proto="udp", port=5000)
    assert not back(pair)  # no connection yet
    assert u(pair)
    assert back(pair) and back(pair)
    assert not back(pair, dport=4001)


def test_tcp_connection(pair):
    deny_by_default(pair, "ga", "gb")
    rule(pair, "out", "ga", "out", proto="tcp", port=80)
    rule(pair, "in", "gb", "in", proto="tcp", port=80)
    a, b = pair.a, pair.b
    assert crosses(a, b, tcp(a, b, "S"))
    assert crosses(b, a, tcp(b, a, "SA", 80, 4000))
    assert crosses(a, b, tcp(a, b, "A"), tcp(a, b, "PA")) == [True, True]
    assert crosses(b, a, tcp(b, a, "A", 80, 4000))
    assert not crosses(b, a, tcp(b, a, "S", 80, 9999))


def test_new_deny_ends_a_connection(pair):
    a, b = pair.a, pair.b
    for sport in (4000, 4001):
        assert crosses(a, b, tcp(a, b, "S", sport))
        assert crosses(b, a, tcp(b, a, "SA", 80, sport))
        assert crosses(a, b, tcp(a, b, "A", sport))
    rule(pair, "stop", "gb", "in", "deny", proto="tcp", port=80)
    assert not crosses(a, b, tcp(a, b, "A", 4000))
    assert not crosses(b, a, tcp(b, a, "A", 80, 4001))
    pair.call("rule.delete", id="stop")
    assert crosses(a, b, tcp(a, b, "A", 4000))


def test_midstream_drop(pair):
    a, b = pair.a, pair.b
    assert crosses(a, b, tcp(a, b, "A", sport=4001))
    pair.call("global.set", tcp_midstream="drop")
    assert not crosses(a, b, tcp(a, b, "A", sport=4002))
    assert pair.drops("a") == {"tcp_midstream": 1}
    assert crosses(a, b, tcp(a, b, "S", sport=4002), tcp(a, b, "A", sport=4002)) == [True, True]


def test_icmp_error_of_an_allowed_connection_passes(pair):
    deny_by_default(pair, "ga", "gb")
    rule(pair, "out", "ga", "out", proto="udp", port=5000)
    rule(pair, "in", "gb", "in", proto="udp", port=5000)
    a, b = pair.a, pair.b
    asked = udp(a, b, token())
    assert crosses(a, b, asked)

    def error(about):
        return (Ether(src=b.mac, dst=a.mac) / IP(src=b.ip, dst=a.ip) / ICMP(type=3, code=3)
                / Raw(bytes(about[IP])[:40] + token().encode()))
    unrelated = udp(a, b, token(), sport=4009)
    assert crosses(b, a, error(asked), error(unrelated)) == [True, False]


def test_icmp6_error_of_an_allowed_connection_passes(pair):
    deny_by_default(pair, "ga", "gb")
    rule(pair, "out", "ga", "out", proto="udp", port=5000)
    rule(pair, "in", "gb", "in", proto="udp", port=5000)
    a, b = pair.a, pair.b
    asked = udp6(a, b, token())
    assert crosses(a, b, asked)

    def error(about):
        return (Ether(src=b.mac, dst=a.mac) / IPv6(src=b.ip6, dst=a.ip6)
                / ICMPv6DestUnreach(code=4) / Raw(bytes(about[IPv6])[:60] + token().encode()))
    unrelated = udp6(a, b, token(), sport=4009)
    assert crosses(b, a, error(asked), error(unrelated)) == [True, False]


def fragments(src, dst, dport, ident):
    """A datagram in two fragments, each with a payload of its own."""
    ether = Ether(src=src.mac, dst=dst.mac)
    head = UDP(sport=4000, dport=dport, len=8 + 64, chksum=0)
    first = token().encode().ljust(24, b"1")
    later = token().encode().ljust(40, b"2")
    return (ether / IP(src=src.ip, dst=dst.ip, id=ident, flags="MF") / head / Raw(first),
            ether / IP(src=src.ip, dst=dst.ip, id=ident, frag=4, proto=17) / Raw(later))


def test_later_fragments_follow_the_first(pair):
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=5000)
    a, b = pair.a, pair.b
    assert crosses(a, b, *fragments(a, b, 5001, 1)) == [True, True]
    assert crosses(a, b, *fragments(a, b, 5000, 2)) == [False, False]
    _, orphan = fragments(a, b, 5001, 3)
    assert not crosses(a, b, orphan)
    assert pair.drops("a").get("fragment_unknown", 0) >= 1


def test_priority_and_order(pair):
    rule(pair, "z-deny", "gb", "in", "deny", priority=10, proto="udp")
    rule(pair, "a-allow", "gb", "in", "allow", priority=10, proto="udp")
    assert not u(pair)  # deny first at equal priority
    rule(pair, "high", "gb", "in", "allow", priority=20, proto="udp", port=5000)
    assert u(pair) and not u(pair, dport=5001)


def test_rule_counters(pair):
    rule(pair, "yes", "gb", "in", proto="udp", port=5000)
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=6000)
    for _ in range(3):
        assert u(pair)
    assert not u(pair, dport=6000)
    yes, no = counted(pair, "yes"), counted(pair, "no")
    assert yes["packets"] == 3 and yes["connections"] == 1 and yes["bytes"] > 100
    assert no["packets"] == 1 and no["connections"] == 0


def test_arp_is_never_judged(pair):
    deny_by_default(pair, "ga", "gb")
    sentinel, is_sentinel = frames.arp_sentinel(pair.a, pair.b)
    pair.a.raw.send(sentinel)
    pair.b.raw.expect(is_sentinel)


def test_endpoint_without_a_group_is_not_judged(pair):
    deny_by_default(pair, "ga", "gb")
    c, d = pair.tap("c", bare=True), pair.tap("d", bare=True)
    assert crosses(c, d, udp(c, d, token()))
    assert not crosses(c, pair.b, udp(c, pair.b, token()))


def test_flooded_packet_is_judged_per_receiver(pair):
    """A broadcast reaches whom it may reach."""
    pair.call("group.upsert", id="open")
    c = pair.tap("c", bare=True, group="open")
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=5000)
    shout = udp(pair.a, pair.b, token(), dst=frames.BROADCAST)
    shout[IP].dst = "10.1.255.255"
    pair.a.raw.send(shout)
    c.raw.expect(payload_is(bytes(shout[Raw])))
    sentinel, is_sentinel = frames.arp_sentinel(pair.a, pair.b)
    pair.a.raw.send(sentinel)
    assert not pair.b.raw.collect(payload_is(bytes(shout[Raw])), is_sentinel)


def test_ipv6_extension_headers_are_looked_through(pair):
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=5000)
    frame = (Ether(src=pair.a.mac, dst=pair.b.mac) / IPv6(src=pair.a.ip6, dst=pair.b.ip6)
             / IPv6ExtHdrHopByHop() / UDP(sport=4000, dport=5000) / Raw(token().encode()))
    echo = (Ether(src=pair.a.mac, dst=pair.b.mac) / IPv6(src=pair.a.ip6, dst=pair.b.ip6)
            / ICMPv6EchoRequest(data=token().encode()) / Raw(token().encode()))
    assert crosses(pair.a, pair.b, frame, echo) == [False, True]


def test_real_tcp_through_a_policy(net):
    net.call("group.upsert", id="web", default_action="deny")
    net.call("group.upsert", id="user")
    rule(net, "web", "web", "in", proto="tcp", port=5201, remote={"group": "user"})
    server, user, other = (net.tap("server", group="web"), net.tap("user", group="user"),
                           net.tap("other"))
    assert received_bits_per_second(iperf3(user, server, seconds=1)) > 1e6
    listener = server.ns.start(["iperf3", "-s", "-1", "--forceflush"])
    listener.expect("Server listening", 10)
    refused = other.ns.run(["iperf3", "-c", server.ip, "--connect-timeout", "300"], check=False)
    assert refused.returncode != 0
    assert net.drops("other")["default_deny"] >= 1


def test_trace_agrees(pair):
    rule(pair, "no", "gb", "in", "deny", proto="udp", port=5000)
    packet = {"src_ip": pair.a.ip, "dst_ip": pair.b.ip, "proto": "udp", "src_port": 4000}
    before = pair.call("stats.get")["port"]
    denied = pair.call("policy.trace", endpoint="a", packet={**packet, "dst_port": 5000})
    assert (denied["verdict"], denied["reason"], denied["rule"]) == ("drop", "rule_deny", "no")
    allowed = pair.call("policy.trace", endpoint="a", packet={**packet, "dst_port": 5001})
    assert allowed["verdict"] == "forward" and allowed["out"] == ["b"] and allowed["steps"]
    assert pair.call("stats.get")["port"] == before
    assert not u(pair) and u(pair, dport=5001)


def test_many_rules(pair):
    """A thousand rules in one commit, the last of which still counts."""
    ops = [{"method": "rule.upsert", "params": {
        "id": f"r{number}", "group": "gb", "direction": "in", "action": "deny", "proto": "udp",
        "port": 10000 + number, "remote": {"cidr": "10.1.0.0/16"}}} for number in range(1000)]
    pair.call("txn.apply", ops=ops)
    assert not u(pair, dport=10000) and not u(pair, dport=10999) and u(pair, dport=11000)
