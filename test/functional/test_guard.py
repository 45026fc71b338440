# SPDX-License-Identifier: BSD-3-Clause
"""The spoof guard: an endpoint speaks in its own name alone, each lie counted by its kind."""
from leatlib import frames
from leatlib.frames import ARP, Ether, IPv6, Raw, UDP, crosses, udp, udp6
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                                ICMPv6NDOptSrcLLAddr)

LIAR = "02:66:66:66:66:66"


def arp(a, b, **fields):
    fields = {"op": 2, "hwsrc": a.mac, "psrc": a.ip, "hwdst": b.mac, "pdst": b.ip, **fields}
    return Ether(src=a.mac, dst=b.mac) / ARP(**fields) / Raw(repr(sorted(fields.items())).encode())


def advert(a, b, target, mac, text):
    return (Ether(src=a.mac, dst=b.mac) / IPv6(src=a.ip6, dst=b.ip6)
            / ICMPv6ND_NA(tgt=target, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac)
            / Raw(text.encode()))


def test_own_name_passes(pair):
    a, b = pair.a, pair.b
    assert all(crosses(a, b, udp(a, b, "mine v4"), udp6(a, b, "mine v6"), arp(a, b)))
    assert pair.drops() == {}


def test_foreign_mac(pair):
    a, b = pair.a, pair.b
    assert not crosses(a, b, udp(a, b, "lie", src=LIAR))
    assert pair.drops("a") == {"spoofed_mac": 1}


def test_foreign_ip(pair):
    a, b = pair.a, pair.b
    lies = [udp(a, b, "lie 4"), udp6(a, b, "lie 6")]
    lies[0]["IP"].src = "10.1.7.7"
    lies[1]["IPv6"].src = "fd00:1::777"
    assert crosses(a, b, *lies) == [False, False]
    assert pair.drops("a") == {"spoofed_ip": 2}


def test_foreign_arp_sender(pair):
    a, b = pair.a, pair.b
    assert crosses(a, b, arp(a, b, psrc="10.1.7.7"), arp(a, b, hwsrc=LIAR)) == [False, False]
    assert pair.drops("a") == {"spoofed_arp": 2}


def test_arp_probe_passes(pair):
    """RFC 5227: a probe has no sender address yet."""
    a, b = pair.a, pair.b
    assert crosses(a, b, arp(a, b, op=1, psrc="0.0.0.0", pdst=a.ip))


def test_foreign_nd_target(pair):
    a, b = pair.a, pair.b
    good = advert(a, b, a.ip6, a.mac, "true advert")
    assert crosses(a, b, advert(a, b, b.ip6, a.mac, "stolen target"), good) == [False, True]
    assert pair.drops("a") == {"spoofed_nd": 1}


def test_nd_solicitation_for_another_passes(pair):
    """The target of a solicitation is whom one asks for."""
    a, b = pair.a, pair.b
    ask = (Ether(src=a.mac, dst=b.mac) / IPv6(src=a.ip6, dst=b.ip6) / ICMPv6ND_NS(tgt=b.ip6)
           / ICMPv6NDOptSrcLLAddr(lladdr=a.mac) / Raw(b"who has b"))
    assert crosses(a, b, ask)


def test_spoof_guard_off(net):
    a, b = net.tap("a", bare=True, guard={"spoof": False, "macs": 8}), net.tap("b", bare=True)
    lie = udp(a, b, "with leave", src=LIAR)
    lie["IP"].src = "10.1.7.7"
    assert crosses(a, b, lie)


def test_no_ips_means_any_ip_of_its_mac(net):
    a, b = net.tap("a", bare=True, ips=[]), net.tap("b", bare=True)
    any_ip = udp(a, b, "any address")
    any_ip["IP"].src = "192.0.2.1"
    assert crosses(a, b, any_ip, udp(a, b, "other mac", src=LIAR)) == [True, False]
    assert net.drops("a") == {"spoofed_mac": 1}


def test_guard_can_be_changed(pair):
    a, b = pair.a, pair.b
    lie = udp(a, b, "lie")
    lie["IP"].src = "10.1.7.7"
    assert not crosses(a, b, lie)
    pair.endpoint(a, a.port_spec, ips=[a.ip, a.ip6, "10.1.7.7"])
    assert crosses(a, b, lie)
    pair.endpoint(a, a.port_spec, ips=[a.ip, a.ip6])
    assert not crosses(a, b, lie)


def test_multicast_source_is_dropped(pair):
    a, b = pair.a, pair.b
    assert not crosses(a, b, udp(a, b, "group source", src="03:00:00:00:00:01"))
    assert sum(pair.drops("a").values()) == 1


def test_real_hosts_are_not_in_its_way(net):
    """Kernels with IPv4 and IPv6, link-local addresses and duplicate detection included."""
    a, b = net.tap("a", v6=True), net.tap("b", v6=True)
    a.ping(b)
    a.ping6(b)
    net.root.run(["true"])
    assert not {"spoofed_arp", "spoofed_nd", "spoofed_mac"} & set(net.drops())


def test_frames_that_contradict_themselves(pair):
    a, b = pair.a, pair.b
    short = bytes(udp(a, b, "x" * 40))
    liar = udp(a, b, "y" * 40)
    liar["IP"].len = 1400
    for frame in (short[:20], bytes(liar)):
        a.raw.send(frame)
    nonsense = Ether(src=a.mac, dst=b.mac, type=0x0800) / Raw(b"\x4f" + b"\0" * 30)
    assert crosses(a, b, nonsense, udp(a, b, "after all")) == [False, True]
    assert pair.drops("a") == {"malformed": 3}


def test_link_local_group_is_not_passed_on(pair):
    a, b = pair.a, pair.b
    stp = (Ether(src=a.mac, dst="01:80:c2:00:00:00") / frames.IP(src=a.ip, dst=b.ip) / UDP()
           / Raw(b"bridge talk"))
    assert not crosses(a, b, stp)
    assert pair.drops("a") == {"reserved_mac": 1}
