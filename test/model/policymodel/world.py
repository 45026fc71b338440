# SPDX-License-Identifier: BSD-3-Clause
"""Random configurations and packets that aim at edges: ends of prefixes and port ranges, equal
priorities, groups that are empty, missing or known by number, remote endpoints."""
import ipaddress

from policymodel.model import UPLINK
from policymodel.packet import (BROADCAST, ECHO_REQUEST, ICMP, ICMP6, SCTP, TCP, UDP, WITH_PORTS,
                                Packet)

GRE, ESP = 47, 50
NETWORKS = {"n1": ("t1", 10), "n2": ("t1", 20), "n3": ("t2", 30)}  # tenant, VLAN
# id: network, number of the host, whether it has an IPv6 address
ENDPOINTS = {"e1": ("n1", 1, True), "e2": ("n1", 2, True), "e3": ("n1", 3, False),
             "e4": ("n1", 4, True), "e5": ("n2", 5, True), "e6": ("n2", 6, False),
             "e7": ("n3", 1, True), "e8": ("n3", 2, True)}
REMOTES = {"r1": ("n1", 7, True), "r2": ("n1", 8, False), "r3": ("n2", 1, True)}
GROUPS = ("g1", "g2", "g3", "g4", "g5")
MISSING = "nowhere"
PORTS = (0, 1, 79, 80, 81, 443, 444, 65534, 65535)
DHCP_PORTS = (67, 68, 546, 547)
RANGES = ("80-81", "1-79", "0-80", "443-65535", "0-65535", "0-1", "81-443")
FLAG_TEXTS = ("", "syn", "syn,ack", "ack", "syn,!ack", "!syn,ack")
LEGS = ("inRx", "inTx", "outTx", "outRx")
RULES_MAX = 24


def mac_of(network, number):
    return f"02:00:00:00:{NETWORKS[network][1]:02x}:{number:02x}"


