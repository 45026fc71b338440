# SPDX-License-Identifier: BSD-3-Clause
"""The switch as docs/policy.md describes it: where a packet goes, or why not."""
import ipaddress
from dataclasses import dataclass, field

from policymodel.packet import BROADCAST, ICMP, ICMP6, TCP, UDP, WITH_PORTS
from policymodel.rules import Rules

ERRORS = {ICMP: (3, 4, 11, 12), ICMP6: (1, 2, 3, 4)}
ASKS = {ICMP: (8, 13, 15, 17), ICMP6: (128,)}
ANSWERS = {ICMP: (0, 14, 16, 18), ICMP6: (129,)}
NEIGHBOUR_DISCOVERY = range(133, 138)
FROM_ROUTERS = {ICMP: (5, 9), ICMP6: (134, 137)}  # advertisements and redirects
FROM_QUERIERS = {ICMP6: (130,)}
DHCP_PORTS = {4: (67, 68), 6: (547, 546)}  # a server's and a client's
UPLINK = "up0"


@dataclass
class Verdict:
    outs: list = field(default_factory=list)  # ids of ports
    reasons: set = field(default_factory=set)  # of a drop; several where receivers differ
    rule: object = None  # the id of the one that decided
    counted: list = field(default_factory=list)  # ids of rules that judged it, once each time
    began: list = field(default_factory=list)  # and of those that let it begin a connection
    flood: bool = False
    ended: bool = False  # it ended a connection


@dataclass
class Connection:
    key: tuple
    state: int  # the model's, when it was judged
    rules: list


