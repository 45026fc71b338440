# SPDX-License-Identifier: BSD-3-Clause
"""An endpoint plays no DHCP server and no router unless it may, in whatever form it says so."""
import zlib

from leatlib import wait
from leatlib.frames import Ether, IP, IPv6, Raw, crosses, udp, udp6
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect,
                                ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6NDOptUnknown,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.layers.l2 import Dot1AD, Dot1Q, LLC, SNAP

ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
MAY = {"dhcp_server": True, "router": True}


def link_local(host):
    first, *rest = (int(byte, 16) for byte in host.mac.split(":"))
    b = [first ^ 2, *rest]
    return f"fe80::{b[0]:02x}{b[1]:02x}:{b[2]:02x}ff:fe{b[3]:02x}:{b[4]:02x}{b[5]:02x}"


def advert(host, *between, ether=None):
    """A router advertisement, with headers between IPv6 and ICMPv6."""
    packet = ether or Ether(src=host.mac, dst=ALL_NODES_MAC)
    packet /= IPv6(src=link_local(host), dst=ALL_NODES, hlim=255)
    for header in between:
        packet /= header
    return (packet / ICMPv6ND_RA(routerlifetime=1800)
            / ICMPv6NDOptSrcLLAddr(lladdr=host.mac)
            / ICMPv6NDOptPrefixInfo(prefix="fd00:bad::", prefixlen=64)
            / ICMPv6NDOptUnknown(type=253, len=4) / Raw(b"%030d" % zlib.crc32(bytes(packet))))


def tagged(host, *tags):
    packet = Ether(src=host.mac, dst=ALL_NODES_MAC)
    for tag in tags:
        packet /= tag
    return packet


def test_dhcp_servers(pair):
    a, b = pair.a, pair.b
    client4, client6 = (udp(a, b, "discover", sport=68, dport=67),
                        udp6(a, b, "solicit", sport=546, dport=547))
    server = [udp(a, b, "offer", sport=67, dport=68), udp(a, b, "odd offer", sport=999, dport=68),
              udp(a, b, "to a relay", sport=67, dport=67),
              udp6(a, b, "advertise", sport=547, dport=546)]
    assert crosses(a, b, client4, *server, *server, client6) == [True, *[False] * 8, True]
    assert pair.drops("a") == {"dhcp_guard": 8}
    pair.endpoint(a, a.port_spec, v6=True, guard=MAY)
    assert all(crosses(a, b, *server))
    pair.endpoint(a, a.port_spec, v6=True)
    assert not any(crosses(a, b, *server))


def test_routers_in_every_disguise(pair):
    a, b = pair.a, pair.b
    more = IPv6ExtHdrFragment(m=1, offset=0, id=7)
    hidden = [
        advert(a), advert(a, IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()), advert(a, more),
        advert(a, IPv6ExtHdrFragment(id=8)), advert(a, ether=tagged(a, Dot1Q(vlan=0))),
        advert(a, ether=tagged(a, Dot1AD(vlan=7), Dot1Q(vlan=8))),
        Ether(src=a.mac, dst=b.mac) / IPv6(src=a.ip6, dst=b.ip6, hlim=255)
        / ICMPv6ND_Redirect(tgt=a.ip6, dst="fd00:1::99") / Raw(b"go by me"),
        Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip)
        / ICMP(type=5, code=1, gw=a.ip) / Raw(b"this way please")]
    assert not any(crosses(a, b, *hidden))
    assert pair.drops("a") == {"ra_guard": len(hidden)}
    # Headers that nobody can look behind; neighbour discovery in a fragment.
    snap = Ether(bytes(advert(a)))
    others = [
        advert(a, ether=tagged(a, Dot1Q(), Dot1Q(), Dot1Q())),
        advert(a, *[IPv6ExtHdrDestOpt() for _ in range(9)]),
        Ether(src=a.mac, dst=ALL_NODES_MAC, type=8 + len(snap.payload))
        / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x86dd) / snap.payload,
        Ether(src=a.mac, dst=b.mac) / IPv6(src=a.ip6, dst=b.ip6, hlim=255) / more
        / ICMPv6ND_NS(tgt=b.ip6) / Raw(b"x" * 8)]
    assert not any(crosses(a, b, *others))
    assert pair.drops("a") == {"ra_guard": len(hidden), "malformed": 3, "nd_fragment": 1}
    pair.endpoint(a, a.port_spec, v6=True, guard=MAY)
    assert crosses(a, b, *hidden) == [True, True, False, False, *[True] * 4]


def test_a_kernel_takes_no_route_from_a_neighbour(net):
    """The kernel behind b believes any router it hears."""
    a, b = net.tap("a", v6=True, bare=True), net.tap("b", v6=True)

    def has_route():
        return "default" in b.ns.run(["ip", "-6", "route"]).stdout
    a.raw.send(advert(a))
    a.raw.send(advert(a, IPv6ExtHdrDestOpt()))
    wait.until(lambda: net.drops("a").get("ra_guard") == 2, 5, "both to be dropped")
    assert not has_route()
    net.endpoint(a, a.port_spec, v6=True, guard=MAY)
    a.raw.send(advert(a))
    wait.until(has_route, 5, "the route of a router that may be one")


def test_trace_names_them(pair):
    def reason(**packet):
        packet.setdefault("src_ip", pair.a.ip)
        packet.setdefault("dst_ip", pair.b.ip)
        return pair.call("policy.trace", endpoint="a", packet=packet)["reason"]
    v6 = {"src_ip": link_local(pair.a), "dst_ip": ALL_NODES, "proto": "icmp6"}
    assert reason(proto="udp", src_port=67, dst_port=68) == "dhcp_guard"
    assert reason(proto="icmp", icmp_type=5) == "ra_guard"
    assert reason(**v6, icmp_type=134) == "ra_guard"
    assert reason(**v6, icmp_type=136) is None
    assert reason(**{**v6, "src_ip": "fe80::1"}, icmp_type=136) == "spoofed_ip"
    advert = {**v6, "icmp_type": 136, "sender_mac": pair.a.mac}
    assert reason(**advert) is None
    assert reason(**{**advert, "sender_mac": pair.b.mac}) == "spoofed_nd"
    assert reason(**advert, target_ip=pair.b.ip6) == "spoofed_nd"
    assert reason(**v6, icmp_type=130) == "querier_guard"
    assert reason(**v6, icmp_type=133) is None and reason(proto="icmp") is None
