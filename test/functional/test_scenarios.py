# SPDX-License-Identifier: BSD-3-Clause
"""The scenarios Contiv accepts its policy by, with nc and ping between containers: in both modes,
rules in both forms."""
import itertools

import pytest

from leatlib.traffic import TcpFlow

PORTS = (8000, 8001)
CONNECT_SECONDS = 1  # a SYN that is dropped gets no answer
NUMBERS = {"server": 1, "client": 2, "third": 3}


class Site:
    """Three containers in groups of their own; the server listens."""

    def __init__(self, net, mode, form):
        self.net, self.form = net, form
        net.network(subnet="10.1.0.0/16")
        net.network("elsewhere", vlan=200, subnet="10.77.0.0/16")
        net.call("global.set", policy_mode=mode)
        for group, number in NUMBERS.items():
            net.call("group.upsert", id=group, num=number)
            setattr(self, group, net.tap(group, group=group))
        for host in (self.server, self.client):
            self.listen(host)

    def listen(self, host):
        for port in PORTS:
            listener = host.ns.start(["nc", "-n", "-v", "-l", "-k", host.ip, str(port)])
            listener.expect("Listening", 10)

    def rule(self, name, **rule):
        """A rule in this site's form."""
        rules = [{"id": name, **rule}] if self.form == "policy" else list(legs(name, **rule))
        self.net.call("txn.apply", ops=[{"method": "rule.upsert", "params": one}
                                        for one in rules])

    def drop_rule(self, name):
        for one in self.net.call("rule.list")["items"]:
            if one["id"].split(":")[0] == name:
                self.net.call("rule.delete", id=one["id"])


def legs(name, group, direction, action, priority=1, proto=0, port=None, remote=None):
    """As Contiv's master makes them of a rule: one towards the connection's other end, and with a
    port one back."""
    subnets = {"net": "10.1.0.0/16", "elsewhere": "10.77.0.0/16"}
    own, other = ("dst", "src") if direction == "in" else ("src", "dst")
    leg = {"priority": priority, "action": action, "proto": proto, own + "_group": NUMBERS[group],
           other + "_group": NUMBERS.get((remote or {}).get("group"), 0)}
    address = (remote or {}).get("cidr") or subnets.get((remote or {}).get("network"))
    if address:
        leg[other + "_ip"] = address
    if port:
        leg["dst_port"] = port
    elif proto == "tcp":
        leg["tcp_flags"] = "syn,!ack"
    first, second = ("inRx", "inTx") if direction == "in" else ("outTx", "outRx")
    yield {"id": f"{name}:{first}", "leg": first, **leg}
    if port:
        swap = {"src": "dst", "dst": "src"}
        yield {"id": f"{name}:{second}", "leg": second,
               **{swap.get(key[:3], key[:3]) + key[3:]: value for key, value in leg.items()}}


@pytest.fixture(params=itertools.product(("strict", "contiv"), ("policy", "legs")),
                ids="-".join)
def site(net, request):
    return Site(net, *request.param)


def connects(client, server, port):
    done = client.ns.run(["nc", "-n", "-z", "-w", CONNECT_SECONDS, server.ip, port], check=False)
    return done.returncode == 0


def pings(client, server):
    done = client.ns.run(["ping", "-n", "-c", 1, "-W", CONNECT_SECONDS, server.ip], check=False)
    return done.returncode == 0


def test_deny_all_and_allow_one(site):
    assert connects(site.client, site.server, 8000) and connects(site.client, site.server, 8001)
    site.rule("all", group="server", direction="in", action="deny", proto="tcp")
    assert not connects(site.client, site.server, 8000)
    site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=8000,
              priority=100)
    assert connects(site.client, site.server, 8000)
    assert not connects(site.client, site.server, 8001)
    assert connects(site.server, site.client, 8001)  # what it begins itself
    site.drop_rule("one")
    site.drop_rule("all")
    assert connects(site.client, site.server, 8001)


def test_from_group(site):
    site.rule("all", group="server", direction="in", action="deny", proto="tcp")
    site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=8000,
              priority=100, remote={"group": "client"})
    assert connects(site.client, site.server, 8000)
    assert not connects(site.third, site.server, 8000)


def test_from_network(site):
    site.rule("all", group="server", direction="in", action="deny", proto="tcp")
    for network, wanted in (("net", True), ("elsewhere", False)):
        site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=8000,
                  priority=100, remote={"network": network})
        assert connects(site.client, site.server, 8000) == wanted


def test_from_address(site):
    site.rule("all", group="server", direction="in", action="deny", proto="tcp")
    site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=8000,
              priority=100, remote={"cidr": f"{site.client.ip}/32"})
    assert connects(site.client, site.server, 8000)
    assert not connects(site.third, site.server, 8000)


def test_priority_overrides(site):
    site.rule("low", group="server", direction="in", action="deny", proto="tcp", port=8000,
              priority=10)
    site.rule("high", group="server", direction="in", action="allow", proto="tcp", port=8000,
              priority=11)
    assert connects(site.client, site.server, 8000)
    site.rule("low", group="server", direction="in", action="deny", proto="tcp", port=8000,
              priority=12)
    assert not connects(site.client, site.server, 8000)


def test_out_direction(site):
    site.rule("all", group="client", direction="out", action="deny", proto="tcp")
    site.rule("one", group="client", direction="out", action="allow", proto="tcp", port=8000,
              priority=100, remote={"group": "server"})
    assert connects(site.client, site.server, 8000)
    assert not connects(site.client, site.server, 8001)
    assert connects(site.server, site.client, 8001)


def test_icmp(site):
    assert pings(site.client, site.server)
    site.rule("all", group="server", direction="in", action="deny", proto="icmp")
    assert not pings(site.client, site.server)
    assert connects(site.client, site.server, 8000)
    site.rule("one", group="server", direction="in", action="allow", proto="icmp", priority=100,
              remote={"group": "client"})
    assert pings(site.client, site.server) and not pings(site.third, site.server)


@pytest.mark.parametrize("mode", ["strict", "contiv"])
def test_where_the_modes_differ(net, mode):
    site, strict = Site(net, mode, "policy"), mode == "strict"
    # Replies to what the group began itself.
    site.rule("all", group="server", direction="in", action="deny")
    assert pings(site.server, site.client) == strict
    # One table: another group's rule of higher priority.
    site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=8000,
              priority=100)
    site.rule("out", group="client", direction="out", action="deny", priority=10)
    site.rule("back", group="server", direction="out", action="allow", priority=100)
    assert connects(site.client, site.server, 8000) == (not strict)


def test_mode_changes_under_a_connection(net):
    """What both modes allow goes on through every change."""
    site = Site(net, "strict", "policy")
    site.rule("all", group="server", direction="in", action="deny", proto="tcp")
    site.rule("one", group="server", direction="in", action="allow", proto="tcp", port=7100,
              priority=100)
    flow = TcpFlow(site.client, site.server)
    for mode in 10 * ("contiv", "strict"):
        net.call("global.set", policy_mode=mode)
        flow.wait_more(20)
        assert not net.drops(), mode
    flow.stop()
