# SPDX-License-Identifier: BSD-3-Clause
"""An uplink is a trunk: tags on and off, networks apart, unknown destinations to it."""
import pytest

from leatlib import frames
from leatlib.frames import ARP, Ether, Raw, payload_is, udp
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q


class Outside:
    """A host behind the uplink."""
    mac, ip, ip6 = "02:00:00:00:ff:01", "10.1.9.9", "fd00:1::909"


def tagged(vlan, frame, kind=Dot1Q):
    """The frame with one more tag, outermost."""
    inner = frame.copy()
    tag = kind(vlan=vlan, type=inner.type)
    outer = Ether(src=inner.src, dst=inner.dst)
    return outer / tag / inner.payload


@pytest.fixture
def trunk(net):
    net.up = net.uplink_tap()
    return net


def test_tag_is_pushed_and_popped(trunk):
    a = trunk.tap("a", bare=True)
    sent = udp(a, Outside, "outwards")
    a.raw.send(sent)
    got = trunk.up.expect(payload_is("outwards"))
    assert bytes(got) == bytes(tagged(100, sent))
    back = udp(Outside, a, "inwards")
    trunk.up.send(tagged(100, back))
    assert bytes(a.raw.expect(payload_is("inwards"))) == bytes(back)
    assert trunk.port("up0")["rx_packets"] == 1


def test_priority_tag_bits_do_not_choose_the_network(trunk):
    a = trunk.tap("a", bare=True)
    back = udp(Outside, a, "with priority")
    frame = tagged(100, back)
    frame[Dot1Q].prio = 5
    trunk.up.send(frame)
    assert bytes(a.raw.expect(payload_is("with priority"))) == bytes(back)


def test_inner_tag_is_untouched(trunk):
    """QinQ: what a container tags itself stays inside our tag."""
    a = trunk.tap("a", bare=True, ips=[], guard={"spoof": False})
    inner = tagged(42, udp(a, Outside, "double"))
    a.raw.send(inner)
    got = trunk.up.expect(payload_is("double"))
    assert bytes(got) == bytes(tagged(100, inner))
    back = tagged(42, udp(Outside, a, "double back"))
    trunk.up.send(tagged(100, back))
    assert bytes(a.raw.expect(payload_is("double back"))) == bytes(back)


def test_service_tag_of_a_container_is_untouched(trunk):
    a = trunk.tap("a", bare=True, ips=[], guard={"spoof": False})
    inner = tagged(42, udp(a, Outside, "service tag"), Dot1AD)
    a.raw.send(inner)
    assert bytes(trunk.up.expect(payload_is("service tag"))) == bytes(tagged(100, inner))


def test_unknown_vlan_is_dropped(trunk):
    a = trunk.tap("a", bare=True)
    trunk.up.send(tagged(101, udp(Outside, a, "wrong vlan")))
    trunk.up.send(udp(Outside, a, "no vlan"))
    last = udp(Outside, a, "right vlan")
    trunk.up.send(tagged(100, last))
    assert not a.raw.collect(lambda _: True, payload_is("right vlan"))
    assert trunk.drops("up0") == {"unknown_vlan": 2}


def test_encap_none_is_untagged(switch):
    switch.network("flat", vlan=None)
    up = switch.uplink_tap()
    a = switch.tap("a", network="flat", bare=True)
    sent = udp(a, Outside, "plain")
    a.raw.send(sent)
    assert bytes(up.expect(payload_is("plain"))) == bytes(sent)
    back = udp(Outside, a, "plain back")
    up.send(back)
    assert bytes(a.raw.expect(payload_is("plain back"))) == bytes(back)


def test_unknown_unicast_goes_to_the_uplink_alone(trunk):
    a, b = trunk.tap("a", bare=True), trunk.tap("b", bare=True)
    stranger = udp(a, Outside, "to a stranger")
    a.raw.send(stranger)
    trunk.up.expect(payload_is("to a stranger"))
    a.raw.send(udp(a, b, "to b"))
    assert not b.raw.collect(payload_is("stranger"), payload_is("to b"))


def test_known_unicast_does_not_go_to_the_uplink(trunk):
    a, b = trunk.tap("a", bare=True), trunk.tap("b", bare=True)
    a.raw.send(udp(a, b, "private"))
    b.raw.expect(payload_is("private"))
    a.raw.send(udp(a, Outside, "public"))
    assert not trunk.up.collect(payload_is("private"), payload_is("public"))


def test_frame_from_the_uplink_is_not_sent_back(trunk):
    a = trunk.tap("a", bare=True)
    other = Ether(src=Outside.mac, dst="02:00:00:00:ff:02") / IP(src=Outside.ip, dst="10.1.9.8")
    trunk.up.send(tagged(100, other / UDP() / Raw(b"not for us")))
    trunk.up.send(tagged(100, udp(Outside, a, "for a")))
    a.raw.expect(payload_is("for a"))
    assert sum(trunk.drops("up0").values()) == 1


def test_broadcast_stays_in_its_network(trunk):
    trunk.network("other", vlan=200)
    a, b = trunk.tap("a", bare=True), trunk.tap("b", bare=True)
    c = trunk.tap("c", network="other", bare=True)
    shout = Ether(src=a.mac, dst=frames.BROADCAST) / ARP(psrc=a.ip, hwsrc=a.mac, pdst="10.1.5.5")
    a.raw.send(shout)
    assert bytes(b.raw.expect(lambda got: ARP in got))[:42] == bytes(shout)
    assert trunk.up.expect(lambda got: ARP in got).vlan == 100
    d = trunk.tap("d", network="other", bare=True)
    d.raw.send(udp(d, c, "last"))
    assert not c.raw.collect(lambda got: ARP in got, payload_is("last"))
    assert trunk.port("a")["copies"] == 1


def test_tenants_with_the_same_addresses(trunk):
    """Two networks, in each the same two hosts: each pair sees its own frames alone."""
    trunk.network("other", vlan=200)
    pairs = []
    for network in ("net", "other"):
        pairs.append([trunk.tap(f"{network}{number}", network=network, number=number, bare=True)
                      for number in (1, 2)])
    for (a, b), word in zip(pairs, ("one", "two")):
        a.raw.send(udp(a, b, f"tenant {word}"))
    for (_, b), mine, others in zip(pairs, ("one", "two"), ("two", "one")):
        assert b.raw.expect(payload_is(f"tenant {mine}"))
        assert not frames.payload_is(f"tenant {others}")(b.raw.receive_raw(0) or b"")
    a, b = pairs[0][0], pairs[0][1]
    trunk.up.send(tagged(200, udp(a, b, "from vlan 200", src=Outside.mac)))
    pairs[1][1].raw.expect(payload_is("from vlan 200"))


def test_tcp_segments_are_cut_for_the_uplink_if_need_be(trunk):
    """A TCP stream to a host behind a tagged uplink that is a second switch's container."""
    a = trunk.tap("a")
    a.ns.ip(f"neigh add {Outside.ip} lladdr {Outside.mac} dev eth0")
    a.ns.run(["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'summed datagram', ('{Outside.ip}', 9))
"""])
    got = trunk.up.expect(payload_is("summed datagram"))
    assert got.vlan == 100


def test_uplink_deleted_and_made_again(trunk):
    a = trunk.tap("a", bare=True)
    trunk.call("uplink.delete", id="up0")
    a.raw.send(udp(a, Outside, "nowhere"))
    trunk.up = trunk.uplink_tap()
    a.raw.send(udp(a, Outside, "again"))
    assert not trunk.up.collect(payload_is("nowhere"), payload_is("again"))
    assert trunk.drops("a") == {"no_destination": 1}
