# SPDX-License-Identifier: BSD-3-Clause
"""Four containers on one switch."""
from benchlib import rig
from benchlib.scene import Scene

NETWORK = "alike"


class Neighbours(Scene):
    """Who is loud talks to a container, and a flood is for another one that takes it."""

    def __init__(self):
        super().__init__(NETWORK)

    def _meet(self, network):
        return [self.net.tap(name, network=network) for name in ("redis", "client", "loud", "sink")]

    def _far(self):
        return self.drain.mac, self.drain.ip

    def _leat(self):
        return self._by_ours([host.ip for host in self.hosts])

    def _bridge(self):
        return self._by_socket(rig.bridge(self.net.root, self.hosts))

    def _on_ovs(self):
        return self.hosts

    def _ovs_has(self, ovs):
        return ovs.addresses