class World:
    """One series of cases. `era` moves all addresses, so that nothing is known of what went
    before."""

    def __init__(self, random, mode):
        self.random, self.mode, self.era = random, mode, 0
        self.kinds = {network: kind for network, kind in (("n1", 1), ("n2", 2), ("n3", 1))}
        self.fragments = 0

    def address(self, network, number, version):
        """n1 and n3, of two tenants, have the same addresses."""
        kind = self.kinds[network]
        if version == 4:
            return ipaddress.ip_address(f"10.{kind}.{self.era}.{number}")
        return ipaddress.ip_address(f"fd00:{kind}:{self.era:x}::{number:x}")

    def _ips(self, network, number, six):
        versions = (4, 6) if six else (4,)
        return [str(self.address(network, number, version)) for version in versions]

    def _chance(self, percent):
        return self.random.randrange(100) < percent

    def _prefix(self, version=None):
        """One whose edge lies among the hosts."""
        version = version or self.random.choice((4, 4, 6))
        address = self.address(self.random.choice(tuple(NETWORKS)), self.random.randrange(0, 9),
                               version)
        bits = address.max_prefixlen
        length = self.random.choice((0, 8, bits - 8, bits - 3, bits - 2, bits - 1, bits, bits))
        return str(ipaddress.ip_network((address, length), strict=False))

    def _group_id(self):
        return MISSING if self._chance(5) else self.random.choice(GROUPS)

    def _proto(self):
        return self.random.choice((0, 0, TCP, TCP, TCP, UDP, UDP, ICMP, ICMP6, SCTP, GRE, ESP))

    def _port(self):
        return self.random.choice(PORTS) if self._chance(60) else self.random.choice(RANGES)

    def _policy_rule(self, rule):
        choice = self.random.random
        rule.update(group=self._group_id(), direction=self.random.choice(("in", "out")))
        if rule["proto"] in WITH_PORTS and choice() < 0.6:
            rule["port"] = self._port()
        if choice() < 0.35:
            rule["remote"] = {"group": self._group_id()}
        elif choice() < 0.3:
            rule["remote"] = {"network": MISSING if self._chance(10)
                              else self.random.choice(tuple(NETWORKS))}
        elif choice() < 0.5:
            rule["remote"] = {"cidr": self._prefix()}

    def _group_ref(self):
        return self.random.choice((None, 0, self._group_id(), self._group_id(),
                                   self.random.randrange(1, 5)))

    def _leg_rule(self, rule):
        rule["leg"] = self.random.choice(LEGS)
        for side in ("src", "dst"):
            if self._chance(60):
                rule[side + "_group"] = self._group_ref()
            if self._chance(25):
                rule[side + "_ip"] = self._prefix(4)
            if rule["proto"] in WITH_PORTS and self._chance(35):
                rule[side + "_port"] = self._port()
        if rule["proto"] == TCP and self._chance(40):
            rule["tcp_flags"] = self.random.choice(FLAG_TEXTS)

    def _rule(self, number):
        priority = self.random.choice((1, 1, 50, 50, 51, 100))
        rule = {"id": f"r{number * 7 % 31}", "priority": priority,
                "action": self.random.choice(("allow", "deny")), "proto": self._proto()}
        if self._chance(50):
            self._policy_rule(rule)
        else:
            self._leg_rule(rule)
        return rule

    def _network(self, name):
        tenant, vlan = NETWORKS[name]
        network = {"id": name, "tenant": tenant, "vlan": vlan}
        for key, version, length in (("subnet", 4, 24), ("subnet6", 6, 64)):
            if self._chance(70):
                network[key] = str(ipaddress.ip_network(
                    (self.address(name, 0, version), length + self.random.choice((0, 0, 6))),
                    strict=False))
        return network

    def _member(self, name, network, number, six):
        member = {"id": name, "network": network, "mac": mac_of(network, number),
                  "ips": self._ips(network, number, six)}
        if self._chance(80):
            member["group"] = self._group_id()
        return member

    def state(self, ports):
        """A whole document for state.replace; `ports` are those of the endpoints."""
        groups = [{"id": name, "num": number % 4, "tenant": ("t1", "t2")[number // 5],
                   "default_action": self.random.choice(("allow", "deny"))}
                  for number, name in enumerate(GROUPS, 1) if self._chance(85)]
        count = self.random.randrange(RULES_MAX + 1) if self._chance(90) else 0
        return {
            "global": [{"policy_mode": self.mode,
                        "tcp_midstream": self.random.choice(("judge", "judge", "drop"))}],
            "network": [self._network(name) for name in NETWORKS],
            "group": groups,
            "endpoint": [{**self._member(name, *where), "port": ports[name],
                          "guard": {"dhcp_server": self._chance(30), "router": self._chance(30)}}
                         for name, where in ENDPOINTS.items()],
            "remote_endpoint": [self._member(name, *where) for name, where in REMOTES.items()
                                if self._chance(70)],
            "rule": [self._rule(number) for number in range(count)]}

    # Packets

    def _source(self, port):
        """(network, number, six) of who sends by that port."""
        if port != UPLINK:
            return ENDPOINTS[port]
        if self._chance(70):
            return self.random.choice(tuple(REMOTES.values()))
        return self.random.choice(tuple(NETWORKS)), self.random.randrange(9, 12), True

    def _far_network(self, network):
        """One behind a router; where connections count, with other addresses than here."""
        return self.random.choice([far for far in NETWORKS if self.mode == "contiv"
                                   or self.kinds[far] != self.kinds[network]])

    def _destination(self, network, own):
        """(MAC, network of the address, number): mostly another member; else behind a router, or
        nobody."""
        numbers = [number for at, number, _ in (*ENDPOINTS.values(), *REMOTES.values())
                   if at == network and (number != own or self._chance(10))]
        if not numbers or self._chance(6):
            return BROADCAST, network, 255
        if self._chance(12):
            far = self._far_network(network)
            return mac_of(network, 0xee), far, self.random.randrange(0, 9)
        number = self.random.choice(numbers) if self._chance(90) else 12
        # Now and then the address is another one's: of a connection it is to be clear whose.
        at = self.random.choice(numbers) if self.mode == "contiv" and self._chance(5) else number
        return mac_of(network, number), network, at

    def _flags(self):
        return frozenset(self.random.choice(((), ("syn",), ("syn",), ("syn", "ack"), ("ack",),
                                             ("ack",), ("ack",))))

    def packet(self, port=None, traced=False):
        """Any, by any port or that one; `traced`: one that policy.trace can describe."""
        port = port or self.random.choice((*ENDPOINTS, *ENDPOINTS, UPLINK, UPLINK))
        network, number, six = self._source(port)
        mac, far, other = self._destination(network, number)
        version = 6 if six and self._chance(35) else 4
        proto = self.random.choice((TCP, TCP, TCP, UDP, UDP, SCTP, ICMP, GRE, ESP))
        if proto == ICMP and version == 6:
            proto = ICMP6
        fields = {}
        if proto in WITH_PORTS:
            ports = DHCP_PORTS if proto == UDP and self._chance(15) else PORTS
            fields = {"sport": self.random.choice(ports), "dport": self.random.choice(ports)}
        if proto == TCP:
            fields["flags"] = self._flags()
            if not traced and self._chance(5):  # of a connection that nobody else uses
                fields.update(flags=frozenset(("rst",)), sport=7)
        if proto in ECHO_REQUEST:
            fields["icmp_type"] = ECHO_REQUEST[proto]
            self._icmp(proto, fields, traced)
        return Packet(port, network, NETWORKS[network][1] if port == UPLINK else 0,
                      mac_of(network, number), mac, self.address(network, number, version),
                      self.address(far, other, version), proto, **fields)

    def _icmp(self, proto, fields, traced):
        if not traced:
            fields["ident"] = self.random.choice((1, 2))
        if self._chance(50):
            fields["icmp_type"] = self.random.choice(
                (0, 8, 13, 14, 5, 9) if proto == ICMP else (128, 129, 130, 133, 134))

    def follow(self, p, port):
        """What comes of a packet that has arrived at `port`: an answer, an error about it, the
        same again."""
        vlan = NETWORKS[p.network][1] if port == UPLINK else 0
        choice = self.random.randrange(10)
        if p.dst_mac == BROADCAST or p.fragment or p.about or choice < 2:
            return p
        if choice < 4 and p.icmp_type in (0, *ECHO_REQUEST.values()):
            errors = (3, 11) if p.version == 4 else (1, 2)
            return p.turned(port, vlan=vlan, proto=ICMP if p.version == 4 else ICMP6, ident=0,
                            icmp_type=self.random.choice(errors), flags=frozenset(), about=p)
        fields = {}
        if p.proto == TCP:
            fields["flags"] = frozenset(("syn", "ack") if p.flags == {"syn"} else ("ack",))
        if p.icmp_type in ECHO_REQUEST.values():
            fields["icmp_type"] = 0 if p.proto == ICMP else 129
        return p.turned(port, vlan=vlan, **fields)

    def datagram(self, p):
        """Its first fragment and a later one; None: it has no fragments worth looking at."""
        if p.dst_mac == BROADCAST or p.proto in (ICMP, ICMP6) or p.about:
            return None
        self.fragments += 1
        fields = {"fragment_id": self.fragments & 0xffff}
        return (Packet(**{**p.__dict__, **fields, "fragment": "first"}),
                Packet(**{**p.__dict__, **fields, "fragment": "later"}))
