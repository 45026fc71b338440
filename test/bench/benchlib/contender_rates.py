# SPDX-License-Identifier: BSD-3-Clause
"""What can be told a rate: leat's token buckets, and Open vSwitch's policers beside them.

`side` is leat's word: "tx" limits what the first port sends, "rx" what the second one receives.
"""
from benchlib import rig
from benchlib.contender import MACS, Contender
from benchlib.contender_ovs import OvsAfXdp, OvsVhost

BITS_PER_BYTE = 8
NONE = 0  # no limit


class LeatRates(Contender):
    """leatd with two vhost-user ports, and nothing but the rate."""

    def __init__(self):
        super().__init__()
        self.net = rig.switch()
        self.hosts = [self.net.vhost(name) for name in ("a", "b")]
        assert [host.mac for host in self.hosts] == list(MACS), "the generator's MAC addresses"
        self.sockets = [host.socket for host in self.hosts]
        self.stop()

    def pids(self):
        return [self.net.pid]

    def limit(self, side, kbps, burst_kbit, mode):
        with self.running():
            limit_leat(self.net, self.hosts, side, kbps, burst_kbit, mode)

    def close(self):
        self.net.close()
        super().close()


def limit_leat(net, hosts, side, kbps, burst_kbit, mode):
    """This limit on what goes from the first host to the second, and no other."""
    for host, theirs in zip(hosts, ("tx", "rx")):
        qos = {"mode": mode} if theirs == side else {}
        if theirs == side and kbps != NONE:
            qos.update({f"{side}_kbps": kbps, f"{side}_burst_kbit": burst_kbit})
        net.endpoint(host, host.port_spec, qos=qos)


class _OvsRates:
    """Of Open vSwitch: ingress_policing is about what an interface sends into the switch, the QoS
    type egress-policer about what leaves by a port."""
    PORTS = ()

    def limit(self, side, kbps, burst_kbit):
        sender, receiver = self.PORTS
        with self.running():
            self._vsctl("set", "Interface", sender,
                        f"ingress_policing_rate={kbps if side == 'tx' else NONE}",
                        f"ingress_policing_burst={burst_kbit if side == 'tx' else NONE}")
            self._vsctl("--", "clear", "Port", receiver, "qos", "--", "--all", "destroy", "QoS")
            if side == "rx" and kbps != NONE:
                self._vsctl("set", "Port", receiver, "qos=@limit", "--", "--id=@limit", "create",
                            "QoS", "type=egress-policer",
                            f"other-config:cir={kbps * 1000 // BITS_PER_BYTE}",
                            f"other-config:cbs={burst_kbit * 1000 // BITS_PER_BYTE}")


class OvsVhostRates(_OvsRates, OvsVhost):
    """Between vhost-user ports."""
    PORTS = ("a", "b")


class OvsTcpRates(_OvsRates, OvsAfXdp):
    """Between two containers."""
    PORTS = ("x1", "x2")
