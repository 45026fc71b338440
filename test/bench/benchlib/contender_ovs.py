# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK, as Debian has it: the same rules as flows, a meter, an access VLAN.

Its two daemons run by hand, in a namespace and a directory of their own.
"""
import os

from benchlib import policy, rig
from benchlib.book import SWITCH_CPU
from benchlib.contender import KBPS, VLAN, Contender
from leatlib.netns import Namespace

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
PACKAGE = "openvswitch-switch-dpdk"
BRIDGE = "br0"
MEMORY_MB = 256
START_SECONDS = 30


def flows():
    """policy.rules() as flows: deny before allow, and what none matches passes."""
    for rule in policy.rules():
        end = "nw_dst" if rule["direction"] == "out" else "nw_src"
        low, high = rule["ports"]
        port = str(low) if low == high else f"{low:#x}/{policy.PORTS_MASK:#x}"
        allow = rule["action"] == "allow"
        yield (f"priority={50 if allow else 60},{rule['proto']},{end}={rule['cidr']},"
               f"tp_dst={port},actions={'meter:1,NORMAL' if allow else 'drop'}")
    yield "priority=1,actions=meter:1,NORMAL"


class _Ovs(Contender):
    """The two daemons and a bridge; what makes its ports is to be defined."""

    def __init__(self):
        super().__init__()
        self.root = Namespace("ovs")
        self.daemon = None
        try:
            self._start()
            self._vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev",
                        "protocols=OpenFlow10,OpenFlow13")
            self._configure()
        except BaseException:
            self.close()
            raise
        self.stop()

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _daemon(self, program, *arguments):
        return rig.start(self.root, [
            "env", f"OVS_RUNDIR={self.directory}", f"OVS_LOGDIR={self.directory}", program,
            *arguments, "-vconsole:info"])

    def _run(self, *argv, stdin=None):
        return self.root.run(argv, seconds=START_SECONDS, stdin=stdin)

    def _vsctl(self, *words):
        return self._run("ovs-vsctl", f"--db=unix:{self._path('db.sock')}",
                         f"--timeout={START_SECONDS}", *words)

    def _start(self):
        self._run("ovsdb-tool", "create", self._path("conf.db"), SCHEMA)
        database = self._daemon(
            "ovsdb-server", self._path("conf.db"), f"--remote=punix:{self._path('db.sock')}",
            f"--unixctl={self._path('db.ctl')}", f"--pidfile={self._path('db.pid')}")
        database.expect("ovsdb-server", START_SECONDS)
        self._vsctl("--no-wait", "--", "init", "--", "set", "Open_vSwitch", ".",
                    "other_config:dpdk-init=true",
                    f"other_config:pmd-cpu-mask={1 << SWITCH_CPU:#x}",
                    f"other_config:dpdk-socket-mem={MEMORY_MB}",
                    "other_config:dpdk-extra=--no-pci --in-memory --no-telemetry")
        self.daemon = self._daemon(
            DAEMON, f"unix:{self._path('db.sock')}", f"--unixctl={self._path('vs.ctl')}",
            f"--pidfile={self._path('vs.pid')}")
        self.daemon.expect("DPDK Enabled - initialized", START_SECONDS)

    def _configure(self):
        """Make the ports."""
        raise NotImplementedError

    def _add_port(self, name, *settings):
        """A port on the access VLAN."""
        self._vsctl("add-port", BRIDGE, name, f"tag={VLAN}", "--", "set", "Interface", name,
                    *settings)

    def _add_socket(self, name):
        self._add_port(name, "type=dpdkvhostuser")
        return self._path(name)

    def pids(self):
        return [self.daemon.pid]

    def close(self):
        self.root.close()
        super().close()


class OvsVhost(_Ovs):
    """Between vhost-user ports, without flows of ours."""

    def _configure(self):
        self.sockets = [self._add_socket(name) for name in ("a", "b")]


class OpenVSwitch(OvsVhost):
    """Between vhost-user ports, with rules and a meter."""
    takes_ports = True

    def _configure(self):
        super()._configure()
        target = f"unix:{self._path(BRIDGE + '.mgmt')}"
        self._run("ovs-ofctl", "-O", "OpenFlow13", "add-meter", target,
                  f"meter=1,kbps,band=type=drop,rate={KBPS}")
        self._run("ovs-ofctl", "-O", "OpenFlow13", "replace-flows", target, "-",
                  stdin="".join(flow + "\n" for flow in flows()))

    def ports(self, number):
        """Have so many ports besides the two."""
        with self.running():
            while len(self.idle) > number:
                self._vsctl("del-port", BRIDGE, f"idle{len(self.idle) - 1}")
                self.idle.pop()
            while len(self.idle) < number:
                self.idle.append(self._add_socket(f"idle{len(self.idle)}"))


class OvsAfXdp(_Ovs):
    """Between two containers, by DPDK's AF_XDP driver on veth pairs; no rules."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.addresses = []
        super().__init__()

    def _configure(self):
        for number, host in enumerate(self.hosts, 1):
            near = rig.xdp_veth(self.root, host.ns, "ovs0")
            self._add_port(f"x{number}", "type=dpdk",
                           f"options:dpdk-devargs=net_af_xdp{number},iface={near}")
            self.addresses.append(rig.address(host, "ovs0", "10.2.0", number))

    def add_guest(self, name, mac):
        """A vhost-user port besides, behind which this MAC address is known to be; its socket."""
        socket = self._add_socket(name)
        self._known(name, mac)
        return socket

    def _known(self, port, mac):
        self._run("ovs-appctl", "-t", self._path("vs.ctl"), "fdb/add", BRIDGE, port, VLAN, mac)

    def behind(self, number, mac):
        """This MAC address is known to be behind the port of a container, 1 the first."""
        self._known(f"x{number}", mac)

    def limit(self, number, mbps, burst_bytes):
        """What goes out to a container, by an egress policer."""
        self._vsctl("set", "port", f"x{number}", "qos=@q", "--", "--id=@q", "create", "qos",
                    "type=egress-policer", f"other-config:cir={mbps * 125_000}",
                    f"other-config:cbs={burst_bytes}")
