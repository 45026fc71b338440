# SPDX-License-Identifier: BSD-3-Clause
"""A switch with the ports of policymodel.world, real frames sent into them and collected."""
import json
import select
import time

from leatlib.frames import Tap
from leatlib.netns import Namespace
from leatlib.rpc import RpcError
from leatlib.switch import Switch
from policymodel import packet
from policymodel.model import UPLINK
from policymodel.world import ENDPOINTS, NETWORKS, mac_of

PIPELINED = 30  # requests under way on one connection
IGNORE_OUTGOING = 23  # of SOL_PACKET
ROUND_SECONDS = 10


class Wire:
    """leatd and who sends by each of its ports; close() takes all away."""

    def __init__(self, **options):
        self.switch = Switch(**options)
        try:
            self.spaces = {name: self.switch.keep(Namespace(name)) for name in ENDPOINTS}
            for space in (*self.spaces.values(), self.switch.root):
                space.allow_v6(False)
            self.ports = {name: {"kind": "tap", "netns": space.path, "name": "eth0"}
                          for name, space in self.spaces.items()}
        except BaseException:
            self.switch.close()
            raise
        self.taps, self.number = {}, 0

    def close(self):
        self.switch.close()

    def configure(self, state):
        """Make it the switch's state as a whole; true once each worker judges by it."""
        uplink = {"id": UPLINK, "device": {"kind": "tap", "name": UPLINK}}
        self.switch.call("state.replace", owner="local", objects={**state, "uplink": [uplink]})
        if not self.taps:
            self._attach()

    def _attach(self):
        for name, space, device in (
                *((name, space, "eth0") for name, space in self.spaces.items()),
                (UPLINK, self.switch.root, UPLINK)):
            space.ip(f"link set {device} up")
            tap = self.taps[name] = self.switch.keep(Tap(space, device))
            tap.sock.setsockopt(263, IGNORE_OUTGOING, 1)
            tap.drain()

    def trace(self, packets):
        """The results of policy.trace, in order."""
        results = []
        for begin in range(0, len(packets), PIPELINED):
            some = packets[begin:begin + PIPELINED]
            self.switch.rpc.send_raw(b"".join(json.dumps({
                "jsonrpc": "2.0", "id": 1, "method": "policy.trace",
                "params": packet.trace_params(p, p.port == UPLINK)}).encode() + b"\n"
                for p in some))
            for _ in some:
                reply = self.switch.rpc.read_reply()
                if "error" in reply:
                    raise RpcError("policy.trace", reply["error"])
                results.append(reply["result"])
        return results

    def counters(self):
        """{drop reason or (rule, counter): number}."""
        stats = self.switch.call("stats.get", kinds=["drop", "rule"])
        counters = dict(stats["drop"])
        for rule, counts in stats["rule"].items():
            for name in ("packets", "connections"):
                counters[rule, name] = counts[name]
        return counters

    def _close_round(self, sender, addresses):
        """Send what comes after all else: {port: how many of these it will get}."""
        expected = {}
        for network in (NETWORKS if sender == UPLINK else (ENDPOINTS[sender][0],)):
            number = 0xee if sender == UPLINK else ENDPOINTS[sender][1]
            self.taps[sender].send(packet.closing_frame(
                sender, NETWORKS[network][1] if sender == UPLINK else 0, mac_of(network, number),
                addresses(network, number), self.number))
            for name in (*ENDPOINTS, UPLINK):
                if name != sender and (name == UPLINK and sender != UPLINK
                                       or name != UPLINK and ENDPOINTS[name][0] == network):
                    expected[name] = expected.get(name, 0) + 1
        return expected

    def exchange(self, packets, addresses):
        """Send them, in order where they come by one port; for each, where it has arrived.
        `addresses`: the IPv4 address of a host by network and number."""
        first, waiting = self.number, {}
        for p in packets:
            self.taps[p.port].send(packet.frame(p, self.number))
            self.number += 1
        for sender in dict.fromkeys(p.port for p in packets):
            for name, count in self._close_round(sender, addresses).items():
                waiting[name] = waiting.get(name, 0) + count
        arrived = [[] for _ in packets]
        deadline = time.monotonic() + ROUND_SECONDS
        while waiting:
            assert time.monotonic() < deadline, f"closing frames do not come: {waiting}"
            by_socket = {self.taps[name].sock: name for name in waiting}
            for sock in select.select(list(by_socket), [], [], ROUND_SECONDS)[0]:
                name = by_socket[sock]
                if self._take(name, first, arrived):
                    waiting[name] -= 1
                    if waiting[name] == 0:
                        del waiting[name]
        return arrived

    def _take(self, name, first, arrived):
        """One frame at that port. True: it closes a round."""
        data = self.taps[name].receive_raw(0)
        if data is None:
            return False
        magic, number = packet.TOKEN.unpack(data[-packet.TOKEN.size:])
        if magic == b"stop":
            return True
        assert magic == b"leat" and number >= first, f"{name} got {data.hex()}"
        vlan = int.from_bytes(data[14:16], "big") if data[12:14] == b"\x81\x00" else 0
        arrived[number - first].append((name, vlan))
        return False
