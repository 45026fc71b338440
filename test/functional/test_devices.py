# SPDX-License-Identifier: BSD-3-Clause
"""Any DPDK device by its arguments, and AF_PACKET."""
from leatlib import frames, wait

def test_net_null(net):
    """What goes to a null device is counted as sent."""
    a = net.tap("a", bare=True)
    null = net.host("null")
    result = net.endpoint(null, {"kind": "dpdk", "devargs": "net_null0,no-rx=1"})
    assert result["state"] == "active" and result["port"]["kind"] == "dpdk"
    a.raw.send(frames.udp(a, null, "into the void"))
    a.raw.send(frames.udp(a, null, "for everybody", dst=frames.BROADCAST))
    wait.until(lambda: null.stats()["tx_packets"] == 2, 5, "two frames to be sent")
    assert null.delete()["changed"]


def test_af_packet_uplink(net):
    """An uplink on a kernel interface by AF_PACKET carries tagged frames both ways."""
    outside = net.host("outside", ns=True)
    outside.ns.allow_v6(False)
    net.root.allow_v6(False)
    net.root.run(["ip", "link", "add", "ul0", "type", "veth", "peer", "name", "eth0",
                  "netns", outside.ns.name])
    outside.configure(v6=False, bare=True)
    net.root.ip("link set ul0 up")
    net.call("uplink.upsert", id="up", device={"kind": "af_packet", "netdev": "ul0"})
    a = net.tap("a", bare=True)
    a.raw.send(frames.udp(a, outside, "outwards"))
    got = outside.raw.expect(frames.payload_is("outwards"))
    assert got.type == 0x8100 and got.vlan == 100
