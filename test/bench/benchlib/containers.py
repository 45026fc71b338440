# SPDX-License-Identifier: BSD-3-Clause
"""Two containers that use kernel sockets, and every path between them that is compared.

All paths lie between the same two network namespaces, each with interfaces and a subnet of its own.
"""
import contextlib

from benchlib import rig
from benchlib.book import SWITCH_CPU
from benchlib.contender_ovs import OvsAfXdp
from benchlib.contenders import installed

REFERENCE = "kernel bridge, veth"
LOOP = "plain loop, TAP"
TAP = "leat, TAP"


class Containers:
    """`server` and `client` are hosts on TAP ports of leatd; `ways` leads from a path's name to the
    server's address by it."""

    def __init__(self):
        self.closing = contextlib.ExitStack()
        self.net = rig.switch()
        self.closing.callback(self.net.close)
        self.spinning = {}  # name: what has to be let run for it
        try:
            self.server, self.client = pair = [self.net.tap("server"), self.net.tap("client")]
            root = self.net.root
            loop = rig.PlainLoop(root, pair)
            self.spinning[LOOP] = loop
            self.ways = {
                TAP: self.server.ip,
                "leat, AF_XDP": rig.af_xdp(self.net, pair)[0],
                LOOP: loop.addresses[0],
                REFERENCE: rig.bridge(root, pair)[0],
                "kernel bridge, core 0": rig.bridge(root, pair, "kbs", "10.7.0", SWITCH_CPU)[0],
                "kernel bridge, offloads off": rig.bridge(root, pair, "kbo", "10.6.0",
                                                          offloads=False)[0],
                "macvlan": rig.macvlan(root, pair)[0],
            }
            if installed("ovs"):
                self._add_ovs(pair)
        except BaseException:
            self.closing.close()
            raise

    def _add_ovs(self, pair):
        name = "Open vSwitch, AF_XDP"
        ovs = OvsAfXdp(pair)
        self.closing.callback(ovs.close)
        self.spinning[name] = ovs
        self.ways[name] = ovs.addresses[0]

    def measure(self, name, function):
        """What function(address) gives by a path, what spins for another one stopped."""
        with contextlib.ExitStack() as running:
            if name in self.spinning:
                running.enter_context(self.spinning[name].running())
            return function(self.ways[name])

    def turns(self, function):
        """For book.turns(): {name: a round by that path}."""
        return {name: lambda name=name: self.measure(name, function) for name in self.ways}

    def close(self):
        self.closing.close()
