# SPDX-License-Identifier: BSD-3-Clause
"""64 endpoints of all kinds, each with somebody behind it who sends and looks at what comes."""
from leatlib import frames, wait
from leatlib.memif_peer import MemifPeer
from leatlib.netns import Namespace, veth_into
from leatlib.process import run
from leatlib.vhost_peer import VhostPeer

TAPS, VHOSTS, MEMIFS, VETHS, NULLS = 28, 16, 8, 4, 8
EACH = 2  # broadcasts of each member
MARK = b"from member "


class Member:
    """An endpoint and who is behind it."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.seen = []

    def attach(self):
        """Come to be there."""

    def detach(self):
        """Go away, before the endpoint does."""

    def send(self, data):
        raise NotImplementedError

    def next_frame(self):
        """One that has come, as bytes, or None."""
        return None

    def look(self):
        while (data := self.next_frame()) is not None:
            at = data.find(MARK)
            if at >= 0:
                self.seen.append(data[at:at + len(MARK) + 8])

    def broadcast(self):
        for number in range(EACH):
            text = MARK + f"{self.host.id} {number}".ljust(8).encode()
            self.send(bytes(frames.udp(self.host, self.host, text, dst=frames.BROADCAST)))


class Null(Member):
    """A device that swallows what it gets."""


class Interface(Member):
    """A TAP or the far end of a veth pair in a namespace."""

    def __init__(self, host, port, space):
        super().__init__(host, port)
        self.space, self.raw = space, None

    def attach(self):
        self.space.ip("link set eth0 up")
        self.raw = frames.Tap(self.space)

    def detach(self):
        self.raw.close()

    def send(self, data):
        self.raw.send(data)

    def next_frame(self):
        return self.raw.receive_raw(0)


class Vhost(Member):
    def attach(self):
        self.peer = VhostPeer(self.port["socket"])

    def detach(self):
        self.peer.close()

    def send(self, data):
        self.peer.transmit(data)

    def next_frame(self):
        got = self.peer.receive(0)
        return got and got[1]


class Memif(Vhost):
    def attach(self):
        self.peer = MemifPeer(self.port["socket"])

    def next_frame(self):
        return self.peer.receive(0)


class Crowd:
    """All of them, and what they hang on."""

    def __init__(self, switch):
        self.switch = switch
        self.members = []
        switch.root.allow_v6(False)
        for _ in range(TAPS):
            space = self._space()
            self._add(Interface, {"kind": "tap", "netns": space.path, "name": "eth0"}, space)
        for number in range(VHOSTS):
            self._add(Vhost, {"kind": "vhost-user", "socket": switch.path(f"v{number}"),
                              "mode": "server"})
        for number in range(MEMIFS):
            self._add(Memif, {"kind": "memif", "socket": switch.path(f"m{number}"),
                              "role": "server"})
        for _ in range(VETHS):
            space = self._space()
            near = veth_into(space)
            run(["ip", "link", "set", near, "netns", switch.root.name])
            switch.root.ip(f"link set {near} up")
            space.ip("link set eth0 up")
            self._add(Interface, {"kind": "af_xdp", "netdev": near}, space)
        for number in range(NULLS):
            self._add(Null, {"kind": "dpdk", "devargs": f"net_null{number},no-rx=1"})

    def _space(self):
        space = self.switch.keep(Namespace("crowd"))
        space.allow_v6(False)
        return space

    def _add(self, kind, port, *more):
        host = self.switch.host(f"e{len(self.members)}")
        self.members.append(kind(host, port, *more))

    def create(self):
        for member in self.members:
            self.switch.endpoint(member.host, member.port)

    def delete(self):
        for member in self.members:
            assert member.host.delete()["changed"]

    def talk(self):
        """Everybody sends to all the others; all of it arrives, once, and is counted."""
        speakers = [member for member in self.members if not isinstance(member, Null)]
        try:
            for member in speakers:
                member.attach()
                member.seen = []
            wait.until(lambda: all(self.switch.state_of(member.host) == "active"
                                   for member in self.members), 10, "all to be active")
            for member in speakers:
                member.broadcast()
            expected = EACH * (len(speakers) - 1)
            for member in speakers:
                wait.until(lambda member=member: member.look() or len(member.seen) >= expected, 10,
                           lambda member=member: f"{member.host.id}: {len(member.seen)} frames")
            for member in speakers:
                member.look()
                assert len(member.seen) == len(set(member.seen)) == expected, member.host.id
            self._count(len(speakers))
        finally:
            for member in speakers:
                member.detach()

    def _count(self, speakers):
        stats = self.switch.call("stats.get")["port"]
        for member in self.members:
            silent = isinstance(member, Null)
            port = stats[member.host.id]
            assert port["rx_packets"] == (0 if silent else EACH), (member.port, port)
            assert port["tx_packets"] == EACH * (speakers - (not silent)), (member.port, port)
            assert not any(port["drops"].values()), (member.port, port)
