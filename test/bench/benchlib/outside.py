# SPDX-License-Identifier: BSD-3-Clause
"""Two containers on one switch, and a host behind its uplink."""
from benchlib import rig
from benchlib.scene import Scene

NETWORK = "trunk"  # untagged on the uplink
UPLINK_MBPS = 200  # a flood of small frames is more
FAR_MAC, FAR_IP = "02:00:00:00:ff:01", "10.1.200.1"  # behind the uplink, whom a flood is for
BURST_BYTES = 250_000  # 10 ms, what leat's uplinks have


def _of_four(redis, far, loud):
    return [redis, far, loud, far]


class Outside(Scene):
    """Redis and who is loud talk to the host outside. The uplink is a veth pair, in leat and Open
    vSwitch by AF_XDP, and limited by its capacity, an egress policer or a token bucket filter."""

    def __init__(self):
        super().__init__(NETWORK)

    def _meet(self, network):
        redis, loud = (self.net.tap(name, network=network) for name in ("redis", "loud"))
        far = self.net.host("far", ns=True)
        far.ns.allow_v6(False)
        return _of_four(redis, far, loud)

    def _far(self):
        return FAR_MAC, FAR_IP

    def _leat(self):
        redis, far, loud, _ = self.hosts
        near = rig.xdp_veth(self.net.root, far.ns, "far0")
        far.ns.ip(f"addr add {FAR_IP}/16 dev far0")
        far.ns.ip("link set far0 up")
        self.net.call("uplink.upsert", id="up0", device={"kind": "af_xdp", "netdev": near},
                      capacity_kbps=UPLINK_MBPS * 1000)
        return self._by_ours(_of_four(redis.ip, FAR_IP, loud.ip))

    def _bridge(self):
        """Its second port is the uplink."""
        addresses = rig.bridge(self.net.root, self.hosts[:3])
        self.net.root.run(["tc", "qdisc", "add", "dev", "kbr2", "root", "tbf", "rate",
                           f"{UPLINK_MBPS}mbit", "burst", BURST_BYTES, "latency", "5ms"])
        self.net.root.run(["bridge", "fdb", "add", FAR_MAC, "dev", "kbr2", "master", "static"])
        return self._by_socket(_of_four(*addresses), (FAR_MAC, FAR_IP))

    def _on_ovs(self):
        return self.hosts[:3]

    def _ovs_has(self, ovs):
        ovs.limit(2, UPLINK_MBPS, BURST_BYTES)
        ovs.behind(2, FAR_MAC)
        return _of_four(*ovs.addresses)
