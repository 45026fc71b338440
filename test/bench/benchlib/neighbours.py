# SPDX-License-Identifier: BSD-3-Clause
"""Four containers on one switch: Redis, its client, and two more of which one is loud."""
import contextlib
import os

from benchlib import rig
from benchlib.contender_ovs import OvsAfXdp
from benchlib.contenders import installed
from leatlib import paths

BROADCAST_PPS = 1000  # more than ARP ever needs: what an operator lets a container send to all


class Site:
    """One switch as the four meet on it. `addresses`: of Redis, its client, the loud one and whom
    that one talks to. `free`: a flood costs the applications' core next to nothing. `running`: lets
    the switch run, which is stopped else."""

    def __init__(self, name, addresses, flood, free, running=contextlib.nullcontext):
        self.name, self.addresses, self.free, self.running = name, addresses, free, running
        self._flood = flood

    def flood(self, kind):
        """leat-flood's command line."""
        first = ["chrt", "--rr", "1"] if self.free else []
        return [*first, os.path.join(paths.BUILD_RELEASE, "test", "bench", "leat-flood"), "--kind",
                kind, *self._flood]


def _by_rings(hosts, sockets):
    return ["--mac", ",".join(host.mac for host in hosts), "--ip",
            ",".join(host.ip for host in hosts), "--from", sockets[0], "--sink", sockets[1]]


class Neighbours:
    """The four, on every switch that is compared. On leat and Open vSwitch the flood comes by
    vhost-user, where it costs its sender nothing; to a bridge it comes by a packet socket."""

    def __init__(self):
        self.closing = contextlib.ExitStack()
        self.net = rig.switch()
        self.closing.callback(self.net.close)
        try:
            self.hosts = [self.net.tap(name) for name in ("redis", "client", "loud", "sink")]
            self.guests = [self.net.vhost("flooder", guard={"broadcast_pps": BROADCAST_PPS}),
                           self.net.vhost("drain")]
            self.sites = [self._leat(), self._bridge()]
            if installed("ovs"):
                self.sites.append(self._ovs())
        except BaseException:
            self.closing.close()
            raise

    def _leat(self):
        sockets = [guest.socket for guest in self.guests]
        return Site("leat, TAP", [host.ip for host in self.hosts], _by_rings(self.guests, sockets),
                    free=True)

    def _bridge(self):
        addresses = rig.bridge(self.net.root, self.hosts)
        macs = [rig.link_mac(host, "kbr") for host in self.hosts[2:]]
        return Site("kernel bridge, veth", addresses, [
            "--mac", ",".join(macs), "--ip", ",".join(addresses[2:]), "--netdev", "kbr"],
                    free=False)

    def _ovs(self):
        ovs = OvsAfXdp(self.hosts)
        self.closing.callback(ovs.close)
        with ovs.running():
            sockets = [ovs.add_guest(guest.id, guest.mac) for guest in self.guests]
        return Site("Open vSwitch, AF_XDP", ovs.addresses, _by_rings(self.guests, sockets),
                    free=True, running=ovs.running)

    def close(self):
        self.closing.close()
