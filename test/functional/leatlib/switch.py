# SPDX-License-Identifier: BSD-3-Clause
"""A switch in a namespace of its own, and the hosts that a test attaches to it."""
from leatlib.daemon import Daemon
from leatlib.frames import Tap
from leatlib.netns import Namespace, veth_into
from leatlib.process import run
from leatlib.vhost_peer import VhostPeer


class Host:
    """One endpoint as its container sees it."""

    def __init__(self, switch, name, number, ns=None):
        self.switch, self.id, self.ns = switch, name, ns
        self.mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        self.ip = f"10.1.{number >> 8}.{number & 255}"
        self.ip6 = f"fd00:1::{number:x}"
        self.socket = None
        self.raw = None

    def configure(self, v6, bare=False):
        """Bring its interface up, with its addresses unless it is to be `bare`: then nobody but
        the test speaks there."""
        lines = []
        if v6 and not bare:
            lines.append(f"addr add {self.ip6}/64 dev eth0 nodad")
        if not bare:
            lines.append(f"addr add {self.ip}/16 dev eth0")
        lines.append("link set eth0 up")
        self.ns.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")
        if bare:
            self.open_raw()

    def open_raw(self):
        """From now on `raw` keeps what comes in by its interface, and sends. A bare host has it
        from the start."""
        self.raw = self.switch.keep(Tap(self.ns))
        return self.raw

    def ping(self, other, *options, count=3, address=None):
        """Ping and demand each answer."""
        self.ns.run(["ping", "-n", "-c", count, "-i", "0.02", "-W", "3", "-w", "8", *options,
                     address or other.ip])

    def ping6(self, other, *options, count=3):
        self.ping(other, "-6", *options, count=count, address=other.ip6)

    def stats(self):
        return self.switch.port(self.id)

    def delete(self):
        return self.switch.call("endpoint.delete", id=self.id)


class Switch(Daemon):
    """leatd in its own namespace, with helpers to create objects; close() takes all of it away."""

    def __init__(self, **options):
        self.root = Namespace("sw")
        self.closing = []
        self.hosts = 0
        try:
            super().__init__(**options)
        except BaseException:
            self.root.close()
            raise

    def start(self):
        if self.argv[0] == self.binary:
            self.argv = self.root.argv(self.argv)
        super().start()

    def close(self):
        super().close()
        for thing in reversed(self.closing):
            thing.close()
        self.closing = []
        self.root.close()

    def keep(self, thing):
        """Close `thing` with the switch."""
        self.closing.append(thing)
        return thing

    # Objects

    def call(self, method, params=None, **fields):
        return self.rpc.call(method, params, **fields)

    def network(self, name="net", vlan=100, **fields):
        fields.setdefault("encap", "vlan" if vlan else "none")
        if vlan:
            fields["vlan"] = vlan
        return self.call("network.upsert", id=name, **fields)

    def host(self, name, ns=False, number=None):
        """A host with the next free number; `ns` makes its namespace."""
        if number is None:
            self.hosts += 1
            number = self.hosts
        namespace = self.keep(Namespace(name[:6])) if ns else None
        return Host(self, name, number, namespace)

    def endpoint(self, host, port, network="net", v6=False, ips=None, **fields):
        """Upsert the endpoint of a host."""
        if ips is None:
            ips = [host.ip] + ([host.ip6] if v6 else [])
        params = {"id": host.id, "network": network, "mac": host.mac, "port": port, **fields}
        if ips:
            params["ips"] = ips
        return self.call("endpoint.upsert", params)

    def tap(self, name, network="net", v6=False, number=None, bare=False, **fields):
        """A container on a TAP port, its addresses set (unless bare) and its interface up."""
        host = self.host(name, ns=True, number=number)
        host.ns.allow_v6(v6 and not bare)
        host.port_spec = {"kind": "tap", "netns": host.ns.path, "name": "eth0"}
        host.result = self.endpoint(host, host.port_spec, network, v6, **fields)
        host.configure(v6, bare)
        return host

    def veth(self, name, network="net", v6=False, number=None, **fields):
        """A container on a veth pair whose near end is an AF_XDP port."""
        host = self.host(name, ns=True, number=number)
        host.ns.allow_v6(v6)
        near = veth_into(host.ns)
        run(["ip", "link", "set", near, "netns", self.root.name])
        self.root.ip(f"link set {near} up")
        host.ns.ip(f"link set eth0 address {host.mac}")
        host.ns.run(["ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off"])
        host.port_spec = {"kind": "af_xdp", "netdev": near}
        host.configure(v6)
        host.result = self.endpoint(host, host.port_spec, network, v6, **fields)
        return host

    def vhost(self, name, network="net", mode="server", queues=1, v6=False, number=None, **fields):
        """A vhost-user endpoint; whoever plays the guest goes to host.socket."""
        host = self.host(name, number=number)
        host.socket = self.path(name + ".sock")
        host.port_spec = {"kind": "vhost-user", "socket": host.socket, "mode": mode,
                          "queues": queues}
        host.result = self.endpoint(host, host.port_spec, network, v6, **fields)
        return host

    def peer(self, host, **options):
        """Our own front end on a vhost-user endpoint, the handshake done."""
        server = host.port_spec["mode"] == "client"
        return self.keep(VhostPeer(host.socket, server=server, **options))

    def uplink(self, name="up0", **fields):
        """A trunk on a TAP in the switch's namespace."""
        self.root.allow_v6(False)
        self.call("uplink.upsert", id=name, device={"kind": "tap", "name": name}, **fields)
        self.root.ip(f"link set {name} up")

    def uplink_tap(self, name="up0", **fields):
        """The same; its raw frames."""
        self.uplink(name, **fields)
        return self.keep(Tap(self.root, name))

    def state_of(self, host):
        return self.call("endpoint.get", id=host.id)["oper"]["state"]

    # Counters

    def port(self, name):
        return self.call("stats.get", kinds=["port"], ids=[name])["port"][name]

    def drops(self, name=None):
        """Drops by reason, of one port or of all, without the zeros."""
        stats = self.call("stats.get")
        reasons = stats["port"][name]["drops"] if name else stats["drop"]
        return {reason: count for reason, count in reasons.items() if count}
