# SPDX-License-Identifier: BSD-3-Clause
"""Rules as the contract words them: what each becomes in either mode, and what it matches.

Both modes come down to legs: what a packet's source and destination must be. In the strict mode a
leg belongs to a group's direction, and is asked about the first packet of a connection."""
import ipaddress
from dataclasses import dataclass

from policymodel.packet import ICMP, ICMP6, SCTP, TCP, UDP

PROTOS = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmp6": ICMP6, "sctp": SCTP}
ANY = None


@dataclass(frozen=True)
class Leg:
    rule: dict
    src_group: object = ANY
    dst_group: object = ANY
    src_ip: object = ANY
    dst_ip: object = ANY
    sports: object = ANY  # (low, high)
    dports: object = ANY
    flags: str = ""

    def reversed(self):
        return Leg(self.rule, self.dst_group, self.src_group, self.dst_ip, self.src_ip,
                   self.dports, self.sports)

    def matches(self, src_group, dst_group, src, dst, proto, sport, dport, flags):
        return (self.src_group in (ANY, src_group) and self.dst_group in (ANY, dst_group)
                and _inside(self.src_ip, src) and _inside(self.dst_ip, dst)
                and proto_of(self.rule) in (0, proto)
                and _between(self.sports, sport) and _between(self.dports, dport)
                and flags_fit(self.flags, flags))


def _inside(prefix, address):
    return prefix is ANY or (prefix.version == address.version and address in prefix)


def _between(ports, port):
    return ports is ANY or ports[0] <= port <= ports[1]


def flags_fit(text, flags):
    """"syn,!ack": SYN is set, ACK is not."""
    for word in filter(None, text.split(",")):
        if (word.lstrip("!") in flags) == word.startswith("!"):
            return False
    return True


def proto_of(rule):
    proto = rule.get("proto", 0)
    return PROTOS.get(proto, proto)


def ports_of(value):
    """(low, high) of a port or a range; None for any."""
    if value is None:
        return ANY
    low, _, high = str(value).partition("-")
    return int(low), int(high or low)


def order(rule):
    """Higher priority first, deny before allow, then by id."""
    return -rule.get("priority", 1), rule["action"] == "allow", rule["id"]


class Rules:
    """All rules of a state."""

    def __init__(self, state):
        self.groups = {group["id"]: group for group in state["group"]}
        self.networks = {network["id"]: network for network in state["network"]}
        self.rules = sorted(state["rule"], key=order)

    def _groups(self, ref):
        """The ids that a reference of the Contiv form means, [ANY] for any group."""
        if ref in (None, 0):
            return [ANY]
        if isinstance(ref, int):
            return [name for name, group in self.groups.items() if group.get("num", 0) == ref]
        return [ref] if ref in self.groups else []

    def _contiv_form(self, rule):
        def prefix(name):
            return ipaddress.ip_network(rule[name]) if rule.get(name) else ANY

        def ports(name):
            return ports_of(rule.get(name) or None)
        return [Leg(rule, src, dst, prefix("src_ip"), prefix("dst_ip"), ports("src_port"),
                    ports("dst_port"), rule.get("tcp_flags", ""))
                for src in self._groups(rule.get("src_group"))
                for dst in self._groups(rule.get("dst_group"))]

    def _others(self, rule):
        """(group, prefix) of each other side of a rule of the policy form."""
        remote = rule.get("remote")
        if remote is None:
            return [(ANY, ANY)]
        if "group" in remote:
            return [(remote["group"], ANY)] if remote["group"] in self.groups else []
        if "cidr" in remote:
            return [(ANY, ipaddress.ip_network(remote["cidr"]))]
        network = self.networks.get(remote["network"], {})
        return [(ANY, ipaddress.ip_network(network[name])) for name in ("subnet", "subnet6")
                if name in network]

    def _policy_form(self, rule):
        """The leg in the direction of the connection, for each other side."""
        if rule["group"] not in self.groups:
            return []
        ports = ports_of(rule.get("port"))
        if rule["direction"] == "in":
            return [Leg(rule, group, rule["group"], prefix, ANY, ANY, ports)
                    for group, prefix in self._others(rule)]
        return [Leg(rule, rule["group"], group, ANY, prefix, ANY, ports)
                for group, prefix in self._others(rule)]

    def flat(self):
        """All legs of the contiv mode, first match first."""
        legs = []
        for rule in self.rules:
            if "leg" in rule:
                legs += self._contiv_form(rule)
            else:
                for leg in self._policy_form(rule):
                    legs += contiv_legs(leg)
        return legs

    def strict(self):
        """(out, in): the legs asked at the source's group, and at the destination's."""
        asked = {"out": [], "in": []}
        for rule in self.rules:
            if "leg" not in rule:
                asked[rule["direction"]] += self._policy_form(rule)
            elif rule["leg"] in ("inRx", "outTx") and flags_fit(rule.get("tcp_flags", ""), {"syn"}):
                direction = "in" if rule["leg"] == "inRx" else "out"
                for leg in self._contiv_form(rule):
                    asked[direction].append(Leg(**{**leg.__dict__, "flags": ""}))
        return asked["out"], asked["in"]


def contiv_legs(leg):
    """What Contiv makes of a rule: netplugin's policyState.go, in a table in docs/policy.md."""
    proto = proto_of(leg.rule)
    if leg.dports in (ANY, (0, 0), (0, 65535)):
        flags = "syn,!ack" if proto == TCP else ""
        return [Leg(**{**leg.__dict__, "dports": ANY, "flags": flags})]
    return [leg, leg.reversed()] if proto in (TCP, UDP) else [leg]
