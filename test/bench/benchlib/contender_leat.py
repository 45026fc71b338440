# SPDX-License-Identifier: BSD-3-Clause
"""leatd with everything on."""
from benchlib import policy, rig
from benchlib.contender import KBPS, MACS, Contender

GROUP = "bench"


class Leat(Contender):
    """leatd with everything on: VLAN network, uplink, strict policy with a thousand rules, spoof
    guard, token buckets both ways on both endpoints."""
    takes_ports = True

    def __init__(self):
        super().__init__()
        self._start()

    def _start(self):
        self.net, self.idle = rig.switch(rig.MEMORY_MILLION_MB), []
        try:
            self.net.uplink()
            self.net.call("txn.apply", ops=[
                {"method": "group.upsert", "params": {"id": GROUP, "default_action": "allow"}},
                *[{"method": "rule.upsert", "params": params} for params in leat_rules()]])
            hosts = [self._endpoint(name) for name in ("a", "b")]
            assert [host.mac for host in hosts] == list(MACS), "the generator's MAC addresses"
            self.sockets = [host.socket for host in hosts]
        except BaseException:
            self.close()
            raise
        self.stop()

    def renew(self):
        """Start again, without the connections of an earlier workload."""
        self.net.close()
        self._start()

    def _endpoint(self, name):
        return self.net.vhost(name, group=GROUP, qos={"tx_kbps": KBPS, "rx_kbps": KBPS})

    def pids(self):
        return [self.net.pid]

    def ports(self, number):
        """Have so many ports besides the two."""
        with self.running():
            while len(self.idle) > number:
                self.net.call("endpoint.delete", id=f"idle{len(self.idle) - 1}")
                self.idle.pop()
            while len(self.idle) < number:
                self.idle.append(self._endpoint(f"idle{len(self.idle)}").socket)

    def close(self):
        self.net.close()
        super().close()


def leat_rules(count=policy.RULES, seed=policy.SEED):
    """policy.rules() as the parameters of rule.upsert; the same ids whatever the seed."""
    for number, rule in enumerate(policy.rules(count, seed)):
        low, high = rule["ports"]
        yield {"id": f"r{number}", "group": GROUP, "priority": 50, "action": rule["action"],
               "direction": rule["direction"], "proto": rule["proto"],
               "port": low if low == high else f"{low}-{high}", "remote": {"cidr": rule["cidr"]}}
