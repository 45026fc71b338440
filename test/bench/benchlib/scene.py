# SPDX-License-Identifier: BSD-3-Clause
"""Containers of which one is loud, and the same on every switch that is compared."""
import contextlib
import os

from benchlib import rig
from benchlib.contender_ovs import OvsAfXdp
from benchlib.contenders import installed
from leatlib import paths

BROADCAST_PPS = 1000  # more than ARP ever needs: what an operator lets a container send to all


def flood_argv(kind, where, free=True):
    """leat-flood's command line. `free`: it costs the applications' core so little that it may go
    before what else is there."""
    program = os.path.join(paths.BUILD_RELEASE, "test", "bench", "leat-flood")
    return [*(["chrt", "--rr", "1"] if free else []), program, "--kind", kind, *where]


def by_rings(guest, mac, ip, sockets):
    """Where leat-flood sends as a vhost-user guest, for whom, and who takes what comes back."""
    return ["--mac", f"{guest.mac},{mac}", "--ip", f"{guest.ip},{ip}", "--from", sockets[0],
            "--sink", sockets[1]]


class Site:
    """One switch as the four meet on it. `addresses`: of Redis, its client, the loud one and whom
    that one talks to. `flood`: where leat-flood sends, and to whom. `free`: a flood costs the
    applications' core next to nothing. `running`: lets the switch run, which is stopped else."""

    def __init__(self, name, addresses, flood, free, running=contextlib.nullcontext):
        self.name, self.addresses, self.free, self.running = name, addresses, free, running
        self._flood = flood

    def flood(self, kind):
        """leat-flood's command line."""
        return flood_argv(kind, self._flood, self.free)


class Scene:
    """Four `hosts`, Redis, its client, who is loud and whom that one talks to; a switch of ours
    `net`, and the `sites` where the four meet, ours first. On leat and Open vSwitch the flood comes
    by vhost-user, from the endpoint `flooder` and what comes back to `drain`, where it costs its
    sender nothing; to a bridge it comes by a packet socket."""

    def __init__(self, network):
        self.closing = contextlib.ExitStack()
        self.net = rig.switch()
        self.closing.callback(self.net.close)
        try:
            self.net.network(network, vlan=None)
            self.hosts = self._meet(network)
            self.flooder = self.net.vhost("flooder", network=network,
                                          guard={"broadcast_pps": BROADCAST_PPS})
            self.drain = self.net.vhost("drain", network=network)
            self.sites = [self._leat(), self._bridge()]
            if installed("ovs"):
                self.sites.append(self._ovs())
        except BaseException:
            self.closing.close()
            raise

    def _meet(self, network):
        """The four hosts."""
        raise NotImplementedError

    def _far(self):
        """MAC and IP address of whom a flood is for, where it comes by vhost-user."""
        raise NotImplementedError

    def _leat(self):
        raise NotImplementedError

    def _bridge(self):
        raise NotImplementedError

    def _on_ovs(self):
        """The hosts, each once, which get a port in this order."""
        raise NotImplementedError

    def _ovs_has(self, ovs):
        """What it needs besides; the addresses of the four."""
        raise NotImplementedError

    def _by_rings(self, name, addresses, sockets, **fields):
        """A site to which the flood comes by vhost-user."""
        return Site(name, addresses, by_rings(self.flooder, *self._far(), sockets), free=True,
                    **fields)

    def _by_ours(self, addresses):
        return self._by_rings("leat, TAP", addresses, [self.flooder.socket, self.drain.socket])

    def _by_socket(self, addresses, to=None):
        """The site of the bridge: the flood comes by a packet socket of who is loud, for a MAC and
        an IP address or for whom that one talks to."""
        loud, far = self.hosts[2:]
        mac, ip = to or (rig.link_mac(far, "kbr"), addresses[3])
        return Site("kernel bridge, veth", addresses,
                    ["--mac", f"{rig.link_mac(loud, 'kbr')},{mac}", "--ip", f"{addresses[2]},{ip}",
                     "--netdev", "kbr"], free=False)

    def _ovs(self):
        ovs = OvsAfXdp(self._on_ovs())
        self.closing.callback(ovs.close)
        with ovs.running():
            sockets = [ovs.add_guest(guest.id, guest.mac) for guest in (self.flooder, self.drain)]
            addresses = self._ovs_has(ovs)
        return self._by_rings("Open vSwitch, AF_XDP", addresses, sockets, running=ovs.running)

    def close(self):
        self.closing.close()
