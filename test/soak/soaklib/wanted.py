# SPDX-License-Identifier: BSD-3-Clause
"""What a client wants and has been promised: a model of the state, and random changes of it."""
import copy

NETWORKS, GROUPS, RULES = 6, 4, 30
TAPS = 3


class Wanted:
    """The objects of a switch as `state.get` gives them, by type and id, and the revision."""

    def __init__(self, objects, rev):
        self.objects = {kind: {item["id"]: item for item in items}
                        for kind, items in objects.items() if kind != "global"}
        self.rev = rev

    @classmethod
    def of(cls, switch):
        """What the switch has now."""
        answer = switch.call("state.get")
        return cls(answer["objects"], answer["rev"])

    def __eq__(self, other):
        return self.rev == other.rev and self.objects == other.objects

    def after(self, ops):
        """The state when these operations have been done; itself when they change nothing."""
        then = copy.deepcopy(self)
        for op in ops:
            kind, verb = op["method"].split(".")
            if verb == "delete":
                then.objects[kind].pop(op["params"]["id"], None)
            else:
                then.objects[kind][op["params"]["id"]] = op["params"]
        if then.objects != self.objects:
            then.rev += 1
        return then

    def taps(self):
        """The ids of endpoints; each is a TAP named as it."""
        return set(self.objects["endpoint"])

    def differences(self, other):
        """In words, for a report."""
        lines = [f"revision {self.rev} and {other.rev}"]
        for kind, items in self.objects.items():
            for name in sorted(set(items) | set(other.objects[kind])):
                ours, theirs = items.get(name), other.objects[kind].get(name)
                if ours != theirs:
                    lines.append(f"{kind} {name}: {ours} and {theirs}")
        return "; ".join(lines)


class Changes:
    """Random changes, each a list of operations that the switch is to accept. Every field is given,
    as the switch itself writes it, so that the outcome is known without asking."""

    def __init__(self, switch, namespace, random):
        self.random, self.namespace = random, namespace
        self.templates = self._learn(switch)

    def _learn(self, switch):
        """How the switch writes a whole object of each kind, by making one."""
        port = {"kind": "tap", "netns": self.namespace.path, "name": "template"}
        for method, params in (
                ("network.upsert", {"id": "template", "vlan": 4000}),
                ("group.upsert", {"id": "template", "qos": {"tx_kbps": 1000}}),
                ("rule.upsert", {"id": "template", "group": "g0", "direction": "in",
                                 "action": "allow", "proto": "tcp", "port": 80,
                                 "remote": {"cidr": "10.0.0.0/8"}}),
                ("endpoint.upsert", {"id": "template", "network": "template",
                                     "ips": ["10.9.0.1"], "port": port})):
            switch.call(method, params)
        found = Wanted.of(switch)
        for kind in ("endpoint", "rule", "group", "network"):
            switch.call(kind + ".delete", id="template")
        return {kind: items["template"] for kind, items in found.objects.items() if items}

    def _put(self, kind, name, **fields):
        params = copy.deepcopy(self.templates[kind])
        params.update(fields, id=name)
        return {"method": kind + ".upsert", "params": params}

    def _network(self, number):
        return self._put("network", f"n{number}", vlan=100 + number,
                         mtu=self.random.choice([1400, 1500]))

    def _group(self):
        return self._put("group", f"g{self.random.randrange(GROUPS)}",
                         default_action=self.random.choice(["allow", "deny"]))

    def _rule(self, name):
        return self._put("rule", name, group=f"g{self.random.randrange(GROUPS)}",
                         priority=self.random.randint(1, 100),
                         labels={"padding": "x" * self.random.randrange(200)})

    def _tap(self, number):
        name = f"tap{number}"
        return [self._network(0),
                self._put("endpoint", name, network="n0", mac=f"02:00:00:00:01:{number:02x}",
                          ips=[f"10.9.1.{number}"],
                          port={"kind": "tap", "netns": self.namespace.path, "name": name})]

    @staticmethod
    def _delete(kind, name):
        return {"method": kind + ".delete", "params": {"id": name}}

    def next(self):
        """One change."""
        random = self.random
        what = random.randrange(8)
        if what == 0:
            return [self._network(random.randrange(1, NETWORKS))]
        if what == 1:
            return [self._delete("network", f"n{random.randrange(1, NETWORKS)}")]
        if what == 2:
            return [self._group()]
        if what == 3:
            return self._tap(random.randrange(TAPS))
        if what == 4:
            return [self._delete("endpoint", f"tap{random.randrange(TAPS)}")]
        if what == 5:
            return [self._delete("rule", f"r{random.randrange(RULES)}")]
        numbers = random.sample(range(RULES), 1 if what == 6 else 12)
        return [self._rule(f"r{number}") for number in numbers]