class Model:
    """One configuration after another; connections and fragments stay."""

    def __init__(self):
        self.connections, self.firsts = {}, {}
        self.serial = 0

    def configure(self, state):
        self.serial += 1
        settings = state["global"][0]
        self.contiv = settings["policy_mode"] == "contiv"
        self.drop_midstream = settings["tcp_midstream"] == "drop"
        self.groups = {group["id"]: group for group in state["group"]}
        self.tenants = {network["id"]: network["tenant"] for network in state["network"]}
        self.endpoints = {endpoint["id"]: endpoint for endpoint in state["endpoint"]}
        self.everybody = state["endpoint"] + state["remote_endpoint"]
        rules = Rules(state)
        self.flat = rules.flat()
        self.asked_out, self.asked_in = rules.strict()
        self.holders = {}
        for holder in self.everybody:
            for address in holder["ips"]:
                self.holders.setdefault(ipaddress.ip_address(address), []).append(holder)

    def _group(self, holder):
        """The id of its group if there is one of that id."""
        return holder.get("group") if holder.get("group") in self.groups else None

    def _receivers(self, p):
        """Ids of the ports it is for."""
        members = [e for e in self.endpoints.values()
                   if e["network"] == p.network and e["id"] != p.port]
        uplinks = [UPLINK] if p.port != UPLINK else []
        if p.dst_mac == BROADCAST:
            return [e["id"] for e in members] + uplinks
        return [e["id"] for e in members if e["mac"] == p.dst_mac] or uplinks

    @staticmethod
    def _role_drop(p, guard):
        """Speaks it as what the endpoint is not?"""
        if p.fragment == "later":
            return None
        server, client = DHCP_PORTS[p.version]
        if p.proto == UDP and (p.sport == server or p.dport == client) and not guard["dhcp_server"]:
            return "dhcp_guard"
        if p.icmp_type in FROM_ROUTERS.get(p.proto, ()) and not guard["router"]:
            return "ra_guard"
        if p.icmp_type in FROM_QUERIERS.get(p.proto, ()) and not guard["router"]:
            return "querier_guard"
        return None

    def judge(self, p, remember=True):
        """What becomes of it; `remember`: it is a real one, which connections come of."""
        own = self.endpoints.get(p.port)
        role = self._role_drop(p, own["guard"]) if own else None
        if role:
            return Verdict(reasons={role})
        if own and str(p.src) not in own["ips"]:
            return Verdict(reasons={"spoofed_ip"})
        if own and own["mac"] == p.dst_mac:
            return Verdict(reasons={"same_port"})
        receivers = self._receivers(p)
        if not receivers:
            return Verdict(reasons={"no_destination"})
        flood = p.dst_mac == BROADCAST
        if p.proto == ICMP6 and p.icmp_type in NEIGHBOUR_DISCOVERY and p.fragment != "later":
            verdict = Verdict(receivers)
        elif self.contiv:
            verdict = self._contiv(p, receivers)
        elif flood:
            verdict = self._flooded(p, receivers)
        else:
            verdict = self._strict(p, receivers[0], remember)
        verdict.flood = flood
        return verdict

    # The contiv mode

    def _group_of_address(self, network, address):
        """In the packet's network, else in that network's tenant: whoever has the address."""
        holders = self.holders.get(address, [])
        for holder in holders:
            if holder["network"] == network:
                return self._group(holder)
        for holder in holders:
            if self.tenants[holder["network"]] == self.tenants[network]:
                return self._group(holder)
        return None

    def _contiv(self, p, receivers):
        if p.port == UPLINK or p.version != 4:
            return Verdict(receivers)
        src_group = self._group(self.endpoints[p.port])
        dst_group = self._group_of_address(p.network, p.dst)
        has_header = p.fragment != "later"
        ports = (p.sport, p.dport) if has_header and p.proto in WITH_PORTS else (0, 0)
        flags = p.flags if has_header else frozenset()
        for leg in self.flat:
            if leg.matches(src_group, dst_group, p.src, p.dst, p.proto, *ports, flags):
                rule = leg.rule["id"]
                if leg.rule["action"] == "deny":
                    return Verdict([], {"rule_deny"}, rule, [rule])
                return Verdict(receivers, set(), rule, [rule])
        return Verdict(receivers)

    # The strict mode

    def _end(self, port, network, address):
        """(judged, group) of one side."""
        if port != UPLINK:
            group = self._group(self.endpoints[port])
            return group is not None, group
        for holder in self.holders.get(address, []):
            if holder["network"] == network and holder["id"] not in self.endpoints:
                return False, self._group(holder)
        return False, None

    def _ask(self, ends, src, dst, proto, sport, dport):
        """May this connection begin? A Verdict without outs: both sides are asked, the first that
        refuses decides."""
        verdict = Verdict()
        for side, legs in ((0, self.asked_out), (1, self.asked_in)):
            judged, group = ends[side]
            if not judged:
                continue
            action, rule = self.groups[group].get("default_action", "allow"), None
            reason = "default_deny"
            for leg in legs:
                if leg.matches(ends[0][1], ends[1][1], src, dst, proto, sport, dport, ()):
                    action, rule, reason = leg.rule["action"], leg.rule["id"], "rule_deny"
                    break
            if rule is not None:
                verdict.counted.append(rule)
            if action == "deny":
                verdict.reasons, verdict.rule = {reason}, rule
                return verdict
            verdict.rule = rule or verdict.rule
        return verdict

    @staticmethod
    def _key(p):
        if p.proto in WITH_PORTS:
            return p.network, p.proto, p.src, p.sport, p.dst, p.dport
        ident = p.ident if p.proto in (ICMP, ICMP6) else 0
        return p.network, p.proto, p.src, ident, p.dst, ident

    @staticmethod
    def _back(key):
        network, proto, src, sport, dst, dport = key
        return network, proto, dst, dport, src, sport

    def _flooded(self, p, receivers):
        """Each receiver for itself; no connection begins."""
        total = Verdict()
        for port in receivers:
            ends = (self._end(p.port, p.network, p.src), self._end(port, p.network, p.dst))
            asked = self._ask(ends, p.src, p.dst, p.proto, p.sport, p.dport)
            total.counted += asked.counted
            if asked.reasons:
                total.reasons |= asked.reasons
            else:
                total.outs.append(port)
        if total.outs:
            total.reasons = set()
        return total

    def _strict(self, p, receiver, remember):
        ends = (self._end(p.port, p.network, p.src), self._end(receiver, p.network, p.dst))
        if not ends[0][0] and not ends[1][0]:
            return Verdict([receiver])
        if p.fragment == "later":
            verdict, judged_in = self.firsts.get(
                self._datagram(p), (Verdict(reasons={"fragment_unknown"}), None))
            return Verdict([] if verdict.reasons else [receiver], verdict.reasons, None,
                           verdict.counted if judged_in == self.serial else [])
        verdict = self._connection(p, ends, remember)
        if not verdict.reasons:
            verdict.outs = [receiver]
        if p.fragment == "first" and remember:
            self.firsts[self._datagram(p)] = verdict, self.serial
        return verdict

    @staticmethod
    def _datagram(p):
        return p.port, p.src, p.dst, p.fragment_id, p.proto if p.version == 4 else None

    def _by_itself(self, p, ends):
        return self._ask(ends, p.src, p.dst, p.proto, p.sport, p.dport)

    def _known(self, key):
        """The connection with that key in either direction, and whether the other one."""
        if key in self.connections:
            return self.connections[key], False
        return self.connections.get(self._back(key)), self._back(key) in self.connections

    def _connection(self, p, ends, remember):
        key = self._key(p)
        if p.icmp_type in ERRORS.get(p.proto, ()):
            return self._error(p, ends)
        connection, reply = self._known(key)
        if p.proto in (ICMP, ICMP6):
            asks, answers = p.icmp_type in ASKS[p.proto], p.icmp_type in ANSWERS[p.proto]
            if not (asks and not reply) and not (answers and connection):
                return self._by_itself(p, ends)
        if connection is None:
            return self._first(p, key, ends, remember)
        if connection.state == self.serial:
            rule = (connection.rules or [None])[-1]
            return Verdict(rule=None if reply else rule, counted=[] if reply else connection.rules)
        return self._again(connection, ends[::-1] if reply else ends, reply, remember)

    def _error(self, p, ends):
        """It passes when it is about a packet of a connection that stands, and goes to who sent
        that."""
        about, _ = self._known(self._key(p.about)) if p.about else (None, False)
        if about and about.state == self.serial and p.about.src == p.dst:
            return Verdict()
        return self._by_itself(p, ends)

    def _first(self, p, key, ends, remember):
        if p.proto == TCP and self.drop_midstream and not (
                "syn" in p.flags and "ack" not in p.flags):
            return Verdict(reasons={"tcp_midstream"})
        verdict = self._by_itself(p, ends)
        if not verdict.reasons and not (p.proto == TCP and "rst" in p.flags) and remember:
            self.connections[key] = Connection(key, self.serial, verdict.counted)
            verdict.began = verdict.counted
        return verdict

    def _again(self, connection, ends, reply, remember):
        """The configuration has changed: judged anew, in its original direction; a deny ends it."""
        _, proto, src, sport, dst, dport = connection.key
        ports = (sport, dport) if proto in WITH_PORTS else (0, 0)
        verdict = self._ask(ends, src, dst, proto, *ports)
        if remember:
            if verdict.reasons:
                verdict.ended = True
                del self.connections[connection.key]
            else:
                connection.state, connection.rules = self.serial, verdict.counted
        if reply:
            verdict.counted = []
        return verdict
